import type { Readable } from 'node:stream';
import type { ApiResponse, Transport } from './api-client.ts';

/** The part of Fastify that takes a request without a network. */
export interface Injectable {
  inject(request: {
    method: 'GET' | 'POST';
    url: string;
    headers: Record<string, string>;
    payload?: string;
    payloadAsStream: true;
  }): Promise<{ statusCode: number; headers: object; stream(): Readable }>;
  close(): PromiseLike<unknown>;
}

/** To a server in this process, for data that no instance serves just now. */
export function injectTransport(server: Injectable): Transport {
  return {
    async send({ method, path, headers, body, signal }): Promise<ApiResponse> {
      const response = await server.inject({
        method,
        url: path,
        headers: { ...headers },
        ...(body !== undefined && { payload: body }),
        payloadAsStream: true,
      });
      const stream = response.stream();
      signal?.addEventListener('abort', () => stream.destroy());
      return {
        status: response.statusCode,
        headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
        body: stream,
      };
    },
    close: async () => {
      await server.close();
    },
  };
}
