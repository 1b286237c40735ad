import { createHmac } from 'node:crypto';
import { VedetteError } from '../model/errors.ts';
import type { Episode } from './alert.ts';
import { type Activity, type DetectionFinding, eventUid } from './ocsf.ts';
import type { Delivery, Outbox } from './outbox.ts';
import { severityRank } from './severity.ts';
import type { WebhookConfig } from './webhook-config.ts';

export interface WebhookDependencies {
  readonly outbox: Outbox;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** 0 ≤ x < 1: the jitter of retries. */
  readonly random: () => number;
  /** A delivery failed, or was given up; for the log. Counters say the same in sum. */
  readonly onFailure?: (failure: { id: string; attempts: number; reason: string; isGivenUp: boolean }) => void;
}

/**
 * Posts alerts as OCSF JSON. At-least-once: a delivery is durable before `notify` resolves, is sent again until an
 * answer of 200 to 299 comes, over restarts too, and is given up after `keepMs`. Deliveries of one alert are sent in
 * their order, those of different alerts in any. Redirects are not followed.
 *
 *   X-Vedette-Delivery: id, the same at every attempt
 *   X-Vedette-Signature: t=<unix seconds>,v1=<hex of HMAC-SHA-256 over "t.body" by the secret>
 */
export class Webhook {
  readonly counters = { queued: 0, sent: 0, failed: 0, expired: 0, overflow: 0 };

  readonly #config: WebhookConfig;
  readonly #deps: WebhookDependencies;
  /** Not sent yet, by sequence, in its order. */
  readonly #pending = new Map<number, Delivery>();
  readonly #inFlight = new Map<number, Promise<void>>();
  readonly #stopping = new AbortController();
  #nextSequence = 1;
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;

  constructor(config: WebhookConfig, dependencies: WebhookDependencies) {
    this.#config = config;
    this.#deps = dependencies;
  }

  /** Deliveries not sent yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Takes up what an earlier run left. */
  async start(): Promise<void> {
    for (const delivery of await this.#deps.outbox.pending()) {
      this.#pending.set(delivery.sequence, delivery);
      this.#nextSequence = delivery.sequence + 1;
    }
    this.#isStarted = true;
    this.#pump();
  }

  /** Queues one event about an alert if it is among those told; resolves once that is durable. Not before `start`. */
  async notify(episode: Episode, activity: Activity, finding: DetectionFinding): Promise<void> {
    if (!this.#isStarted) throw new VedetteError('BAD_REQUEST', 'the webhook has not been started');
    if (!this.#config.events.includes(activity)) return;
    if (severityRank(episode.severity) < severityRank(this.#config.minSeverity)) return;
    const id = eventUid(episode, activity);
    for (const delivery of this.#pending.values()) if (delivery.id === id) return;
    if (this.#pending.size >= this.#config.maxQueued) {
      this.counters.overflow++;
      this.#deps.onFailure?.({ id, attempts: 0, reason: 'the queue is full', isGivenUp: true });
      return;
    }
    const nowMs = this.#deps.now();
    const delivery: Delivery = {
      id,
      sequence: this.#nextSequence++,
      alertUid: episode.uid,
      createdMs: nowMs,
      attempts: 0,
      notBeforeMs: nowMs,
      body: JSON.stringify(finding),
    };
    this.#pending.set(delivery.sequence, delivery);
    await this.#deps.outbox.put([delivery]);
    this.counters.queued++;
    this.#pump();
  }

  /** Breaks off what is under way; it stays in the outbox, which is left open. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort();
    await Promise.all(this.#inFlight.values());
  }

  /** Starts what may start now, and sets the timer for what may later. */
  #pump(): void {
    if (this.#stopping.signal.aborted) return;
    clearTimeout(this.#timer);
    const nowMs = this.#deps.now();
    let wakeMs = Infinity;
    const earlier = new Set<string>();
    for (const delivery of this.#pending.values()) {
      if (this.#inFlight.size >= this.#config.maxInFlight) break;
      const isFirst = !earlier.has(delivery.alertUid);
      earlier.add(delivery.alertUid);
      if (!isFirst || this.#inFlight.has(delivery.sequence)) continue;
      if (delivery.notBeforeMs > nowMs) wakeMs = Math.min(wakeMs, delivery.notBeforeMs);
      else this.#begin(delivery);
    }
    if (wakeMs === Infinity) return;
    this.#timer = setTimeout(() => this.#pump(), Math.max(1, wakeMs - nowMs));
    this.#timer.unref();
  }

  #begin(delivery: Delivery): void {
    const done = this.#deliver(delivery)
      .catch((error: unknown) => {
        this.#postpone(delivery, reasonOf(error));
      })
      .finally(() => {
        this.#inFlight.delete(delivery.sequence);
        this.#pump();
      });
    this.#inFlight.set(delivery.sequence, done);
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { outbox, now, onFailure } = this.#deps;
    const isExpired = now() - delivery.createdMs >= this.#config.keepMs;
    const reason = isExpired ? 'too old' : await this.#post(delivery);
    if (this.#stopping.signal.aborted && reason !== undefined) return;
    if (reason === undefined || isExpired) {
      await outbox.remove(delivery.sequence);
      this.#pending.delete(delivery.sequence);
      this.counters[isExpired ? 'expired' : 'sent']++;
      if (reason !== undefined) onFailure?.({ id: delivery.id, attempts: delivery.attempts, reason, isGivenUp: true });
      return;
    }
    await outbox.put([this.#postpone(delivery, reason)]);
  }

  /** Puts off the next attempt. Also where the outbox itself fails: what it holds is then older, which does no harm. */
  #postpone(delivery: Delivery, reason: string): Delivery {
    const attempts = delivery.attempts + 1;
    const retry: Delivery = { ...delivery, attempts, notBeforeMs: this.#deps.now() + this.#backoffMs(attempts) };
    this.counters.failed++;
    this.#pending.set(retry.sequence, retry);
    this.#deps.onFailure?.({ id: delivery.id, attempts, reason, isGivenUp: false });
    return retry;
  }

  /** Exponential with full jitter on its upper half, so that receivers that come back aren't hit by all at once. */
  #backoffMs(attempts: number): number {
    const fullMs = Math.min(this.#config.maxRetryMs, this.#config.firstRetryMs * 2 ** Math.min(attempts - 1, 40));
    return Math.round(fullMs / 2 + (this.#deps.random() * fullMs) / 2);
  }

  /** Undefined where it was taken, else why not. */
  async #post(delivery: Delivery): Promise<string | undefined> {
    const seconds = Math.floor(this.#deps.now() / 1000);
    try {
      const response = await fetch(this.#config.url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'vedette',
          'x-vedette-delivery': delivery.id,
          'x-vedette-signature': signatureOf(this.#config.secret, seconds, delivery.body),
        },
        body: delivery.body,
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(this.#config.timeoutMs)]),
      });
      await response.body?.cancel();
      return response.ok ? undefined : `answered ${response.status}`;
    } catch (error) {
      return reasonOf(error);
    }
  }
}

function signatureOf(secret: string, unixSeconds: number, body: string): string {
  return `t=${unixSeconds},v1=${createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')}`;
}

/** fetch says only "fetch failed"; why is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
