import { afterEach, describe, expect, it, vi } from 'vitest';
import { noLog } from '../../src/domain/log.ts';
import { LogKeeper } from '../../src/migration/log-keeper.ts';
import { OwnHand } from '../../src/migration/logged-store.ts';
import { internalCall } from '../../src/stores/call.ts';
import { firstControlRecord } from '../../src/stores/control-store.ts';
import type { UpdateFate } from '../../src/stores/memory/target-store.ts';
import type { MemoryInstance } from '../support/memory-instances.ts';
import { createVirtualWorld, noteKey, noteRow, resource, type VirtualWorld } from '../support/virtual-instances.ts';

let world: VirtualWorld;
afterEach(() => world.end());

const HUNG = { fail: 'hung', times: Number.POSITIVE_INFINITY } as const;
const two = () => world.instances as unknown as readonly [MemoryInstance, MemoryInstance];

describe('a write in an epoch of the target', () => {
  it('closes its entry when the follower has it, whatever it says about the record', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    const [one, other] = two();
    expect(await world.write(one, 'a', '1')).toBe('written');
    expect(await world.titleIn(world.source, 'a')).toBe('1');
    const change = { key: noteKey('a'), kind: 'create', row: noteRow('a', '2'), columns: [2] } as const;
    const again = await world.clock.until(other.migration.records.write(change, world.call()));
    expect(again.outcome).toBe('already_exists');
    expect(await world.write(other, 'a', null)).toBe('written');
    expect(await world.write(one, 'a', null)).toBe('not_found');
    const { source, target } = await world.contents(['a']);
    expect(source).toEqual(target);
    expect(await world.openEntries()).toBe(0);
  });

  it.each<[string, UpdateFate, string, string]>([
    ['was lost, but it arrived', 'lose_answer', 'written', '2'],
    ['and the update itself were lost', 'drop', 'OUTCOME_UNKNOWN', '1'],
    ['was lost, and it is still on its way', { delayMs: 50 }, 'OUTCOME_UNKNOWN', '1 or 2'],
    ['was lost, and it comes long after its entry was fenced', { delayMs: 5_000 }, 'OUTCOME_UNKNOWN', '1'],
  ])('whose answer %s', async (_, fate, answer, title) => {
    let next: UpdateFate = 'apply';
    const onUpdate = () => {
      const now = next;
      next = 'apply';
      return now;
    };
    world = await createVirtualWorld({ onUpdate });
    await world.toTarget();
    const [one] = two();
    await world.write(one, 'a', '1');
    next = fate;
    expect(await world.write(one, 'a', '2')).toBe(answer);
    if (answer === 'OUTCOME_UNKNOWN') expect(await world.openEntries()).toBe(1);
    await world.waitUntil('all is carried', async () => (await world.openEntries()) === 0);
    await world.pass(10_000);
    const { source, target } = await world.contents(['a']);
    expect(source).toEqual(target);
    expect(title).toContain(await world.titleIn(world.target, 'a'));
    expect(await world.transitions('in_sync', 'leaving')).toBe(0);
  });

  it('writes nothing when its lease has ended while its entry was appended', async () => {
    world = await createVirtualWorld();
    await world.toTarget();
    const [one, other] = two();
    await world.write(one, 'a', '1');
    one.faults.target.add({ method: 'append', answerMs: 1_500 });
    // No round brings a lease meanwhile.
    one.faults.target.add({ method: 'poll', ...HUNG });
    expect(await world.write(one, 'a', '2', { deadlineMs: world.clock.monotonicMs() + 2_000 })).toMatch(
      /NO_LEASE|TRANSITION_UNDER_WAY/,
    );
    expect(await world.read(other, 'a')).toBe('1');
    one.faults.target.lift();
    await world.waitUntil('all is closed', async () => (await world.openEntries()) === 0);
    expect(await world.read(other, 'a')).toBe('1');
  });
});

