import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noLog } from '../../src/domain/log.ts';
import { beginHandover, moved, step } from '../../src/migration/control-record.ts';
import { Lease } from '../../src/migration/lease.ts';
import { Registers } from '../../src/migration/registers.ts';
import { defaultProtocolSettings } from '../../src/migration/settings.ts';
import { internalCall } from '../../src/stores/call.ts';
import { type ControlRecord, firstControlRecord } from '../../src/stores/control-store.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createFaults, injectFaults } from '../../src/stores/memory/faults.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';

const { leaseMs, roundMs, marginMs } = defaultProtocolSettings;
const FOREVER = Number.POSITIVE_INFINITY;

let clock: VirtualClock;
let sourceDatabase: MemoryDatabase;
let targetDatabase: MemoryDatabase;
let source: ReturnType<typeof createMemoryControlStore>;
let target: ReturnType<typeof createMemoryControlStore>;
let ends: (() => Promise<void>)[];

beforeEach(() => {
  clock = new VirtualClock();
  const random = seededRandom(1);
  sourceDatabase = new MemoryDatabase({ clock, random });
  targetDatabase = new MemoryDatabase({ clock, random });
  source = createMemoryControlStore(sourceDatabase);
  target = createMemoryControlStore(targetDatabase);
  ends = [];
});
afterEach(async () => {
  for (const end of ends) await end();
});

const call = (ms = 1_000) => internalCall(clock, ms);
const put = (database: MemoryDatabase, record: ControlRecord) => database.control.set('notes', record);
const inSync: ControlRecord = {
  ...firstControlRecord('notes'),
  state: 'in_sync',
  attach: 1,
  copiedAttach: 1,
  generation: 5,
};
const gone = moved(beginHandover(inSync, 'attempt'), 100n);
const arrived: ControlRecord = { ...gone, state: 'in_sync', generation: gone.generation + 1 };

function startLease(seed: number) {
  const faults = { source: createFaults(), target: createFaults() };
  const polls = { source: 0 };
  const counted = new Proxy(source, {
    get: (port, name: keyof typeof source) => {
      if (name === 'poll') polls.source += 1;
      return port[name];
    },
  });
  const changes: ControlRecord[] = [];
  const lease = new Lease({
    registers: new Registers(
      injectFaults(counted, { faults: faults.source, clock, role: 'authority' }),
      injectFaults(target, { faults: faults.target, clock, role: 'authority' }),
    ),
    instance: `instance ${seed}`,
    settings: defaultProtocolSettings,
    clock,
    random: seededRandom(seed),
    log: noLog,
    onChange: (record) => changes.push(record),
  });
  const stop = new AbortController();
  const running = lease.run(stop.signal);
  ends.push(async () => {
    faults.source.lift();
    faults.target.lift();
    stop.abort();
    await clock.until(running);
  });
  return { lease, faults, changes, polls, stop };
}

