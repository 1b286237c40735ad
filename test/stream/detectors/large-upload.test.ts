import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { HostWindow, LargeFlow, Verdict } from '../../../stream/detector.ts';
import { largeUpload } from '../../../stream/detectors/large-upload.ts';

const HOUR_MS = 3_600_000;
const MB = 1e6;
const T0 = Date.UTC(2026, 0, 5);
const CONTEXT = { entity: '10.0.0.7', group: '' };

function hourOf(flows: number, largestFlowOut: number): HostWindow {
  return {
    flows, failed: 0, bytesOut: largestFlowOut, bytesIn: 0, packetsOut: 0, packetsIn: 0, largestFlowOut,
    distinctDestinations: 1, distinctPorts: 1, newDestinations: 0, dnsQueries: 0, nxdomain: 0,
  }; // prettier-ignore
}

function host(config: unknown = {}) {
  const { flow, hour } = largeUpload.create(largeUpload.schema.parse(config));
  const state = new Float64Array(largeUpload.state.slots.length);
  let index = 0;
  return {
    state,
    live(flows: number, largest: number): void {
      hour?.(hourOf(flows, largest), T0 + index++ * HOUR_MS, state, 0, CONTEXT);
    },
    skip: (hours: number): void => void (index += hours),
    upload(about: Partial<LargeFlow>): Verdict | undefined {
      const timeMs = T0 + index * HOUR_MS;
      return flow?.(
        { bytesOut: 0, bytesIn: 0, peer: '203.0.113.9', isNewPeer: true, timeMs, ...about },
        state,
        0,
        CONTEXT,
      );
    },
  };
}

/** Thirty active hours of ten flows, none over 1 MB out. */
function workstation(config: unknown = {}) {
  const it = host(config);
  for (let hour = 0; hour < 30; hour++) it.live(10, MB);
  return it;
}

describe('large-upload', () => {
  it('finds 30 MB in one connection to a new peer, and says how much larger that is', () => {
    const verdict = workstation().upload({ bytesOut: 30 * MB, bytesIn: 0.2 * MB });
    expect(verdict).toMatchObject({
      observed: 30 * MB,
      peer: '203.0.113.9',
      summary:
        '30 MB sent in one connection to 203.0.113.9, which is new for this host, with 200 kB back; ' +
        'its largest before was about 1 MB',
    });
    // line: max(25 MB, 20 · 1 MB) = 25 MB
    expect(verdict?.ratio).toBeCloseTo(1.2, 10);
  });

  it('needs size, direction, a new peer and a history', () => {
    expect(workstation().upload({ bytesOut: 24 * MB })).toBeUndefined();
    expect(workstation().upload({ bytesOut: 30 * MB, bytesIn: 2 * MB })).toBeUndefined(); // PCR 0.875
    expect(workstation().upload({ bytesOut: 30 * MB, isNewPeer: false })).toBeUndefined();
    expect(host().upload({ bytesOut: 300 * MB })).toBeUndefined();
    const young = host();
    for (let hour = 0; hour < 23; hour++) young.live(10, MB);
    expect(young.upload({ bytesOut: 300 * MB })).toBeUndefined();
    young.live(10, MB);
    expect(young.upload({ bytesOut: 300 * MB })).toBeDefined();
    const quiet = host();
    for (let hour = 0; hour < 30; hour++) quiet.live(3, MB); // 90 flows
    expect(quiet.upload({ bytesOut: 300 * MB })).toBeUndefined();
  });

  it('takes twenty times what the host sent before', () => {
    const camera = host();
    for (let hour = 0; hour < 30; hour++) camera.live(10, 10 * MB);
    expect(camera.upload({ bytesOut: 195 * MB })).toBeUndefined();
    expect(camera.upload({ bytesOut: 201 * MB })).toBeDefined();
  });

  it('lets one upload at most double what it remembers, and halves that in a week', () => {
    const { live, skip, state, upload } = workstation();
    live(1, 900 * MB);
    expect(state[4]! / MB).toBeCloseTo(2, 1); // 2 · 1 MB, less an hour's decay
    expect(upload({ bytesOut: 60 * MB })).toBeDefined();
    skip(7 * 24);
    live(1, 0);
    expect(state[4]! / MB).toBeCloseTo(1, 1);
  });

  it('never un-fires when more is sent', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100 * MB)),
        fc.nat(2e9),
        fc.nat(2e9),
        fc.nat(MB),
        (before, bytesOut, more, bytesIn) => {
          const { live, skip, upload } = host();
          before.forEach((largest) => live(50, largest));
          skip(24);
          const fired = upload({ bytesOut, bytesIn }) !== undefined;
          expect(upload({ bytesOut: bytesOut + more, bytesIn }) !== undefined || !fired).toBe(true);
        },
      ),
    );
  });

  it('does not fire for a flow without bytes, even with a floor of nothing', () => {
    const config = { minBytes: 1e-9, minHistoryHours: 0, minActiveHours: 0, minFlows: 0 };
    const { live, upload } = host(config);
    live(1_000_000, 0);
    expect(upload({ bytesOut: 0, bytesIn: 0 })).toBeUndefined();
  });

  it('names the key that it does not know', () => {
    expect(() => largeUpload.schema.parse({ minMegabytes: 1 })).toThrow(/minMegabytes/);
  });
});
