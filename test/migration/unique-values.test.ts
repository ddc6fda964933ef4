/** Unique values through both epochs, on real servers, with two instances. */
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { newIndexesOfAuthority } from '../../src/app/new-indexes.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Index, Row, Value } from '../../src/domain/resource.ts';
import { createCassandraClient } from '../../src/stores/cassandra/client.ts';
import type { StoreName } from '../../src/stores/control-store.ts';
import type { Change, FollowerStore } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { createRealService, type RealInstance } from '../support/real-instances.ts';
import { peopleResource } from '../support/resources.ts';

const TAKEN = { kind: 'already_exists', reason: 'UNIQUE_KEY_TAKEN', metadata: { unique_index: 'email' } };
const SYNC_MS = 60_000;
const EMAIL = 2;
const byEmail = peopleResource.indexes?.find(({ name }) => name === 'email') as Index;
const keys = createKeyCodec(peopleResource);
const person = (id: string): Key => keys.fromValues([1, id]);

let world: Awaited<ReturnType<typeof createRealService>>;
let instances: readonly RealInstance[] = [];

beforeAll(async () => {
  world = await createRealService(peopleResource);
  instances = [await world.startInstance('one'), await world.startInstance('other')];
}, 60_000);

afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  await world?.drop();
});

function set(key: Key, email: string | null, kind: Change['kind'] = 'upsert'): Change {
  const row: Row = [...(key.values as Value[]), email, null, null, null, null, null];
  return { key, kind, row, columns: [EMAIL] };
}

function write(change: Change, instance = 0) {
  return (instances[instance] as RealInstance).records.write(change, world.call());
}

async function becomes(authority: StoreName, state = 'in_sync'): Promise<void> {
  for (const { flags } of instances) flags.phase = authority === 'source' ? 'synchronize' : 'target-authority';
  await vi.waitUntil(
    () =>
      instances.every(({ lease }) => {
        const record = lease.current(world.resource.id);
        return record?.authority === authority && record.state === state;
      }),
    { timeout: SYNC_MS, interval: 50 },
  );
}

async function emails(store: Pick<FollowerStore, 'getMany'>, ids: readonly string[]): Promise<unknown[]> {
  return (await store.getMany(ids.map(person), world.call())).map(({ row }) => row?.[EMAIL] ?? null);
}

async function haveInBoth(email: string): Promise<readonly unknown[]> {
  const query = { index: byEmail, values: [email], after: null, limit: 10 };
  const [source, target] = await Promise.all(
    [world.source, world.target].map(async (store) =>
      (await store.lookup(query, world.call())).map(({ key }) => key.values[1]),
    ),
  );
  expect(target).toEqual(source);
  return target as readonly unknown[];
}

/** Both instances want a value for records of their own, again and again; returns how many got it each time. */
async function compete(round: string, wanting: number): Promise<number> {
  const settled = await Promise.allSettled(
    Array.from({ length: wanting }, (_, n) => write(set(person(`${round} ${n}`), round), n % instances.length)),
  );
  for (const one of settled) if (one.status === 'rejected') expect(one.reason).toMatchObject(TAKEN);
  return settled.filter(({ status }) => status === 'fulfilled').length;
}

describe('a unique value of a record that moves', () => {
  it('has one record while MySQL is the authority', { timeout: SYNC_MS * 2 }, async () => {
    await becomes('source');
    await write(set(person('a'), 'kept'));
    for (let round = 0; round < 5; round++) expect(await compete(`source ${round}`, 6)).toBe(1);
    expect(await haveInBoth('source 0')).toHaveLength(1);
  });

  it('has one record while Cassandra is, against those from before and rivals in two instances', {
    timeout: SYNC_MS * 2,
  }, async () => {
    await becomes('target');
    for (const instance of [0, 1]) await expect(write(set(person('b'), 'kept'), instance)).rejects.toMatchObject(TAKEN);
    for (let round = 0; round < 10; round++) {
      expect(await compete(`target ${round}`, 6)).toBe(1);
      expect(await haveInBoth(`target ${round}`)).toHaveLength(1);
    }
    expect(await compete('kept', 4)).toBe(0);
  });

  it('goes from one record to another, whoever writes', { timeout: SYNC_MS }, async () => {
    await write(set(person('a'), 'free'), 0);
    await write(set(person('b'), 'kept'), 1);
    await write(set(person('a'), null), 1);
    await write(set(person('b'), 'free'), 0);
    expect(await emails(world.source, ['a', 'b'])).toEqual([null, 'free']);
    expect(await emails(world.target, ['a', 'b'])).toEqual([null, 'free']);
  });

  it('is swapped while the follower is away, and the follower rejoins', { timeout: SYNC_MS * 2 }, async () => {
    const swapped = ['s1', 's2', 's3'];
    for (const id of swapped) await write(set(person(id), `of ${id}`));
    for (const { toSource } of instances)
      toSource.add({ method: 'apply', fail: 'refused', times: Number.POSITIVE_INFINITY });
    // Each instance holds a part of what the follower lacks.
    await write(set(person('s1'), 'between'), 0);
    await write(set(person('s2'), 'of s1'), 1);
    await write(set(person('s3'), 'of s2'), 0);
    await write(set(person('s1'), 'of s3'), 1);
    expect(await emails(world.source, swapped)).toEqual(['of s1', 'of s2', 'of s3']);
    for (const { toSource } of instances) toSource.lift();
    await becomes('target');
    expect(await emails(world.source, swapped)).toEqual(['of s3', 'of s1', 'of s2']);
    expect(await emails(world.target, swapped)).toEqual(['of s3', 'of s1', 'of s2']);
  });

  it('comes back to MySQL with all of them', { timeout: SYNC_MS * 2 }, async () => {
    await becomes('source');
    await expect(write(set(person('z'), 'of s1'))).rejects.toMatchObject(TAKEN);
    for (let round = 0; round < 3; round++) expect(await compete(`back ${round}`, 6)).toBe(1);
    expect(await haveInBoth('of s3')).toEqual(['s1']);
  });
});

describe('an index that is new while Cassandra is the authority', () => {
  it('stops the start, as nothing would ever fill it', { timeout: SYNC_MS * 2 }, async () => {
    await becomes('target');
    const client = createCassandraClient(inject('cassandra'));
    try {
      const found = () => newIndexesOfAuthority(client, world.keyspace.name, [world.resource], testCall());
      expect(await found()).toEqual([]);
      await world.keyspace.run('DROP TABLE people_by_badge');
      expect(await found()).toEqual([expect.stringContaining('the index "badge" is new')]);
    } finally {
      await client.close();
    }
  });
});
