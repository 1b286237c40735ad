import { optionalText, type Row, textAt } from '../../cassandra/row.ts';
import type { CassandraSession } from '../../cassandra/session.ts';
import { VedetteError } from '../../model/errors.ts';
import type { Alert, Episode, Triage } from '../alert.ts';

/** Of an alert that nobody has touched; only others have a row. */
export const NEW_TRIAGE: Triage = { version: 1, status: 'new', verdict: 'unknown', comments: [] };

/** Longer ones are no uids, and would be refused as keys. */
const MOST_UID_LETTERS = 200;
/** Changes without a version that lose against others before it is told. */
const MOST_TRIES = 20;

/**
 * Episodes and triage by uid. An episode is written plainly, with its revision as timestamp: the highest stays,
 * whatever the order of arrival. Triage is changed by compare-and-set alone.
 */
export class AlertRows {
  private readonly session: CassandraSession;
  private readonly alerts: string;
  private readonly triages: string;

  constructor(session: CassandraSession) {
    this.session = session;
    this.alerts = `${session.keyspace}.alerts`;
    this.triages = `${session.keyspace}.alert_triage`;
  }

  async episode(uid: string): Promise<Episode | undefined> {
    if (uid === '' || uid.length > MOST_UID_LETTERS) return undefined;
    const row = await this.session.one(`SELECT body FROM ${this.alerts} WHERE uid = ?`, [uid]);
    return row && (JSON.parse(textAt(row, 'body')) as Episode);
  }

  async alert(uid: string): Promise<Alert | undefined> {
    const episode = await this.episode(uid);
    if (!episode) return undefined;
    const row = await this.session.one(`SELECT body FROM ${this.triages} WHERE uid = ?`, [uid]);
    return { episode, triage: triageOf(row) };
  }

  async put(episode: Episode): Promise<void> {
    const { uid, revision } = episode;
    await this.session.write(`INSERT INTO ${this.alerts} (uid, revision, body) VALUES (?, ?, ?) USING TIMESTAMP ?`, [
      uid,
      BigInt(revision),
      JSON.stringify(episode),
      BigInt(revision),
    ]);
  }

  async triage(uid: string, version: number | undefined, change: (triage: Triage) => Triage): Promise<Alert> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const episode = await this.episode(uid);
      if (!episode) throw new VedetteError('NOT_FOUND', `no alert ${JSON.stringify(uid.slice(0, MOST_UID_LETTERS))}`);
      const row = await this.session.serialOne(this.readBack(uid));
      const before = triageOf(row);
      if (version !== undefined && version !== before.version) throw conflict(uid, before.version, version);
      const after: Triage = { ...change(before), version: before.version + 1 };
      const stored = await this.session.change({
        query: row
          ? `UPDATE ${this.triages} SET version = ?, attempt = ?, body = ? WHERE uid = ? IF version = ?`
          : `INSERT INTO ${this.triages} (version, attempt, body, uid) VALUES (?, ?, ?, ?) IF NOT EXISTS`,
        parameters: (attempt) => [
          ...[BigInt(after.version), attempt, JSON.stringify(after), uid],
          ...(row ? [BigInt(before.version)] : []),
        ],
        readBack: this.readBack(uid),
      });
      if (stored.isApplied) return { episode, triage: after };
      if (version !== undefined) throw conflict(uid, triageOf(stored.row).version, version);
    }
    throw new VedetteError('CONFLICT', `alert ${uid} is being changed by others all the time`);
  }

  private readBack(uid: string) {
    return { query: `SELECT version, attempt, body FROM ${this.triages} WHERE uid = ?`, parameters: [uid] };
  }
}

function triageOf(row: Row | undefined): Triage {
  const body = row && optionalText(row, 'body');
  return body === undefined ? NEW_TRIAGE : (JSON.parse(body) as Triage);
}

function conflict(uid: string, stored: number, version: number): VedetteError {
  return new VedetteError('CONFLICT', `alert ${uid} is at version ${stored}, not ${version}`);
}
