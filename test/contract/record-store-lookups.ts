/** The part of the store port's contract that is about secondary indexes. */
import { describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Index, Row, Value } from '../../src/domain/resource.ts';
import type { Change, FollowerStore, RecordStore } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { peopleResource } from '../support/resources.ts';
import type { OpenStore } from './record-store-contract.ts';

type Open = () => Promise<OpenStore>;

const VERSION = 1_700_000_000_000_000n;
const keys = createKeyCodec(peopleResource);
const ALL = { email: 2, city: 3, born: 4, badge: 5, balance: 6, joined: 7 } as const;

function person(tenant: number, id: string): Key {
  return keys.fromValues([tenant, id]);
}

function row(key: Key, values: Partial<Record<keyof typeof ALL, Value>>): Row {
  const names = Object.keys(ALL) as (keyof typeof ALL)[];
  return [...(key.values as Value[]), ...names.map((name) => values[name] ?? null)];
}

function index(name: string): Index {
  return peopleResource.indexes?.find((one) => one.name === name) as Index;
}

async function names(
  store: FollowerStore,
  name: string,
  values: readonly Value[],
  page: { readonly after?: Key; readonly limit?: number } = {},
): Promise<readonly string[]> {
  const query = { index: index(name), values, after: page.after ?? null, limit: page.limit ?? 100 };
  return (await store.lookup(query, testCall())).map(({ key }) => key.values.join('/'));
}

/** What every store promises of lookups. */
export function describeLookups(open: Open): void {
  describe('lookup', () => {
    it('finds records of all parents by their values, in key order and in pages', async () => {
      const { store } = await open();
      const people = [person(2, 'a'), person(1, 'b'), person(-1, 'c'), person(1, 'a'), person(1, 'd')];
      const copies = people.map((key) => ({
        key,
        row: row(key, { city: 'Łódź', born: '1990-02-28' }),
        version: VERSION,
      }));
      const other = person(1, 'c');
      copies.push({ key: other, row: row(other, { city: 'Łódź', born: '1990-03-01' }), version: VERSION });
      await store.apply(copies, testCall());
      const values = ['Łódź', '1990-02-28'];
      expect(await names(store, 'city', values)).toEqual(['-1/c', '1/a', '1/b', '1/d', '2/a']);
      expect(await names(store, 'city', values, { limit: 2 })).toEqual(['-1/c', '1/a']);
      expect(await names(store, 'city', values, { limit: 2, after: person(1, 'a') })).toEqual(['1/b', '1/d']);
      expect(await names(store, 'city', values, { after: person(2, 'a') })).toEqual([]);
      expect(await names(store, 'city', ['Łódź', '1990-02-27'])).toEqual([]);
    });

    it('answers whole records with their versions', async () => {
      const { store } = await open();
      const key = person(1, 'a');
      const values = row(key, { email: 'a@example.org', born: '2000-01-01', joined: 1_600_000_000_000_001n });
      await store.apply([{ key, row: values, version: VERSION }], testCall());
      const query = { index: index('email'), values: ['a@example.org'], after: null, limit: 10 };
      expect(await store.lookup(query, testCall())).toMatchObject([{ row: values, version: VERSION }]);
    });

    it('compares values as they are: case, spaces at the end, the last digit, 64 bits', async () => {
      const { store } = await open();
      const rows: [Key, Row][] = [];
      const add = (id: string, values: Parameters<typeof row>[1]): void => {
        const key = person(1, id);
        rows.push([key, row(key, values)]);
      };
      add('upper', { city: 'Ab', born: '1990-01-01' });
      add('lower', { city: 'ab', born: '1990-01-01' });
      add('padded', { city: 'ab ', born: '1990-01-01' });
      add('empty', { city: '', born: '1990-01-01' });
      add('big', { badge: 18_446_744_073_709_551_615n });
      add('bigger', { badge: 18_446_744_073_709_551_614n });
      add('cheap', { balance: '9999999999.98', joined: 1_600_000_000_000_001n });
      add('dear', { balance: '9999999999.99', joined: 1_600_000_000_000_001n });
      add('later', { balance: '9999999999.99', joined: 1_600_000_000_000_002n });
      await store.apply(
        rows.map(([key, values]) => ({ key, row: values, version: VERSION })),
        testCall(),
      );
      expect(await names(store, 'city', ['ab', '1990-01-01'])).toEqual(['1/lower']);
      expect(await names(store, 'city', ['Ab', '1990-01-01'])).toEqual(['1/upper']);
      expect(await names(store, 'city', ['ab ', '1990-01-01'])).toEqual(['1/padded']);
      expect(await names(store, 'city', ['', '1990-01-01'])).toEqual(['1/empty']);
      expect(await names(store, 'badge', [1, 18_446_744_073_709_551_614n])).toEqual(['1/bigger']);
      expect(await names(store, 'balance', ['9999999999.99', 1_600_000_000_000_001n])).toEqual(['1/dear']);
    });

    it('knows no record in which a value is null', async () => {
      const { store } = await open();
      const key = person(1, 'a');
      await store.apply([{ key, row: row(key, { city: 'Bonn' }), version: VERSION }], testCall());
      expect(await names(store, 'city', ['Bonn', '1990-01-01'])).toEqual([]);
    });

    it('follows a record that is changed, deleted and made again, whatever comes late', async () => {
      const { store } = await open();
      const key = person(1, 'a');
      const at = (email: string | null, version: bigint) => ({
        key,
        row: email === null ? null : row(key, { email }),
        version,
      });
      await store.apply([at('old@x', VERSION)], testCall());
      await store.apply([at('new@x', VERSION + 2n)], testCall());
      await store.apply([at('late@x', VERSION + 1n), at('old@x', VERSION)], testCall());
      expect(await names(store, 'email', ['new@x'])).toEqual(['1/a']);
      for (const gone of ['old@x', 'late@x']) expect(await names(store, 'email', [gone])).toEqual([]);
      await store.apply([at(null, VERSION + 3n)], testCall());
      expect(await names(store, 'email', ['new@x'])).toEqual([]);
      await store.apply([at('new@x', VERSION + 4n), at('new@x', VERSION + 2n)], testCall());
      expect(await names(store, 'email', ['new@x'])).toEqual(['1/a']);
      await store.apply([at('old@x', VERSION + 5n)], testCall());
      expect(await names(store, 'email', ['old@x'])).toEqual(['1/a']);
    });
  });
}

