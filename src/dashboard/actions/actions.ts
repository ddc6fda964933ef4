/** What a viewer with the right to may do. Each asks first. */

import type { Job } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import type { Api } from '../api.ts';
import { html } from '../dom.ts';
import { count } from '../format.ts';
import type { ResourceState } from '../model.ts';
import { type StoreNames, storeNames } from '../words.ts';
import { ask } from './ask.ts';

/** The most records that one repair takes: the API's bound. */
const MOST_REPAIRED = 1_000;
const GREATEST_RATE = 10_000_000;

/** The actions of one resource. */
export interface Actions {
  verify(resource: ResourceState): void;
  copy(resource: ResourceState): void;
  /** Empty: all open mismatches. */
  repair(resource: ResourceState, records: readonly string[]): void;
  throttle(job: Job): void;
  cancel(job: Job): void;
  fence(resource: ResourceState): void;
  unfence(resource: ResourceState): void;
  decommission(resource: ResourceState): void;
}

/** Creates them. */
export function createActions({ migrations, operations }: Api): Actions {
  return {
    verify: ({ name, id }) =>
      ask({
        title: `Verify ${id}`,
        says: [
          'Compares every record of both stores, both ways, while callers go on. Nothing is changed.',
          'It gives way to callers; its speed can be changed while it runs.',
        ],
        confirm: 'Start verification',
        run: async (signal) => {
          await migrations.startVerification({ name }, { signal });
          return `A verification of ${id} runs.`;
        },
      }),
    copy: ({ name, id }) =>
      ask({
        title: `Copy ${id}`,
        says: ['Starts the bulk copy of all records to the follower, while callers go on.'],
        confirm: 'Start copy',
        run: async (signal) => {
          await migrations.startBackfill({ name }, { signal });
          return `A bulk copy of ${id} runs.`;
        },
      }),
    repair: (resource, records) =>
      ask({
        title: records.length === 0 ? 'Repair all open mismatches' : `Repair ${count(records.length)} selected`,
        says: [
          'Sets these records in the follower to what the authority has, at a newer version. What the follower had is lost.',
          records.length === 0 ? `At most ${count(MOST_REPAIRED)} at once.` : list(records),
        ],
        confirm: 'Repair',
        run: async (signal) => {
          const request = { parent: resource.name, records: records.slice(0, MOST_REPAIRED) };
          const { repairedCount, openCount } = await migrations.repairMismatches(request, { signal });
          return `Repaired ${count(repairedCount)}; ${count(openCount)} still open.`;
        },
      }),
    throttle: (job) =>
      askForRate(job, (rowsPerSecondLimit, signal) =>
        migrations.throttleOperation({ name: job.operation, rowsPerSecondLimit }, { signal }),
      ),
    cancel: ({ operation, rowCount }) =>
      ask({
        title: 'Cancel this job',
        says: [
          `What is done stays done: ${count(rowCount)} rows. A bulk copy that is cancelled has to be started again by a person.`,
        ],
        confirm: 'Cancel the job',
        grave: true,
        run: async (signal) => {
          await operations.cancelOperation({ name: operation }, { signal });
          return 'The job is cancelled.';
        },
      }),
    fence: (resource) => askToFence(resource, (signal) => migrations.fenceSource({ name: resource.name }, { signal })),
    unfence: ({ name, facts }) => {
      const { source } = storeNames(facts);
      ask({
        title: 'Remove the fence',
        says: [`Drops the triggers on the table: other programs may write to ${source} again.`],
        confirm: 'Remove the fence',
        run: async (signal) => {
          await migrations.unfenceSource({ name }, { signal });
          return 'The fence is removed.';
        },
      });
    },
    decommission: (resource) =>
      askToDecommission(resource, (confirmation, signal) =>
        migrations.decommissionMigration({ name: resource.name, confirmation }, { signal }),
      ),
  };
}

const MOST_LISTED = 5;

function list(records: readonly string[]): string {
  const rest = records.length - MOST_LISTED;
  return `${records.slice(0, MOST_LISTED).join(', ')}${rest > 0 ? ` and ${count(rest)} more` : ''}.`;
}

function askForRate(job: Job, run: (limit: bigint, signal: AbortSignal) => Promise<unknown>): void {
  const input = html('input', {
    type: 'number',
    id: 'rate',
    min: 0,
    max: GREATEST_RATE,
    step: 1,
    value: String(job.rowsPerSecondLimit),
    required: true,
  });
  ask({
    title: 'Change the speed',
    says: [
      `Now at ${count(Math.round(job.rowsPerSecond))} rows/s. The limit is for all instances together; 0 means none.`,
    ],
    fields: html('p', { class: 'field' }, html('label', { for: 'rate' }, 'Rows a second, at most'), input),
    confirm: 'Change',
    run: async (signal) => {
      const limit = BigInt(Math.trunc(input.valueAsNumber));
      await run(limit, signal);
      return limit === 0n ? 'The job goes as fast as it may.' : `The job walks at most ${count(limit)} rows/s.`;
    },
  });
}

function askToFence({ facts }: ResourceState, run: (signal: AbortSignal) => Promise<unknown>): void {
  const { source, target }: StoreNames = storeNames(facts);
  ask({
    title: 'Fence the source',
    says: [
      `Installs triggers on the table in ${source}. They let everybody pass until authority begins to leave ${source}; from then on other programs' changes fail with an error, instead of being lost.`,
      `Do it shortly before authority moves to ${target}, and keep transactions of other programs short meanwhile. It waits for transactions that use the table.`,
    ],
    confirm: 'Fence',
    run: async (signal) => {
      await run(signal);
      return 'The source is fenced.';
    },
  });
}

function askToDecommission(
  resource: ResourceState,
  run: (typed: string, signal: AbortSignal) => Promise<unknown>,
): void {
  const { source, target } = storeNames(resource.facts);
  const input = html('input', { type: 'text', id: 'confirmation', autocomplete: 'off', spellcheck: 'false' });
  const label = html('label', { for: 'confirmation' }, 'Type ', html('code', {}, resource.id), ' to confirm');
  ask({
    title: `End writing to ${source}`,
    says: [
      `From then on ${target} alone is read and written. There is no way back: what ${source} holds is as old as that moment.`,
      'Nothing is dropped. What remains to be dropped by hand is listed here afterwards.',
    ],
    fields: html('p', { class: 'field' }, label, input),
    confirm: 'Decommission',
    grave: true,
    run: async (signal) => {
      await run(input.value, signal);
      return `The decommission of ${resource.id} is confirmed.`;
    },
  });
}
