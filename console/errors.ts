import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { SECURITY_HEADERS } from './guard.ts';
import { messagePage } from './pages/layout.ts';
import { Problem, PROBLEM_TYPE, toProblem } from './problem.ts';
import type { Route } from './route.ts';

export interface ErrorOptions {
  readonly routes: readonly Route[];
  readonly now: () => number;
  readonly onError: (error: unknown, request: { readonly method: string; readonly path: string }) => void;
}

/** Every refusal and failure as a problem; to a browser that wants a page, as a page that says the same. */
export function answerErrors(app: FastifyInstance, options: ErrorOptions): void {
  const patterns = options.routes.map((route) => ({ method: route.method, pattern: patternOf(route.path) }));

  const answer = (problem: Problem, request: FastifyRequest, reply: FastifyReply) =>
    sendProblem(problem, { request, reply, nowMs: options.now() });

  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error);
    if (problem.status >= 500) options.onError(error, { method: request.method, path: pathOf(request) });
    return answer(problem, request, reply);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    const methods = patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    if (methods.length === 0) {
      return answer(new Problem(404, 'nothing is here; /api/v1/openapi.json lists what there is'), request, reply);
    }
    const allow = [...new Set(methods)].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
    return answer(new Problem(405, `use ${allow} here`, { headers: { allow } }), request, reply);
  });
}

/** What Fastify refuses before any hook or route: the path isn't a URL, or a part of it is too long. */
export function answerRoutingError(error: Error, request: FastifyRequest, reply: FastifyReply, nowMs: number): void {
  void reply.headers(SECURITY_HEADERS);
  void sendProblem(toProblem(error), { request, reply, nowMs });
}

/** What isn't HTTP has no request to answer: a problem written to the socket, which is closed. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF_PARSER[error.code ?? ''] ?? 400;
  const body = JSON.stringify(
    new Problem(status, 'the request is not valid HTTP, too large in its head, or too slow').body,
  );
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const STATUS_OF_PARSER: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

function sendProblem(
  problem: Problem,
  to: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly nowMs: number },
): FastifyReply {
  const { request, reply } = to;
  void reply.code(problem.status).headers(problem.headers);
  if (wantsPage(request)) {
    void reply.header('content-type', 'text/html; charset=utf-8');
    return reply.send(messagePage(titleOf(problem), problem.body.detail, to.nowMs));
  }
  void reply.header('content-type', PROBLEM_TYPE);
  // Bytes, since Fastify adds a charset to JSON that is text, and problem+json has none.
  return reply.send(Buffer.from(JSON.stringify(problem.body)));
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`);
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '';
}

function wantsPage(request: FastifyRequest): boolean {
  return !pathOf(request).startsWith('/api/') && (request.headers.accept ?? '').includes('text/html');
}

function titleOf({ status, body }: Problem): string {
  if (status === 412) return 'Somebody was quicker';
  return status === 404 ? 'Not found' : body.title;
}
