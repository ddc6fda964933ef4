/** Index tables and reservations in Cassandra, as they are inside: docs/protocol.md, sections 12 and 13. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIndexCodec } from '../../src/domain/index-entry.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Index, Row, Value } from '../../src/domain/resource.ts';
import type { Copy, RecordStore } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { type CassandraHarness, createCassandraHarness } from '../support/cassandra-harness.ts';
import { peopleResource } from '../support/resources.ts';

const VERSION = 1_700_000_000_000_000n;
const LONG_AGO_MICROS = 1n;
const EMAIL = 2;
const keys = createKeyCodec(peopleResource);
const email = peopleResource.indexes?.find(({ name }) => name === 'email') as Index;
const codec = createIndexCodec(peopleResource, email);
const person = (id: string): Key => keys.fromValues([1, id]);

let harness: CassandraHarness;

beforeAll(async () => {
  harness = await createCassandraHarness([peopleResource]);
});
afterAll(() => harness?.close());

function copy(key: Key, value: string | null, version: bigint): Copy {
  const row: Row = [...(key.values as Value[]), value, null, null, null, null, null];
  return { key, row, version };
}

async function run(query: string, params: readonly unknown[]) {
  const text = query.replace('people', `${harness.keyspace.name}.people`);
  return (await harness.client.run({ query: text, params }, testCall().deadlineMs)).rows;
}

/** The keys of an entry's hints. */
async function hints(value: string): Promise<readonly unknown[]> {
  const rows = await run('SELECT key FROM people_by_email WHERE entry = ?', [codec.entryOfValues([value])]);
  return rows.filter((row) => row.get('key') !== null).map((row) => keys.fromBytes(row.get('key') as Buffer).values[1]);
}

async function look(store: RecordStore, value: string): Promise<readonly unknown[]> {
  const found = await store.lookup({ index: email, values: [value], after: null, limit: 10 }, testCall());
  return found.map(({ key }) => key.values[1]);
}

function hint(value: string, key: Key, version: bigint) {
  const text = `INSERT INTO people_by_email (entry, key, version) VALUES (?, ?, ?) USING TIMESTAMP ${version}`;
  return run(text, [codec.entryOfValues([value]), key.bytes, version]);
}

describe('a hint in Cassandra', () => {
  it('stays when its record moves on, until a lookup meets it', async () => {
    const { store } = await harness.open(peopleResource);
    await store.apply([copy(person('a'), 'old', VERSION)], testCall());
    await store.apply([copy(person('a'), 'new', VERSION + 1n)], testCall());
    expect(await hints('old')).toEqual(['a']);
    expect(await look(store, 'old')).toEqual([]);
    expect(await hints('old')).toEqual([]);
    // A late repeat of the first copy writes nothing that anybody sees.
    await store.apply([copy(person('a'), 'old', VERSION)], testCall());
    expect(await hints('old')).toEqual([]);
    await store.apply([copy(person('a'), 'old', VERSION + 2n)], testCall());
    expect(await look(store, 'old')).toEqual(['a']);
  });

  it('is not taken away while its record is still on its way', async () => {
    const { store } = await harness.open(peopleResource);
    await store.apply([copy(person('a'), 'old', VERSION)], testCall());
    await hint('coming', person('a'), VERSION + 5n);
    expect(await look(store, 'coming')).toEqual([]);
    expect(await hints('coming')).toEqual(['a']);
    await store.apply([copy(person('a'), 'coming', VERSION + 5n)], testCall());
    expect(await look(store, 'coming')).toEqual(['a']);
  });

  it('of a record that is gone with its marker goes when nothing so old can be on its way', async () => {
    const { store } = await harness.open(peopleResource, { markerTtlSeconds: 500 });
    await hint('forgotten', person('a'), LONG_AGO_MICROS);
    await hint('fresh', person('a'), BigInt(Date.now()) * 1000n);
    expect([await look(store, 'forgotten'), await look(store, 'fresh')]).toEqual([[], []]);
    expect([await hints('forgotten'), await hints('fresh')]).toEqual([[], ['a']]);
  });

  it('is missed by who compares, and written again by a touch', async () => {
    const { store, guard } = await harness.open(peopleResource);
    await store.apply([copy(person('a'), 'x', VERSION), copy(person('b'), null, VERSION)], testCall());
    const records = () => store.getMany([person('a'), person('b'), person('c')], testCall());
    expect(await store.unindexed?.(await records(), testCall())).toEqual([]);
    await run('DELETE FROM people_by_email WHERE entry = ?', [codec.entryOfValues(['x'])]);
    expect(await store.unindexed?.(await records(), testCall())).toEqual([{ key: person('a'), index: email }]);
    await store.touchMany([person('a')], guard(), testCall());
    // The DELETE above took the time of now, which is later than the record's version, but not than the touch's.
    expect(await store.unindexed?.(await records(), testCall())).toEqual([]);
  });
});

describe('a reservation in Cassandra', () => {
  const reserve = (value: string, holder: Key, attempt: Buffer) =>
    run('UPDATE people_by_email SET holder = ?, attempt = ? WHERE entry = ? IF attempt = null', [
      holder.bytes,
      attempt,
      codec.entryOfValues([value]),
    ]);

  it('of a writer that died is taken over, and its record fenced', async () => {
    const { store, guard } = await harness.open(peopleResource);
    await store.apply([copy(person('dead'), 'y', VERSION)], testCall());
    await reserve('x', person('dead'), Buffer.alloc(16));
    const { row } = copy(person('a'), 'x', 0n);
    await store.write({ key: person('a'), kind: 'create', row, columns: [EMAIL] }, guard(), testCall());
    const [dead] = await store.getMany([person('dead')], testCall());
    expect(dead?.row?.[EMAIL]).toBe('y');
    expect(dead?.version).toBeGreaterThan(VERSION);
    const [taken] = await run('SELECT holder FROM people_by_email WHERE entry = ?', [codec.entryOfValues(['x'])]);
    expect(taken?.get('holder')).toEqual(person('a').bytes);
  });

  it('is left alone for a while, as its writer may be on its way', async () => {
    const { store, guard } = await harness.open(peopleResource);
    const attempt = Buffer.alloc(16);
    attempt.writeBigUInt64BE(BigInt(Date.now()) * 1000n);
    await reserve('x', person('slow'), attempt);
    const beganMs = performance.now();
    const { row } = copy(person('a'), 'x', 0n);
    await store.write({ key: person('a'), kind: 'create', row, columns: [EMAIL] }, guard(), testCall());
    expect(performance.now() - beganMs).toBeGreaterThan(100);
    expect(await look(store, 'x')).toEqual(['a']);
  });
});
