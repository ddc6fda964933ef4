import { expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { type BackfillOptions, createBackfill } from '../../src/migration/backfill.ts';
import { type ControlRecord, firstControlRecord } from '../../src/stores/control-store.ts';

it.each([
  ['source', ['barrier']],
  ['target', ['lease', 'barrier']],
] as const)('a bulk copy from the %s waits for %j before it walks', async (authority, waits) => {
  const waited: string[] = [];
  const options = {
    rolesOf: () => ({}),
    barriers: { pass: async () => void waited.push('barrier') },
    lease: {
      waitOneLease: async () => {
        waited.push('lease');
        return true;
      },
    },
    clock: systemClock,
  } as unknown as BackfillOptions;
  const control: ControlRecord = { ...firstControlRecord('notes'), authority, epoch: 2, attach: 2, state: 'syncing' };
  const { prepare } = createBackfill(options).open({} as never, control);
  await prepare(new AbortController().signal);
  expect(waited).toEqual(waits);
});
