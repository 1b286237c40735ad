import { z } from 'zod';
import { JOB_STATES } from '../../batch/job-queue.ts';
import { VedetteError } from '../../model/errors.ts';
import type { Backend } from '../backend.ts';
import { Problem } from '../problem.ts';
import { cursor, pageLimit, shortText } from '../query-types.ts';
import { defineRoute, type Route } from '../route.ts';
import { jobBody, jobJson, jobRequest, jobSchema } from './jobs-json.ts';

const params = z.strictObject({ id: z.string().min(1).max(256) });

/** Work that is done later. */
export function jobRoutes(backend: Backend, options: { readonly operator: string }): Route[] {
  const { operator } = options;
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/jobs',
      operationId: 'listJobs',
      summary: 'Jobs, latest added first: what waits, what runs, and the history',
      tag: 'jobs',
      query: z.strictObject({
        state: z.enum(JOB_STATES).optional(),
        kind: shortText.optional(),
        limit: pageLimit(50, 500),
        cursor: cursor.optional(),
      }),
      responses: {
        200: {
          description: 'One page; `next` is the cursor of the following one',
          schema: z.object({ items: z.array(jobSchema), next: z.string().optional() }),
        },
      },
      problems: [503],
      handle: async ({ query }) => {
        const { jobs, next } = await backend.jobs.list(
          {
            ...(query.state !== undefined && { states: [query.state] }),
            ...(query.kind !== undefined && { kind: query.kind }),
          },
          { limit: query.limit, ...(query.cursor !== undefined && { cursor: query.cursor }) },
        );
        return { items: jobs.map(jobJson), ...(next !== undefined && { next }) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/jobs',
      operationId: 'addJob',
      summary: 'Have something done later',
      description:
        'Answered once the job is kept. `replay-raw`: stored lines of a time once more, with results of their own beside the live ones. `replay-dead-letters`: records that could not be read, once more.',
      tag: 'jobs',
      consumes: 'json',
      body: jobBody,
      responses: { 202: { description: 'The job, or the one that has its id already', schema: jobSchema } },
      problems: [415, 503],
      handle: async ({ body }, _request, reply) => {
        const request = jobRequest(body, { requestedBy: operator, nowMs: backend.now() });
        const job = await backend.jobs.add(request);
        void reply.code(202);
        return jobJson(job);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/jobs/{id}',
      operationId: 'showJob',
      summary: 'One of them',
      tag: 'jobs',
      params,
      responses: { 200: { description: 'The job', schema: jobSchema } },
      problems: [404, 503],
      handle: async ({ params: { id } }) => {
        const job = await backend.jobs.get(id);
        if (!job) throw new VedetteError('NOT_FOUND', `there is no job ${id}`);
        return jobJson(job);
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/jobs/{id}/cancel',
      operationId: 'cancelJob',
      summary: 'End a job',
      description: 'One that waits is never begun; one that runs is told to end, and stays active until it has.',
      tag: 'jobs',
      params,
      consumes: 'json',
      body: z.strictObject({}),
      responses: { 200: { description: 'The job', schema: jobSchema } },
      problems: [404, 409, 415, 503],
      handle: async ({ params: { id } }) => jobJson(await inItsState(backend.jobs.cancel(id, operator))),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/jobs/{id}/retry',
      operationId: 'retryJob',
      summary: 'Begin a failed or cancelled job again',
      tag: 'jobs',
      params,
      consumes: 'json',
      body: z.strictObject({}),
      responses: { 200: { description: 'The job', schema: jobSchema } },
      problems: [404, 409, 415, 503],
      handle: async ({ params: { id } }) => jobJson(await inItsState(backend.jobs.retry(id))),
    }),
  ];
}

/** No precondition was sent: what stands against it is the job's state. */
async function inItsState<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof VedetteError && error.code === 'CONFLICT')
      throw new Problem(409, error.message, { code: error.code, cause: error });
    throw error;
  }
}
