import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type AlertItem, alertItemSchema } from '../console/api/alert-json.ts';
import type { ApiClient } from './api-client.ts';
import { CommandError, EXIT } from './exit-code.ts';
import { readServerEvents } from './server-events.ts';

const RETRY_MS = 2000;

export interface FollowOptions {
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onConnected: () => Promise<void>;
  /** Nobody reads the output any more. */
  readonly isOver: () => boolean;
  readonly onLost: (error: unknown) => Promise<void>;
}

/**
 * Calls `take` with each alert that is new or changes, until the signal. A connection that breaks is made again; what
 * changed meanwhile comes through `onConnected`, which is called whenever the stream stands.
 */
export async function followAlerts(
  client: ApiClient,
  options: FollowOptions,
  take: (item: AlertItem) => Promise<void>,
): Promise<void> {
  const { signal } = options;
  let isFirst = true;
  while (!signal.aborted && !options.isOver()) {
    try {
      const response = await client.request('GET', '/api/v1/alerts/stream', { query: options.query, signal });
      isFirst = false;
      await options.onConnected();
      for await (const { event, data } of readServerEvents(response.body)) {
        if (event === 'alert') await take(alertItemSchema.parse(JSON.parse(data)));
        if (signal.aborted || options.isOver()) return;
      }
      await options.onLost(undefined);
    } catch (error) {
      if (signal.aborted) return;
      const isOutage = isConnectionError(error);
      if (isFirst || !isOutage) throw error;
      await options.onLost(error);
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Refused answers and wrong data stay wrong; a connection may come back. */
function isConnectionError(error: unknown): boolean {
  if (error instanceof CommandError) return error.exitCode === EXIT.unreachable;
  return !(error instanceof z.ZodError) && !(error instanceof SyntaxError);
}
