import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiClient } from '../../cli/api-client.ts';
import { fetchTransport } from '../../cli/fetch-transport.ts';
import { textWidth } from '../../cli/table.ts';
import { listen } from '../../console/server.ts';
import { VedetteError } from '../../model/errors.ts';
import { episodeOf, findingOf, type Fixture, NOW_MS, openFixture, statusOf } from '../console/console-fixture.ts';
import { Captured, run, type RunOptions } from './command-fixture.ts';

const UID = 'a1'.repeat(16);
const OTHER = 'a2'.repeat(16);
const HOSTILE = '=cmd|calc\u001b[2J\u009b31m\u202eevil\n"x",';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture();
  await fixture.raise(episodeOf());
  await fixture.raise(
    episodeOf({
      uid: OTHER,
      family: 'data-corruption',
      entityKind: 'device',
      entity: HOSTILE,
      severity: 'low',
      isOpen: false,
      lastPaneMs: NOW_MS - 7_200_000,
      evidence: [findingOf({ detector: 'level-cusum', family: 'data-corruption', summary: `+1 ${HOSTILE}` })],
    }),
  );
});
afterEach(() => fixture.close());

const vedette = (line: string, options?: RunOptions) => run(fixture, line.split(' '), options);
/** What a terminal or an editor would obey. */
// eslint-friendly: by escapes, not characters.
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe('alerts list', () => {
  it('prints a table that fits the terminal, with nothing that it obeys but its own colour', async () => {
    const { output, exitCode } = await vedette('alerts list', { columns: 90, environment: { NO_COLOR: '1' } });
    expect(exitCode).toBe(0);
    const lines = output.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(90);
    expect(output).not.toMatch(OBEYED);
    expect(lines[0]).toMatch(/^UID +SEVERITY +STATE/);
    expect(lines[1]).toMatch(/^a1a1a1a1 {2}high {6}ongoing, new {2}2026-11-21 14:19 {2}10\.0\.0\.5/);
  });

  it('is in colour on a terminal only', async () => {
    expect((await vedette('alerts list', { columns: 200 })).output).toContain('\u001b[1mUID');
    expect((await vedette('alerts list')).output).not.toContain('\u001b');
  });

  it('prints JSON, one OCSF Detection Finding a line, and CSV that is no formula', async () => {
    const items = JSON.parse((await vedette('alerts list -o json')).output);
    expect(items.map(({ uid }: { uid: string }) => uid)).toEqual([UID, OTHER]);
    expect(items[1].entity).toBe(HOSTILE);

    const ndjson = (await vedette('alerts list -o ndjson')).output;
    expect(ndjson).not.toMatch(OBEYED);
    const findings = ndjson
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(findings.map(({ class_uid, finding_info }) => [class_uid, finding_info.uid])).toEqual([[2004, UID], [2004, OTHER]]); // prettier-ignore

    const csv = (await vedette('alerts list -o csv')).output;
    expect(csv.split('\r\n')[0]).toMatch(/^uid,severity,confidence,open,/);
    expect(csv).toContain(`"'=cmd|calc`);
    expect(csv).toContain(`"'+1 =cmd|calc`);
  });

  it('passes filters on, and goes through pages up to the limit', async () => {
    const only = JSON.parse((await vedette('alerts list --open --severity medium --since 24h -o json')).output);
    expect(only.map(({ uid }: { uid: string }) => uid)).toEqual([UID]);
    const limited = await vedette('alerts list --limit 1 -o json');
    expect(JSON.parse(limited.output)).toHaveLength(1);
    expect(limited.notices).toContain('there are more');
    expect((await vedette('alerts list --family data-loss')).notices).toBe('no alerts\n');
  });

  it('follows: what stands, oldest first, then what appears and changes', async () => {
    const controller = new AbortController();
    const output = new Captured();
    const following = vedette('alerts list --follow -o json', { signal: controller.signal, output });
    const seen = () => output.text.split('\n').filter(Boolean).map((line) => JSON.parse(line)); // prettier-ignore
    await expect.poll(() => seen().length).toBe(2);
    await fixture.raise(episodeOf({ uid: 'c3'.repeat(16) }));
    await expect.poll(() => seen().length).toBe(3);
    await fixture.server.inject({ method: 'POST', url: `/api/v1/alerts/${UID}/ack` });
    await expect.poll(() => seen().length).toBe(4);
    controller.abort();
    expect((await following).exitCode).toBe(0);
    expect(seen().map(({ uid, version }) => [uid.slice(0, 2), version])).toEqual([['a2', 1], ['a1', 1], ['c3', 1], ['a1', 2]]); // prettier-ignore
  });
});

