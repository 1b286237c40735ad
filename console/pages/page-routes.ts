import { z } from 'zod';
import { selectionOf } from '../api/alert-filter.ts';
import { SEVERITIES } from '../../alerts/severity.ts';
import { FAMILIES, STATUSES } from '../api/alert-json.ts';
import { findAlert, findSamples, listAlerts } from '../api/alert-reader.ts';
import { uidParams } from '../api/alerts.ts';
import { ackBody, closeBody, commentBody, type TriageDesk } from '../api/triage.ts';
import type { Backend } from '../backend.ts';
import { originOf } from '../origin.ts';
import type { Presenter } from '../presentation.ts';
import { cursor } from '../query-types.ts';
import { defineRoute, type Route } from '../route.ts';
import { alertPage } from './alert-page.ts';
import { overviewPage } from './overview.ts';

const PAGE_SIZE = 50;
const SAMPLES = 10;
const HTML_TYPE = 'text/html; charset=utf-8';

/** A form sends '' for "everything". */
const overviewQuery = z.strictObject({
  severity: z.enum(['', ...SEVERITIES]).default(''),
  family: z.enum(['', ...FAMILIES]).default(''),
  status: z.enum(['', ...STATUSES]).default(''),
  open: z.enum(['', 'true', 'false']).default(''),
  cursor: cursor.optional(),
});

const versionField = {
  version: z
    .string()
    .regex(/^\d{1,15}$/, 'reload the page: its version is missing')
    .transform(Number),
};

export function pageRoutes(backend: Backend, presenter: Presenter, desk: TriageDesk): Route[] {
  return [overviewRoute(backend, presenter), alertRoute(backend, presenter), ...formRoutes(desk)];
}

function overviewRoute(backend: Backend, presenter: Presenter): Route {
  return defineRoute({
    method: 'GET',
    path: '/',
    operationId: 'overviewPage',
    summary: 'Alerts, and whether anything arrives, for people',
    tag: 'pages',
    query: overviewQuery,
    responses: { 200: { description: 'A page', contentType: 'text/html' } },
    handle: async ({ query }, request, reply) => {
      const nowMs = backend.now();
      const filter = { severity: query.severity, family: query.family, status: query.status, open: query.open };
      const selection = selectionOf(
        {
          ...(query.severity && { severity: query.severity }),
          ...(query.family && { family: query.family }),
          ...(query.status && { status: query.status }),
          ...(query.open && { open: query.open === 'true' }),
        },
        nowMs,
      );
      const [status, deadLetters, { alerts, next }] = await Promise.all([
        backend.status(),
        backend.deadLetters.counts(),
        listAlerts(backend, selection, { limit: PAGE_SIZE, ...(query.cursor && { cursor: query.cursor }) }),
      ]);
      void reply.header('content-type', HTML_TYPE);
      return overviewPage({
        status,
        deadLetters,
        alerts: alerts.map((alert) => ({ alert, explanation: presenter.explain(alert) })),
        ...(next !== undefined && { next }),
        filter,
        origin: originOf(request),
        nowMs,
      });
    },
  });
}

function alertRoute(backend: Backend, presenter: Presenter): Route {
  return defineRoute({
    method: 'GET',
    path: '/alerts/{uid}',
    operationId: 'alertPage',
    summary: 'One alert, for people',
    tag: 'pages',
    params: uidParams,
    responses: { 200: { description: 'A page', contentType: 'text/html' } },
    problems: [404],
    handle: async ({ params }, _request, reply) => {
      const alert = await findAlert(backend, params.uid);
      const [status, found] = await Promise.all([backend.status(), findSamples(backend, params.uid, SAMPLES)]);
      void reply.header('content-type', HTML_TYPE);
      const explanation = presenter.explain(alert);
      return alertPage({ alert, explanation, found, status, nowMs: backend.now() });
    },
  });
}

function formRoutes(desk: TriageDesk): Route[] {
  function form<B extends z.ZodType<{ version: number }>>(
    name: string,
    body: B,
    changeOf: (body: z.output<B>) => ReturnType<TriageDesk['comment']>,
  ): Route {
    return defineRoute({
      method: 'POST',
      path: `/alerts/{uid}/${name}`,
      operationId: `${name}AlertForm`,
      summary: `The form of the alert's page: ${name}`,
      tag: 'pages',
      params: uidParams,
      consumes: 'form',
      body,
      responses: { 303: { description: 'Done: back to the page' } },
      problems: [404, 412, 415],
      handle: async ({ params, body: given }, _request, reply) => {
        await desk.apply(params.uid, given.version, changeOf(given));
        return reply.redirect(`/alerts/${encodeURIComponent(params.uid)}`, 303);
      },
    });
  }
  return [
    form('ack', ackBody.extend(versionField), ({ comment }) => desk.acknowledge(comment)),
    form('close', closeBody.extend(versionField), ({ verdict, comment }) => desk.close(verdict, comment)),
    form('comment', commentBody.extend(versionField), ({ comment }) => desk.comment(comment)),
  ];
}
