import { z } from 'zod';
import type { Triage, Verdict } from '../../alerts/alert.ts';
import type { Backend } from '../backend.ts';
import type { Presenter } from '../presentation.ts';
import { Problem } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { alertItem, alertItemSchema, VERDICTS } from './alert-json.ts';
import { etagOf, uidParams } from './alerts.ts';

const comment = z.string().trim().max(4096, 'at most 4096 characters');

export const ackBody = z.strictObject({ comment: comment.optional() });
export const closeBody = z.strictObject({
  verdict: z.enum(VERDICTS, { error: `say what it was: one of ${VERDICTS.join(', ')}` }),
  comment: comment.optional(),
});
export const commentBody = z.strictObject({ comment: comment.min(1, 'write something') });
const assignBody = z.strictObject({
  assignee: z.string().trim().min(1).max(256).nullable().describe('null: nobody'),
});

type Change = (triage: Triage) => Triage;

/** The changes that a person can make; `by` and the time stand beside a comment. */
export class TriageDesk {
  readonly #backend: Backend;
  readonly #operator: string;

  constructor(backend: Backend, operator: string) {
    this.#backend = backend;
    this.#operator = operator;
  }

  /** Somebody looks at it; a closed one is taken up again. */
  acknowledge(text: string | undefined): Change {
    const comment = this.#comment(text);
    return (triage) => comment({ ...triage, status: 'in_progress', verdict: 'unknown' });
  }

  close(verdict: Verdict, text: string | undefined): Change {
    const comment = this.#comment(text);
    return (triage) => comment({ ...triage, status: 'closed', verdict });
  }

  comment(text: string): Change {
    return this.#comment(text);
  }

  assign(assignee: string | null): Change {
    return ({ assignee: _before, ...triage }) => (assignee === null ? triage : { ...triage, assignee });
  }

  /** Errors: NOT_FOUND; CONFLICT when `version` is given and another one is stored. */
  async apply(uid: string, version: number | undefined, change: Change) {
    return this.#backend.alerts.triage(uid, version, change);
  }

  #comment(text: string | undefined): Change {
    if (text === undefined || text === '') return (triage) => triage;
    const entry = { atMs: this.#backend.now(), by: this.#operator, text };
    return (triage) => ({ ...triage, comments: [...triage.comments, entry] });
  }
}

const ifMatch = z.looseObject({
  'if-match': z.string().max(64).optional().describe('ETag of the alert as you saw it: 412 if it changed since'),
});

export function triageRoutes(backend: Backend, presenter: Presenter, desk: TriageDesk): Route[] {
  function action<B extends z.ZodType>(
    name: string,
    summary: string,
    body: B,
    changeOf: (body: z.output<B>) => Change,
  ): Route {
    return defineRoute({
      method: 'POST',
      path: `/api/v1/alerts/{uid}/${name}`,
      operationId: `${name}Alert`,
      summary,
      tag: 'alerts',
      params: uidParams,
      headers: ifMatch,
      consumes: 'json',
      body,
      responses: { 200: { description: 'The alert as it is now', schema: alertItemSchema } },
      problems: [404, 412, 415],
      handle: async ({ params, headers, body: given }, _request, reply) => {
        const alert = await desk.apply(params.uid, versionOf(headers['if-match']), changeOf(given));
        void reply.header('etag', etagOf(alert.triage.version));
        return alertItem(alert, presenter);
      },
    });
  }
  return [
    action('ack', 'Take it up: its status becomes in_progress', ackBody, (body) => desk.acknowledge(body.comment)),
    action('close', 'Close it with a verdict', closeBody, (body) => desk.close(body.verdict, body.comment)),
    action('comment', 'Comment on it', commentBody, (body) => desk.comment(body.comment)),
    action('assign', 'Assign it to somebody, or to nobody', assignBody, (body) => desk.assign(body.assignee)),
  ];
}

function versionOf(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const match = /^\s*"(\d{1,15})"\s*$/.exec(header);
  if (match) return Number(match[1]);
  throw new Problem(400, 'If-Match must be the ETag of one alert, such as "3", or *', {
    code: 'BAD_REQUEST',
    errors: [{ path: 'if-match', message: 'send the ETag that the alert came with' }],
  });
}
