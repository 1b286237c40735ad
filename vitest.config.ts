import { defineConfig } from 'vitest/config';

const SECOND_MS = 1000;

/**
 * The suffix of a test file decides its suite:
 *
 * - `.test.ts`          pure or on a temporary folder, no process, no port
 * - `.service.test.ts`  needs a server: one that the tests start, or one named by the environment
 * - `.e2e.test.ts`      the whole program, as a user runs it
 * - `.golden.test.ts`   the whole program on real logs, killed and resumed; minutes
 * - `.cluster.test.ts`  needs servers of the cluster, which `test/services/global-setup.ts` starts or finds
 * - `.faults.test.ts`   kills, freezes and cuts off servers and roles; minutes
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
      onServers(suite('cluster', { suffix: '.cluster', testMs: 60 * SECOND_MS, hookMs: 360 * SECOND_MS }), 1),
      onServers(suite('faults', { suffix: '.faults', testMs: 600 * SECOND_MS, hookMs: 360 * SECOND_MS }), 2),
    ],
  },
});

function suite(name: string, limits: { suffix: string; testMs: number; hookMs: number }) {
  return {
    extends: true as const,
    test: {
      name,
      include: [`test/**/*${limits.suffix}.test.ts`],
      exclude: limits.suffix === '' ? ['test/**/*.{service,e2e,golden,cluster,faults}.test.ts'] : [],
      testTimeout: limits.testMs,
      hookTimeout: limits.hookMs,
    },
  };
}

/** One file at a time, and one project after the other: the servers share the machine's processors. */
function onServers(project: ReturnType<typeof suite>, groupOrder: number) {
  return {
    ...project,
    test: {
      ...project.test,
      globalSetup: ['test/services/global-setup.ts'],
      fileParallelism: false,
      sequence: { groupOrder },
    },
  };
}