describe('the lease over two stores', () => {
  it('trusts nothing of the earlier epoch from the moment it knows of the later one', async () => {
    put(sourceDatabase, inSync);
    const { lease, changes } = startLease(2);
    await clock.pass(5 * roundMs);
    expect(lease.current('notes')).toEqual(inSync);
    put(sourceDatabase, gone);
    while (changes.at(-1)?.epoch !== 2) {
      expect(lease.current('notes')).toEqual(inSync);
      await clock.pass(1);
    }
    expect(lease.latest('notes')).toEqual(gone);
    expect(lease.current('notes')).toBeUndefined();
  });

  it('has no lease while authority has moved and the other store’s record does not stand yet', async () => {
    put(sourceDatabase, gone);
    put(targetDatabase, firstControlRecord('notes'));
    const { lease } = startLease(2);
    await clock.pass(5 * leaseMs);
    expect(lease.current('notes')).toBeUndefined();
    await expect(clock.until(lease.valid('notes', call(30_000)))).rejects.toMatchObject({ reason: 'NO_LEASE' });
    put(targetDatabase, arrived);
    expect(await clock.until(lease.valid('notes', call()))).toEqual(arrived);
  });

  it('renews across a move: what it answers is the new authority’s own word', async () => {
    put(sourceDatabase, inSync);
    put(targetDatabase, firstControlRecord('notes'));
    const { lease } = startLease(2);
    await clock.pass(5 * roundMs);
    put(sourceDatabase, gone);
    const renewed = lease.renewed('notes', call(5_000));
    await clock.pass(leaseMs / 2);
    put(targetDatabase, arrived);
    expect(await clock.until(renewed)).toEqual(arrived);
  });

  it('follows the target from the start where the source has forgotten the move', async () => {
    put(sourceDatabase, inSync);
    put(targetDatabase, arrived);
    const { lease, changes } = startLease(2);
    await clock.pass(5 * roundMs);
    expect(lease.current('notes')).toEqual(arrived);
    expect(changes.map(({ epoch }) => epoch)).toEqual([2]);
  });

  it('puts a restored source back to `moved`, never to `leaving`', async () => {
    put(sourceDatabase, gone);
    put(targetDatabase, arrived);
    const { lease } = startLease(2);
    await clock.pass(5 * roundMs);
    put(sourceDatabase, { ...inSync, generation: 3 });
    await clock.pass(10 * roundMs);
    expect(sourceDatabase.control.get('notes')).toEqual(gone);
    expect(lease.current('notes')).toEqual(arrived);
  });

  it('keeps the epoch of an authority that lost its tail, so that nobody takes the other one for it', async () => {
    put(sourceDatabase, gone);
    put(targetDatabase, arrived);
    const { lease } = startLease(2);
    await clock.pass(5 * roundMs);
    // Cassandra forgets that it ever became the authority.
    put(targetDatabase, firstControlRecord('notes'));
    await clock.pass(10 * roundMs);
    const mended = { ...arrived, state: 'leaving', copiedAttach: 0, generation: arrived.generation + 1 };
    expect(targetDatabase.control.get('notes')).toEqual(mended);
    expect(lease.current('notes')).toEqual(mended);
  });

  it('lets a write in the target start no rounds in the source', async () => {
    put(sourceDatabase, gone);
    put(targetDatabase, arrived);
    const { lease, polls } = startLease(2);
    await clock.pass(10 * roundMs);
    const before = polls.source;
    for (let write = 0; write < 100; write++) {
      lease.observe('notes', arrived.generation);
      await clock.pass(10);
    }
    expect(polls.source - before).toBeLessThanOrEqual(3);
  });

  it('goes on by one store’s record while the other store hangs', async () => {
    put(sourceDatabase, gone);
    put(targetDatabase, arrived);
    const { lease, faults } = startLease(2);
    await clock.pass(5 * roundMs);
    faults.source.add({ fail: 'hung', times: FOREVER });
    for (let look = 0; look < 20; look++) {
      await clock.pass(leaseMs / 4);
      expect(lease.current('notes')).toEqual(arrived);
      expect(await clock.until(lease.renewed('notes', call()))).toEqual(arrived);
    }
  });

  it('ends a wait for one lease early only when the row of every instance shows it, in the store that has the word', async () => {
    put(sourceDatabase, gone);
    put(targetDatabase, arrived);
    const one = startLease(2);
    const other = startLease(3);
    await clock.pass(3 * leaseMs);
    const leaving = step(arrived, 'leaving');
    other.faults.target.add({ method: 'poll', fail: 'hung', times: FOREVER });
    put(targetDatabase, leaving);
    one.lease.poke();
    const beganMs = clock.monotonicMs();
    await clock.until(one.lease.waitOneLease(leaving, new AbortController().signal));
    expect(other.lease.current('notes')).toBeUndefined();
    expect(clock.monotonicMs() - beganMs).toBeGreaterThan(leaseMs - roundMs);
    other.faults.target.lift();
    await clock.pass(2 * leaseMs);
    const syncing = step(leaving, 'syncing');
    put(targetDatabase, syncing);
    const againMs = clock.monotonicMs();
    await clock.until(one.lease.waitOneLease(syncing, new AbortController().signal));
    expect(clock.monotonicMs() - againMs).toBeLessThan(leaseMs);
    expect(other.lease.current('notes')).toEqual(syncing);
    expect(marginMs).toBeGreaterThan(0);
  });

  it('ends at once where it is stopped before it began', async () => {
    const stop = new AbortController();
    stop.abort();
    const registers = new Registers(source, target);
    const options = { registers, instance: 'one', settings: defaultProtocolSettings, clock, log: noLog };
    const lease = new Lease({ ...options, random: seededRandom(4), onChange: () => {} });
    await clock.until(lease.run(stop.signal), 1_000);
  });
});
