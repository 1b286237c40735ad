import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { HostWindow, Verdict } from '../../../stream/detector.ts';
import { outboundVolume } from '../../../stream/detectors/outbound-volume.ts';

const HOUR_MS = 3_600_000;
const MB = 1e6;
const T0 = Date.UTC(2026, 0, 5);
const CONTEXT = { entity: '10.0.0.7', group: '' };

function windowOf(counts: Partial<HostWindow>): HostWindow {
  return {
    flows: 10, failed: 0, bytesOut: 0, bytesIn: 0, packetsOut: 0, packetsIn: 0, largestFlowOut: 0,
    distinctDestinations: 1, distinctPorts: 1, newDestinations: 0, dnsQueries: 0, nxdomain: 0, ...counts,
  }; // prettier-ignore
}

/** A host that is asked in the last minute of each hour, and learns it. */
function host(config: unknown = {}) {
  const { running, hour } = outboundVolume.create(outboundVolume.schema.parse(config));
  const state = new Float64Array(outboundVolume.state.slots.length);
  let index = 0;
  const ask = (counts: Partial<HostWindow>, minutes = 60): Verdict | undefined => {
    const startMs = T0 + index * HOUR_MS;
    return running?.(windowOf(counts), startMs, startMs + minutes * 60_000, state, 0, CONTEXT);
  };
  const live = (counts: Partial<HostWindow>): Verdict | undefined => {
    const verdict = ask(counts);
    hour?.(windowOf(counts), T0 + index * HOUR_MS, state, 0, CONTEXT);
    index++;
    return verdict;
  };
  const skip = (hours: number): void => void (index += hours);
  return { ask, live, skip, state };
}

/** Two days of a workstation that fetches 50 MB an hour and sends 2 MB. */
function workstation(config: unknown = {}) {
  const it = host(config);
  for (let hour = 0; hour < 48; hour++) it.live({ bytesOut: 2 * MB, bytesIn: 50 * MB });
  return it;
}

