import { z } from 'zod';
import type { Backend } from '../backend.ts';
import type { Presenter } from '../presentation.ts';
import { defineRoute, type Route } from '../route.ts';
import { alertFormat, listQuery, selectionOf } from './alert-filter.ts';
import { alertDetail, alertItemSchema, alertSchema, presentAlert } from './alert-json.ts';
import { originOf } from '../origin.ts';
import { findAlert, findSamples, listAlerts } from './alert-reader.ts';

export const uidParams = z.strictObject({
  uid: z.string().regex(/^[0-9a-f]{1,64}$/, 'a uid is written in 0-9, a-f'),
});

const SAMPLES_DEFAULT = 10;

export function etagOf(version: number): string {
  return `"${version}"`;
}

export function alertRoutes(backend: Backend, presenter: Presenter): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/alerts',
      operationId: 'listAlerts',
      summary: 'Alerts, last seen first',
      description: 'With `format=ocsf` the items are OCSF Detection Findings (class 2004), without sample events.',
      tag: 'alerts',
      query: listQuery,
      responses: {
        200: {
          description: 'One page; `next` is the cursor of the following one',
          schema: z.object({ items: z.array(alertItemSchema), next: z.string().optional() }),
        },
      },
      handle: async ({ query }, request) => {
        const origin = originOf(request);
        const { alerts, next } = await listAlerts(backend, selectionOf(query, backend.now()), {
          limit: query.limit,
          ...(query.cursor !== undefined && { cursor: query.cursor }),
        });
        return {
          items: alerts.map((alert) => presentAlert(alert, presenter, { format: query.format, origin })),
          ...(next !== undefined && { next }),
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/alerts/{uid}',
      operationId: 'showAlert',
      summary: 'One alert: why it stands, its evidence, sample events, the SQL of its raw rows',
      description: 'With `format=ocsf` an OCSF Detection Finding (class 2004). The ETag is the version of the triage.',
      tag: 'alerts',
      params: uidParams,
      query: z.strictObject({
        format: alertFormat,
        samples: z
          .string()
          .regex(/^\d{1,3}$/, 'write a whole number from 0 to 999')
          .transform(Number)
          .default(SAMPLES_DEFAULT)
          .describe('Sample events'),
      }),
      responses: { 200: { description: 'The alert', schema: alertSchema } },
      problems: [404],
      handle: async ({ params, query }, request, reply) => {
        const alert = await findAlert(backend, params.uid);
        const found = await findSamples(backend, params.uid, query.samples);
        void reply.header('etag', etagOf(alert.triage.version));
        if (query.format === 'vedette') return alertDetail(alert, presenter, found);
        return presenter.toOcsf(alert, { samples: found.samples, origin: originOf(request) });
      },
    }),
  ];
}
