import { defineConfig } from 'vitest/config';

/** Servers may be slow to answer on a loaded machine: a test that hangs still ends. */
const TEST_TIMEOUT_MS = 30_000;
const HOOK_TIMEOUT_MS = 60_000;
/** Two test files at a time: the servers need the machine as well. */
const WORKERS = 2;

const shared = {
  pool: 'forks',
  environment: 'node',
  testTimeout: TEST_TIMEOUT_MS,
  hookTimeout: HOOK_TIMEOUT_MS,
  teardownTimeout: HOOK_TIMEOUT_MS,
} as const;

export default defineConfig({
  test: {
    maxWorkers: WORKERS,
    projects: [
      {
        test: { ...shared, name: 'unit', include: ['test/{unit,sim,stack,rpc}/**/*.test.ts'] },
      },
      {
        test: {
          ...shared,
          name: 'stores',
          include: ['test/{contract,migration,fuzz}/**/*.test.ts'],
          globalSetup: ['test/support/stack-stores.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'mariadb',
          include: [
            'test/contract/mysql-{cascades,change-log,change-log-flow,change-log-gaps}.test.ts',
            'test/contract/mysql-{control-store,id-sequence,record-store,server-values,source-fence,writes}.test.ts',
            'test/e2e/whole-path.test.ts',
          ],
          globalSetup: ['test/support/stack-mariadb.ts', 'test/support/stack-unleash.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/stack-stores.ts', 'test/support/stack-unleash.ts'],
        },
      },
    ],
  },
});
