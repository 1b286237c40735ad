import type { FileHandle } from 'node:fs/promises';
import { decodeFrame, FRAME_HEADER_BYTES, frameBytesAt, isIntact, nextCandidate, type Frame } from './frame.ts';

export interface FrameSource {
  readonly handle: FileHandle;
  /** Where the file's last frame ends. */
  readonly endBytes: number;
  readonly salt: number;
}

/** A frame whose CRC is good, and where it starts. */
export interface PlacedFrame extends Frame {
  readonly position: number;
}

/**
 * Walks over the frames of a segment file through a window that it reads ahead. Each fill of the window is a fresh
 * buffer, so frames that were handed out stay as they are.
 */
export class FrameCursor {
  readonly #source: FrameSource;
  readonly #aheadBytes: number;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #position: number;

  constructor(source: FrameSource, start: { position: number; aheadBytes: number }) {
    this.#source = source;
    this.#position = start.position;
    this.#aheadBytes = start.aheadBytes;
  }

  /** Where the next frame starts. */
  get position(): number {
    return this.#position;
  }

  moveTo(position: number): void {
    this.#position = position;
    if (position >= this.#windowStart) return;
    this.#window = Buffer.alloc(0);
    this.#windowStart = position;
  }

  get atEnd(): boolean {
    return this.#position >= this.#source.endBytes;
  }

  /** Moves over the frame of `offset`; undefined, and no move, when none stands here that is whole and intact. */
  async next(offset: number): Promise<PlacedFrame | undefined> {
    const frame = this.nextInWindow(offset);
    if (frame !== 'beyond window') return frame;
    await this.#fill();
    return this.#take(offset);
  }

  /** Like {@link next}, without reading from disk. */
  nextInWindow(offset: number): PlacedFrame | 'beyond window' | undefined {
    return this.#holds(this.#sizeHere()) ? this.#take(offset) : 'beyond window';
  }

  /** Moves over the first intact frame behind the damage that stands here; undefined when there is none. */
  async resync(wanted: { afterOffset: number; batchAfter?: number }): Promise<PlacedFrame | undefined> {
    let from = this.#position + 1;
    for (;;) {
      const found = nextCandidate(this.#window, Math.max(from - this.#windowStart, 0), this.#source.salt);
      if (found < 0) {
        const seenBytes = this.#windowEnd;
        if (seenBytes >= this.#source.endBytes) return undefined;
        // The first bytes of a header may be the last ones in the window.
        from = this.#position = Math.max(from, seenBytes - FRAME_HEADER_BYTES);
        await this.#fill();
        if (this.#windowEnd <= seenBytes) return undefined;
        continue;
      }
      this.#position = this.#windowStart + found;
      from = this.#position + 1;
      if (!this.#holds(FRAME_HEADER_BYTES)) await this.#fill();
      if (!this.#isPlausible(wanted.afterOffset)) continue;
      if (!this.#holds(this.#sizeHere())) await this.#fill();
      const frame = this.#take(undefined);
      if (frame === undefined) continue;
      if (frame.batchStart > (wanted.batchAfter ?? -1)) return frame;
      from = this.#position;
    }
  }

  /** Spares reading and checking most of what only looks like a frame. */
  #isPlausible(afterOffset: number): boolean {
    const at = this.#position - this.#windowStart;
    if (at + FRAME_HEADER_BYTES > this.#window.length) return false;
    const { offset } = decodeFrame(this.#window, at);
    const lostRecords = this.#source.endBytes / FRAME_HEADER_BYTES;
    return offset > afterOffset && offset - afterOffset <= lostRecords;
  }

  get #windowEnd(): number {
    return this.#windowStart + this.#window.length;
  }

  /** Whether that many bytes from here on are in the window, or as many as the file has. */
  #holds(sizeBytes: number): boolean {
    return this.#position + sizeBytes <= this.#windowEnd || this.#windowEnd >= this.#source.endBytes;
  }

  /** Bytes that must be in the window to judge what stands here: a header's, and then the whole frame's. */
  #sizeHere(): number {
    const at = this.#position - this.#windowStart;
    if (at + FRAME_HEADER_BYTES > this.#window.length) return FRAME_HEADER_BYTES;
    return frameBytesAt(this.#window, at, this.#source.salt) ?? FRAME_HEADER_BYTES;
  }

  #take(offset: number | undefined): PlacedFrame | undefined {
    const at = this.#position - this.#windowStart;
    if (at + FRAME_HEADER_BYTES > this.#window.length) return undefined;
    const sizeBytes = frameBytesAt(this.#window, at, this.#source.salt);
    if (sizeBytes === undefined || at + sizeBytes > this.#window.length) return undefined;
    if (!isIntact(this.#window, at, sizeBytes, this.#source.salt)) return undefined;
    const frame = decodeFrame(this.#window, at);
    if (offset !== undefined && frame.offset !== offset) return undefined;
    const position = this.#position;
    this.#position += sizeBytes;
    return { ...frame, position };
  }

  /** Reads on from {@link position}: the usual amount, or as much as the frame there needs. */
  async #fill(): Promise<void> {
    await this.#read(this.#aheadBytes);
    const needed = this.#sizeHere();
    if (needed > this.#window.length && this.#position + needed <= this.#source.endBytes) await this.#read(needed);
  }

  async #read(wantedBytes: number): Promise<void> {
    const sizeBytes = Math.min(Math.max(wantedBytes, FRAME_HEADER_BYTES), this.#source.endBytes - this.#position);
    const buffer = Buffer.allocUnsafeSlow(Math.max(sizeBytes, 0));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#source.handle.read(
        buffer,
        filled,
        buffer.length - filled,
        this.#position + filled,
      );
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.#window = buffer.subarray(0, filled);
    this.#windowStart = this.#position;
  }
}