describe('outbound-volume', () => {
  it('learns median, MAD and PCR as worked by hand', () => {
    const { live, state } = host();
    live({ bytesOut: Math.expm1(10), bytesIn: 0 }); // y = 10, PCR 1
    live({ bytesOut: Math.expm1(12), bytesIn: Math.expm1(12) * 3 }); // y = 12, PCR −0.5
    // α = 1/2: median 11, MAD (|12 − 10| − 0)/2 = 1, PCR 0.25
    expect([...state.subarray(0, 4)].map((slot) => Number(slot.toFixed(9)))).toEqual([2, 11, 1, 0.25]);
  });

  it('finds an upload of 400 MB and explains it', () => {
    const verdict = workstation().ask({ bytesOut: 400 * MB, bytesIn: 10 * MB }, 23);
    expect(verdict).toMatchObject({
      observed: 400 * MB,
      unit: 'bytes',
      sinceMs: T0 + 48 * HOUR_MS,
      summary:
        '400 MB sent out of the network in 23 minutes, 10 MB received (PCR +0.95); usual are 2 MB an hour, PCR −0.92',
    });
    expect(verdict?.expected).toBeCloseTo(2 * MB, 0);
    // z = ln(400/2)/0.5 = 10.6; the line is the floor of 100 MB, over 2 MB · e² = 14.8 MB: ratio 4.
    expect(verdict?.basis).toContain('z 10.6 against 4');
    expect(verdict?.ratio).toBeCloseTo(4, 6);
  });

  it('needs floor, deviation and direction together', () => {
    expect(workstation().ask({ bytesOut: 99 * MB })).toBeUndefined();
    // A call: 437 MB out, 831 MB in.
    expect(workstation().ask({ bytesOut: 437 * MB, bytesIn: 831 * MB })).toBeUndefined();
    const sender = host();
    for (let hour = 0; hour < 48; hour++) sender.live({ bytesOut: 60 * MB, bytesIn: 50 * MB });
    // 60 MB · e^(4 · 0.5) = 443 MB
    expect(sender.ask({ bytesOut: 440 * MB })).toBeUndefined();
    expect(sender.ask({ bytesOut: 446 * MB })).toBeDefined();
  });

  it('leaves a host alone that sends 5 to 20 MB every hour', () => {
    const backup = host();
    const fired = Array.from({ length: 24 * 7 }, (_, hour) =>
      backup.live({ bytesOut: (5 + ((hour * 7) % 16)) * MB, bytesIn: 0.1 * MB }),
    );
    expect(fired.filter(Boolean)).toEqual([]);
    expect(backup.ask({ bytesOut: 400 * MB, bytesIn: MB })).toBeDefined();
  });

  it('finds an upload on the first day, also in the first hour, at higher limits', () => {
    expect(host().ask({ bytesOut: 210 * MB, bytesIn: MB })?.basis).toContain('without history');
    expect(host().ask({ bytesOut: 190 * MB, bytesIn: MB })).toBeUndefined();
    expect(host().ask({ bytesOut: 400 * MB, bytesIn: 40 * MB })).toBeUndefined(); // PCR 0.82
    const young = host();
    for (let hour = 0; hour < 9; hour++) young.live({ bytesOut: 2 * MB, bytesIn: 50 * MB });
    expect(young.ask({ bytesOut: 190 * MB, bytesIn: MB })).toBeUndefined();
    expect(young.ask({ bytesOut: 400 * MB, bytesIn: MB })?.confidence).toBeLessThan(0.7);
  });

  it('does not fire at the first small upload of a sparse host whose MAD is 0', () => {
    const sparse = host();
    for (let hour = 0; hour < 48; hour++) sparse.live({ bytesOut: 1_000, bytesIn: 1_000 });
    expect(sparse.state[2]).toBe(0);
    expect(sparse.ask({ bytesOut: 20 * MB })).toBeUndefined();
  });

  it('never fires for connections that carry nothing, however many', () => {
    const rejected = { flows: 1e9, failed: 1e9, packetsOut: 1e9, distinctDestinations: 65_000 };
    expect(host().ask(rejected)).toBeUndefined();
    expect(workstation().ask(rejected)).toBeUndefined();
    const { live, state } = host();
    live(rejected);
    expect(state[0]).toBe(0);
  });

  it('fires again for the second hour of the same upload, and keeps its start', () => {
    const leaking = workstation();
    const upload = { bytesOut: 400 * MB, bytesIn: MB };
    for (let hour = 0; hour < 10; hour++) expect(leaking.live(upload)?.sinceMs).toBe(T0 + 48 * HOUR_MS);
    expect(Math.expm1(leaking.state[1]!)).toBeLessThan(2.1 * MB);
  });

  it('fires again for the second hour when the first was the first of its life', () => {
    const { live } = host();
    expect(live({ bytesOut: 400 * MB })).toBeDefined();
    expect(live({ bytesOut: 400 * MB })).toBeDefined();
  });

  it('accepts a level after 24 hours of alarms in a row', () => {
    const moved = workstation();
    const fired = Array.from({ length: 30 }, () => moved.live({ bytesOut: 400 * MB, bytesIn: MB }) !== undefined);
    expect(fired.indexOf(false)).toBe(24);
    expect(fired.slice(24)).not.toContain(true);
  });

  it('catches an attacker who doubles the upload every day, before it reaches a gigabyte an hour', () => {
    const patient = workstation();
    const sizes = Array.from({ length: 240 }, (_, hour) => 2 * MB * 2 ** (hour / 24));
    const caught = sizes.find((bytesOut) => patient.live({ bytesOut, bytesIn: bytesOut / 100 }) !== undefined);
    expect(caught).toBeLessThan(1e9);
  });

  it('finds an upload by night of a host that is busy by day and hardly idle by night', () => {
    const office = host();
    for (let hour = 0; hour < 24 * 5; hour++) {
      const isDay = hour % 24 >= 8 && hour % 24 < 18;
      office.live(isDay ? { bytesOut: 3 * MB, bytesIn: 60 * MB } : { bytesOut: 2e4, bytesIn: 4e4 });
    }
    expect(office.ask({ bytesOut: 400 * MB, bytesIn: 4 * MB })).toBeDefined();
  });

  it('never un-fires when more is sent', () => {
    const hours = fc.array(fc.record({ bytesOut: fc.nat(500 * MB), bytesIn: fc.nat(500 * MB) }), { maxLength: 40 });
    fc.assert(
      fc.property(hours, fc.nat(2e9), fc.nat(2e9), fc.nat(50 * MB), (before, bytesOut, more, bytesIn) => {
        const { live, ask } = host();
        before.forEach((hour) => live(hour));
        const fired = ask({ bytesOut, bytesIn }) !== undefined;
        expect(ask({ bytesOut: bytesOut + more, bytesIn }) !== undefined || !fired).toBe(true);
      }),
    );
  });

  it('names the key that it does not know', () => {
    expect(() => outboundVolume.schema.parse({ floorBytes: 1 })).toThrow(/floorBytes/);
  });
});
