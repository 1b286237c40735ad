import { CRC32C_TABLE, advance } from './crc32c-table.ts';
import { assembleLanes } from './crc32c-wasm.ts';

/** 16 streams beside each other, one in each byte of a vector. Not a power of two: their lines would share cache sets. */
const STREAMS = 16;
const STREAM_BYTES = 272;
const BLOCK_BYTES = STREAMS * STREAM_BYTES;
const BLOCKS_A_COPY = 60;
/** The lanes' states lie below: four vectors, vector i holding byte i of each lane. */
const STATE_BYTES = 64;

interface Lanes {
  readonly memory: Uint8Array;
  readonly run: (address: number, streamBytes: number) => void;
}

let lanes: Lanes | 'none' | undefined;
let shift: readonly Int32Array[] | undefined;

/**
 * As much of `bytes[start, end)` as makes whole blocks of {@link BLOCK_BYTES}: the state behind it and where it ends.
 * Takes nothing where WebAssembly has no vectors.
 *
 * Each of the 16 streams of a block is reckoned by itself, a byte a step: its table of 256 remainders is two of 16
 * (remainders add up), and 16 look-ups in a table of 16 are one `swizzle`. Then the streams' remainders are shifted by
 * the bytes behind them and added.
 */
export function crc32cBlocks(
  bytes: Uint8Array,
  { start, end, state }: { start: number; end: number; state: number },
): { start: number; state: number } {
  if (end - start < BLOCK_BYTES) return { start, state };
  lanes ??= loadLanes() ?? 'none';
  if (lanes === 'none') return { start, state };
  let crc = state;
  let at = start;
  while (end - at >= BLOCK_BYTES) {
    const blocks = Math.min(BLOCKS_A_COPY, Math.floor((end - at) / BLOCK_BYTES));
    lanes.memory.set(bytes.subarray(at, at + blocks * BLOCK_BYTES), STATE_BYTES);
    for (let block = 0; block < blocks; block++) crc = runBlock(lanes, block, crc);
    at += blocks * BLOCK_BYTES;
  }
  return { start: at, state: crc };
}

function runBlock({ memory, run }: Lanes, block: number, state: number): number {
  memory.fill(0, 0, STATE_BYTES);
  for (let byte = 0; byte < 4; byte++) memory[byte * STREAMS] = state >>> (8 * byte);
  run(STATE_BYTES + block * BLOCK_BYTES, STREAM_BYTES);
  shift ??= [0, 8, 16, 24].map((bits) => Int32Array.from({ length: 256 }, (_, n) => advance(n << bits, STREAM_BYTES)));
  const [s0, s1, s2, s3] = shift as [Int32Array, Int32Array, Int32Array, Int32Array];
  let crc = 0;
  for (let stream = 0; stream < STREAMS; stream++) {
    const own =
      memory[stream]! |
      (memory[stream + STREAMS]! << 8) |
      (memory[stream + 2 * STREAMS]! << 16) |
      (memory[stream + 3 * STREAMS]! << 24);
    crc = s0[crc & 255]! ^ s1[(crc >>> 8) & 255]! ^ s2[(crc >>> 16) & 255]! ^ s3[crc >>> 24]! ^ own;
  }
  return crc;
}

function loadLanes(): Lanes | undefined {
  const code = assembleLanes(CRC32C_TABLE, { bytes: STATE_BYTES + BLOCKS_A_COPY * BLOCK_BYTES });
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };
  if (!WebAssembly.validate(code)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
  return { memory: new Uint8Array(exports.memory.buffer), run: exports.run };
}

/** The part that is used here: TypeScript declares it with the browser's types only. */
interface WebAssemblyApi {
  validate(code: Uint8Array): boolean;
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => {
    readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; readonly run: Lanes['run'] };
  };
}
