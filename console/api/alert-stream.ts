import { Readable } from 'node:stream';
import type { Alert } from '../../alerts/alert.ts';
import type { Backend } from '../backend.ts';
import type { Presenter } from '../presentation.ts';
import { Problem } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { isSelected, selectionOf, streamQuery } from './alert-filter.ts';
import { originOf } from '../origin.ts';
import { presentAlert } from './alert-json.ts';

const RETRY_MS = 2000;

export interface AlertStreamOptions {
  readonly heartbeatMs: number;
  readonly maxStreams: number;
  /** A change that could not be read for the stream. */
  readonly onError: (error: unknown) => void;
}

/** Open streams of changed alerts, ended when the server stops. */
export class AlertStreams {
  readonly #backend: Backend;
  readonly #options: AlertStreamOptions;
  /** One function a stream, which ends it. */
  readonly #ends = new Set<() => void>();

  constructor(backend: Backend, options: AlertStreamOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  /**
   * Server-sent events (the WHATWG HTML standard, 9.2). What a slow client has not taken yet is remembered by uid alone:
   * it gets the newest state of each, and memory stays bounded.
   */
  open(render: (alert: Alert) => string | undefined): Readable {
    if (this.#ends.size >= this.#options.maxStreams) {
      throw new Problem(503, 'too many streams are open: close one', { headers: { 'retry-after': '10' } });
    }
    const pending = new Set<string>();
    let isReading = false;
    let canPush = true;
    let isStopped = false;

    const push = (text: string) => {
      if (!isStopped) canPush = stream.push(text);
    };
    const drain = async () => {
      if (isReading) return;
      isReading = true;
      for (const uid of pending) {
        if (!canPush || isStopped) break;
        pending.delete(uid);
        const alert = await this.#backend.alerts.get(uid);
        const text = alert && render(alert);
        if (text !== undefined) push(text);
      }
      isReading = false;
    };
    const startDraining = () => {
      void drain().catch((error: unknown) => {
        isReading = false;
        this.#options.onError(error);
      });
    };
    const stream = new Readable({
      read: () => {
        canPush = true;
        if (pending.size > 0) startDraining();
      },
      destroy: (error, done) => {
        stop();
        done(error);
      },
    });
    const unsubscribe = this.#backend.onAlertChange((uid) => {
      pending.add(uid);
      startDraining();
    });
    const heartbeat = setInterval(() => {
      if (canPush) push(': still here\n\n');
    }, this.#options.heartbeatMs);
    const stop = () => {
      clearInterval(heartbeat);
      unsubscribe();
      this.#ends.delete(end);
      isStopped = true;
    };
    const end = () => {
      stop();
      stream.push(null);
    };
    this.#ends.add(end);
    push(`retry: ${RETRY_MS}\n: open\n\n`);
    return stream;
  }

  close(): void {
    for (const end of this.#ends) end();
  }
}

export function alertStreamRoutes(backend: Backend, presenter: Presenter, streams: AlertStreams): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/alerts/stream',
      operationId: 'streamAlerts',
      summary: 'Alerts as they appear and change, as server-sent events',
      description:
        'Event `alert`, its data an item as in the listing. `Last-Event-ID` is accepted and not needed: list the alerts after connecting to see what went by before.',
      tag: 'alerts',
      query: streamQuery,
      isEndless: true,
      responses: { 200: { description: 'A stream that stays open', contentType: 'text/event-stream' } },
      problems: [503],
      handle: async ({ query }, request, reply) => {
        const selection = selectionOf(query, backend.now());
        const origin = originOf(request);
        // The connection ends with the stream, so that a server that stops doesn't wait for it.
        void reply.headers({ 'content-type': 'text/event-stream; charset=utf-8', connection: 'close' });
        return streams.open((alert) => {
          if (!isSelected(alert, selection)) return undefined;
          const { episode, triage } = alert;
          const data = JSON.stringify(presentAlert(alert, presenter, { format: query.format, origin }));
          return `id: ${episode.uid}-${episode.revision}-${triage.version}\nevent: alert\ndata: ${data}\n\n`;
        });
      },
    }),
  ];
}
