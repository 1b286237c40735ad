import { ArraySplitter } from './array-splitter.ts';
import { LineSplitter } from './line-splitter.ts';
import type { RecordSink, Splitter, SplitterOptions } from './record-sink.ts';

/** `lines`: one record a line. `array`: the elements of a JSON array. */
export type RecordLayout = 'lines' | 'array';

/**
 * Tells by the first bytes how records are laid out: an array begins with `[` and goes on with `{` or `]`, so that a
 * text log whose lines start with `[` stays lines. undefined: too few bytes to say.
 */
function detectLayout(head: Uint8Array): RecordLayout | undefined {
  let index = skipBlank(head, 0);
  if (index < 0) return undefined;
  if (head[index] !== 0x5b) return 'lines';
  index = skipBlank(head, index + 1);
  if (index < 0) return undefined;
  return head[index] === 0x7b || head[index] === 0x5d ? 'array' : 'lines';
}

/** Looked at before a stream of nothing but white space is called lines. */
const MAX_UNDECIDED_BYTES = 4096;

/**
 * Splits lines or a JSON array, whichever each stream (up to {@link finish}) turns out to be. Give `layout` when going
 * on in mid-stream, where the first bytes don't tell.
 */
export class RecordSplitter implements Splitter {
  readonly #lines: LineSplitter;
  readonly #array: ArraySplitter;
  #layout: RecordLayout | undefined;
  #undecided = new Uint8Array(0);
  #undecidedPosition = 0;

  constructor(sink: RecordSink, options: SplitterOptions & { readonly layout?: RecordLayout } = {}) {
    this.#lines = new LineSplitter(sink, options);
    this.#array = new ArraySplitter(sink, options);
    this.#layout = options.layout;
  }

  /** Layout of the stream at hand; undefined before its first bytes. */
  get layout(): RecordLayout | undefined {
    return this.#layout;
  }

  get resumePosition(): number {
    return this.#layout === undefined ? this.#undecidedPosition : this.#splitter(this.#layout).resumePosition;
  }

  push(bytes: Uint8Array, position: number): void {
    if (this.#layout !== undefined) {
      this.#splitter(this.#layout).push(bytes, position);
      return;
    }
    const held = this.#undecided.length;
    if (held === 0) this.#undecidedPosition = position;
    const head = held === 0 ? bytes : concat(this.#undecided, bytes);
    const layout = detectLayout(head) ?? (head.length > MAX_UNDECIDED_BYTES ? 'lines' : undefined);
    if (layout === undefined) this.#undecided = head.slice();
    else this.#decide(layout, head);
  }

  finish(): void {
    if (this.#layout === undefined && this.#undecided.length > 0) this.#decide('lines', this.#undecided);
    if (this.#layout !== undefined) this.#splitter(this.#layout).finish();
    this.#undecidedPosition = this.resumePosition;
    this.#layout = undefined;
  }

  #decide(layout: RecordLayout, head: Uint8Array): void {
    this.#layout = layout;
    this.#undecided = new Uint8Array(0);
    this.#splitter(layout).push(head, this.#undecidedPosition);
  }

  #splitter(layout: RecordLayout): Splitter {
    return layout === 'array' ? this.#array : this.#lines;
  }
}

function skipBlank(bytes: Uint8Array, from: number): number {
  for (let index = from; index < bytes.length; index++) {
    const byte = bytes[index]!;
    const isMark = index < 3 && (byte === 0xef || byte === 0xbb || byte === 0xbf);
    if (byte > 0x20 && !isMark) return index;
  }
  return -1;
}

function concat(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(left.length + right.length);
  joined.set(left);
  joined.set(right, left.length);
  return joined;
}
