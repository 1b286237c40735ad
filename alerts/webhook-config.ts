import { z } from 'zod';
import { SEVERITIES } from './severity.ts';

const SECOND_MS = 1000;

/** Where notifications go. Strict: an unknown key is an error that names it. */
export const webhookSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .refine((url) => !/^https?:\/\/[^/?#]*@/i.test(url), 'must not hold a user or password')
    .describe('Address that is posted to, http or https'),
  secret: z.string().min(16).describe('Key of the signature, 16 characters at least'),
  events: z
    .array(z.enum(['create', 'update', 'close']))
    .nonempty()
    .default(['create', 'close'])
    .describe('What is told'),
  minSeverity: z.enum(SEVERITIES).default('low').describe('Least severity of an alert that is told'),
  timeoutMs: z.int().positive().default(10 * SECOND_MS).describe('Longest wait for an answer, ms'),
  maxInFlight: z.int().positive().default(4).describe('Deliveries under way at once'),
  maxQueued: z.int().positive().default(2000).describe('Deliveries that may wait; further ones are dropped and counted'),
  firstRetryMs: z.int().positive().default(SECOND_MS).describe('Wait before the second attempt, ms; doubles with each'),
  maxRetryMs: z.int().positive().default(300 * SECOND_MS).describe('Longest wait between attempts, ms'),
  keepMs: z.int().positive().default(86_400 * SECOND_MS).describe('Age at which a delivery is given up, ms'),
}); // prettier-ignore
export type WebhookConfig = z.infer<typeof webhookSchema>;
