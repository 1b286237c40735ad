import { EventEmitter } from 'node:events';
import type { PGlite } from '@electric-sql/pglite';

interface Rows {
  readonly rows: unknown[];
  readonly rowCount: number;
}

type Query = (text: string, parameters?: readonly unknown[]) => Promise<Rows>;

/** What BullMQ takes for a client of `pg`: it hears what the session is notified of. */
interface PoolClient extends EventEmitter {
  query: Query;
  release(): void;
}

/** As much of `pg.Pool` as BullMQ calls. */
export interface SessionPool extends EventEmitter {
  /** A session in this process has no connection that could die unseen: BullMQ need not ask again in between. */
  readonly options: { readonly keepAlive: true };
  query: Query;
  connect(): Promise<PoolClient>;
  end(): Promise<void>;
}

/**
 * PGlite has one session: every client of this pool is that session. BullMQ's commands are single statements (functions
 * of its schema), so that nothing of one client can come into a transaction of another.
 */
export function sessionPool(db: PGlite): SessionPool {
  const clients = new Set<EventEmitter>();
  db.onNotification((channel, payload) => {
    for (const client of clients) client.emit('notification', { channel, payload, processId: 0 });
  });
  const query: Query = async (text, parameters) => {
    if (parameters !== undefined && parameters.length > 0) {
      const { rows, affectedRows } = await db.query(text, [...parameters]);
      return { rows, rowCount: affectedRows ?? rows.length };
    }
    // Without parameters there may be several statements: a migration.
    const last = (await db.exec(text)).at(-1);
    return { rows: last?.rows ?? [], rowCount: last?.affectedRows ?? 0 };
  };
  return Object.assign(new EventEmitter(), {
    options: { keepAlive: true as const },
    query,
    connect: async () => {
      const client = new EventEmitter();
      client.setMaxListeners(0);
      clients.add(client);
      const release = (): void => {
        client.removeAllListeners();
        clients.delete(client);
      };
      return Object.assign(client, { query, release });
    },
    end: async () => undefined,
  });
}
