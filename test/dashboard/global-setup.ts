import type { TestProject } from 'vitest/node';
import { findChromium } from '../../stack/chromium.ts';
import { present, useServers } from '../support/stack.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** In the dashboard's tests: where Chromium is. */
    chromium: string;
  }
}

/** Finds Chromium before anything is started, and then brings up the servers. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  project.provide('chromium', await findChromium());
  const { addresses, release } = await useServers('dashboard', { mysql: true, cassandra: true, unleash: true });
  project.provide('mysql', present(addresses.mysql, 'MySQL'));
  project.provide('cassandra', present(addresses.cassandra, 'Cassandra'));
  project.provide('unleash', present(addresses.unleash, 'Unleash'));
  return release;
}
