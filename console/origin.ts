import type { FastifyRequest } from 'fastify';

/** Where this instance answers, as the client reached it; the guard lets only names of this machine through. */
export function originOf(request: FastifyRequest): string {
  return `http://${request.headers.host ?? 'localhost'}`;
}
