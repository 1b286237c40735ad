import { VedetteError } from '../../model/errors.ts';

/** Big-endian reading of a broker's answer. Errors: LOG_UNAVAILABLE where it ends too early. */
export class AnswerReader {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  int8(): number {
    return this.bytes.readInt8(this.#take(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#take(4));
  }

  int64(): number {
    return Number(this.bytes.readBigInt64BE(this.#take(8)));
  }

  string(): string {
    const length = this.int16();
    const start = this.#take(Math.max(0, length));
    return this.bytes.toString('utf8', start, this.at);
  }

  /** Where `length` bytes lie, and goes past them. */
  skip(length: number): { start: number; end: number } {
    const start = this.#take(Math.max(0, length));
    return { start, end: this.at };
  }

  #take(length: number): number {
    const start = this.at;
    if (start + length > this.bytes.length) throw new VedetteError('LOG_UNAVAILABLE', "Kafka's answer is cut off");
    this.at = start + length;
    return start;
  }
}

/** Big-endian writing of a small request. */
export class RequestWriter {
  #bytes = Buffer.alloc(1024);
  #length = 0;

  int8(value: number): this {
    const at = this.#room(1);
    this.#bytes.writeInt8(value, at);
    return this;
  }

  int16(value: number): this {
    const at = this.#room(2);
    this.#bytes.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeInt32BE(value, at);
    return this;
  }

  int64(value: number): this {
    const at = this.#room(8);
    this.#bytes.writeBigInt64BE(BigInt(value), at);
    return this;
  }

  string(value: string): this {
    const bytes = Buffer.from(value);
    this.int16(bytes.length);
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Where to write; the buffer may be another one afterwards. */
  #room(length: number): number {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    return start;
  }
}
