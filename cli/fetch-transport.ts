import type { ApiResponse, Transport } from './api-client.ts';
import { CommandError, EXIT } from './exit-code.ts';

/** To an instance at a URL, such as http://127.0.0.1:4070. */
export function fetchTransport(origin: string): Transport {
  return {
    async send({ method, path, headers, body, signal }): Promise<ApiResponse> {
      try {
        const response = await fetch(new URL(path, origin), {
          method,
          headers: { ...headers },
          redirect: 'error',
          ...(body !== undefined && { body }),
          ...(signal && { signal }),
        });
        return {
          status: response.status,
          headers: Object.fromEntries(response.headers),
          body: response.body ?? noBody(),
        };
      } catch (error) {
        if (signal?.aborted) throw error;
        const message = `nothing answers at ${origin}: is it running (vedette run), and is that its address?`;
        throw new CommandError(EXIT.unreachable, message, { cause: error });
      }
    },
    close: async () => undefined,
  };
}

async function* noBody(): AsyncGenerator<Uint8Array> {
  // An answer without a body.
}
