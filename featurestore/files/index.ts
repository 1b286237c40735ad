import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from '../../model/crc32.ts';
import { VedetteError } from '../../model/errors.ts';
import type { Checkpoint, CheckpointStore, CheckpointWriter } from '../checkpoint-store.ts';

/** Places at which a fault test ends the process. */
export type CheckpointPoint = 'checkpoint_half' | 'checkpoint_synced' | 'checkpoint_renamed';

/**
 * Checkpoints as files: KEY.ckpt and the one before, KEY.prev. A file is a series of frames (name size u16, 0 u16, CRC-32
 * of name and bytes u32, size u32, name, bytes); the last frame, without a name, is the JSON of the meta, so a file that
 * was cut off has none. Written to KEY.part, synced, renamed, and the folder synced.
 */
export async function openCheckpointFiles(options: {
  dir: string;
  onWarning?: (message: string) => void;
  at?: (point: CheckpointPoint) => void;
}): Promise<CheckpointStore> {
  const { dir, onWarning, at } = options;
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir)) if (name.endsWith('.part')) await rm(join(dir, name));
  return {
    begin: async (key) => FileWriter.open(join(dir, key), at),
    load: async (key) => {
      let seen = 0;
      for (const ending of ['ckpt', 'prev']) {
        const path = join(dir, `${key}.${ending}`);
        const meta = await readMeta(path);
        if (meta === undefined) continue;
        seen++;
        if (meta !== null) return { meta: meta.meta, parts: readParts(path) };
        onWarning?.(`checkpoint ${path} is damaged and is passed over`);
      }
      if (seen > 0)
        throw new VedetteError(
          'CHECKPOINT_CORRUPT',
          `no checkpoint of ${key} in ${dir} can be read; move the files away to start from the log's beginning`,
        );
      return undefined;
    },
  };
}

const FRAME_HEADER = 12;
/** Written, and read, at a time. */
const WRITE_BYTES = 1 << 20;
const READ_BYTES = 4 << 20;

class FileWriter implements CheckpointWriter {
  private readonly path: string;
  private readonly file: FileHandle;
  private readonly at: ((point: CheckpointPoint) => void) | undefined;
  private buffer = Buffer.allocUnsafe(WRITE_BYTES);
  private used = 0;
  private sizeBytes = 0;

  private constructor(path: string, file: FileHandle, at: ((point: CheckpointPoint) => void) | undefined) {
    this.path = path;
    this.file = file;
    this.at = at;
  }

  static async open(path: string, at: ((point: CheckpointPoint) => void) | undefined): Promise<FileWriter> {
    return new FileWriter(path, await open(`${path}.part`, 'w', 0o600), at);
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const nameBytes = Buffer.from(name);
    const header = Buffer.alloc(FRAME_HEADER);
    header.writeUInt16LE(nameBytes.length, 0);
    header.writeUInt32LE(crc32(bytes, crc32(nameBytes)), 4);
    header.writeUInt32LE(bytes.length, 8);
    const size = FRAME_HEADER + nameBytes.length + bytes.length;
    this.sizeBytes += size;
    // Everything is copied before the first wait: the state that the bytes are part of goes on changing. Parts are
    // pages: gathered, so that a checkpoint is a few hundred writes, not thousands.
    const due: Buffer[] = [];
    if (this.used + size > this.buffer.length) due.push(this.takeBuffer());
    if (size > this.buffer.length) due.push(Buffer.concat([header, nameBytes, bytes]));
    else {
      this.used += header.copy(this.buffer, this.used);
      this.used += nameBytes.copy(this.buffer, this.used);
      this.buffer.set(bytes, this.used);
      this.used += bytes.length;
    }
    if (due.length > 0) await this.file.writev(due);
    this.at?.('checkpoint_half');
  }

  /** What is gathered, and an empty buffer in its place. */
  private takeBuffer(): Buffer {
    const gathered = this.buffer.subarray(0, this.used);
    this.buffer = Buffer.allocUnsafe(WRITE_BYTES);
    this.used = 0;
    return gathered;
  }

  async commit(meta: unknown): Promise<{ sizeBytes: number }> {
    await this.write('', Buffer.from(JSON.stringify(meta)));
    await this.file.writev([this.takeBuffer()]);
    await this.file.sync();
    await this.file.close();
    this.at?.('checkpoint_synced');
    try {
      await rename(`${this.path}.ckpt`, `${this.path}.prev`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    await rename(`${this.path}.part`, `${this.path}.ckpt`);
    const folder = await open(join(this.path, '..'), 'r');
    await folder.sync();
    await folder.close();
    this.at?.('checkpoint_renamed');
    return { sizeBytes: this.sizeBytes };
  }

  async abort(): Promise<void> {
    await this.file.close();
    await rm(`${this.path}.part`, { force: true });
  }
}

/** The meta of a whole file; null where it is damaged, undefined where there is none. */
async function readMeta(path: string): Promise<{ meta: unknown } | null | undefined> {
  try {
    for await (const part of readFrames(path)) {
      if (part.name === '') return { meta: JSON.parse(Buffer.from(part.bytes).toString('utf8')) };
    }
    return null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof VedetteError || error instanceof SyntaxError) return null;
    throw error;
  }
}

async function* readParts(path: string): Checkpoint['parts'] {
  for await (const part of readFrames(path)) if (part.name !== '') yield part;
}

async function* readFrames(path: string): Checkpoint['parts'] {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let window = Buffer.alloc(0);
    let start = 0;
    /** The file's bytes from `from` on, `length` of them. */
    const take = async (from: number, length: number): Promise<Buffer> => {
      if (from + length > size) throw damaged(path, from);
      if (from < start || from + length > start + window.length) {
        // A buffer of its own each time: what was handed out stays as it is.
        window = Buffer.allocUnsafe(Math.min(size - from, Math.max(length, READ_BYTES)));
        start = from;
        await file.read(window, 0, window.length, from);
      }
      return window.subarray(from - start, from - start + length);
    };
    let offset = 0;
    while (offset < size) {
      const header = await take(offset, FRAME_HEADER);
      const nameSize = header.readUInt16LE(0);
      const checksum = header.readUInt32LE(4);
      const bodySize = nameSize + header.readUInt32LE(8);
      const body = await take(offset + FRAME_HEADER, bodySize);
      if (crc32(body) !== checksum) throw damaged(path, offset);
      offset += FRAME_HEADER + bodySize;
      yield { name: body.toString('utf8', 0, nameSize), bytes: body.subarray(nameSize) };
    }
  } finally {
    await file.close();
  }
}

function damaged(path: string, offset: number): VedetteError {
  return new VedetteError('CHECKPOINT_CORRUPT', `${path} is damaged at byte ${offset}`);
}
