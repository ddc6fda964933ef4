import type { TestProject } from 'vitest/node';
import { present, useServers } from './stack.ts';

/** Global set-up of the project `mariadb`: the tests of the source's engine, on a MariaDB that they take for MySQL. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { addresses, release } = await useServers('stores', { mysql: true, mariadb: true, cassandra: true });
  project.provide('mysql', present(addresses.mariadb, 'MariaDB'));
  project.provide('flavour', 'mariadb');
  project.provide('cassandra', present(addresses.cassandra, 'Cassandra'));
  return release;
}
