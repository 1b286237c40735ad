import { defineConfig } from 'vitest/config';

const SECOND_MS = 1000;

/**
 * The suffix of a test file decides its suite:
 *
 * - `.test.ts`          pure or on a temporary folder, no process, no port
 * - `.service.test.ts`  needs a server: one that the tests start, or one named by the environment
 * - `.e2e.test.ts`      the whole program, as a user runs it
 * - `.golden.test.ts`   the whole program on real logs, killed and resumed; minutes
 */
export default defineConfig({
  test: {
    // Forks: native modules and process-wide state of one file can't reach another.
    pool: 'forks',
    maxWorkers: 2,
    restoreMocks: true,
    unstubEnvs: true,
    projects: [
      suite('fast', { suffix: '', testMs: 40 * SECOND_MS, hookMs: 40 * SECOND_MS }),
      suite('service', { suffix: '.service', testMs: 30 * SECOND_MS, hookMs: 60 * SECOND_MS }),
      suite('e2e', { suffix: '.e2e', testMs: 90 * SECOND_MS, hookMs: 90 * SECOND_MS }),
      suite('golden', { suffix: '.golden', testMs: 600 * SECOND_MS, hookMs: 120 * SECOND_MS }),
    ],
  },
});

function suite(name: string, limits: { suffix: string; testMs: number; hookMs: number }) {
  return {
    extends: true as const,
    test: {
      name,
      include: [`test/**/*${limits.suffix}.test.ts`],
      exclude: limits.suffix === '' ? ['test/**/*.{service,e2e,golden}.test.ts'] : [],
      testTimeout: limits.testMs,
      hookTimeout: limits.hookMs,
    },
  };
}
