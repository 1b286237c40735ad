/**
 * Job J as the peers' Java programs define it (Agg, Host, Detector and Plain), written down once more without regard to
 * speed: 64-bit numbers are BigInts and states are objects.
 */
export interface PeerFlow {
  readonly ts: number;
  readonly src: string;
  readonly dst: string;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

const MASK = (1n << 64n) - 1n;

export function peerHash(text: string): { register: number; rank: number } {
  let code = 0;
  for (let i = 0; i < text.length; i++) code = (Math.imul(code, 31) + text.charCodeAt(i)) | 0;
  let h = (BigInt(code) * 0x9e3779b97f4a7c15n) & MASK;
  h = ((h ^ (h >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  h = ((h ^ (h >> 27n)) * 0x94d049bb133111ebn) & MASK;
  h ^= h >> 31n;
  const rest = (((h << 6n) & MASK) | 32n).toString(2);
  return { register: Number(h >> 58n), rank: 64 - rest.length + 1 };
}

class Aggregate {
  count = 0;
  bytesOut = 0;
  readonly registers = new Array<number>(64).fill(0);

  add(flow: PeerFlow): void {
    this.count++;
    this.bytesOut += flow.bytesOut;
    const { register, rank } = peerHash(flow.dst);
    this.registers[register] = Math.max(this.registers[register]!, rank);
  }

  merge(other: Aggregate): void {
    this.count += other.count;
    this.bytesOut += other.bytesOut;
    other.registers.forEach((rank, i) => (this.registers[i] = Math.max(this.registers[i]!, rank)));
  }

  distinct(): number {
    const sum = this.registers.reduce((total, rank) => total + 1 / 2 ** rank, 0);
    const zeros = this.registers.filter((rank) => rank === 0).length;
    const raw = (0.709 * 64 * 64) / sum;
    return raw <= 160 && zeros > 0 ? 64 * Math.log(64 / zeros) : raw;
  }
}

class Detector {
  private windows = 0;
  private readonly series = [0, 1, 2].map(() => ({ mean: 0, variance: 0, up: 0, down: 0 }));

  step(window: Aggregate): number {
    if (++this.windows <= 6) return 0;
    let alarms = 0;
    [window.count, window.bytesOut, window.distinct()].forEach((value, index) => {
      const state = this.series[index]!;
      const x = Math.log1p(value);
      if (this.windows === 7) {
        state.mean = x;
        return;
      }
      const difference = x - state.mean;
      if (this.windows > 10) {
        const z = Math.max(-10, Math.min(10, difference / Math.max(0.1, Math.sqrt(state.variance))));
        state.up = Math.max(0, state.up + z - 0.5);
        state.down = Math.max(0, state.down - z - 0.5);
        if (state.up > 8 || state.down > 8) {
          alarms |= 1 << index;
          state.up = state.down = 0;
          return;
        }
        if (state.up > 4 || state.down > 4) return;
      }
      state.mean += 0.1 * difference;
      state.variance = 0.9 * (state.variance + 0.1 * difference * difference);
    });
    return alarms;
  }
}

/** Alerts of one partition's flows, which come in the order of their time. */
export function peerAlerts(flows: readonly PeerFlow[]): string[] {
  const hosts = new Map<string, { readonly panes: Map<number, Aggregate>; readonly detector: Detector }>();
  const alerts: string[] = [];
  const close = (pane: number): void => {
    for (const [host, { panes, detector }] of hosts) {
      const window = new Aggregate();
      for (let p = pane - 5; p <= pane; p++) {
        const aggregate = panes.get(p);
        if (aggregate) window.merge(aggregate);
      }
      if (window.count === 0) continue;
      const alarms = detector.step(window);
      if (alarms === 0) continue;
      alerts.push(
        `{"ts":${(pane + 1) * 10_000},"host":"${host}","series":${alarms},"count":${window.count},` +
          `"bytes_out":${window.bytesOut},"distinct":${Math.trunc(window.distinct())}}`,
      );
    }
  };
  let current: number | undefined;
  for (const flow of flows) {
    const pane = Math.floor(flow.ts / 10_000);
    if (current !== undefined) for (let closing = current; closing < pane; closing++) close(closing);
    current = pane;
    let host = hosts.get(flow.src);
    if (!host) hosts.set(flow.src, (host = { panes: new Map(), detector: new Detector() }));
    let aggregate = host.panes.get(pane);
    if (!aggregate) host.panes.set(pane, (aggregate = new Aggregate()));
    aggregate.add(flow);
  }
  return alerts;
}