describe('the log of an instance that is gone', () => {
  it('is taken over: declared dead, fenced, copied, closed, and its row removed', async () => {
    let next: UpdateFate = 'apply';
    const onUpdate = () => next;
    world = await createVirtualWorld({ onUpdate });
    await world.toTarget();
    const [one, other] = two();
    await world.write(one, 'a', '1');
    // It arrives, and nobody hears of it any more.
    next = { delayMs: 1 };
    const written = world.write(one, 'a', '2', { deadlineMs: world.clock.monotonicMs() + 100 });
    await world.clock.pass(0);
    next = 'apply';
    one.faults.source.add(HUNG);
    one.faults.target.add(HUNG);
    expect(await written).toMatch(/UNKNOWN|DEADLINE/);
    const { incarnation } = one.lease;
    await world.crash(one);
    await world.pass(10);
    expect(await world.titleIn(world.target, 'a')).toBe('2');
    expect(await world.titleIn(world.source, 'a')).toBe('1');
    expect(await world.openEntries()).toBe(1);
    const rows = () => world.clock.until(world.targetControl.heartbeats(world.call()));
    expect((await rows()).some((row) => row.incarnation === incarnation)).toBe(true);
    await world.waitUntil('its row is removed', async () =>
      (await rows()).every((row) => row.incarnation !== incarnation),
    );
    expect(await world.openEntries()).toBe(0);
    expect(await world.titleIn(world.source, 'a')).toBe('2');
    expect(other.lease.current('notes')?.state).toBe('in_sync');
  });

  it('asks for one new attach, and no more, when part of it may have expired', async () => {
    world = await createVirtualWorld({ logTtlSeconds: 1_200 });
    await world.toTarget();
    const [one, other] = two();
    await world.write(one, 'a', '1');
    const log = { incarnation: one.lease.incarnation, resource: resource.id, keys: [noteKey('a')] };
    await world.clock.until(world.writeAheadLog.append(log, world.call()));
    await world.crash(one);
    await world.crash(other);
    await world.pass(1_000_000);
    const attach = world.database.control.get('notes')?.attach ?? 0;
    const late = await world.start('late');
    late.flags.phase = 'target-authority';
    await world.waitUntil('it was attached anew', () => (late.lease.current('notes')?.attach ?? 0) > attach);
    await world.becomes('target', 'in_sync');
    await world.pass(60_000);
    expect(late.lease.current('notes')).toMatchObject({
      state: 'in_sync',
      attach: attach + 1,
      copiedAttach: attach + 1,
    });
    expect(await world.openEntries()).toBe(0);
    late.flags.phase = 'synchronize';
    await world.becomes('source', 'in_sync');
  });
});

it('an entry that another instance has closed counts as closed in its own log too, so that the heartbeat can go on', async () => {
  world = await createVirtualWorld({ names: [] });
  const { clock } = world;
  const hand = new OwnHand();
  const entry = { incarnation: 'me', minute: 1, id: 'an entry' };
  hand.take(entry.id);
  hand.leave(entry);
  const carried = vi.fn();
  const record = { ...firstControlRecord('notes'), epoch: 3, state: 'in_sync', attach: 1 } as const;
  const keeper = new LogKeeper({
    resource: resource.id,
    keys: world.keys,
    log: { ...world.writeAheadLog, carried },
    control: world.targetControl,
    lease: { incarnation: 'me', current: () => record, latest: () => record },
    hand,
    rolesOf: () => {
      throw new Error('nothing is carried here');
    },
    clock,
    logger: noLog,
  });
  const stop = new AbortController();
  const running = keeper.run(stop.signal);
  await clock.pass(1_000);
  stop.abort();
  await clock.until(running);
  expect(carried).toHaveBeenCalledWith([{ incarnation: 'me', minute: 1, count: 1 }]);
  expect(hand.isIdle).toBe(true);
});

it('carrying all for a handover takes no longer than the handover has', async () => {
  world = await createVirtualWorld();
  await world.toTarget();
  const [one] = two();
  const log = { incarnation: one.lease.incarnation, resource: resource.id, keys: [noteKey('a')] };
  await world.clock.until(world.writeAheadLog.append(log, world.call()));
  const { clock } = world;
  const record = one.lease.current('notes');
  if (record === undefined) throw new Error('no lease');
  const never = new Promise<never>(() => {});
  const deadlines: number[] = [];
  const hangs = async (_: unknown, call: { deadlineMs: number }): Promise<void> => {
    deadlines.push(call.deadlineMs);
    await Promise.race([never, clock.sleep(call.deadlineMs - clock.monotonicMs())]);
    throw new Error('late');
  };
  const keeper = new LogKeeper({
    resource: resource.id,
    keys: world.keys,
    log: world.writeAheadLog,
    control: world.targetControl,
    lease: one.lease,
    hand: new OwnHand(),
    rolesOf: () => ({ authority: world.target, follower: { ...world.source, apply: hangs } }),
    clock,
    logger: noLog,
  });
  const call = internalCall(clock, 3_000);
  await expect(clock.until(keeper.carryAll(record, call))).rejects.toThrow('late');
  expect(deadlines).toEqual([call.deadlineMs]);
});
