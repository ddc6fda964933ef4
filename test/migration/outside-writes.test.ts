import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import type { FollowerState, StoreName } from '../../src/stores/control-store.ts';
import type { Job, Mismatch } from '../../src/stores/job-store.ts';
import { createMemoryWorld, type MemoryInstance } from '../support/memory-instances.ts';
import { notesResource } from '../support/resources.ts';

const keys = createKeyCodec(notesResource);
const key = (note: string) => keys.fromValues(['owner', note]);
const TITLE = notesResource.columns.findIndex((column) => column.mysqlName === 'title');
const call = (): Call => internalCall(systemClock, 8_000);
const rowOf = (note: string, title: string): Row =>
  notesResource.columns.map((_, index) => (['owner', note, title][index] ?? null) as Row[number]);

const isCleanVerification = ({ kind, state }: Job): boolean => kind === 'verification' && state === 'succeeded';

/** The outside program writes to the source while the target is the authority, over two instances. */
describe('a change of the source past the service, in an epoch of the target', () => {
  let world: ReturnType<typeof createMemoryWorld>;
  let instances: MemoryInstance[] = [];
  afterEach(async () => {
    await Promise.all(instances.map((instance) => instance.stop()));
  });

  const becomes = (authority: StoreName, state: FollowerState) =>
    vi.waitUntil(
      () =>
        instances.every(({ lease }) => {
          const record = lease.current('notes');
          return record?.authority === authority && record.state === state;
        }),
      { timeout: 20_000, interval: 10 },
    );
  const setPhase = (phase: MemoryInstance['flags']['phase']) => {
    for (const { flags } of instances) flags.phase = phase;
  };
  const write = async (note: string, title: string) => {
    const change = { key: key(note), kind: 'upsert', row: rowOf(note, title), columns: [TITLE] } as const;
    await instances[0]?.migration.records.write(change, call());
  };
  const titles = async (note: string) => {
    const stores = [world.source, world.target];
    const found = await Promise.all(stores.map((store) => store.getMany([key(note)], call())));
    return found.map(([stored]) => stored?.row?.[TITLE] ?? null);
  };
  const mismatches = (): Promise<readonly Mismatch[]> =>
    world.jobs.listMismatches('notes', { after: 0, limit: 10, openOnly: true }, call());
  const holds = async (): Promise<string[]> => {
    const task = await world.jobs.readTask('controller/notes', call());
    const { holds: found } = JSON.parse(task?.status || '{"holds":[]}') as { holds: { reason: string }[] };
    return found.map(({ reason }) => reason);
  };
  const touched = async (): Promise<number> => {
    const task = await world.jobs.readTask('capture/notes', call());
    return (JSON.parse(task?.status || '{"touched":0}') as { touched: number }).touched;
  };

  async function start(outsideWrites: 'overwrite' | 'hold', sourceIsFenced?: () => boolean): Promise<void> {
    world = createMemoryWorld(notesResource);
    const more = { outsideWrites, ...(sourceIsFenced && { sourceIsFenced }) };
    instances = [await world.startInstance('one', more), await world.startInstance('other', more)];
    setPhase('synchronize');
    await becomes('source', 'in_sync');
    for (const note of ['a', 'b']) await write(note, 'by the service');
  }

  async function handOver(): Promise<void> {
    setPhase('target-authority');
    await becomes('target', 'in_sync');
  }

  it('is set back to what the authority has', async () => {
    await start('overwrite');
    await handOver();
    world.source.outsideWrite(key('a'), rowOf('a', 'from outside'));
    world.source.outsideWrite(key('b'), null);
    world.source.outsideWrite(key('c'), rowOf('c', 'from outside'));
    await vi.waitUntil(async () => (await titles('c'))[0] === null, { timeout: 10_000, interval: 10 });
    for (const note of ['a', 'b']) {
      await vi.waitFor(async () => expect(await titles(note)).toEqual(['by the service', 'by the service']));
    }
    await vi.waitUntil(async () => (await touched()) >= 3, { timeout: 10_000, interval: 10 });
    expect(await mismatches()).toEqual([]);
  });

  it('is left and held for a person, keeps authority where it is, and is set back by a repair', async () => {
    await start('hold');
    await handOver();
    world.source.outsideWrite(key('a'), rowOf('a', 'from outside'));
    world.source.outsideWrite(key('b'), null);
    world.source.outsideWrite(key('c'), rowOf('c', 'from outside'));
    await vi.waitUntil(async () => (await mismatches()).length === 3, { timeout: 10_000, interval: 10 });
    expect(await mismatches()).toMatchObject([
      { kind: 'different', fieldPaths: ['title'], foundBy: 'capture' },
      { kind: 'missing_in_follower', fieldPaths: [], foundBy: 'capture' },
      { kind: 'extra_in_follower', fieldPaths: [], foundBy: 'capture' },
    ]);
    expect(await titles('a')).toEqual(['from outside', 'by the service']);
    expect(await titles('b')).toEqual([null, 'by the service']);
    await vi.waitUntil(async () => (await touched()) >= 3, { timeout: 10_000, interval: 10 });
    setPhase('synchronize');
    await vi.waitUntil(async () => (await holds()).includes('mismatches_open'), { timeout: 10_000, interval: 10 });
    expect(instances[0]?.lease.current('notes')).toMatchObject({ authority: 'target', state: 'in_sync' });
    expect(await instances[1]?.migration.repair(null, call())).toEqual({ repaired: 3, open: 0 });
    expect(await titles('a')).toEqual(['by the service', 'by the service']);
    expect(await titles('b')).toEqual(['by the service', 'by the service']);
    expect(await titles('c')).toEqual([null, null]);
    await becomes('source', 'in_sync');
  });

  it('that the service has written over since is not held', async () => {
    await start('hold');
    await handOver();
    world.source.outsideWrite(key('a'), rowOf('a', 'from outside'));
    await write('a', 'written since');
    await vi.waitUntil(async () => (await touched()) >= 1, { timeout: 10_000, interval: 10 });
    await write('b', 'again');
    await vi.waitFor(async () => expect(await titles('a')).toEqual(['written since', 'written since']));
    // Whether it was looked at before the write or after it: what a person is shown differs no more once it is looked at again.
    await instances[0]?.migration.repair(null, call());
    expect(await mismatches()).toEqual([]);
  });

  it('keeps authority from leaving the source when it was seen there, unless the source is fenced', async () => {
    let isFenced = false;
    await start('hold', () => isFenced);
    // What is seen before a clean verification is behind it.
    await vi.waitUntil(async () => (await world.jobs.listJobs('notes', null, 10, call())).some(isCleanVerification), {
      timeout: 10_000,
      interval: 10,
    });
    world.source.outsideWrite(key('a'), rowOf('a', 'from outside'));
    await vi.waitFor(async () => expect(await titles('a')).toEqual(['from outside', 'from outside']));
    // The controller learns of it with the next renewal of capture's lease.
    await vi.waitUntil(async () => (await touched()) >= 1, { timeout: 10_000, interval: 10 });
    setPhase('target-authority');
    await vi.waitUntil(async () => (await holds()).includes('outside_writer_seen'), { timeout: 10_000, interval: 10 });
    isFenced = true;
    await becomes('target', 'in_sync');
  });
});
