import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AlertStreams } from '../../console/api/alert-stream.ts';
import { consoleRoutes } from '../../console/server.ts';
import { type Fixture, LOOKUP, openFixture } from './console-fixture.ts';

interface Operation {
  readonly operationId: string;
  readonly responses: Record<string, unknown>;
  readonly parameters: { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Record<string, unknown> }> };
}

let fixture: Fixture;
let document: { openapi: string; paths: Record<string, Record<string, Operation>> };
beforeAll(async () => {
  fixture = await openFixture();
  document = (await fixture.server.inject({ url: '/api/v1/openapi.json' })).json();
});
afterAll(() => fixture.close());

describe('the OpenAPI document', () => {
  it('has every route that the server answers, and no other', () => {
    // Fastify's own list of what it routes, whatever it was made of.
    const routed = fixture.server
      .printRoutes({ commonPrefix: false })
      .split('\n')
      .flatMap((line) => {
        const match = /── (\S*) \((.+)\)$/.exec(line);
        return match === null ? [] : [{ depth: line.indexOf('──'), part: match[1]!, methods: match[2]!.split(', ') }];
      });
    const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    for (const [path, operations] of Object.entries(document.paths)) {
      const url = path.replace(/\{(\w+)\}/g, ':$1');
      for (const method of Object.keys(operations)) {
        expect(fixture.server.hasRoute({ method: method.toUpperCase(), url }), `${method} ${path}`).toBe(true);
      }
    }
    const routedCount = routed.flatMap(({ methods }) => methods.filter((method) => method !== 'HEAD')).length;
    expect(routedCount).toBe(documented.length);
  });

  it('is made of the routes themselves', () => {
    const streams = new AlertStreams(fixture.backend, { heartbeatMs: 1000, maxStreams: 1, onError: () => {} });
    const routes = consoleRoutes(fixture.backend, { detectors: LOOKUP, version: '0' }, streams);
    expect(routes.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      Object.entries(document.paths)
        .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
        .sort(),
    );
  });

  it('is OpenAPI 3.1 with unique operations, each with success, problems and its path parameters', () => {
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, operation })),
    );
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations) {
      expect(
        Object.keys(operation.responses).some((status) => /^[23]/.test(status)),
        path,
      ).toBe(true);
      expect(operation.responses['400'], path).toEqual({ $ref: '#/components/responses/Problem' });
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const declared = operation.parameters.filter(({ in: place, required }) => place === 'path' && required);
      expect(
        declared.map(({ name }) => name),
        path,
      ).toEqual(named);
    }
  });

  it('says what a body must be', () => {
    const close = document.paths['/api/v1/alerts/{uid}/close']!['post']!;
    expect(close.requestBody?.content['application/json']?.schema).toMatchObject({
      type: 'object',
      required: ['verdict'],
      additionalProperties: false,
    });
    expect(close.parameters.map(({ name }) => name)).toEqual(['uid', 'if-match']);
    const ingest = document.paths['/api/v1/ingest']!['post']!;
    expect(Object.keys(ingest.requestBody!.content)).toContain('application/x-ndjson');
  });
});
