import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addClickhouseCommand } from '../../cli/commands/clickhouse.ts';
import { Output } from '../../cli/output.ts';
import { Captured } from './command-fixture.ts';

const CONFIG = `clickhouse:
  cluster: vedette
  replicated: true
  databasePrefix: blue_
  analysts:
    users: [{ name: ada, passwordSha256: '${'0'.repeat(63)}1', networks: ['10.0.0.0/8'] }]
`;

async function access(...args: string[]): Promise<string> {
  const captured = new Captured();
  const program = new Command('vedette').option('--config <file>').exitOverride();
  addClickhouseCommand(program, { output: new Output(captured, {}) }, {});
  await program.parseAsync([...args.slice(0, 2), 'clickhouse', 'access', ...args.slice(2)], { from: 'user' });
  return captured.text;
}

describe('vedette clickhouse access', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-access-'));
    path = join(folder, 'vedette.yaml');
    writeFileSync(path, CONFIG);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('prints statements as the configuration has it, ready for clickhouse-client', async () => {
    expect(await access('--config', path)).toBe(golden('access.sql'));
  });

  it('prints a file for users.d/', async () => {
    expect(await access('--config', path, '-o', 'xml')).toBe(golden('access.xml'));
  });

  it('refuses a configuration that is not valid', async () => {
    writeFileSync(path, 'clickhouse: { analysts: { users: [{ name: "a b" }] } }');
    await expect(access('--config', path)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

function golden(name: string): string {
  return readFileSync(new URL(`../olap/golden/${name}`, import.meta.url), 'utf8');
}
