/**
 * Records without a parent behind the face of the plain test records, which have one: so that the whole contract of the store
 * port is asked of them. The key `ann.a` stands for the note `a` of `ann`.
 */
import { createKeyCodec, type Key, type KeyValue } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import type { Change, Copy, FollowerStore, RecordStore, Stored, Written } from '../../src/stores/record-store.ts';
import type { OpenStore } from '../contract/record-store-contract.ts';
import { loneResource, notesResource } from './resources.ts';

const SEPARATOR = '.';
/** Sorts behind every key of a parent. */
const BEHIND_SEPARATOR = '/';
const notes = createKeyCodec(notesResource);
const lone = createKeyCodec(loneResource);

/** The lone record's key of a note's. */
export function loneKey({ values }: { readonly values: readonly KeyValue[] }): Key {
  return lone.fromValues([values.join(SEPARATOR)]);
}

function noteKey(key: Key): Key {
  return notes.fromValues(String(key.values[0]).split(SEPARATOR));
}

function loneRow(row: Row): Row {
  return [row.slice(0, 2).join(SEPARATOR), ...row.slice(2)];
}

function noteRow(row: Row): Row {
  return [...String(row[0]).split(SEPARATOR), ...row.slice(1)];
}

function noteStored({ key, row, ...rest }: Stored): Stored {
  return { ...rest, key: noteKey(key), row: row && noteRow(row) };
}

function noteWritten(written: Written): Written {
  return { ...written, stored: noteStored(written.stored) };
}

function loneCopy({ key, row, ...rest }: Copy): Copy {
  return { ...rest, key: loneKey(key), row: row && loneRow(row) };
}

function loneChange({ key, row, columns, accepts, ...rest }: Change): Change {
  const change = { ...rest, key: loneKey(key), row: row && loneRow(row), columns: columns.map((index) => index - 1) };
  return accepts === undefined ? change : { ...change, accepts: (current) => accepts(noteRow(current)) };
}

/** A store of {@link loneResource} as one of the plain records. */
export function withParents(opened: OpenStore): OpenStore {
  const { store, authority } = opened;
  return {
    store: asFollower(store),
    ...(authority && {
      authority: {
        ...authority,
        store: asAuthority(authority.store),
        outsideWrite: (key, row) => authority.outsideWrite(loneKey(key), row && loneRow(row)),
      },
    }),
  };
}

function asFollower(store: FollowerStore): FollowerStore {
  return {
    ...store,
    getMany: async (keys, call) => (await store.getMany(keys.map(loneKey), call)).map(noteStored),
    list: async ({ parent, after, ...rest }, call) => {
      const first = lone.fromValues([`${parent[0]}${rest.descending ? BEHIND_SEPARATOR : SEPARATOR}`]);
      const query = { ...rest, parent: [], after: after === null ? first : loneKey(after) };
      const found = (await store.list(query, call)).map(noteStored);
      return found.filter(({ key }) => key.values[0] === parent[0]);
    },
    apply: (copies, call, guard) => store.apply(copies.map(loneCopy), call, guard),
    walk: async (range, after, limit, call) => {
      const { records, next } = await store.walk(range, after, limit, call);
      return { records: records.map(noteStored), next };
    },
  };
}

function asAuthority(store: RecordStore): RecordStore {
  return {
    ...asFollower(store),
    write: async (change, guard, call) => noteWritten(await store.write(loneChange(change), guard, call)),
    writeMany: async (changes, guard, call) =>
      (await store.writeMany(changes.map(loneChange), guard, call)).map((written) => noteWritten(written)),
    touchMany: async (keys, guard, call) =>
      (await store.touchMany(keys.map(loneKey), guard, call)).map((written) => noteWritten(written)),
  };
}
