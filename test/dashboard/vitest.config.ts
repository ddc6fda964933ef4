import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** A walk through a whole migration, with pictures of each step in four shapes, on a loaded machine. */
const TEST_TIMEOUT_MS = 180_000;
const HOOK_TIMEOUT_MS = 180_000;

/** The dashboard's page in a real Chromium, fed by real servers: apart from `npm test`, which needs no browser. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '../..'),
    name: 'dashboard',
    include: ['test/dashboard/**/*.test.ts'],
    globalSetup: ['test/dashboard/global-setup.ts'],
    pool: 'forks',
    environment: 'node',
    // The flags of the one resource that moves are one for all files, and so are the processors.
    fileParallelism: false,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: HOOK_TIMEOUT_MS,
    teardownTimeout: HOOK_TIMEOUT_MS,
  },
});
