import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VedetteError } from '../../model/errors.ts';
import type { TopicSpec } from '../event-log.ts';
import { saltFrom } from './frame.ts';
import { errorCode, syncFolder } from './log-files.ts';

/*
 * DIR/LOCK                               one process at a time
 * DIR/meta.json                          {"format": 1, "salt": …}
 * DIR/positions.log                      where each group goes on
 * DIR/topics/NAME/meta.json              {"partitions": …}
 * DIR/topics/NAME/PARTITION/OFFSET.log   segments, and .index beside those that are sealed
 */
const FORMAT = 1;
const TOPIC_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export function positionsPath(dir: string): string {
  return join(dir, 'positions.log');
}

export function partitionFolder(dir: string, topic: string, partition: number): string {
  return join(dir, 'topics', topic, String(partition));
}

/** The log's own random number, made when the log is. */
export async function openSalt(dir: string): Promise<number> {
  const path = join(dir, 'meta.json');
  const meta = await readJson(path);
  if (meta === undefined) {
    const salt = saltFrom(randomBytes(4).readUInt32LE());
    await writeJson(path, { format: FORMAT, salt });
    return salt;
  }
  if (meta['format'] !== FORMAT) {
    throw new VedetteError(
      'UNSUPPORTED',
      `${path} has format ${String(meta['format'])}; this version reads ${String(FORMAT)}.`,
    );
  }
  return numberIn(meta, 'salt', path);
}

/** Throws CONFIG_INVALID for a bad name, and for another number of partitions than the topic was made with. */
export async function openTopic(dir: string, { name, partitions }: TopicSpec): Promise<void> {
  if (!TOPIC_NAME.test(name)) {
    throw new VedetteError('CONFIG_INVALID', `Topic name ${JSON.stringify(name)} must match ${TOPIC_NAME.source}.`);
  }
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new VedetteError('CONFIG_INVALID', `Topic ${name}: partitions must be 1 or more, not ${String(partitions)}.`);
  }
  const path = join(dir, 'topics', name, 'meta.json');
  const meta = await readJson(path);
  if (meta === undefined) {
    await mkdir(dirname(path), { recursive: true });
    await writeJson(path, { partitions });
    return;
  }
  const existing = numberIn(meta, 'partitions', path);
  if (existing !== partitions) {
    throw new VedetteError(
      'CONFIG_INVALID',
      `Topic ${name} was made with ${String(existing)} partitions, and the configuration says ${String(partitions)}. ` +
        `The number is fixed for a topic's life: set it back to ${String(existing)}, or start with a new data folder.`,
    );
  }
}

/** Topics on disk that are not among those declared. */
export async function undeclaredTopics(dir: string, declared: readonly TopicSpec[]): Promise<string[]> {
  const names = await readdir(join(dir, 'topics'));
  return names.filter((name) => !declared.some((topic) => topic.name === name));
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw damaged(path);
}

function numberIn(meta: Record<string, unknown>, field: string, path: string): number {
  const value = meta[field];
  if (typeof value !== 'number') throw damaged(path);
  return value;
}

function damaged(path: string): VedetteError {
  return new VedetteError(
    'LOG_CORRUPT',
    `${path} is damaged: restore it from a backup, or start with a new data folder.`,
  );
}

async function writeJson(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.tmp`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(`${JSON.stringify(value)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}
