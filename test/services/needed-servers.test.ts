import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { neededServers } from './needed-servers.ts';

describe('servers that a run of tests needs', () => {
  let folder: string;
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'needed-')), 'test');
    mkdirSync(folder);
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

  it('are those whose variables its files name', () => {
    const file = write('a.cluster.test.ts', "serverVariable('VEDETTE_REDIS'); process.env['VEDETTE_PULSAR_ADMIN']");
    expect(neededServers([file])).toEqual(['pulsar', 'redis']);
  });

  it('are those that their imports name, in a circle too', () => {
    write('fixture.ts', "import './more.ts'; export const url = process.env['VEDETTE_CASSANDRA'];");
    write('more.ts', "import { url } from './fixture.ts'; 'VEDETTE_CLICKHOUSE_USER'");
    const file = write('b.cluster.test.ts', "import { url } from './fixture.ts';");
    expect(neededServers([file])).toEqual(['cassandra', 'clickhouse']);
  });

  it('are none for a file that starts its own', () => {
    const text = "import { startServices } from '../../services/start-services.ts'; services.env['VEDETTE_KAFKA']";
    expect(neededServers([write('d.faults.test.ts', text)])).toEqual([]);
  });

  it('are none where nothing is named', () => {
    expect(neededServers([write('c.faults.test.ts', "import { x } from './gone.ts'; 'VEDETTE_DATA'")])).toEqual([]);
  });
});
