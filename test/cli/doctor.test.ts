import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VedetteError } from '../../model/errors.ts';
import { type CheckGroup, runChecks } from '../../cli/doctor/check.ts';
import { judgeClock } from '../../cli/doctor/clock.ts';
import { nodeFinding } from '../../cli/doctor/machine-checks.ts';
import { schemaFinding } from '../../cli/doctor/schema-finding.ts';
import { doctor } from './doctor-fixture.ts';

function group(first: () => Promise<'ok' | 'fail'>, others: (() => Promise<'ok' | 'fail'>)[] = []): CheckGroup {
  const check = (name: string, run: () => Promise<'ok' | 'fail'>) => ({
    name,
    run: async () => ({ level: await run(), found: 'seen' }),
  });
  return {
    server: 'a server',
    first: check('first', first),
    others: others.map((run, index) => check(`other ${index}`, run)),
    advice: { OLAP_UNAVAILABLE: 'start it' },
    close: () => Promise.resolve(),
  };
}

describe('the checks of the doctor', () => {
  it('turn an error into a finding, with what to do by its code, and spare the other questions', async () => {
    let asked = 0;
    const away = group(
      () => Promise.reject(new VedetteError('OLAP_UNAVAILABLE', 'nobody listens')),
      [() => Promise.resolve(asked++ === 0 ? 'ok' : 'fail')],
    );
    expect(await runChecks([away], 1000)).toEqual([
      { server: 'a server', check: 'first', level: 'fail', found: 'nobody listens', advice: 'start it' },
    ]);
    expect(asked).toBe(0);
  });

  it('wait for no server longer than the limit, all of them together', async () => {
    const silent = () => group(() => sleep(60_000, 'ok' as const, { ref: false }));
    const started = performance.now();
    const results = await runChecks([silent(), silent(), group(() => Promise.resolve('ok'))], 200);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(results.map(({ level }) => level)).toEqual(['fail', 'fail', 'ok']);
    expect(results[0]?.found).toBe('no answer within 0.2 s');
  });

  it.each([
    [900, 5, 'ok'],
    [-1500, 5, 'warn'],
    [1500, 600, 'ok'],
    [45_000, 5, 'fail'],
  ] as const)('judge a clock that is %i ms off, give or take %i, as %s', (skewMs, errorMs, level) => {
    expect(judgeClock(skewMs, errorMs).level).toBe(level);
  });

  it('tell which schemas will be brought up to date', () => {
    expect(schemaFinding(4, 4).level).toBe('ok');
    expect(schemaFinding(0, 4).found).toBe('no schema yet');
    expect(schemaFinding(3, 4).advice).toMatch(/up to date/);
  });

  it('refuse a Node that is too old', () => {
    expect(nodeFinding('18.20.0')).toMatchObject({ level: 'fail', advice: 'install Node 20 or newer' });
    expect(nodeFinding('20.1.0').level).toBe('ok');
  });
});

describe('vedette doctor in the embedded form', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-doctor-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('looks at Node, the library, the folder and the disk, and ends with 0', async () => {
    const { exitCode, output } = await doctor(['--data', join(folder, 'new'), 'doctor', '-o', 'json'], {});
    const { ok, checks } = JSON.parse(output) as { ok: boolean; checks: { check: string; found: string }[] };
    expect({ exitCode, ok }).toEqual({ exitCode: 0, ok: true });
    expect(checks.map(({ check }) => check)).toEqual(['node', 'chdb', 'data folder', 'disk']);
    expect(checks[2]?.found).toMatch(/will be made$/);
  });

  it('warns where the log may outgrow the disk, and still ends with 0', async () => {
    const config = join(folder, 'vedette.yaml');
    writeFileSync(config, `log: { maxBytes: ${2 ** 50} }\n`);
    const { exitCode, output } = await doctor(['--data', folder, '--config', config, 'doctor'], {});
    expect(exitCode).toBe(0);
    expect(output).toMatch(/this machine {2}disk +warn/);
    expect(output).toMatch(/- should {2}this machine, disk: free some space, or lower log.maxBytes/);
  });

  it('names the key of a configuration that is wrong, with 2', async () => {
    const config = join(folder, 'vedette.yaml');
    writeFileSync(config, 'kafka: { borkers: [] }\n');
    expect(await doctor(['--config', config, 'doctor'], {})).toMatchObject({ exitCode: 2 });
  });
});

describe('vedette doctor where every server is stopped', () => {
  it('says of each what to do, within the time of one, and ends with 1', async () => {
    const started = performance.now();
    const { exitCode, output } = await doctor(['doctor', '-o', 'json'], {
      VEDETTE_KAFKA: '127.0.0.1:1',
      VEDETTE_PULSAR_ADMIN: 'http://127.0.0.1:1',
      VEDETTE_PULSAR_WS: 'ws://127.0.0.1:1',
      VEDETTE_CASSANDRA: '127.0.0.1:1',
      VEDETTE_REDIS: 'redis://127.0.0.1:1',
      VEDETTE_CLICKHOUSE: 'http://127.0.0.1:1',
    });
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(exitCode).toBe(1);
    const { checks } = JSON.parse(output) as { checks: { server: string; level: string; advice?: string }[] };
    expect(checks.map(({ server, level }) => `${server} ${level}`)).toEqual([
      'this machine ok',
      'kafka fail',
      'pulsar fail',
      'cassandra fail',
      'redis fail',
      'clickhouse fail',
    ]);
    for (const { advice } of checks.slice(1)) expect(advice).toMatch(/^start the (server|brokers)/);
  });
});
