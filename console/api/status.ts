import { z } from 'zod';
import type { Backend } from '../backend.ts';
import { Problem } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { statusJson, statusSchema } from './status-json.ts';

/** For people, for Prometheus, and for whoever restarts us. */
export function statusRoutes(backend: Backend): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/status',
      operationId: 'status',
      summary: 'What arrives from where, rates, lag, checkpoints, and what to check',
      tag: 'operation',
      responses: { 200: { description: 'As of now', schema: statusSchema } },
      handle: async () => {
        const [status, deadLetters] = await Promise.all([backend.status(), backend.deadLetters.counts()]);
        return statusJson(status, deadLetters, backend.now());
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/metrics',
      operationId: 'metrics',
      summary: 'Counters and gauges in Prometheus’s exposition format',
      tag: 'operation',
      responses: { 200: { description: 'As of now', contentType: 'text/plain' } },
      handle: async (_input, _request, reply) => {
        const { contentType, text } = await backend.metrics();
        void reply.header('content-type', contentType);
        return text;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/healthz',
      operationId: 'health',
      summary: 'Whether the process answers',
      tag: 'operation',
      responses: { 200: { description: 'It does', schema: z.object({ status: z.literal('ok') }) } },
      handle: async () => ({ status: 'ok' }),
    }),
    defineRoute({
      method: 'GET',
      path: '/readyz',
      operationId: 'readiness',
      summary: 'Whether everything is up',
      tag: 'operation',
      responses: { 200: { description: 'It is', schema: z.object({ status: z.literal('ready') }) } },
      problems: [503],
      handle: async () => {
        const missing = await backend.notReady();
        if (missing.length === 0) return { status: 'ready' };
        throw new Problem(503, `not ready: ${missing.join('; ')}`, {
          headers: { 'retry-after': '2' },
          errors: missing.map((message) => ({ path: '', message })),
        });
      },
    }),
  ];
}
