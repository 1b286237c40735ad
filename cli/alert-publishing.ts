import { createHash } from 'node:crypto';
import type { AlertStore } from '../alerts/alert.ts';
import type { Outbox } from '../alerts/outbox.ts';
import { AlertPublisher } from '../alerts/publisher.ts';
import { webhookSchema } from '../alerts/webhook-config.ts';
import { Webhook } from '../alerts/webhook.ts';
import { parseWith } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { EventLog } from '../log/event-log.ts';
import { DETECTOR_INFO } from '../stream/detector-info.ts';
import { ALERTS_TOPIC } from './topics.ts';
import { VERSION } from './version.ts';

export type OnNotice = (level: 'info' | 'warn' | 'error', message: string) => void;

export function createPublisher(to: {
  store: AlertStore;
  log: EventLog;
  webhooks: readonly Webhook[];
  /** Topic of the findings as plain OCSF, for others who read the log. */
  findingsTopic?: string;
}): AlertPublisher {
  return new AlertPublisher({ ...to, topic: ALERTS_TOPIC, detectors: DETECTOR_INFO, productVersion: VERSION });
}

/**
 * The configured webhooks, running, with what they are still owed from before. `openOutbox` is given a name made of the
 * webhook's URL. Outboxes are the caller's to close, after the webhooks.
 */
export async function openWebhooks(
  config: Config,
  onNotice: OnNotice,
  openOutbox: (name: string) => Promise<Outbox>,
): Promise<{ webhooks: readonly Webhook[]; outboxes: readonly Outbox[] }> {
  const webhooks: Webhook[] = [];
  const outboxes: Outbox[] = [];
  for (const [i, given] of config.alerts.webhooks.entries()) {
    const hook = parseWith(webhookSchema, given, `alerts.webhooks.${i}`);
    const outbox = await openOutbox(createHash('sha256').update(hook.url).digest('hex').slice(0, 16));
    outboxes.push(outbox);
    const webhook = new Webhook(hook, {
      outbox,
      now: Date.now,
      random: Math.random,
      onFailure: ({ id, attempts, reason, isGivenUp }) => {
        const what = isGivenUp ? 'is given up' : `will be tried again (attempt ${attempts})`;
        onNotice('warn', `notification ${id} to ${new URL(hook.url).host} ${what}: ${reason}`);
      },
    });
    await webhook.start();
    webhooks.push(webhook);
  }
  return { webhooks, outboxes };
}
