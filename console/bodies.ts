import type { FastifyInstance } from 'fastify';
import { INGEST_TYPES } from './api/ingest.ts';
import { Problem } from './problem.ts';
import type { Consumes } from './route.ts';

const FORM_TYPE = 'application/x-www-form-urlencoded';

/** Which content types the routes of a scope take, and as what: JSON as a value, logs as bytes, a form as fields. */
export function parseBodies(scope: FastifyInstance, consumes: Consumes): void {
  switch (consumes) {
    case 'json':
    case 'none':
      // Fastify's own parser, which refuses __proto__; and text/plain is nothing here.
      scope.removeContentTypeParser('text/plain');
      refuseOthers(scope, "send it with -H 'Content-Type: application/json'");
      return;
    case 'raw':
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser([...INGEST_TYPES], { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
      refuseOthers(scope, "send logs with -H 'Content-Type: application/x-ndjson', or text/csv, or text/plain");
      return;
    case 'form':
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(FORM_TYPE, { parseAs: 'string' }, (_request, body, done) =>
        done(null, Object.fromEntries(new URLSearchParams(String(body)))),
      );
      refuseOthers(scope, `send a form, as ${FORM_TYPE}`);
  }
}

function refuseOthers(scope: FastifyInstance, advice: string): void {
  scope.addContentTypeParser('*', (request, _payload, done) => {
    const given = request.headers['content-type'];
    done(new Problem(415, `${given === undefined ? 'Content-Type is missing' : `not taken: ${given}`}; ${advice}`));
  });
}