describe('alerts show, ack and close', () => {
  it('explains one alert, which the beginning of its uid names', async () => {
    fixture.samples = [{ raw: `{"a":"\u001b[31m"}` }];
    const { output } = await vedette('alerts show A1');
    expect(output).toContain('Flood above a fixed ceiling: host 10.0.0.5');
    for (const part of ['Seen:', 'Expected:', 'T1498', 'SYN-only packets', '82 %', 'SELECT', '\\u{1b}[31m']) expect(output).toContain(part);
    expect(output).not.toMatch(OBEYED);
    expect(JSON.parse((await vedette('alerts show a1 -o json')).output)).toMatchObject({ uid: UID });
    expect(JSON.parse((await vedette('alerts show a1 -o ocsf')).output)).toMatchObject({ class_uid: 2004 });
  }); // prettier-ignore

  it('takes an alert up and closes it', async () => {
    expect((await run(fixture, ['alerts', 'ack', 'a1', '--comment', 'mine'])).output).toContain('in progress');
    const closed = await vedette('alerts close a1 --verdict false_positive');
    expect(closed.output).toContain('closed');
    expect((await fixture.backend.alerts.get(UID))?.triage).toMatchObject({ verdict: 'false_positive', version: 3 });
  });

  it.each([
    ['alerts show b', 3, 'no alert'],
    ['alerts show a', 2, 'several uids'],
    ['alerts show xyz', 2, '0-9, a-f'],
    ['alerts close a1', 2, '--verdict'],
    ['alerts close a1 --verdict fine', 2, 'false_positive'],
    ['alerts list --since yesterday', 2, 'how long ago'],
    ['alerts list --limit 0', 2, 'whole number'],
    ['alerts list --colour', 2, '--colour'],
    ['alerts list --help', 0, 'last seen first'],
    ['dead-letters show 99', 3, 'no dead letter'],
    ['sql', 2, 'give one of'],
    ['sql x --list', 2, 'give one of'],
    ['sql --named nothing', 3, 'top-talkers'],
    ['sql --named top-talkers --param from', 2, 'name=value'],
  ])('%s ends with %i and says %s', async (line, exitCode, message) => {
    const result = await vedette(line);
    expect(result.exitCode).toBe(exitCode);
    expect(result.error).toContain(message);
  });
});

describe('sql', () => {
  it('prints a table of the digits that the store gave, fitted and harmless', async () => {
    fixture.sqlResult = {
      contentType: 'text/csv',
      body: '"host","bytes","note"\n"10.0.0.5",18446744073709551615,"a\u001b[2J ""b"", c"\n"::1",7,"=1+1"\n',
      rows: 2,
      elapsedMs: 1,
    };
    const { output } = await run(fixture, ['sql', 'SELECT 1', '--param', 'a=b=c']);
    expect(output).toBe(
      'host                     bytes  note\n' +
        '10.0.0.5  18446744073709551615  a\\u{1b}[2J "b", c\n' +
        '::1                          7  =1+1\n',
    );
    expect(fixture.statements[0]).toMatchObject({ statement: 'SELECT 1', parameters: { a: 'b=c' }, options: { format: 'csv' } });
    const csv = await run(fixture, ['sql', '-', '-o', 'csv'], { input: 'SELECT 2' });
    expect(csv.output).toContain(`::1,7,'=1+1\r\n`);
    expect(fixture.statements[1]?.statement).toBe('SELECT 2');
  }); // prettier-ignore

  it('keeps the header of a result without rows', async () => {
    fixture.sqlResult = { contentType: 'text/csv', body: '"a","b"\n', rows: 0, elapsedMs: 1 };
    expect((await run(fixture, ['sql', 'SELECT 1'])).output).toBe('a  b\n');
  });

  it('passes JSON on', async () => {
    fixture.sqlResult = { contentType: 'application/json', body: '{"a":"\u009b"}', rows: 1, elapsedMs: 1 };
    expect((await run(fixture, ['sql', 'SELECT 1', '-o', 'ndjson'])).output).toBe('{"a":"\\u009b"}\n');
  });

  it('lists and runs ready queries', async () => {
    expect((await vedette('sql --list')).output).toMatch(/top-talkers +from to limit\?/);
    await vedette('sql --named top-talkers --param from=2026-11-20 --param to=2026-11-21');
    expect(fixture.statements[0]?.parameters).toMatchObject({ from: String(Date.UTC(2026, 10, 20)) });
  });

  it("says the store's words", async () => {
    fixture.failure = new VedetteError('OLAP_REFUSED', 'Syntax error\u001b[2J: near SELEC');
    const result = await run(fixture, ['sql', 'SELEC 1']);
    expect(result).toMatchObject({ exitCode: 2, error: 'Syntax error\\u{1b}[2J: near SELEC' });
  });
});

