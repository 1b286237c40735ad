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

class FileWriter implements CheckpointWriter {
  private readonly path: string;
  private readonly file: FileHandle;
  private readonly at: ((point: CheckpointPoint) => void) | undefined;
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
    await this.file.writev([header, nameBytes, bytes]);
    this.sizeBytes += FRAME_HEADER + nameBytes.length + bytes.length;
    this.at?.('checkpoint_half');
  }

  async commit(meta: unknown): Promise<{ sizeBytes: number }> {
    await this.write('', Buffer.from(JSON.stringify(meta)));
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
    let offset = 0;
    while (offset < size) {
      const header = Buffer.alloc(FRAME_HEADER);
      await file.read(header, 0, FRAME_HEADER, offset);
      const nameSize = header.readUInt16LE(0);
      const length = header.readUInt32LE(8);
      if (offset + FRAME_HEADER + nameSize + length > size) throw damaged(path, offset);
      const body = Buffer.allocUnsafe(nameSize + length);
      await file.read(body, 0, body.length, offset + FRAME_HEADER);
      if (crc32(body) !== header.readUInt32LE(4)) throw damaged(path, offset);
      offset += FRAME_HEADER + body.length;
      yield { name: body.toString('utf8', 0, nameSize), bytes: body.subarray(nameSize) };
    }
  } finally {
    await file.close();
  }
}

function damaged(path: string, offset: number): VedetteError {
  return new VedetteError('CHECKPOINT_CORRUPT', `${path} is damaged at byte ${offset}`);
}
