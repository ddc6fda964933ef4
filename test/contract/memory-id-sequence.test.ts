import { expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { firstControlRecord } from '../../src/stores/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createMemoryIdSequence } from '../../src/stores/memory/id-sequence.ts';
import { testCall } from '../support/calls.ts';
import { describeIdSequence } from './id-sequence-contract.ts';

const createDatabase = () => new MemoryDatabase({ clock: systemClock, random: systemRandom });

describeIdSequence('a sequence in memory', async () => {
  const one = createMemoryIdSequence(createDatabase(), 'notes');
  await one.raiseTo(1n, testCall());
  return { one, other: one };
});

it('gives nothing in memory before it was raised, and while authority leaves', async () => {
  const database = createDatabase();
  const sequence = createMemoryIdSequence(database, 'notes');
  expect(await sequence.take(1, testCall())).toBeNull();
  expect(await sequence.next(testCall())).toBeNull();
  await sequence.raiseTo(5n, testCall());
  database.control.set('notes', { ...firstControlRecord('notes'), state: 'handing_over' });
  expect(await sequence.take(1, testCall())).toBeNull();
  expect(await sequence.next(testCall())).toBe(5n);
});
