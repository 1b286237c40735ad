import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { ApiClient } from './api-client.ts';
import { Embedded } from './embedded.ts';
import { EmbeddedBackend } from './embedded-backend.ts';
import { CommandError, EXIT } from './exit-code.ts';
import { fetchTransport } from './fetch-transport.ts';
import { injectTransport } from './inject-transport.ts';
import { readInstanceFile } from './instance-file.ts';
import { createConsole } from './serve.ts';

/**
 * Reaches the data that the options name: the instance at `--url`, the one that runs on `--data`, or, where none runs,
 * the store itself, served inside this process.
 */
export async function connect(options: Readonly<Record<string, unknown>>): Promise<ApiClient> {
  const { url } = options;
  if (typeof url === 'string') return new ApiClient(fetchTransport(url));
  const given = resolve(typeof options['data'] === 'string' ? options['data'] : 'var');
  // Where only a sample has run, that is what there is to look at.
  const dataDir = hasStore(given) || !hasStore(join(given, 'sample')) ? given : join(given, 'sample');
  const running = readInstanceFile(dataDir);
  if (running) return new ApiClient(fetchTransport(running.url));
  if (options['follow'] === true)
    throw new CommandError(EXIT.unreachable, `no instance runs on ${dataDir}: there is nothing that could change`);
  if (!hasStore(dataDir))
    throw new CommandError(
      EXIT.unreachable,
      `no instance runs on ${dataDir}, and there is no store in it: start one (vedette run), or name another with --data or --url`,
    );
  const onNotice = (level: string, message: string): void => {
    if (level === 'error') process.stderr.write(`${message}\n`);
  };
  const config = loadConfig(typeof options['config'] === 'string' ? options['config'] : undefined);
  const instance = await Embedded.start({ dataDir, config, fsync: 'group', keepsRetention: true, onNotice });
  const backend = new EmbeddedBackend(instance, { isSample: false });
  const transport = injectTransport(createConsole(backend, onNotice));
  return new ApiClient({
    send: (request) => transport.send(request),
    close: async () => {
      await transport.close();
      backend.close();
      await instance.stop();
    },
  });
}

function hasStore(dir: string): boolean {
  return existsSync(join(dir, 'olap'));
}
