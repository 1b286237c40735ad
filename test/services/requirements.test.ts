import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeMissing, missingRequirements } from '../../services/requirements.ts';

describe('what the servers need', () => {
  let empty: string;
  beforeEach(() => {
    empty = mkdtempSync(join(tmpdir(), 'libraries-'));
    vi.stubEnv('VEDETTE_SERVICES_LIB', empty);
    vi.stubEnv('PATH', empty);
    vi.stubEnv('CI', '');
  });
  afterEach(() => rmSync(empty, { recursive: true }));

  it('is told in words, with how to get it', () => {
    const text = describeMissing(missingRequirements(['kafka', 'redis']));
    expect(text).toContain('Maven is missing (for kafka): apt-get install maven');
    expect(text).toContain('redis-server is missing (for redis): apt-get install redis-server');
  });

  it('is nothing for a server that is not asked for', () => {
    expect(missingRequirements(['clickhouse'])).toEqual([]);
  });
});
