import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { VedetteError } from '../model/errors.ts';
import { CHILD_HOST_SCRIPT, resolveChildLibraries } from '../olap/child-host.ts';
import { composeService } from './compose-file.ts';
import { answersOk } from './probes.ts';
import type { ServerSpec } from './server-spec.ts';

export interface ClickHouseOptions {
  readonly dir: string;
  readonly port: number;
  /** Of the users `vedette` and `analyst`. */
  readonly passwords: { readonly vedette: string; readonly analyst: string };
  /** Limit of the whole server, bytes; default: as in docker-compose.yml's configuration. */
  readonly memoryBytes?: number;
}

/** Users that deploy/compose/clickhouse/users.xml declares. */
export const CLICKHOUSE_USER = 'vedette';
export const ANALYST_USER = 'analyst';

/** Removes the user that the host of the library logs in as. */
const IMAGE_ONLY = 'no-default-user.xml';

/**
 * A ClickHouse server out of npm's chdb that outlives who started it: its standard input is a pipe that never ends.
 *
 * Beside `vedette` and `analyst`, whose files are those of docker-compose.yml, it has a user `default` without a
 * password, since the host logs in as it. It listens on loopback only.
 */
export function clickhouseSpec(options: ClickHouseOptions): ServerSpec {
  const { clickhouse, ffi } = resolveChildLibraries();
  const { files } = composeService('clickhouse');
  const dir = join(options.dir, 'clickhouse');
  const stdin = join(dir, 'stdin');
  return {
    kind: 'clickhouse',
    name: 'clickhouse',
    dir,
    command: process.execPath,
    args: [
      '--max-old-space-size=32',
      '-e',
      CHILD_HOST_SCRIPT,
      '--',
      clickhouse,
      ffi,
      `--path=${join(dir, 'store')}`,
      '--listen_host=127.0.0.1',
      `--http_port=${options.port}`,
      `--config-file=${join(dir, 'config.xml')}`,
      '--logger.level=warning',
      "--query=SYSTEM START LISTEN HTTP; SELECT count() FROM file('-', 'LineAsString', 'l String') FORMAT Null",
    ],
    stdin,
    // SQL can read the environment of the process: nothing in it is worth reading but what its users' file names.
    env: {
      PATH: '/usr/bin:/bin',
      TZ: 'UTC',
      VEDETTE_CLICKHOUSE_PASSWORD: options.passwords.vedette,
      VEDETTE_CLICKHOUSE_ANALYST_PASSWORD: options.passwords.analyst,
    },
    ports: { http: options.port },
    startTimeoutMs: 60_000,
    async prepare() {
      for (const name of ['store', 'config.d', 'users.d']) mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
      writeFileSync(join(dir, 'config.xml'), configXml(dir), { mode: 0o600 });
      writeFileSync(join(dir, 'users.xml'), USERS_XML, { mode: 0o600 });
      for (const [target, source] of Object.entries(files).filter(([, path]) => basename(path) !== IMAGE_ONLY)) {
        copyFileSync(source, join(dir, target.replace('/etc/clickhouse-server/', '')));
      }
      if (options.memoryBytes !== undefined) {
        const text = `<clickhouse><max_server_memory_usage>${options.memoryBytes}</max_server_memory_usage></clickhouse>\n`;
        writeFileSync(join(dir, 'config.d', 'zz-memory.xml'), text);
      }
      if (!existsSync(stdin) && spawnSync('mkfifo', ['-m', '600', stdin]).status !== 0) {
        throw new VedetteError('UNSUPPORTED', `mkfifo made no pipe at ${stdin}`);
      }
    },
    answers: () => answersOk(`http://127.0.0.1:${options.port}/ping`),
  };
}

const USERS_XML = `<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users><default>
    <password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
  </default></users>
</clickhouse>
`;

function configXml(dir: string): string {
  const users = join(dir, 'users.xml').replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<clickhouse>
  <users_config>${users}</users_config>
  <user_directories><users_xml><path>${users}</path></users_xml></user_directories>
</clickhouse>
`;
}
