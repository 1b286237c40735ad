import type { EventLog } from '../log/event-log.ts';
import type { AlertChange } from '../model/alert-change.ts';
import { inLanes } from '../model/lanes.ts';
import type { Alert, AlertStore, Episode, Triage } from './alert.ts';
import type { DetectorLookup } from './detector-info.ts';
import { PANE_MS } from './episode.ts';
import { alertTitle } from './explain.ts';
import { activitiesBetween, toOcsf, type Activity } from './ocsf.ts';
import { severityRank } from './severity.ts';
import type { Webhook } from './webhook.ts';

export interface PublisherOptions {
  readonly store: AlertStore;
  readonly log: EventLog;
  /** Topic of the changes, for the store's history and for whoever else reads the log. */
  readonly topic: string;
  /** Topic of the same as plain OCSF findings, one JSON a record, where others read the log. */
  readonly findingsTopic?: string;
  readonly webhooks: readonly Webhook[];
  readonly detectors: DetectorLookup;
  readonly productVersion: string;
}

type Change = AlertChange & { readonly finding: ReturnType<typeof toOcsf> };

/** Alerts that are looked up at a time. */
const LANES = 32;

/** A new alert's triage, before anybody has looked at it. */
const UNTOUCHED: Triage = { version: 1, status: 'new', verdict: 'unknown', comments: [] };

/**
 * Where episodes become alerts: notifies, writes the change to the log, stores, and tells who listens, in this order,
 * so that a crash in between repeats a notification (with the same id) rather than losing it.
 */
export class AlertPublisher {
  private readonly options: PublisherOptions;
  private readonly listeners = new Set<(uid: string) => void>();

  constructor(options: PublisherOptions) {
    this.options = options;
  }

  /** Resolves once everything is durable. Episodes that are stored already, as after a crash, change nothing. */
  async publish(episodes: readonly Episode[]): Promise<void> {
    const { store, webhooks } = this.options;
    const changes: Change[] = [];
    const known = await inLanes(episodes, LANES, ({ uid }) => store.get(uid));
    for (const [i, episode] of episodes.entries()) {
      const before = known[i];
      const alert = { episode, triage: before?.triage ?? UNTOUCHED };
      const activities = activitiesBetween(before?.episode, episode);
      for (const activity of activities)
        for (const webhook of webhooks) await webhook.notify(episode, activity, this.ocsf(alert, activity));
      const last = activities.at(-1);
      if (last) changes.push(this.change(alert, last));
    }
    await this.append(changes);
    for (const { uid } of await store.putEpisodes(episodes)) this.tell(uid);
  }

  /** A person's change: into the history, and told to who listens. */
  async publishTriage(alert: Alert): Promise<void> {
    await this.append([this.change(alert, 'update')]);
    this.tell(alert.episode.uid);
  }

  /** Calls back with the uid of every alert that changed, until the returned function is called. */
  onChange(listener: (uid: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async close(): Promise<void> {
    for (const webhook of this.options.webhooks) await webhook.stop();
  }

  private async append(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const { log, topic, findingsTopic } = this.options;
    const asJson = (values: readonly unknown[]): Uint8Array[] =>
      values.map((value) => Buffer.from(JSON.stringify(value)));
    await Promise.all([
      log.append(topic, 0, asJson(changes)),
      findingsTopic !== undefined && log.append(findingsTopic, 0, asJson(changes.map(({ finding }) => finding))),
    ]);
  }

  private tell(uid: string): void {
    for (const listener of this.listeners) listener(uid);
  }

  private ocsf(alert: Alert, activity: Activity): ReturnType<typeof toOcsf> {
    const { detectors, productVersion } = this.options;
    return toOcsf(alert, { activity, detectors, productVersion });
  }

  private change(alert: Alert, activity: Activity): Change {
    const { episode, triage } = alert;
    return {
      uid: episode.uid,
      version: episode.revision + triage.version,
      timeMs: episode.closedMs ?? episode.lastPaneMs + PANE_MS,
      status: triage.status,
      family: episode.family,
      detector: episode.evidence[0]?.detector ?? '',
      entity: episode.entity,
      entityKind: episode.entityKind,
      // OCSF's severity_id: 1 informational to 5 critical.
      severity: severityRank(episode.severity) + 1,
      confidence: episode.confidence,
      firstSeenMs: episode.sinceMs,
      lastSeenMs: episode.lastPaneMs + PANE_MS,
      title: alertTitle(episode, this.options.detectors),
      finding: this.ocsf(alert, activity),
    };
  }
}
