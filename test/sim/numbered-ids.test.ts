/** Ids of new records while authority goes from one store to the other (docs/protocol.md, section 6, step 4). */
import { afterEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { createAuthorityIds } from '../../src/migration/authority-ids.ts';
import type { Lease } from '../../src/migration/lease.ts';
import { internalCall } from '../../src/stores/call.ts';
import { type ControlRecord, firstControlRecord } from '../../src/stores/control-store.ts';
import type { IdSequence } from '../../src/stores/id-sequence.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createMemoryIdSequence } from '../../src/stores/memory/id-sequence.ts';
import type { MemoryInstance } from '../support/memory-instances.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { createVirtualWorld, type VirtualWorld } from '../support/virtual-instances.ts';

const BLOCK = 3;

describe('ids of new records', () => {
  let world: VirtualWorld;
  afterEach(() => world.end());

  const two = () => world.instances as unknown as readonly [MemoryInstance, MemoryInstance];

  /** Takes blocks in every instance until it is stopped; fails where an id was given before. */
  function taking() {
    const stop = new AbortController();
    const given = new Set<bigint>();
    const twice: bigint[] = [];
    const take = async ({ ids }: MemoryInstance): Promise<void> => {
      while (!stop.signal.aborted) {
        const first = await ids.take(BLOCK, world.call());
        for (let i = 0; i < BLOCK; i++) {
          const id = first + BigInt(i);
          if (given.has(id)) twice.push(id);
          given.add(id);
        }
        await world.clock.sleep(7);
      }
    };
    const running = Promise.all(world.instances.map(take));
    return {
      get count() {
        return given.size;
      },
      async stop() {
        stop.abort();
        await world.clock.until(running);
        expect(twice).toEqual([]);
      },
    };
  }

  it('are given once, while authority goes to the target and back, and nobody is refused', async () => {
    world = await createVirtualWorld();
    const takes = taking();
    await world.toTarget();
    const atTarget = takes.count;
    await world.pass(1_000);
    expect(takes.count).toBeGreaterThan(atTarget);
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync');
    await world.pass(1_000);
    await takes.stop();
  });

  it('do not count where the answer of the authority before comes after the move', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    await world.pass(10_000);
    const [one, other] = two();
    other.faults.target.add({ method: 'take', requestMs: 6_000 });
    const late = other.ids.take(BLOCK, world.call({ deadlineMs: world.clock.monotonicMs() + 30_000 }));
    world.setAll({ phase: 'synchronize' });
    await world.becomes('source', 'in_sync', 5_000);
    const first = await world.clock.until(one.ids.take(BLOCK, world.call()));
    const second = await world.clock.until(late);
    expect(second).toBe(first + BigInt(BLOCK));
  });

  it.each(['source', 'target'] as const)(
    'keep authority in the %s while the other sequence can’t be raised',
    async (from) => {
      world = await createVirtualWorld();
      world.setAll({ phase: 'synchronize' });
      await world.becomes('source', 'in_sync');
      if (from === 'target') await world.toTarget();
      await world.pass(10_000);
      const to = from === 'source' ? 'target' : 'source';
      for (const { faults } of world.instances) {
        faults[to].add({ method: 'raiseTo', fail: 'refused', times: Number.POSITIVE_INFINITY });
      }
      const takes = taking();
      world.setAll({ phase: from === 'source' ? 'target-authority' : 'synchronize' });
      await world.waitUntil(
        'an attempt is undone',
        async () => (await world.transitions('handing_over', 'in_sync')) > 0,
      );
      expect(world.current()?.authority).toBe(from);
      world.mend();
      await world.becomes(to, 'in_sync', 20_000);
      await world.pass(500);
      await takes.stop();
    },
  );
});

describe('ids of one instance', () => {
  const clock = new VirtualClock();
  const open = (
    change: Partial<ControlRecord>,
    wrap: (sequence: IdSequence) => IdSequence = (sequence) => sequence,
  ) => {
    const database = () => new MemoryDatabase({ clock, random: systemRandom });
    const source = createMemoryIdSequence(database(), 'notes', () => 41n);
    const target = wrap(createMemoryIdSequence(database(), 'notes'));
    const record = { ...firstControlRecord('notes'), ...change };
    const lease = { valid: async () => record, current: () => record } as Pick<Lease, 'valid' | 'current'>;
    return { source, ids: createAuthorityIds({ resource: 'notes', sequences: { source, target }, lease, clock }) };
  };
  const call = () => internalCall(clock, 5_000);

  it('begin in the target above what MySQL has, where authority was moved without its sequence', async () => {
    const { ids } = open({ authority: 'target', state: 'in_sync' });
    expect(await clock.until(ids.take(5, call()))).toBe(41n);
    expect(await clock.until(ids.take(5, call()))).toBe(46n);
  });

  it('rise in the target above what MySQL has; in MySQL they do by themselves', async () => {
    const { ids, source } = open({ authority: 'target', state: 'in_sync' });
    await clock.until(ids.take(5, call()));
    await source.raiseTo(500n, call());
    await clock.until(ids.rise(call()));
    expect(await clock.until(ids.take(5, call()))).toBe(500n);
  });

  it('are taken again where an answer was lost', async () => {
    let lost = 1;
    const { ids } = open({ authority: 'target', state: 'in_sync' }, (sequence) => ({
      ...sequence,
      take: async (count, of) => {
        const first = await sequence.take(count, of);
        if (first !== null && lost-- > 0) {
          throw new DomainError({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN', message: 'lost' });
        }
        return first;
      },
    }));
    expect(await clock.until(ids.take(5, call()))).toBe(46n);
  });

  it('wait while authority is handed over, until the deadline', async () => {
    const { ids } = open({ state: 'handing_over' });
    const refused = ids.take(1, call()).catch((error: DomainError) => error.reason);
    expect(await clock.until(refused)).toBe('TRANSITION_UNDER_WAY');
  });
});
