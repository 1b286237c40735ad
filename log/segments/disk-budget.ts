import { VedetteError } from '../../model/errors.ts';
import { SEGMENT_HEADER_BYTES } from './segment.ts';

/** Counts the bytes of all segments against the cap on disk. */
export class DiskBudget {
  readonly maxBytes: number;
  readonly #emptyBytes: number;
  readonly #makeRoom: (bytes: number) => Promise<boolean>;
  #usedBytes = 0;

  /** `makeRoom` drops segments until that many bytes fit; false when nothing is left to drop. */
  constructor(cap: { maxBytes: number; partitions: number }, makeRoom: (bytes: number) => Promise<boolean>) {
    this.maxBytes = cap.maxBytes;
    this.#emptyBytes = cap.partitions * SEGMENT_HEADER_BYTES;
    this.#makeRoom = makeRoom;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  fits(bytes: number): boolean {
    return this.#usedBytes + bytes <= this.maxBytes;
  }

  /** Makes room and takes it; what is then not written has to be released. Rejects with LOG_FULL. */
  async reserve(bytes: number): Promise<void> {
    if (bytes + this.#emptyBytes > this.maxBytes) throw this.#full(bytes);
    // Another partition may take the room first.
    while (!this.fits(bytes)) if (!(await this.#makeRoom(bytes))) throw this.#full(bytes);
    this.add(bytes);
  }

  /** Takes bytes that are there already. */
  add(bytes: number): void {
    this.#usedBytes += bytes;
  }

  release(bytes: number): void {
    this.#usedBytes -= bytes;
  }

  #full(bytes: number): VedetteError {
    return new VedetteError(
      'LOG_FULL',
      `No room for ${String(bytes)} bytes under the cap of ${String(this.maxBytes)} bytes on the event log.`,
    );
  }
}
