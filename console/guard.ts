import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopbackHost } from './loopback.ts';
import { Problem } from './problem.ts';

/** Nothing from elsewhere, no inline script or style, no frame around it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** On every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not no-referrer: with that, browsers send our own forms with `Origin: null`. Others get no referrer either way.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/**
 * What holds for every request: only under a name of this machine (DNS rebinding), never on behalf of another site's
 * page (request forgery), and answered with headers that leave a browser little to do wrong.
 */
export function guard(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    if (!isLoopbackHost(request.headers.host)) {
      throw new Problem(403, 'the Host header must name this machine: use http://localhost or http://127.0.0.1');
    }
    if (!isSameOrigin(request)) throw new Problem(403, 'requests from pages of other sites are refused');
  });
}

function isSameOrigin(request: FastifyRequest): boolean {
  const { origin, host } = request.headers;
  if (origin !== undefined) return origin.toLowerCase() === `http://${host ?? ''}`.toLowerCase();
  // A browser says so even where it sends no Origin. Following a link to a page is all that another site may do.
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate';
}
