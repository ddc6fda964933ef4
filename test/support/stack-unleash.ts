import type { TestProject } from 'vitest/node';
import { present, useServers } from './stack.ts';

/** Global set-up of projects that talk to Unleash: `inject('unleash')`. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { addresses, release } = await useServers('unleash', { unleash: true });
  project.provide('unleash', present(addresses.unleash, 'Unleash'));
  return release;
}