/** What an authority promises of lookups. */
export function describeLookupsOfWrites(open: Open): void {
  describe('lookup after writes', () => {
    it('finds what was written, and not what was overwritten or deleted', async () => {
      const { authority } = await open();
      const { store, guard } = authority as NonNullable<OpenStore['authority']>;
      const key = person(1, 'a');
      const set = (kind: 'create' | 'update', email: string) => write(store, { key, kind, row: row(key, { email }) });
      const write = (of: RecordStore, change: { key: Key; kind: 'create' | 'update' | 'delete'; row: Row | null }) =>
        of.write({ ...change, columns: change.row === null ? [] : [2] }, guard(), testCall());
      await set('create', 'one@x');
      expect(await names(store, 'email', ['one@x'])).toEqual(['1/a']);
      await set('update', 'two@x');
      expect(await names(store, 'email', ['one@x'])).toEqual([]);
      expect(await names(store, 'email', ['two@x'])).toEqual(['1/a']);
      await write(store, { key, kind: 'delete', row: null });
      expect(await names(store, 'email', ['two@x'])).toEqual([]);
    });
  });
}

const TAKEN = { kind: 'already_exists', reason: 'UNIQUE_KEY_TAKEN', metadata: { unique_index: 'email' } };

/** What an authority promises of a unique index. */
export function describeUnique(open: Open): void {
  describe('a unique index', () => {
    const email = (key: Key, kind: 'create' | 'update' | 'upsert', value: string | null) =>
      ({ key, kind, row: row(key, { email: value }), columns: [ALL.email] }) as const;

    async function authorityOf() {
      const { store, guard } = (await open()).authority as NonNullable<OpenStore['authority']>;
      return {
        store,
        write: (change: Change) => store.write(change, guard(), testCall()),
        writeMany: (changes: readonly Change[]) => store.writeMany(changes, guard(), testCall()),
      };
    }

    it('refuses a value that another record has, by its name, and does nothing', async () => {
      const { store, write } = await authorityOf();
      await write(email(person(1, 'a'), 'create', 'x'));
      await write(email(person(2, 'b'), 'create', 'y'));
      for (const kind of ['create', 'upsert'] as const) {
        await expect(write(email(person(3, 'c'), kind, 'x'))).rejects.toMatchObject(TAKEN);
      }
      for (const kind of ['update', 'upsert'] as const) {
        await expect(write(email(person(2, 'b'), kind, 'x'))).rejects.toMatchObject(TAKEN);
      }
      const found = await store.getMany([person(2, 'b'), person(3, 'c')], testCall());
      expect(found.map((one) => one.row?.[ALL.email] ?? null)).toEqual(['y', null]);
    });

    it('takes spaces at the end for nothing, as the column does, and any number of nulls', async () => {
      const { write } = await authorityOf();
      await write(email(person(1, 'a'), 'create', 'x'));
      await expect(write(email(person(1, 'b'), 'create', 'x  '))).rejects.toMatchObject(TAKEN);
      for (const id of ['c', 'd']) await write(email(person(1, id), 'create', null));
      await write(email(person(1, 'e'), 'create', 'X'));
      await write(email(person(1, 'a'), 'update', 'x '));
    });

    it('lets a value go with the record that gives it up', async () => {
      const { store, write } = await authorityOf();
      await write(email(person(1, 'a'), 'create', 'x'));
      await write(email(person(1, 'a'), 'update', 'z'));
      await write(email(person(1, 'b'), 'create', 'x'));
      await write({ key: person(1, 'b'), kind: 'delete', row: null, columns: [] });
      await write(email(person(1, 'a'), 'update', 'x'));
      expect(await names(store, 'email', ['x'])).toEqual(['1/a']);
    });

    it('gives a value to exactly one of those who want it at once', async () => {
      const { store, write } = await authorityOf();
      for (let round = 0; round < 5; round++) {
        const value = `wanted ${round}`;
        const wanting = Array.from({ length: 8 }, (_, n) => write(email(person(n, `p${round}`), 'create', value)));
        const settled = await Promise.allSettled(wanting);
        expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const one of settled) if (one.status === 'rejected') expect(one.reason).toMatchObject(TAKEN);
        expect(await names(store, 'email', [value])).toHaveLength(1);
      }
    });

    it('holds for a batch as a whole: a value that is taken refuses all of it, and says where', async () => {
      const { store, writeMany } = await authorityOf();
      const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => person(1, id)) as [Key, Key, Key, Key];
      const made = await writeMany([email(a, 'create', 'x'), email(b, 'create', 'y')]);
      expect(made.map(({ outcome }) => outcome)).toEqual(['written', 'written']);
      const attempt = writeMany([email(d, 'create', 'free'), email(c, 'create', 'x')]);
      await expect(attempt).rejects.toMatchObject({ ...TAKEN, metadata: { unique_index: 'email', index: '1' } });
      await expect(writeMany([email(c, 'create', 'z'), email(d, 'create', 'z')])).rejects.toMatchObject(TAKEN);
      await expect(writeMany([email(a, 'update', 'y'), email(b, 'update', 'x')])).rejects.toMatchObject(TAKEN);
      expect((await store.getMany([c, d], testCall())).map(({ row: found }) => found)).toEqual([null, null]);
      for (const [value, id] of [
        ['x', '1/a'],
        ['y', '1/b'],
      ] as const)
        expect(await names(store, 'email', [value])).toEqual([id]);
    });

    it('lets a batch give a value to a record that another of its records has given up before', async () => {
      const { store, write, writeMany } = await authorityOf();
      const [a, b] = [person(1, 'a'), person(1, 'b')];
      await writeMany([email(a, 'create', 'x'), email(b, 'create', 'y')]);
      await write(email(a, 'update', 'z'));
      await writeMany([email(a, 'update', 'w'), email(b, 'update', 'x')]);
      expect(await names(store, 'email', ['x'])).toEqual(['1/b']);
      expect(await names(store, 'email', ['w'])).toEqual(['1/a']);
    });

    it('gives a value to exactly one of the batches that want it at once', async () => {
      const { store, writeMany } = await authorityOf();
      for (let round = 0; round < 3; round++) {
        const value = `batch ${round}`;
        const wanting = Array.from({ length: 5 }, (_, n) => {
          const own = email(person(n, `q${round}`), 'create', `own ${round} ${n}`);
          return writeMany([own, email(person(n, `p${round}`), 'create', value)]);
        });
        const settled = await Promise.allSettled(wanting);
        expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect(await names(store, 'email', [value])).toHaveLength(1);
      }
    });
  });
}
