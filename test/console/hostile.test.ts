import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { html } from '../../console/pages/html.ts';
import { visibleText } from '../../console/visible-text.ts';
import { episodeOf, findingOf, type Fixture, NOW_MS, openFixture, statusOf } from './console-fixture.ts';

const UID = 'a1'.repeat(16);
/** Leaves text, an attribute in either quotes, a comment, a script and a style; reorders and commands. */
const HOSTILE = `"'><img src=x onerror=alert(1)></title></pre></style></script><script>alert(2)</script>--><svg/onload=alert(3)>\u202e\u001b[2J\u0000\u2066`;

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
});
afterEach(() => fixture.close());

/** Everything that can come out of a log is hostile at once. */
async function poison(): Promise<void> {
  const finding = findingOf({
    detector: HOSTILE,
    detectorVersion: HOSTILE,
    entity: HOSTILE,
    unit: HOSTILE,
    summary: HOSTILE,
    basis: HOSTILE,
    contributions: [{ feature: HOSTILE, observed: Number.NaN, expected: Infinity, unit: HOSTILE, share: 9e9 }],
    metric: HOSTILE,
    peer: HOSTILE,
    model: { name: HOSTILE, version: HOSTILE },
    members: [HOSTILE, HOSTILE],
  });
  await fixture.raise(
    episodeOf({
      entity: HOSTILE,
      entityKind: 'device',
      evidence: [finding],
      detectors: [HOSTILE],
      sinceMs: -9e18,
      lastPaneMs: 9e15,
    }),
  );
  await fixture.backend.alerts.triage(UID, undefined, (triage) => ({
    ...triage,
    assignee: HOSTILE,
    comments: [{ atMs: Number.MAX_SAFE_INTEGER, by: HOSTILE, text: HOSTILE }],
  }));
  await fixture.putLetter({ source: HOSTILE, format: HOSTILE, bytes: Buffer.from(HOSTILE) });
  fixture.samples = [{ time: HOSTILE, [HOSTILE]: HOSTILE, nested: { [HOSTILE]: [HOSTILE] }, raw: HOSTILE.repeat(20) }];
  fixture.status = statusOf({
    version: HOSTILE,
    dataDir: HOSTILE,
    isSample: true,
    sources: [
      { source: HOSTILE, format: HOSTILE, state: 'active', events: 1, deadLetters: 1, late: 1, eventsPerSecond: 0.1, lastReceivedMs: NOW_MS },
    ],
    olap: { state: HOSTILE, restarts: 0, tables: [{ name: HOSTILE, rows: 1, bytes: 1 }] },
    dropped: { [HOSTILE]: 3 },
    advice: [HOSTILE],
  }); // prettier-ignore
}

/** What a browser would take as markup: all tags and their attributes. */
function tagsOf(page: string): string[] {
  return page.match(/<[a-z!/][^>]*>/gi) ?? [];
}

describe('text from logs', () => {
  it.each(['/', `/alerts/${UID}`, '/?severity=low&open=true'])('is only ever text on %s', async (url) => {
    await poison();
    const reply = await fixture.server.inject({ url, headers: { accept: 'text/html' } });
    expect(reply.statusCode).toBe(200);
    const tags = tagsOf(reply.body);
    expect(tags.length).toBeGreaterThan(50);
    expect(tags.filter((tag) => /^<(img|iframe|object|embed|base|style)/i.test(tag))).toEqual([]);
    expect(tags.filter((tag) => /\son\w+=|\sstyle=|javascript:/i.test(tag))).toEqual([]);
    expect(tags.filter((tag) => /^<script/i.test(tag))).toEqual(['<script src="/assets/live.js" defer>']);
    // eslint's no-control-regex isn't on; nothing that a browser or an editor obeys is left.
    expect(reply.body).not.toMatch(/[\u0000\u001b\u202e\u2066]/);
    expect(reply.body).toContain('&lt;img src=x onerror=alert(1)&gt;');
  });

  it('is only ever text on pages that say what is wrong', async () => {
    for (const url of [`/${encodeURIComponent(HOSTILE)}`, `/alerts/${encodeURIComponent(HOSTILE)}`, `/?${encodeURIComponent(HOSTILE)}=1`]) {
      const reply = await fixture.server.inject({ url, headers: { accept: 'text/html' } });
      expect(reply.statusCode).toBeGreaterThanOrEqual(400);
      expect(tagsOf(reply.body).filter((tag) => /img|onload/.test(tag))).toEqual([]);
    } // prettier-ignore
  });

  it('passes through the API as JSON and never as a page', async () => {
    await poison();
    for (const url of ['/api/v1/alerts', `/api/v1/alerts/${UID}`, `/api/v1/alerts/${UID}?format=ocsf`, '/api/v1/status', '/api/v1/dead-letters', '/api/v1/dead-letters/1']) {
      const reply = await fixture.server.inject({ url });
      expect(reply.statusCode, url).toBe(200);
      expect(reply.headers['content-type']).toContain('application/json');
      expect(reply.headers['x-content-type-options']).toBe('nosniff');
      expect(() => reply.json()).not.toThrow();
    } // prettier-ignore
  });

  it('comes out of a form as it went in', async () => {
    await fixture.raise(episodeOf());
    const payload = new URLSearchParams({ version: '1', verdict: 'benign', comment: HOSTILE }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: 'http://localhost:80' };
    const reply = await fixture.server.inject({ method: 'POST', url: `/alerts/${UID}/close`, payload, headers: { ...headers, host: 'localhost:80' } });
    expect(reply.statusCode).toBe(303);
    expect(reply.headers.location).toBe(`/alerts/${UID}`);
    const { triage } = (await fixture.backend.alerts.get(UID))!;
    expect(triage).toMatchObject({ status: 'closed', verdict: 'benign' });
    expect(triage.comments[0]?.text).toBe(HOSTILE);
  }); // prettier-ignore
});

describe('html', () => {
  it('escapes values and nothing else', () => {
    expect(html`<a title="${`"'<>&`}">${['a', html`<b></b>`, undefined, false, 7]}</a>`.markup).toBe(
      '<a title="&quot;&#39;&lt;&gt;&amp;">a<b></b>7</a>',
    );
  });
});

describe('visible text', () => {
  it('writes out what a screen would obey', () => {
    expect(visibleText('a\u001b[31mb\u202ec\u0085\ud800\u{e0041}')).toBe(
      'a\\u{1b}[31mb\\u{202e}c\\u{85}\\u{d800}\\u{e0041}',
    );
    expect(visibleText('naïve 東京 🙂\tü')).toBe('naïve 東京 🙂\\u{9}ü');
    expect(visibleText('a\n\tb\r', { keepLines: true })).toBe('a\n\tb\\u{d}');
  });
});
