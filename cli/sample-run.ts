import { rmSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { mergeSources } from '../ingest/merge.ts';
import type { ByteSource, Chunk } from '../ingest/sources/chunk.ts';
import { generateSample } from '../sample/generate-sample.ts';
import { PLANT_DEVICES } from '../sample/plant-devices.ts';
import type { Embedded } from './embedded.ts';

const HOUR_MS = 3_600_000;
/** Blocks that may wait for stage 1. */
const MAX_BACKLOG = 64;

/** The configuration that goes with the sample: its devices are on the roster. */
export function sampleConfig(config: Config): Config {
  return { ...config, devices: { ...config.devices, roster: PLANT_DEVICES.map(({ name }) => name) } };
}

/** The sample is made anew at every start: nothing of it is worth keeping, and nobody's own data is beside it. */
export function clearSample(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

/** Replays a generated day that ends with the last full hour; resolves once all of it is stored. */
export async function replaySample(
  instance: Embedded,
  options: { seed: number; nowMs: number; onProgress?: (events: number) => void },
): Promise<{ startMs: number; endMs: number }> {
  const endMs = Math.floor(options.nowMs / HOUR_MS) * HOUR_MS;
  const sample = generateSample({ seed: options.seed, endMs });
  const { pipeline } = instance;
  await mergeSources(
    sample.sources.map(({ name, format, lines }) => ({
      source: fromChunks(`sample/${name}`, `sample/${name}#${options.seed}`, lines),
      options: { mappings: [], format },
    })),
    pipeline,
    async () => {
      options.onProgress?.(pipeline.counters.events);
      if (pipeline.isFull || instance.backlog > MAX_BACKLOG) await pipeline.flush();
      while (instance.backlog > MAX_BACKLOG) await new Promise((resolve) => setTimeout(resolve, 2));
      // The console answers between two slices.
      await new Promise((resolve) => setImmediate(resolve));
    },
  );
  await pipeline.flush();
  await instance.drain();
  return { startMs: sample.startMs, endMs };
}

function fromChunks(path: string, incarnation: string, chunks: Iterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.iterator]();
  let position = 0;
  let isOver = false;
  return {
    next: async (): Promise<Chunk | undefined> => {
      if (isOver) return undefined;
      const result = iterator.next();
      if (result.done === true) {
        isOver = true;
        return { bytes: new Uint8Array(0), position, incarnation, path, last: true };
      }
      const chunk = { bytes: result.value, position, incarnation, path, last: false };
      position += result.value.length;
      return chunk;
    },
    close: async () => {
      isOver = true;
      iterator.return?.();
    },
  };
}
