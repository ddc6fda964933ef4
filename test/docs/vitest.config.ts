import { defineConfig } from 'vitest/config';

/** A first `npm run stack` downloads a quarter of a gigabyte, and a reader's waits are tests' waits. */
const TEST_TIMEOUT_MS = 15 * 60_000;

/** `npm run test:docs`: the documents' commands, run as a reader runs them; apart from `npm test`, as it takes minutes. */
export default defineConfig({
  test: {
    name: 'docs',
    include: ['test/docs/**/*.test.ts'],
    pool: 'forks',
    environment: 'node',
    // Each file starts servers of its own.
    maxWorkers: 1,
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: TEST_TIMEOUT_MS,
    bail: 1,
  },
});
