import { describe, expect, it } from 'vitest';
import fc from 'fast-check';

import type { TargetPane, Verdict } from '../../../stream/detector.ts';
import { floodCeiling } from '../../../stream/detectors/flood-ceiling.ts';

const T0 = Date.UTC(2026, 0, 5);
const PANE_MS = 10_000;

function paneOf(counts: Partial<TargetPane>): TargetPane {
  const packets = counts.packets ?? counts.synOnly ?? counts.udpPackets ?? 0;
  return {
    flows: 0, bytes: 0, synOnly: 0, sources: 1, ratePackets: packets, rateBytes: 0, udpPackets: 0, icmpPackets: 0,
    amplificationPackets: 0, ...counts, packets,
  }; // prettier-ignore
}

function target(config: unknown = {}, group = '') {
  const { pane } = floodCeiling.create(floodCeiling.schema.parse(config));
  const state = new Float64Array(floodCeiling.state.slots.length);
  const step = (index: number, counts: Partial<TargetPane>): Verdict | undefined =>
    pane?.(paneOf(counts), T0 + index * PANE_MS, state, 0, { entity: '192.0.2.1', group });
  return { step, state };
}

describe('flood-ceiling', () => {
  it('fires in the first pane of the life of a target, and says what it saw', () => {
    // The recorded spoofed flood: 37,841 packets in 23.7 s are 1,597/s; a whole pane of it holds 15,970.
    const verdict = target().step(0, { synOnly: 15_970, flows: 15_970, sources: 15_900 });
    expect(verdict).toMatchObject({
      detector: 'flood-ceiling',
      observed: 1597,
      expected: 0,
      unit: 'packets/s',
      sinceMs: T0,
      summary: '1,597 SYN-only packets/s (limit 500/s; usual 0/s) from 15,900 sources',
    });
    expect(verdict?.ratio).toBeCloseTo(3.194, 10); // 1597/500
    expect(verdict?.contributions).toHaveLength(1);
  });

  it.each([
    ['packets', { packets: 200_000 }],
    ['bits', { rateBytes: 1_250_000_000 }], // 10 Gbit in 10 s
    ['flows', { flows: 35_000 }],
    ['SYN-only packets', { synOnly: 5_000 }],
    ['UDP packets', { udpPackets: 100_000 }],
    ['ICMP packets', { packets: 10_000, icmpPackets: 10_000 }],
    ['packets from amplification ports', { udpPackets: 10_000, amplificationPackets: 10_000 }],
  ])('fires at the limit of %s and not one below', (feature, counts: Partial<TargetPane>) => {
    expect(
      target()
        .step(0, counts)
        ?.contributions.map((found) => found.feature),
    ).toContain(feature);
    const below = Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, count - 1]));
    expect(target().step(0, below)).toBeUndefined();
  });

  it('shares a verdict among the limits that are exceeded', () => {
    // 2 × the packet limit and 6 × the UDP limit… 40,000/20,000 = 2, 40,000/10,000 = 4: shares 1/3 and 2/3.
    const shares = target()
      .step(0, { udpPackets: 400_000 })
      ?.contributions.map(({ share }) => share);
    expect(shares).toEqual([2 / 3, 1 / 3]);
  });

  it('asks ten times the own usual rate of SYN-only packets, so that a target scanned all day is none', () => {
    const scanned = target();
    for (let index = 0; index < 8640; index++) scanned.step(index, { synOnly: 1_000 }); // 100/s for a day
    expect(scanned.state[4 + 3]).toBeGreaterThan(60); // usual: on its way to 100/s
    expect(scanned.step(8640, { synOnly: 5_500 })).toBeUndefined(); // 550/s is over the limit, not over ten times usual
    expect(scanned.step(8641, { synOnly: 12_000 })).toBeDefined();
  });

  it('learns usual rates as worked by hand, and counts panes without flows as zero', () => {
    const { step, state } = target();
    step(0, { synOnly: 3_610 }); // 361/s; α = 1/(1 + 360): usual = 1
    expect(state[4 + 3]).toBeCloseTo(1, 12);
    step(3, { synOnly: 0 }); // two silent panes at α = 1/361, then one at 1/364
    expect(state[4 + 3]).toBeCloseTo((360 / 361) ** 2 * (363 / 364), 12);
  });

  it('learns nothing from a flood, holds down to the release factor, and keeps its start', () => {
    const { step, state } = target();
    step(0, { synOnly: 10_000 });
    expect(step(1, { synOnly: 4_000 })).toMatchObject({ sinceMs: T0, ratio: 1 }); // 400/s = 0.8 · 500/s
    expect(state[4 + 3]).toBe(0);
    expect(step(2, { synOnly: 3_990 })).toBeUndefined();
    // After more than a minute below, the next flood is another one.
    expect(step(20, { synOnly: 4_500 })).toBeUndefined();
    expect(step(21, { synOnly: 5_000 })?.sinceMs).toBe(T0 + 21 * PANE_MS);
  });

  it('lets the usual rate follow again after six hours of flood', () => {
    const { step, state } = target();
    for (let index = 0; index <= 2_160; index++) step(index, { synOnly: 6_000 });
    expect(state[4 + 3]).toBeGreaterThan(0);
    expect(target({ freezeHours: 7 }).step(0, { synOnly: 6_000 })).toBeDefined();
  });

  it("takes a host group's own limits, and the defaults for what the group leaves out", () => {
    const config = { limits: { flowsPerSecond: 50 }, groups: { web: { synOnlyPerSecond: 5_000 } } };
    expect(target(config, 'web').step(0, { synOnly: 10_000 })).toBeUndefined();
    expect(target(config, 'web').step(0, { flows: 500 })).toBeDefined();
    expect(target(config, 'mail').step(0, { synOnly: 10_000 })).toBeDefined();
    expect(target(config, 'constructor').step(0, { synOnly: 10_000 })).toBeDefined();
  });

  it('does not take the end of a long call for a flood of UDP', () => {
    // One flow of an hour ends with 700,000 packets: 1,940 of them belong to this pane.
    expect(target().step(0, { udpPackets: 700_000, packets: 700_000, ratePackets: 1_940 })).toBeUndefined();
  });

  it('names the key that it does not know', () => {
    expect(() => floodCeiling.schema.parse({ limits: { synPerSecond: 1 } })).toThrow(/synPerSecond/);
    expect(() => floodCeiling.schema.parse({ groups: { web: { mbps: 1 } } })).toThrow(/mbps/);
    expect(() => floodCeiling.schema.parse({ limit: {} })).toThrow(/limit/);
  });

  it('never stops firing when more arrives', () => {
    const counts = fc.record({
      flows: fc.nat(80_000), packets: fc.nat(400_000), synOnly: fc.nat(20_000), udpPackets: fc.nat(200_000),
      rateBytes: fc.nat(2_000_000_000),
    }); // prettier-ignore
    fc.assert(
      fc.property(fc.array(counts, { maxLength: 5 }), counts, counts, (before, now, more) => {
        const one = target();
        const other = target();
        before.forEach((pane, index) => [one, other].forEach(({ step }) => step(index, pane)));
        const raised = Object.fromEntries(
          Object.entries(now).map(([key, n]) => [key, n + more[key as keyof typeof more]]),
        );
        const fired = one.step(before.length, now) !== undefined;
        expect(other.step(before.length, raised) !== undefined || !fired).toBe(true);
      }),
    );
  });

  it('gives at the close what it gave early, when asked on a copy inside the open pane', () => {
    const { step, state } = target();
    step(0, { synOnly: 30 });
    const before = state.slice();
    const { pane } = floodCeiling.create(floodCeiling.schema.parse({}));
    const early = pane?.(paneOf({ synOnly: 6_000 }), T0 + PANE_MS, before, 0, { entity: '192.0.2.1', group: '' });
    expect(early?.sinceMs).toBe(step(1, { synOnly: 9_000 })?.sinceMs);
  });
});