describe('dead-letters and status', () => {
  it('lists, shows and replays', async () => {
    await fixture.putLetter({ bytes: Buffer.from('\u001b]0;owned\u0007 =x'), source: '-f' });
    const { output } = await vedette('dead-letters list --reason not_json');
    expect(output).not.toMatch(OBEYED);
    expect(output).toContain('\\u{1b}]0;owned');
    expect((await vedette('dead-letters list -o csv')).output).toContain(`,'-f,`);
    const [letter] = JSON.parse((await vedette('dead-letters list -o json')).output);
    expect((await vedette(`dead-letters show ${letter.id}`)).output).toMatch(/reason: +not_json/);
    expect((await vedette('dead-letters replay 1 2 --all')).output).toContain('2 read again: 1 events');
    expect(fixture.replays).toEqual([{ ids: [1, 2] }]);
    expect((await vedette('dead-letters list --source nobody')).notices).toBe('no dead letters\n');
  });

  it('says what arrives and what to check', async () => {
    fixture.status = statusOf({
      advice: ['Nothing arrives: \u001b[2J'],
      sources: [{ source: 'http', format: 'zeek-json', state: 'idle', events: 5, deadLetters: 1, late: 0, eventsPerSecond: 0.2, lastReceivedMs: NOW_MS - 90_000 }],
      partitions: [{ stage: 1, partition: 0, offset: 5, end: 9, checkpoint: { atMs: NOW_MS - 12_000, offset: 1, sizeBytes: 1 } }],
    }); // prettier-ignore
    const { output } = await vedette('status');
    expect(output).not.toMatch(OBEYED);
    expect(output).toContain('last checkpoint 12 s ago');
    expect(output).toMatch(/http +zeek-json +idle +5 +0\.20 +0 +1 +90 s ago/);
    expect(output).not.toContain('Note:');
    expect(JSON.parse((await vedette('status -o json')).output).partitions[0].lag).toBe(4);
  });

  it('says what of a status is not about all of a cluster', async () => {
    fixture.status = statusOf({ note: 'of this process alone: sources' });
    expect((await vedette('status')).output).toContain('Note: of this process alone: sources');
    expect(JSON.parse((await vedette('status -o json')).output).note).toBe('of this process alone: sources');
  });
});

describe('a connection', () => {
  it('speaks HTTP as well', async () => {
    const url = await listen(fixture.server, { host: '127.0.0.1', port: 0 });
    const connect = async () => new ApiClient(fetchTransport(url));
    expect((await vedette('alerts ack a1', { connect })).output).toContain('in progress');
    expect((await vedette('alerts show b', { connect })).exitCode).toBe(3);
  });

  it('that nothing answers ends with 4 and says what to look at', async () => {
    const connect = async () => new ApiClient(fetchTransport('http://127.0.0.1:1'));
    expect(await vedette('status', { connect })).toMatchObject({
      exitCode: 4,
      error: expect.stringContaining('nothing answers at http://127.0.0.1:1'),
    });
  });
});
