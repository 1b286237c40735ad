import type { ApiClient } from './api-client.ts';
import type { Output } from './output.ts';

/** What a command that talks to an instance is given. */
export interface CommandContext {
  /** Reaches the instance that the options name (all of them, the program's own too); the command closes it. */
  readonly connect: (options: Readonly<Record<string, unknown>>) => Promise<ApiClient>;
  readonly output: Output;
  /** Standard error: what isn't the result. */
  readonly notices: Output;
  readonly input: AsyncIterable<Uint8Array | string>;
  /** Aborted when the person wants it to end. */
  readonly signal: AbortSignal;
}

/** Runs `work` with a client, and closes that whatever comes. */
export async function withClient(
  context: CommandContext,
  options: Readonly<Record<string, unknown>>,
  work: (client: ApiClient) => Promise<void>,
): Promise<void> {
  const client = await context.connect(options);
  try {
    await work(client);
  } finally {
    await client.close();
  }
}
