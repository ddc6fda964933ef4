import { createFlags } from '../../../src/migration/flag-setup.ts';
import type { CassandraOptions } from '../../../stack/cassandra.ts';
import { type Stack, type StackAddresses, startStack } from '../../../stack/stack.ts';
import { type LoadReport, loadHospital } from '../load.ts';
import { grouped, type Terminal } from './terminal.ts';

/** What the caller has to stop, whatever happens, in the reverse order of its coming. */
export type Cleanup = (stop: () => Promise<void>) => void;

/** The resource that has a target. */
export const MOVED_RESOURCE = 'medications';
/** Of the resource that stays: enough for the outside program to work with. */
const ENCOUNTER_ROWS = 15_000;
/** Of the one that moves. */
const MEDICATION_ROWS = 101_000;

/** What is brought up. */
export interface BringUpOptions {
  /** Rows of each table at most. Default: those of a whole demo. */
  readonly rows?: number;
  /** Default: true. */
  readonly zipkin?: boolean;
  /** Default: one node. */
  readonly cassandra?: CassandraOptions;
}

/** Starts all servers side by side, and fills MySQL while the others are still starting. */
export async function bringUp(
  options: BringUpOptions,
  terminal: Terminal,
  signal: AbortSignal,
  cleanup: Cleanup,
): Promise<Stack> {
  let loading: Promise<LoadReport> | undefined;
  const started = startStack({
    mysql: true,
    cassandra: options.cassandra ?? true,
    unleash: true,
    zipkin: options.zipkin ?? true,
    storage: 'memory',
    signal,
    onProgress: (line) => terminal.say(line),
    onReady: ({ mysql }) => {
      if (mysql === undefined) return;
      loading = loadHospital({
        mysql,
        signal,
        rows: options.rows ?? MEDICATION_ROWS,
        encounterRows: Math.min(options.rows ?? ENCOUNTER_ROWS, ENCOUNTER_ROWS),
        onProgress: ({ table, rows, expectedRows }) =>
          terminal.status(`MySQL: ${grouped(rows)} of ${grouped(expectedRows)} ${table}`),
      });
      // Awaited below, after the stack.
      loading.catch(() => {});
    },
  });
  const stack = await started;
  cleanup(() => stack.stop());
  const loaded = await loading;
  if (loaded === undefined) throw new Error('MySQL did not become ready');
  const { medications, encounters, durationMs } = loaded;
  terminal.say(
    `MySQL holds ${grouped(medications)} medications and ${grouped(encounters)} encounters (${(durationMs / 1000).toFixed(1)} s)`,
  );
  return stack;
}

/** Creates the flags of the resource that moves. */
export async function setUpFlags(
  { unleash }: Pick<Required<StackAddresses>, 'unleash'>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const setup = { url: unleash.url, adminToken: unleash.adminToken, project: 'default', environment: 'development' };
  const created = await createFlags(setup, MOVED_RESOURCE, signal);
  terminal.say(`flags in Unleash: ${created.map(({ name }) => name).join(', ')}`);
}
