import type { TestProject } from 'vitest/node';
import { present, useServers } from './stack.ts';

/** Global set-up of projects that talk to the stores: `inject('mysql')`, `inject('mariadb')`, `inject('cassandra')`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { addresses, release } = await useServers('stores', { mysql: true, mariadb: true, cassandra: true });
  project.provide('mysql', present(addresses.mysql, 'MySQL'));
  project.provide('flavour', 'mysql');
  project.provide('mariadb', present(addresses.mariadb, 'MariaDB'));
  project.provide('cassandra', present(addresses.cassandra, 'Cassandra'));
  return release;
}
