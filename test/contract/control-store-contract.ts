/**
 * The contract of the control store's port: what src/stores/control-store.ts promises of every engine. An engine that can't
 * keep a rule names it as an exception, with its reason, which the report shows.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ControlRecord, ControlStore, Heartbeat } from '../../src/stores/control-store.ts';
import { testCall } from '../support/calls.ts';
import { unless } from './excepted.ts';

/** How the contract gets at an engine. */
export interface ControlStoreHarness {
  readonly control: ControlStore;
  /** The same records, as another instance has them. */
  readonly other: ControlStore;
  /** Gives everything back. */
  close(): Promise<void>;
}

/** A part of the contract that an engine may be excepted from, with the reason. */
export interface ControlStoreExceptions {
  /** Heartbeats don't say up to when a write-ahead log is closed. */
  readonly log?: string;
}

const WHY = { instance: 'one', reason: 'a test' };

/** Runs the contract against an engine. */
export function describeControlStore(
  name: string,
  createHarness: () => Promise<ControlStoreHarness>,
  exceptions: ControlStoreExceptions = {},
): void {
  describe(name, () => {
    let harness: ControlStoreHarness;
    beforeAll(async () => {
      harness = await createHarness();
    });
    afterAll(() => harness?.close());
    describeRecords(() => harness);
    describeHeartbeats(() => harness, exceptions);
    describeClock(() => harness);
  });
}

function describeRecords(harness: () => ControlStoreHarness): void {
  describe('a control record', () => {
    let resource: string;
    let resources = 0;
    let control: ControlStore;
    beforeEach(() => {
      resource = `r${++resources}`;
      ({ control } = harness());
    });

    async function current(): Promise<ControlRecord> {
      const found = (await control.poll(testCall())).find((record) => record.resource === resource);
      if (found === undefined) throw new Error('there is no control record');
      return found;
    }

    it('begins detached in epoch 1 of the source, and is made once, by however many', async () => {
      await Promise.all(Array.from({ length: 4 }, () => control.ensure([resource], testCall())));
      const first: ControlRecord = {
        resource,
        epoch: 1,
        authority: 'source',
        floor: 0n,
        attach: 0,
        state: 'detached',
        generation: 1,
        copiedAttach: 0,
        attempt: null,
      };
      expect(await current()).toEqual(first);
      const next: ControlRecord = { ...first, generation: 2, state: 'syncing', attach: 1, floor: 2n ** 63n };
      expect(await control.compareAndSet(next, WHY, testCall())).toBe(true);
      await control.ensure([resource], testCall());
      expect(await current()).toEqual(next);
    });

    it('is replaced only over the generation that was seen', async () => {
      await control.ensure([resource], testCall());
      const first = await current();
      const next: ControlRecord = { ...first, generation: 2, state: 'syncing', attempt: 'try' };
      expect(await control.compareAndSet({ ...next, generation: 3 }, WHY, testCall())).toBe(false);
      expect(await control.compareAndSet(next, WHY, testCall())).toBe(true);
      expect(await control.compareAndSet(next, WHY, testCall())).toBe(false);
      expect(await control.compareAndSet({ ...next, resource: 'nobody' }, WHY, testCall())).toBe(false);
      expect(await current()).toEqual(next);
    });

    it('may jump generations where the caller says what it replaces', async () => {
      await control.ensure([resource], testCall());
      const next: ControlRecord = { ...(await current()), generation: 40, state: 'leaving' };
      expect(await control.compareAndSet(next, { ...WHY, replaces: 7 }, testCall())).toBe(false);
      expect(await control.compareAndSet(next, { ...WHY, replaces: 1 }, testCall())).toBe(true);
      expect((await current()).generation).toBe(40);
    });

    it('lets one of concurrent changes win, each winner with its place in the history', async () => {
      await control.ensure([resource], testCall());
      for (let round = 0; round < 5; round++) {
        const before = await current();
        const tries = ['syncing', 'joining', 'in_sync', 'leaving'] as const;
        const won = await Promise.all(
          tries.map((state, i) => {
            const next: ControlRecord = { ...before, generation: before.generation + 1, state };
            return control.compareAndSet(next, { instance: `instance ${i}`, reason: state }, testCall());
          }),
        );
        expect(won.filter(Boolean)).toHaveLength(1);
        expect((await current()).state).toBe(tries[won.indexOf(true)]);
      }
      const history = await control.transitions(resource, null, 10, testCall());
      expect(history.map(({ generation }) => generation)).toEqual([6, 5, 4, 3, 2]);
      expect(history.at(-1)?.fromState).toBe('detached');
      for (const [i, transition] of history.entries()) {
        expect(transition.reason).toBe(transition.toState);
        if (i > 0) expect(history[i - 1]?.fromState).toBe(transition.toState);
      }
      expect(await control.transitions(resource, 4, 1, testCall())).toEqual([history[3]]);
      expect(await control.transitions('nobody', null, 10, testCall())).toEqual([]);
    });

    it('leaves in the history which epoch and authority each change led to', async () => {
      await control.ensure([resource], testCall());
      const moved: ControlRecord = {
        ...(await current()),
        generation: 2,
        epoch: 2,
        authority: 'target',
        state: 'moved',
        attempt: 'try',
      };
      await control.compareAndSet(moved, WHY, testCall());
      const back: ControlRecord = { ...moved, generation: 3, epoch: 3, authority: 'source', state: 'in_sync' };
      await control.compareAndSet(back, { instance: 'two', reason: 'back' }, testCall());
      const history = await control.transitions(resource, null, 10, testCall());
      expect(history).toEqual([
        {
          resource,
          generation: 3,
          atMicros: expect.any(BigInt),
          fromState: 'moved',
          toState: 'in_sync',
          epoch: 3,
          authority: 'source',
          instance: 'two',
          reason: 'back',
        },
        {
          resource,
          generation: 2,
          atMicros: expect.any(BigInt),
          fromState: 'detached',
          toState: 'moved',
          epoch: 2,
          authority: 'target',
          ...WHY,
        },
      ]);
    });

    it('is the same for a poll that began after a change was answered', async () => {
      await control.ensure([resource], testCall());
      const { other } = harness();
      for (let generation = 2; generation < 20; generation++) {
        const next: ControlRecord = { ...(await current()), generation, floor: BigInt(generation) };
        await control.compareAndSet(next, WHY, testCall());
        const seen = (await other.poll(testCall())).find((record) => record.resource === resource);
        expect(seen?.generation).toBe(generation);
      }
    });
  });
}

