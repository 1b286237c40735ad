import type { Finding } from '../model/finding.ts';
import { VedetteError } from '../model/errors.ts';
import { TARGET_WORDS } from './host-layout.ts';

/** u32 of a key. */
const KEY_WORDS = 4;

/** A silence as stage 1 saw it, before stage 2 tells a dead device from a dead source. */
export interface SilenceReport {
  readonly finding: Finding;
  /** The source, without its incarnation, that the device's readings came through. */
  readonly parent: string;
}

interface Head {
  /**
   * Stage-1 partition, and the offset of the input record, with a fraction where it has several outputs: what was seen
   * already is dropped by these.
   */
  readonly partition: number;
  readonly offset: number;
  /** First pane that is still open in stage 1; null before its first tick. */
  readonly openPane: number | null;
  /** First pane whose targets are still to come: that one, or the next. */
  readonly targetsOpen: number | null;
  /** All input has ended: episodes close. */
  readonly isEnd: boolean;
}

/** What stage 1 sends to one partition of stage 2 after one record of its own input, or a part of one. */
export interface Partials extends Head {
  readonly findings: readonly Finding[];
  readonly silences: readonly SilenceReport[];
  /** Devices seen for the first time: their parent, the pane of their first record, and how many. */
  readonly children: readonly (readonly [parent: string, pane: number, count: number])[];
  /** Closed panes and how many rows of `targets` each has, in order. */
  readonly panes: readonly (readonly [pane: number, rows: number])[];
  /** Rows of targets as they lie in a pane's table (key, then sums). */
  readonly targets: Float64Array;
}

/**
 * Wire form: header size u32, JSON padded with blanks to a multiple of 8, then the rows as Float64, little endian.
 */
export class PartialsWriter {
  private rows = new Float64Array(64 * TARGET_WORDS);
  private keys = new Uint32Array(this.rows.buffer);
  private used = 0;
  private panes: [number, number][] = [];
  readonly findings: Finding[] = [];
  readonly silences: SilenceReport[] = [];
  private children: [parent: string, pane: number, count: number][] = [];

  /** A row of a pane that is being closed: the key `key[keyAt…]` and its sums. */
  addTarget(pane: number, key: Uint32Array, keyAt: number, sums: Float64Array): void {
    if (this.used + TARGET_WORDS > this.rows.length) {
      const grown = new Float64Array(this.rows.length * 2);
      grown.set(this.rows);
      this.rows = grown;
      this.keys = new Uint32Array(grown.buffer);
    }
    for (let i = 0; i < KEY_WORDS; i++) this.keys[this.used * 2 + i] = key[keyAt + i]!;
    this.rows.set(sums, this.used + KEY_WORDS / 2);
    this.used += TARGET_WORDS;
    const last = this.panes.at(-1);
    if (last?.[0] === pane) last[1]++;
    else this.panes.push([pane, 1]);
  }

  addChild(parent: string, pane: number): void {
    const last = this.children.at(-1);
    if (last?.[0] === parent && last[1] === pane) last[2]++;
    else this.children.push([parent, pane, 1]);
  }

  get isEmpty(): boolean {
    return this.used === 0 && this.findings.length === 0 && this.silences.length === 0 && this.children.length === 0;
  }

  take(head: Head): Uint8Array {
    const json = Buffer.from(
      JSON.stringify({
        ...head,
        findings: this.findings.splice(0),
        silences: this.silences.splice(0),
        children: this.children,
        panes: this.panes,
      }),
    );
    const headerSize = Math.ceil((json.length + 4) / 8) * 8;
    const out = Buffer.alloc(headerSize + this.used * 8, 0x20);
    out.writeUInt32LE(headerSize, 0);
    json.copy(out, 4);
    out.set(new Uint8Array(this.rows.buffer, 0, this.used * 8), headerSize);
    this.used = 0;
    this.panes = [];
    this.children = [];
    return out;
  }
}

export function readPartials(data: Uint8Array): Partials {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const headerSize = bytes.length >= 4 ? bytes.readUInt32LE(0) : 0;
  if (headerSize < 8 || headerSize > bytes.length)
    throw new VedetteError('BLOCK_CORRUPT', 'a record of partials is shorter than its header says');
  const head = JSON.parse(bytes.toString('utf8', 4, headerSize)) as Omit<Partials, 'targets'>;
  const rows = data.buffer.slice(data.byteOffset + headerSize, data.byteOffset + data.byteLength) as ArrayBuffer;
  return { ...head, targets: new Float64Array(rows) };
}
