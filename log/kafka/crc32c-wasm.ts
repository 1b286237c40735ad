/**
 * The WebAssembly module behind `crc32c-simd.ts`, assembled here, since it is one unrolled loop:
 *
 *     memory              bytes 0 to 63: the states, vector i holds byte i of 16 lanes
 *     run(address, n)     advances the states by 16 streams of n bytes (a multiple of 16) that lie behind each other
 *
 * A turn of the loop takes 16 bytes of each stream: 16 vectors, transposed by four rounds of interleaving so that
 * vector k holds byte k of each stream, then 16 steps of
 *
 *     x = state0 ^ byte;  state[i] = state[i + 1] ^ low[i][x & 15] ^ high[i][x >> 4]
 */
export function assembleLanes(table: Int32Array, memory: { readonly bytes: number }): Uint8Array<ArrayBuffer> {
  const pages = Math.ceil(memory.bytes / 65_536);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, 0x60, 2, I32, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0x00, ...unsigned(pages)]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('run'), 0, 0]),
    ...section(10, [1, ...sized([2, 2, I32, ...unsigned(VECTORS), V128, ...body(table)])]),
  ]);
}

const I32 = 0x7f;
const V128 = 0x7b;

const ADDRESS = 0;
const STREAM_BYTES = 1;
const END = 2;
const ROW = 3;
const FIRST_VECTOR = 4;
const STATE = FIRST_VECTOR;
const X = STATE + 4;
const LOW_INDEX = X + 1;
const HIGH_INDEX = X + 2;
const LOW = X + 3;
const HIGH = LOW + 4;
const ROWS = HIGH + 4;
const OTHER_ROWS = ROWS + 16;
const VECTORS = OTHER_ROWS + 16 - FIRST_VECTOR;

const get = (local: number) => [0x20, ...unsigned(local)];
const set = (local: number) => [0x21, ...unsigned(local)];
const tee = (local: number) => [0x22, ...unsigned(local)];
const int = (value: number) => [0x41, value];
const load = (offset: number) => [0xfd, 0x00, 0, offset];
const store = (offset: number) => [0xfd, 0x0b, 0, offset];
const constant = (bytes: readonly number[]) => [0xfd, 0x0c, ...bytes];
const shuffle = (lanes: readonly number[]) => [0xfd, 0x0d, ...lanes];
const SWIZZLE = [0xfd, 0x0e];
const AND = [0xfd, 0x4e];
const XOR = [0xfd, 0x51];
const SHIFT_RIGHT_I16 = [0xfd, 0x8d, 0x01];
const ADD_I32 = 0x6a;
const LESS_I32 = 0x49;
const LOOP = [0x03, 0x40];
const REPEAT_IF = [0x0d, 0];
const END_OF_BLOCK = 0x0b;

const BYTES = Array.from({ length: 16 }, (_, i) => i);
const NIBBLE = constant(BYTES.map(() => 15));
const INTERLEAVE_LOW = BYTES.map((i) => (i % 2 === 0 ? i / 2 : 16 + (i - 1) / 2));
const INTERLEAVE_HIGH = INTERLEAVE_LOW.map((lane) => lane + 8);

function body(table: Int32Array): number[] {
  const code: number[] = [];
  for (let byte = 0; byte < 4; byte++) {
    const part = (n: number) => (table[n]! >>> (8 * byte)) & 255;
    code.push(...constant(BYTES.map((n) => part(n))), ...set(LOW + byte));
    code.push(...constant(BYTES.map((n) => part(n << 4))), ...set(HIGH + byte));
    code.push(...int(0), ...load(16 * byte), ...set(STATE + byte));
  }
  code.push(...get(ADDRESS), ...get(STREAM_BYTES), ADD_I32, ...set(END), ...LOOP);
  code.push(...get(ADDRESS), ...set(ROW));
  for (let stream = 0; stream < 16; stream++) {
    code.push(...get(ROW), ...load(0), ...set(ROWS + stream));
    code.push(...get(ROW), ...get(STREAM_BYTES), ADD_I32, ...set(ROW));
  }
  code.push(...transpose());
  for (let row = 0; row < 16; row++) code.push(...step(ROWS + row));
  code.push(...get(ADDRESS), ...int(16), ADD_I32, ...tee(ADDRESS), ...get(END), LESS_I32, ...REPEAT_IF, END_OF_BLOCK);
  for (let byte = 0; byte < 4; byte++) code.push(...int(0), ...get(STATE + byte), ...store(16 * byte));
  return [...code, END_OF_BLOCK];
}

/** Four rounds: after each, a row holds twice as many streams of half as many bytes. They end where they began. */
function transpose(): number[] {
  const code: number[] = [];
  for (let round = 0; round < 4; round++) {
    const [from, to] = round % 2 === 0 ? [ROWS, OTHER_ROWS] : [OTHER_ROWS, ROWS];
    for (let row = 0; row < 8; row++) {
      const pair = [...get(from + row), ...get(from + row + 8)];
      code.push(...pair, ...shuffle(INTERLEAVE_LOW), ...set(to + 2 * row));
      code.push(...pair, ...shuffle(INTERLEAVE_HIGH), ...set(to + 2 * row + 1));
    }
  }
  return code;
}

function step(row: number): number[] {
  const code = [...get(STATE), ...get(row), ...XOR, ...tee(X), ...NIBBLE, ...AND, ...set(LOW_INDEX)];
  code.push(...get(X), ...int(4), ...SHIFT_RIGHT_I16, ...NIBBLE, ...AND, ...set(HIGH_INDEX));
  for (let byte = 0; byte < 4; byte++) {
    code.push(...get(LOW + byte), ...get(LOW_INDEX), ...SWIZZLE, ...get(HIGH + byte), ...get(HIGH_INDEX), ...SWIZZLE);
    code.push(...XOR, ...(byte < 3 ? [...get(STATE + byte + 1), ...XOR] : []), ...set(STATE + byte));
  }
  return code;
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...sized(content)];
}

function sized(content: readonly number[]): number[] {
  return [...unsigned(content.length), ...content];
}

function name(text: string): number[] {
  return sized([...Buffer.from(text)]);
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}