function describeHeartbeats(harness: () => ControlStoreHarness, exceptions: ControlStoreExceptions): void {
  describe('a heartbeat', () => {
    let control: ControlStore;
    beforeEach(() => {
      ({ control } = harness());
    });

    const heartbeat = (incarnation: string, beat: bigint): Omit<Heartbeat, 'dead'> => ({
      incarnation: incarnation.padEnd(32, '0'),
      instance: 'service-1',
      beat,
      seen: { medications: 12, encounters: 3 },
    });
    const find = async (incarnation: string): Promise<Heartbeat | undefined> =>
      (await control.heartbeats(testCall())).find((row) => row.incarnation === incarnation.padEnd(32, '0'));

    it('is written and read back, and grows', async () => {
      expect(await control.beat(heartbeat('a', 1n), testCall())).toBe(true);
      expect(await find('a')).toEqual({ ...heartbeat('a', 1n), dead: false });
      expect(await control.beat({ ...heartbeat('a', 2n ** 60n), seen: {} }, testCall())).toBe(true);
      expect(await find('a')).toMatchObject({ beat: 2n ** 60n, seen: {} });
      // The same values again: a row that was met counts, also if nothing changed.
      expect(await control.beat({ ...heartbeat('a', 2n ** 60n), seen: {} }, testCall())).toBe(true);
    });

    it('is refused once it was declared dead, which fails if it has beaten since', async () => {
      await control.beat(heartbeat('b', 1n), testCall());
      await control.beat(heartbeat('b', 2n), testCall());
      expect(await control.declareDead(heartbeat('b', 1n).incarnation, 1n, testCall())).toBe(false);
      expect(await control.beat(heartbeat('b', 3n), testCall())).toBe(true);
      expect(await control.declareDead(heartbeat('b', 3n).incarnation, 3n, testCall())).toBe(true);
      expect(await control.declareDead(heartbeat('b', 3n).incarnation, 3n, testCall())).toBe(true);
      expect(await control.beat(heartbeat('b', 4n), testCall())).toBe(false);
      expect(await find('b')).toMatchObject({ beat: 3n, dead: true });
      expect(await control.declareDead('nobody', 1n, testCall())).toBe(false);
    });

    it('of which one of beat and declareDead wins when they meet', async () => {
      for (let round = 0; round < 10; round++) {
        const name = `c${round}`;
        await control.beat(heartbeat(name, 1n), testCall());
        const [beaten, declared] = await Promise.all([
          control.beat(heartbeat(name, 2n), testCall()),
          control.declareDead(heartbeat(name, 1n).incarnation, 1n, testCall()),
        ]);
        expect(beaten).toBe(!declared);
      }
    });

    it('is removed, once or twice', async () => {
      const { incarnation } = heartbeat('d', 1n);
      await control.beat(heartbeat('d', 1n), testCall());
      await control.removeHeartbeat(incarnation, testCall());
      await control.removeHeartbeat(incarnation, testCall());
      expect(await find('d')).toBeUndefined();
    });

    it('is seen by another instance as soon as it was answered', async () => {
      for (let beat = 1n; beat < 10n; beat++) {
        await control.beat(heartbeat('g', beat), testCall());
        const seen = (await harness().other.heartbeats(testCall())).find((row) => row.incarnation.startsWith('g'));
        expect(seen?.beat).toBe(beat);
      }
    });

    const saysWhatIsClosed = async (): Promise<void> => {
      await control.beat({ ...heartbeat('h', 1n), logClosedUpTo: 29_000_000 }, testCall());
      expect(await find('h')).toMatchObject({ logClosedUpTo: 29_000_000 });
      await control.beat({ ...heartbeat('h', 2n), logClosedUpTo: 29_000_001 }, testCall());
      expect(await find('h')).toMatchObject({ logClosedUpTo: 29_000_001 });
    };
    const name = "says up to which minute its incarnation's log is closed";
    unless(name, exceptions.log, saysWhatIsClosed);
  });
}

function describeClock(harness: () => ControlStoreHarness): void {
  describe('the clock', () => {
    it('is the wall clock in microseconds, and moves on', async () => {
      const { control } = harness();
      const first = await control.clock(testCall());
      const second = await control.clock(testCall());
      expect(second).toBeGreaterThanOrEqual(first);
      expect(Math.abs(Number(first / 1000n) - Date.now())).toBeLessThan(5_000);
    });
  });
}
