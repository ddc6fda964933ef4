import { defineConfig } from 'vitest/config';

/** The tests of the client as its users have it. `npm run test:clients -- --only typescript` starts the service that they need. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['test/**/*.test.ts'],
    // Packing, installing and a browser take their time on a loaded machine.
    testTimeout: 60_000,
    hookTimeout: 240_000,
    maxWorkers: 1,
  },
});
