import { mkdirSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { createServer, listen } from '../console/server.ts';
import { ControlKind } from '../model/event-block.ts';
import { DETECTOR_INFO } from '../stream/detector-info.ts';
import type { Backend } from '../console/backend.ts';
import { tameAllocator } from './allocator.ts';
import { EmbeddedBackend } from './embedded-backend.ts';
import { Embedded, type EmbeddedOptions } from './embedded.ts';
import { removeInstanceFile, writeInstanceFile } from './instance-file.ts';
import { VERSION } from './version.ts';

/** How often quiet sources are looked for, ms. */
const IDLE_CHECK_MS = 1000;

export interface Serving {
  readonly instance: Embedded;
  readonly backend: EmbeddedBackend;
  readonly url: string;
  stop(): Promise<void>;
}

/** A console over an instance, that does not listen. */
export function createConsole(
  backend: Backend,
  onNotice: EmbeddedOptions['onNotice'],
): ReturnType<typeof createServer> {
  return createServer(backend, {
    detectors: DETECTOR_INFO,
    version: VERSION,
    onError: (error, request) => {
      onNotice(
        'error',
        `${request ? `${request.method} ${request.path}: ` : ''}${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    },
  });
}

/**
 * Starts the pipeline on a data folder, listens, and says in `announceIn` how it is reached: in the data folder itself,
 * and in the one that holds the sample's.
 */
export async function serve(options: {
  dataDir: string;
  announceIn: readonly string[];
  config: Config;
  isSample: boolean;
  onNotice: EmbeddedOptions['onNotice'];
}): Promise<Serving> {
  const { dataDir, config, onNotice, announceIn } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  await tameAllocator();
  const instance = await Embedded.start({ dataDir, config, fsync: 'group', onNotice });
  let orphans = await instance.takeOver();
  const orphansUntilMs = Date.now() + config.sources.idleMs;
  const backend = new EmbeddedBackend(instance, { isSample: options.isSample });
  const app = createConsole(backend, onNotice);
  let url: string;
  try {
    url = await listen(app, config.http);
  } catch (error) {
    backend.close();
    await instance.stop();
    throw error;
  }
  for (const dir of announceIn) writeInstanceFile(dir, { url, pid: process.pid, dataDir });
  void instance.jobs.resume();
  const idle = setInterval(() => {
    const { pipeline } = instance;
    pipeline.markIdle();
    if (orphans.length > 0 && Date.now() > orphansUntilMs) {
      // Sources of the run before that have not come back hold time no longer.
      for (const id of orphans) if (!pipeline.sources.has(id)) pipeline.control(ControlKind.idle, id, NaN);
      orphans = [];
    }
    pipeline
      .flush()
      .catch((error: unknown) => onNotice('error', `the event log does not take records: ${String(error)}`));
  }, IDLE_CHECK_MS);
  return {
    instance,
    backend,
    url,
    stop: async () => {
      clearInterval(idle);
      for (const dir of announceIn) removeInstanceFile(dir);
      await app.close();
      backend.close();
      await instance.stop();
    },
  };
}
