/** Key columns whose collation takes other spellings for the same: the exact text says which record it is. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readForTargetAuthority } from '../../src/app/target-authority.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import { createMysqlChangeLog } from '../../src/stores/mysql/change-log.ts';
import { createMysqlControlStore } from '../../src/stores/mysql/control-store.ts';
import type { Change, Stored, Written } from '../../src/stores/record-store.ts';
import { collect, testCall } from '../support/calls.ts';
import { eventsUpToNow } from '../support/log-tail.ts';
import { createMysqlHarness, type MysqlHarness, type MysqlStoreUnderTest } from '../support/mysql-harness.ts';
import { looseResource, mysqlTable, placeResource } from '../support/resources.ts';

const GUARD = { epoch: 1, attach: 1 };
const codec = createKeyCodec(looseResource);
const key = (note: string, owner = 'Ann'): Key => codec.fromValues([owner, note]);
const row = (of: Key, title = 'title'): Row => [...of.values, title];

let harness: MysqlHarness;
let opened: MysqlStoreUnderTest;

beforeAll(async () => {
  harness = await createMysqlHarness((schema) => [mysqlTable(placeResource(looseResource, schema))]);
});

beforeEach(async () => {
  opened = await harness.open(looseResource);
  await write(key('Abc'), 'create');
});

afterAll(() => harness.close());

async function write(of: Key, kind: Change['kind'], more: Partial<Change> = {}): Promise<Written> {
  const content =
    kind === 'delete' || kind === 'touch' ? { row: null, columns: [] } : { row: row(of, kind), columns: [2] };
  return await opened.store.write({ key: of, kind, ...content, ...more }, GUARD, testCall());
}

async function read(of: Key): Promise<Stored | undefined> {
  return (await opened.store.getMany([of], testCall()))[0];
}

const OTHERS = [key('abc'), key('ÁBC'), key('Abc '), key('Abc', 'ann')];

describe('a record that is spelled otherwise', () => {
  it('does not exist for reads, alone or among others', async () => {
    for (const other of OTHERS) expect((await read(other))?.row).toBeNull();
    const found = await opened.store.getMany([...OTHERS, key('Abc')], testCall());
    expect(found.map((stored) => stored.row !== null)).toEqual([false, false, false, false, true]);
  });

  it('is not found by updates, deletes and touches, which leave the stored one as it is', async () => {
    for (const other of OTHERS) {
      expect(await write(other, 'update')).toMatchObject({ outcome: 'not_found' });
      expect(await write(other, 'update', { accepts: () => true })).toMatchObject({ outcome: 'not_found' });
      expect(await write(other, 'delete')).toMatchObject({ outcome: 'not_found' });
      expect(await write(other, 'delete', { accepts: () => true })).toMatchObject({ outcome: 'not_found' });
      expect(await write(other, 'touch')).toMatchObject({ outcome: 'written', stored: { row: null } });
    }
    const touched = await opened.store.touchMany([...OTHERS, key('Abc')], GUARD, testCall());
    expect(touched.map(({ stored }) => stored.row)).toEqual([null, null, null, null, row(key('Abc'), 'create')]);
  });

  it('can’t be created beside it, and the answer says why', async () => {
    for (const other of OTHERS) {
      for (const kind of ['create', 'upsert'] as const) {
        await expect(write(other, kind)).rejects.toMatchObject({
          kind: 'already_exists',
          reason: 'RECORD_ALREADY_EXISTS',
          metadata: { other_spelling: 'true' },
        });
      }
    }
    expect(await write(key('Abc'), 'create')).toMatchObject({ outcome: 'already_exists' });
    expect(await write(key('Abc'), 'upsert')).toMatchObject({ outcome: 'written' });
  });

  it('is not deleted by markers of another spelling, one or many', async () => {
    const version = 9_000_000_000_000_000n;
    for (const other of OTHERS) await opened.store.apply([{ key: other, row: null, version }], testCall());
    const markers = OTHERS.map((other) => ({ key: other, row: null, version: version + 1n }));
    await opened.store.apply(markers, testCall());
    expect((await read(key('Abc')))?.row).toEqual(row(key('Abc'), 'create'));
    await opened.store.apply([{ key: key('Abc'), row: null, version }], testCall());
    expect((await read(key('Abc')))?.row).toBeNull();
  });

  it('is in the list of its own parent only, in the order of bytes', async () => {
    for (const one of [key('b'), key('Z'), key('ö', 'ann'), key('a')]) await write(one, 'create');
    const list = async (owner: string): Promise<unknown[]> =>
      (await opened.store.list({ parent: [owner], after: null, limit: 10 }, testCall())).map(
        ({ key: of }) => of.values[1],
      );
    expect(await list('Ann')).toEqual(['Abc', 'Z', 'a', 'b']);
    expect(await list('ann')).toEqual(['ö']);
    expect(await list('ANN')).toEqual([]);
  });

  it('is met once by a walk, whatever the sizes of its ranges and pages', async () => {
    const notes = ['b', 'Z', 'Ä1', 'ß', 'É', 'c ', 'd\t'];
    for (const note of notes) for (const owner of ['Ann', 'bob', 'CLEO ']) await write(key(note, owner), 'create');
    await write(key('gone'), 'touch');
    for (const [chunkRows, limit] of [
      [1, 1],
      [3, 2],
      [100, 100],
    ] as const) {
      const found: string[] = [];
      for (const { range } of await collect(opened.store.split(chunkRows, testCall()))) {
        for (let after: string | null | undefined; after !== null; ) {
          const page = await opened.store.walk(range, after ?? null, limit, testCall());
          found.push(
            ...page.records.map(
              ({ key: of, row: content }) => `${of.values.join('/')}${content === null ? ' gone' : ''}`,
            ),
          );
          after = page.next;
        }
      }
      const wanted = notes.flatMap((note) => ['Ann', 'bob', 'CLEO '].map((owner) => `${owner}/${note}`));
      expect(found.toSorted()).toEqual([...wanted, 'Ann/Abc', 'Ann/gone gone'].toSorted());
    }
  });
});

describe('an outside change of the spelling alone', () => {
  it('is in the log as two keys, the old one gone', async () => {
    const { pool, database } = harness;
    const log = createMysqlChangeLog({ pool, connection: database.address, resource: opened.resource });
    await createMysqlControlStore({ pool }).ensure([looseResource.id], testCall());
    const position = await log.position(testCall());
    await database.run("UPDATE loose SET note = 'aBC' WHERE note = 'abc'");
    const events = await eventsUpToNow(log, position, () => log.requestBarrier(testCall()));
    const changes = events.flatMap((event) => (event.type === 'change' ? [[event.key.values[1], event.row?.[1]]] : []));
    expect(changes).toEqual([
      ['Abc', undefined],
      ['aBC', 'aBC'],
    ]);
    const touched = await opened.store.touchMany([key('Abc'), key('aBC')], GUARD, testCall());
    expect(touched.map(({ stored }) => stored.row?.[1])).toEqual([undefined, 'aBC']);
  });
});

describe('authority', () => {
  it('stays with MySQL, and the reason names the columns', async () => {
    await expect(readForTargetAuthority(harness.pool, opened.resource, testCall())).rejects.toMatchObject({
      kind: 'failed_precondition',
      message: expect.stringContaining('the collation of owner, note'),
    });
  });
});
