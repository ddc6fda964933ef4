import type { TestProject } from 'vitest/node';
import { present, useServers } from './stack.ts';

/** Global set-up of projects that talk to MySQL and Cassandra: `inject('mysql')`, `inject('cassandra')`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { addresses, release } = await useServers('stores', { mysql: true, cassandra: true });
  project.provide('mysql', present(addresses.mysql, 'MySQL'));
  project.provide('cassandra', present(addresses.cassandra, 'Cassandra'));
  return release;
}
