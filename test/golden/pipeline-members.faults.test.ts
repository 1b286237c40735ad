import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Role } from '../../cli/roles.ts';
import { STORE_DATABASE } from '../../olap/schema/databases.ts';
import type { Services } from '../../services/start-services.ts';
import { type FaultLoad, makeFaultLoad } from './fault-load.ts';
import { expectSame, referenceOf } from './fault-result.ts';
import { FaultSite, hasServers, startFaultServers } from './fault-site.ts';
import type { FaultResult } from './results.ts';

const PACE_MS = 200;
const CHANGE_EVERY_MS = 60_000;
const ALL: readonly Role[] = ['ingest', 'stream', 'sink'];

/** Workers that come, go, and stand still while others take over what was theirs. */
describe.skipIf(!hasServers)('a pipeline whose workers change', () => {
  let services: Services | undefined;
  let site: FaultSite | undefined;

  beforeAll(async () => {
    services = await startFaultServers();
  });
  afterEach(async () => {
    await site?.close();
    site = undefined;
  });
  afterAll(() => services?.stop());

  describe('frozen past their session', () => {
    let load: FaultLoad;
    let reference: FaultResult;
    beforeAll(async () => {
      load = makeFaultLoad({ flows: 40_000 });
      reference = await referenceOf(load);
    });

    it.each([
      ['stream', 'block_read'],
      ['stream', 'findings_written'],
      ['sink', 'intent_written'],
      ['sink', 'rows_sent'],
    ] as const)('is the same when %s stands still at %s, another takes over, and it goes on', async (role, point) => {
      site = await FaultSite.open();
      const frozen = site.keep([role], (start) => (start === 0 ? { point, times: 4, signal: 'SIGSTOP' } : undefined));
      const others = ALL.filter((other) => other !== role).map((other) => site!.keep([other]));
      await Promise.all([frozen, ...others].map(({ ready }) => ready));
      const publisher = site.publish(load, { paceMs: PACE_MS });
      await expect.poll(() => frozen.isFrozen, { timeout: 60_000 }).toBe(true);
      const successor = site.keep([role]);
      await successor.ready;
      await site.flows({ rows: 1000 });
      expect(frozen.isFrozen).toBe(true);
      frozen.thaw();
      await site.flows({ rows: 1000 });
      await publisher.hurry();
      const result = await site.finish();
      expect(frozen.notices).toMatch(/not heard of|was left|opened again/);
      expectSame(site, result, reference, load);
    });

    it('is the same when ingest stands still, which nobody takes over', async () => {
      site = await FaultSite.open();
      const { ingest } = await site.keepEach();
      const publisher = site.publish(load, { paceMs: PACE_MS });
      await site.flows();
      ingest.freeze();
      await sleep(8000);
      ingest.thaw();
      await site.flows({ rows: 1000 });
      await publisher.hurry();
      expectSame(site, await site.finish(), reference, load);
    });

    it('is the same when a sink stands still for so long that its insert is no longer remembered', async () => {
      site = await FaultSite.open();
      const { olap } = site.site.servers;
      // Else it takes ten thousand inserts. Fewer than there are while partitions change hands would prove nothing.
      await olap.command(
        `ALTER TABLE ${STORE_DATABASE}.events MODIFY SETTING non_replicated_deduplication_window = 200`,
      );
      const frozen = site.keep(['sink'], (start) => (start === 0 ? { point: 'intent_written', times: 4, signal: 'SIGSTOP' } : undefined)); // prettier-ignore
      await Promise.all([frozen, site.keep(['ingest']), site.keep(['stream'])].map(({ ready }) => ready));
      const publisher = site.publish(load, { paceMs: PACE_MS });
      await expect.poll(() => frozen.isFrozen, { timeout: 60_000 }).toBe(true);
      await site.keep(['sink']).ready;
      const before = await site.insertsOfEvents();
      await expect.poll(() => site!.insertsOfEvents(), { timeout: 60_000 }).toBeGreaterThan(before + 250);
      expect(frozen.isFrozen).toBe(true);
      frozen.thaw();
      await site.flows();
      await publisher.hurry();
      const result = await site.finish();
      expect(frozen.notices).toMatch(/not heard of|was left|opened again/);
      expectSame(site, result, reference, load);
    });
  });

  it(`is the same while one worker becomes three and one again, a change every ${CHANGE_EVERY_MS / 1000} s`, async () => {
    const load = makeFaultLoad({ flows: 320_000 });
    const reference = await referenceOf(load);
    site = await FaultSite.open();
    let staying = site.keep(ALL);
    await staying.ready;
    const publisher = site.publish(load, { paceMs: PACE_MS });
    for (let round = 0; round < 2; round++) {
      await sleep(CHANGE_EVERY_MS);
      const joining = [site.keep(ALL), site.keep(ALL)];
      await Promise.all(joining.map(({ ready }) => ready));
      await sleep(CHANGE_EVERY_MS);
      // The one that has been there longest goes as well, and so does one without a word.
      await staying.stop();
      await joining[0]!.stop('SIGKILL');
      staying = joining[1]!;
    }
    await sleep(CHANGE_EVERY_MS);
    expect(publisher.published).toBeLessThan(load.messages.length);
    await publisher.hurry();
    expectSame(site, await site.finish(), reference, load);
  });
});
