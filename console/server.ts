import { fastify, type FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { DetectorLookup } from '../alerts/detector-info.ts';
import { NAMED_QUERIES } from '../olap/named-queries.ts';
import { alertRoutes } from './api/alerts.ts';
import { AlertStreams, alertStreamRoutes } from './api/alert-stream.ts';
import { deadLetterRoutes } from './api/dead-letters.ts';
import { jobRoutes } from './api/jobs.ts';
import { ingestRoutes } from './api/ingest.ts';
import { sqlRoutes } from './api/sql.ts';
import { statusRoutes } from './api/status.ts';
import { TriageDesk, triageRoutes } from './api/triage.ts';
import type { Backend } from './backend.ts';
import { parseBodies } from './bodies.ts';
import { answerClientError, answerErrors, answerRoutingError } from './errors.ts';
import { guard } from './guard.ts';
import { assertLoopback } from './loopback.ts';
import { openApiDocument } from './openapi.ts';
import { assetRoutes } from './pages/asset-routes.ts';
import { pageRoutes } from './pages/page-routes.ts';
import { Presenter } from './presentation.ts';
import { defineRoute, type Route } from './route.ts';

const HEARTBEAT_MS = 15_000;
const MAX_STREAMS = 64;
const SMALL_BODY_BYTES = 256 * 1024;

export interface ConsoleOptions {
  readonly detectors: DetectorLookup;
  readonly version: string;
  /** Who comments and verdicts are signed by, until there are accounts. */
  readonly operator?: string;
  /** Between two signs of life on a stream, ms. */
  readonly heartbeatMs?: number;
  /** Streams that may be open at once. */
  readonly maxStreams?: number;
  /** A failure that the client only hears of as 500: for the log. */
  readonly onError?: (error: unknown, request?: { readonly method: string; readonly path: string }) => void;
}

/** Every route, documented by the last of them. */
export function consoleRoutes(backend: Backend, options: ConsoleOptions, streams: AlertStreams): Route[] {
  const presenter = new Presenter({ detectors: options.detectors, productVersion: options.version });
  const operator = options.operator ?? 'operator';
  const desk = new TriageDesk(backend, operator);
  const routes: Route[] = [
    ...ingestRoutes(backend),
    ...alertRoutes(backend, presenter),
    ...alertStreamRoutes(backend, presenter, streams),
    ...triageRoutes(backend, presenter, desk),
    ...sqlRoutes(backend, NAMED_QUERIES),
    ...deadLetterRoutes(backend),
    ...jobRoutes(backend, { operator }),
    ...statusRoutes(backend),
    ...pageRoutes(backend, presenter, desk),
    ...assetRoutes(),
    defineRoute({
      method: 'GET',
      path: '/api/v1/openapi.json',
      operationId: 'openapi',
      summary: 'This document',
      tag: 'operation',
      responses: { 200: { description: 'OpenAPI 3.1', schema: z.record(z.string(), z.unknown()) } },
      handle: async () => openApiDocument(routes, options.version),
    }),
  ];
  return routes;
}

/** The HTTP interface: API, stream and pages. Listens to nothing until {@link listen}. */
export function createServer(backend: Backend, options: ConsoleOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: SMALL_BODY_BYTES,
    // Time for a whole request to arrive, so that a slow sender doesn't hold a connection for ever.
    requestTimeout: 120_000,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => answerRoutingError(error, request, reply, backend.now()),
    clientErrorHandler: answerClientError,
  });
  const onError = options.onError ?? (() => undefined);
  const streams = new AlertStreams(backend, {
    heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
    maxStreams: options.maxStreams ?? MAX_STREAMS,
    onError,
  });
  const routes = consoleRoutes(backend, options, streams);

  guard(app);
  answerErrors(app, { routes, now: () => backend.now(), onError });
  for (const consumes of ['none', 'json', 'raw', 'form'] as const) {
    app.register(async (scope) => {
      parseBodies(scope, consumes);
      for (const route of routes) if (route.consumes === consumes) addRoute(scope, route);
    });
  }
  app.addHook('preClose', async () => streams.close());
  return app;
}

/**
 * Listens, on this machine only; gives the URL.
 *
 * @throws VedetteError CONFIG_INVALID for a host that others can reach
 */
export async function listen(app: FastifyInstance, at: { readonly host: string; readonly port: number }) {
  assertLoopback(at.host);
  return app.listen({ host: at.host, port: at.port });
}

function addRoute(scope: FastifyInstance, route: Route): void {
  scope.route({
    method: route.method,
    url: route.path.replace(/\{(\w+)\}/g, ':$1'),
    bodyLimit: route.bodyLimitBytes ?? SMALL_BODY_BYTES,
    exposeHeadRoute: route.method === 'GET' && route.isEndless === undefined,
    handler: route.run,
  });
}
