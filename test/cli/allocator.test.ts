import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const CHURN = fileURLToPath(new URL('allocator-churn.ts', import.meta.url));

/** MB resident when all but the scattered rest was let go, and some seconds later. */
async function churn(how: 'tamed' | 'plain'): Promise<{ before: number; after: number }> {
  const run = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', CHURN, how]);
  return JSON.parse(run.stdout) as { before: number; after: number };
}

describe.skipIf(process.platform !== 'linux')('the allocator', () => {
  it('gives back what lies free between what is in use, once it is tamed', async () => {
    const [plain, tamed] = await Promise.all([churn('plain'), churn('tamed')]);
    // 300 MB in pieces of 48 KB, of which each tenth stays.
    expect(plain.after).toBeGreaterThan(200);
    expect(tamed.after).toBeLessThan(plain.after - 100);
  });
});
