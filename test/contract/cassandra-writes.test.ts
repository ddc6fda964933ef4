/** Writes to Cassandra as the authority, where they are Cassandra's own: docs/protocol.md, section 5. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errors } from 'cassandra-driver';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import { differingColumns, type Resource, type Row } from '../../src/domain/resource.ts';
import { type CassandraClient, createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { createCassandraRecordStore } from '../../src/stores/cassandra/record-store.ts';
import type { Change, Guard, RecordStore, Stored, Written } from '../../src/stores/record-store.ts';
import { arbitraryRow } from '../support/arbitrary-row.ts';
import { openLink } from '../support/broken-link.ts';
import { testCall } from '../support/calls.ts';
import { type CassandraHarness, createCassandraHarness } from '../support/cassandra-harness.ts';
import { notesResource, typesResource } from '../support/resources.ts';

const STARS = 4;
const ALL = [2, 3, STARS];
const UNKNOWN = { kind: 'unknown', reason: 'OUTCOME_UNKNOWN' };

const codec = createKeyCodec(notesResource);
let harness: CassandraHarness;

beforeAll(async () => {
  harness = await createCassandraHarness([notesResource, typesResource]);
});
afterAll(() => harness?.close());

function note(id: string): Key {
  return codec.fromValues(['ann', id]);
}

function rowOf(key: Key, title: string | null, stars: number | null = 3): Row {
  return [...key.values, title, '1.50', stars];
}

function upsert(key: Key, title: string): Change {
  return { key, kind: 'upsert', row: rowOf(key, title), columns: ALL };
}

function create(key: Key, title: string): Change {
  return { ...upsert(key, title), kind: 'create' };
}

const remove = (key: Key): Change => ({ key, kind: 'delete', row: null, columns: [] });
const touch = (key: Key): Change => ({ key, kind: 'touch', row: null, columns: [] });

async function read(store: RecordStore, key: Key): Promise<Stored> {
  return (await store.getMany([key], testCall()))[0] as Stored;
}

describe('a row in Cassandra', () => {
  it('is replaced in every column, under a write id of its own, without a TTL', async () => {
    const { store, guard, inside } = await harness.open(notesResource);
    const key = note('a');
    const first = await store.write(create(key, 'first'), guard(), testCall());
    const one = await inside(key);
    expect(one).toMatchObject({ version: first.stored.version, deleted: false, ttls: [null, null, null] });
    expect(one?.writeId).toHaveLength(16);
    await store.write({ key, kind: 'update', row: rowOf(key, null), columns: [2] }, guard(), testCall());
    const two = await inside(key);
    expect(two?.writeId).toHaveLength(16);
    expect(two?.writeId).not.toEqual(one?.writeId);
    expect((await read(store, key)).row).toEqual(rowOf(key, null));
  });

  it('becomes a marker when it is deleted, with a TTL on all that is left', async () => {
    const { store, guard, inside } = await harness.open(notesResource, { markerTtlSeconds: 500 });
    const key = note('a');
    await store.write(create(key, 'x'), guard(), testCall());
    const deleted = await store.write(remove(key), guard(), testCall());
    const marker = await inside(key);
    expect(marker).toMatchObject({ version: deleted.stored.version, deleted: true });
    for (const ttl of marker?.ttls ?? [null]) expect(ttl).toBeGreaterThan(400);
    await store.write(create(key, 'again'), guard(), testCall());
    expect(await inside(key)).toMatchObject({ deleted: false, ttls: [null, null, null] });
  });

  it('is fenced by a refused write and by a touch: only the version changes, and the write id stays', async () => {
    const { store, guard, inside } = await harness.open(notesResource, { markerTtlSeconds: 500 });
    const key = note('a');
    const fences = async (change: Change, outcome: Written['outcome']): Promise<void> => {
      const before = await inside(key);
      const { row } = await read(store, key);
      const written = await store.write(change, guard(), testCall());
      expect(written).toMatchObject({ outcome, stored: { row } });
      const after = await inside(key);
      expect(after?.version).toBe(written.stored.version);
      expect(after?.version).toBeGreaterThan(before?.version ?? 0n);
      expect(after?.writeId).toEqual(before?.writeId ?? Buffer.alloc(0));
      expect(after?.deleted).toBe(row === null);
      for (const ttl of after?.ttls ?? []) {
        if (row === null) expect(ttl).toBeGreaterThan(400);
        else expect(ttl).toBeNull();
      }
    };
    await fences(remove(key), 'not_found');
    await fences(touch(key), 'written');
    await store.write(create(key, 'x'), guard(), testCall());
    await fences(create(key, 'y'), 'already_exists');
    await fences({ ...remove(key), accepts: () => false }, 'etag_mismatch');
    await fences(touch(key), 'written');
    await store.write(remove(key), guard(), testCall());
    await fences({ ...upsert(key, 'z'), kind: 'update' }, 'not_found');
    await fences(touch(key), 'written');
  });

  it('that was written natively is met as it is, and taken over by the first write', async () => {
    const { store, guard, inside, outsideWrite } = await harness.open(notesResource);
    const [updated, fenced, bare] = [note('updated'), note('fenced'), note('bare')] as const;
    for (const key of [updated, fenced]) await outsideWrite(key, rowOf(key, 'native'));
    // Only the key is there, and IF NOT EXISTS would refuse it.
    await outsideWrite(bare, [...bare.values, null, null, null]);
    const change: Change = { key: updated, kind: 'update', row: rowOf(updated, 'mine'), columns: [2] };
    expect(await store.write(change, guard(), testCall())).toMatchObject({ outcome: 'written' });
    expect(await read(store, updated)).toMatchObject({ row: rowOf(updated, 'mine') });
    expect(await store.write(create(fenced, 'mine'), guard(), testCall())).toMatchObject({
      outcome: 'already_exists',
      stored: { row: rowOf(fenced, 'native') },
    });
    expect(await inside(fenced)).toMatchObject({ deleted: null, writeId: null, ttls: [null, null, null] });
    expect(await store.write(upsert(bare, 'mine'), guard(), testCall())).toMatchObject({ outcome: 'written' });
    expect((await read(store, bare)).row).toEqual(rowOf(bare, 'mine'));
  });

  it('whose marker has expired is absent, and can be created, fenced and deleted again', async () => {
    const { store, guard, inside } = await harness.open(notesResource, { markerTtlSeconds: 1 });
    const keys = [note('create'), note('fence'), note('update')] as const;
    for (const key of keys) {
      await store.write(create(key, 'x'), guard(), testCall());
      await store.write(remove(key), guard(), testCall());
    }
    await sleep(2_200);
    for (const key of keys) {
      expect(await inside(key)).toBeNull();
      expect(await read(store, key)).toMatchObject({ row: null, version: 0n });
    }
    expect(await store.write(create(keys[0], 'again'), guard(), testCall())).toMatchObject({ outcome: 'written' });
    expect(await store.write(touch(keys[1]), guard(), testCall())).toMatchObject({ stored: { row: null } });
    const missing: Change = { ...upsert(keys[2], 'y'), kind: 'update' };
    expect(await store.write(missing, guard(), testCall())).toMatchObject({ outcome: 'not_found' });
    await sleep(2_200);
    expect(await read(store, keys[0])).toMatchObject({ row: rowOf(keys[0], 'again') });
    expect(await inside(keys[1])).toBeNull();
  });

  it('that remembers requests is gone with its marker too, whoever makes the marker', async () => {
    const { store, guard, inside } = await harness.open(notesResource, { markerTtlSeconds: 3 });
    const [copied, written, fenced] = [note('copied'), note('written'), note('fenced')] as const;
    const request = { id: Buffer.alloc(16, 1), hash: Buffer.alloc(8, 1) };
    for (const key of [written, fenced]) await store.write({ ...create(key, 'x'), request }, guard(), testCall());
    const copy = { key: copied, row: rowOf(copied, 'copy'), version: 1_700_000_000_000_000n };
    await store.apply([{ ...copy, requests: Buffer.alloc(32, 1) }], testCall());
    await store.apply([{ ...copy, row: null, version: copy.version + 1n }], testCall());
    for (const key of [written, fenced]) await store.write(remove(key), guard(), testCall());
    const again = await store.write({ ...create(fenced, 'x'), request }, guard(), testCall());
    expect(again).toMatchObject({ outcome: 'repeated', stored: { row: null } });
    await sleep(4_300);
    for (const key of [copied, written, fenced]) {
      expect(await inside(key)).toBeNull();
      expect(await read(store, key)).toMatchObject({ row: null, version: 0n });
    }
  });

  it('that was inserted, as a copy or natively, is gone with its marker, as a late copy of it is', async () => {
    const { store, guard, inside, outsideWrite } = await harness.open(notesResource, { markerTtlSeconds: 1 });
    const [copied, native, late] = [note('copied'), note('native'), note('late')] as const;
    const copy = (key: Key) => ({ key, row: rowOf(key, 'copy'), version: 1_700_000_000_000_000n });
    await store.apply([copy(copied)], testCall());
    await outsideWrite(native, rowOf(native, 'native'));
    for (const key of [copied, native]) await store.write(remove(key), guard(), testCall());
    // The marker that this fence makes is newer than the copy that comes after it.
    await store.write(touch(late), guard(), testCall());
    await store.apply([copy(late)], testCall());
    for (const key of [copied, native, late]) expect((await read(store, key)).row).toBeNull();
    await sleep(2_200);
    for (const key of [copied, native, late]) {
      expect(await inside(key)).toBeNull();
      expect(await read(store, key)).toMatchObject({ row: null, version: 0n });
    }
  });

  // What the wait for the clocks in a handover is for (docs/protocol.md, section 6, step 4).
  it('of a timestamp ahead of the clock takes no write, though the server says it did', async () => {
    const { store, guard } = await harness.open(notesResource);
    const key = note('ahead');
    const version = (await store.clock(testCall())) + 60_000_000n;
    await store.apply([{ key, row: rowOf(key, 'ahead'), version }], testCall());
    expect(await store.write(upsert(key, 'mine'), guard(), testCall())).toMatchObject({ outcome: 'written' });
    expect(await read(store, key)).toMatchObject({ row: rowOf(key, 'ahead'), version });
  });
});

describe('values of every type', () => {
  it('go through a write, its fences and its conditions as they are', { timeout: 60_000 }, async () => {
    const { store, guard } = await harness.open(typesResource);
    const types = createKeyCodec(typesResource);
    const columns = typesResource.columns.map((_, i) => i).slice(typesResource.keyLength);
    await fc.assert(
      fc.asyncProperty(arbitraryRow(typesResource), async (row) => {
        const key = types.fromRow(row);
        const written = await store.write({ key, kind: 'upsert', row, columns }, guard(), testCall());
        expect(written.stored.row).toStrictEqual(row);
        const [touched] = await store.touchMany([key], guard(), testCall());
        expect(touched?.stored.row).toStrictEqual(row);
        const accepts = (current: Row): boolean => differingColumns(current, row).length === 0;
        const deleted = await store.write(
          { key, kind: 'delete', row: null, columns: [], accepts },
          guard(),
          testCall(),
        );
        expect(deleted.outcome).toBe('written');
      }),
      { numRuns: 15 },
    );
  });
});

describe('a column that is not null', () => {
  it('must be set by whoever creates the record, and keeps its value otherwise', async () => {
    const columns = notesResource.columns.map((column, i) => (i === STARS ? { ...column, nullable: false } : column));
    const strict: Resource = { ...notesResource, columns };
    const { store, guard } = await harness.open(strict);
    const key = note('a');
    const refused = { kind: 'failed_precondition', reason: 'CONSTRAINT_VIOLATED', metadata: { column: 'stars' } };
    await expect(store.write({ ...create(key, 'x'), columns: [2] }, guard(), testCall())).rejects.toMatchObject(
      refused,
    );
    expect(await read(store, key)).toMatchObject({ row: null, version: 0n });
    await store.write(create(key, 'x'), guard(), testCall());
    const update: Change = { key, kind: 'update', row: rowOf(key, 'y', null), columns: [2] };
    expect(await store.write(update, guard(), testCall())).toMatchObject({ stored: { row: rowOf(key, 'y') } });
    await expect(store.write({ ...update, columns: ALL }, guard(), testCall())).rejects.toMatchObject(refused);
  });
});

describe('the guard of a write to Cassandra', () => {
  it('must bring what MySQL reads itself', async () => {
    const { store } = await harness.open(notesResource);
    await expect(store.write(create(note('a'), 'x'), { epoch: 1, attach: 1 }, testCall())).rejects.toMatchObject({
      kind: 'internal',
    });
  });

  it('is ready before anything is changed, and is asked again when the record has been read', async () => {
    const { store, guard } = await harness.open(notesResource);
    const key = note('a');
    const answering = (...answers: boolean[]): Guard & { readonly asked: () => number } => {
      let asked = 0;
      return { ...guard(), ready: async () => answers[asked++] ?? true, asked: () => asked };
    };
    for (const answers of [[false], [true, false]]) {
      const unready = answering(...answers);
      expect(await store.write(create(key, 'x'), unready, testCall())).toMatchObject({ outcome: 'control_changed' });
      expect(await store.touchMany([key, note('b')], answering(...answers), testCall())).toMatchObject([
        { outcome: 'control_changed' },
        { outcome: 'control_changed' },
      ]);
      expect(unready.asked()).toBe(answers.length);
      expect(await read(store, key)).toMatchObject({ row: null, version: 0n });
    }
    const ready = answering();
    expect(await store.write(create(key, 'x'), ready, testCall())).toMatchObject({ outcome: 'written' });
    expect(ready.asked()).toBe(2);
  });

  it('lets fences pass while authority is handed over, and nothing else, and nothing after it', async () => {
    const { store, guard, setControl } = await harness.open(notesResource);
    const key = note('a');
    await store.write(create(key, 'x'), guard(), testCall());
    const { version } = await read(store, key);
    await setControl({ state: 'handing_over' });
    const fencing: Guard = { ...guard(), fencing: true };
    expect(await store.write(upsert(key, 'y'), fencing, testCall())).toMatchObject({ outcome: 'control_changed' });
    expect(await store.touchMany([key], guard(), testCall())).toMatchObject([{ outcome: 'control_changed' }]);
    const [fenced] = await store.touchMany([key], fencing, testCall());
    expect(fenced).toMatchObject({ outcome: 'written', stored: { row: rowOf(key, 'x') } });
    expect(fenced?.stored.version).toBeGreaterThan(version);
    const moved: Guard = { ...fencing, state: 'moved' };
    expect(await store.touchMany([key], moved, testCall())).toMatchObject([{ outcome: 'control_changed' }]);
  });

  it('hands on the error of a write-ahead log that failed, and nothing is done', async () => {
    const { store, guard } = await harness.open(notesResource);
    const ready = (): Promise<boolean> => Promise.reject(new Error('no log'));
    await expect(store.write(create(note('a'), 'x'), { ...guard(), ready }, testCall())).rejects.toMatchObject({
      kind: 'internal',
    });
    expect(await read(store, note('a'))).toMatchObject({ row: null, version: 0n });
  });
});

describe('writers of one record in several instances', () => {
  it('come one after the other, and no update is lost', { timeout: 60_000 }, async () => {
    const { store, resource, guard } = await harness.open(notesResource);
    const otherClient = createCassandraClient(inject('cassandra'));
    const other = createCassandraRecordStore({ client: otherClient, resource, role: 'authority' });
    const key = note('counter');
    await store.write({ ...create(key, 'x'), row: rowOf(key, 'x', 0) }, guard(), testCall());
    const versions: bigint[] = [];
    let unknown = 0;
    const increment = async (instance: RecordStore): Promise<void> => {
      for (;;) {
        const { row } = await read(instance, key);
        const seen = row?.[STARS] as number;
        const accepts = (current: Row): boolean => current[STARS] === seen;
        const change: Change = { key, kind: 'update', row: rowOf(key, 'x', seen + 1), columns: [STARS], accepts };
        const written = await instance.write(change, guard(), testCall({ deadlineMs: performance.now() + 40_000 }));
        if (written.outcome !== 'written') continue;
        versions.push(written.stored.version);
        expect(written.stored.row?.[STARS]).toBe(seen + 1);
        return;
      }
    };
    try {
      await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          for (let turn = 0; turn < 2; turn++) {
            // Rivals of two instances may run each other into the server's time-out.
            await increment(i % 2 === 0 ? store : other).catch((error: unknown) => {
              expect(error).toMatchObject(UNKNOWN);
              unknown += 1;
            });
          }
        }),
      );
    } finally {
      await otherClient.close();
    }
    const stars = (await read(store, key)).row?.[STARS] as number;
    expect(stars).toBeGreaterThanOrEqual(versions.length);
    expect(stars).toBeLessThanOrEqual(versions.length + unknown);
    expect(versions.length).toBeGreaterThanOrEqual(12);
    expect(new Set(versions).size).toBe(versions.length);
  });

  it('of which one was quicker between read and update make the other begin again, as a touch of many does', async () => {
    const { store, resource, guard } = await harness.open(notesResource);
    const key = note('raced');
    await store.write(create(key, 'first'), guard(), testCall());
    let races = 0;
    const late: CassandraClient = {
      ...harness.client,
      compareAndSet: async (statements, deadlineMs) => {
        if (races++ === 0) await store.write(upsert(key, 'quicker'), guard(), testCall());
        return harness.client.compareAndSet(statements, deadlineMs);
      },
    };
    const slow = createCassandraRecordStore({ client: late, resource, role: 'authority' });
    const seen: unknown[] = [];
    const accepts = (current: Row): boolean => seen.push(current[2]) > 0;
    const change: Change = { key, kind: 'update', row: rowOf(key, 'x', 9), columns: [STARS], accepts };
    expect(await slow.write(change, guard(), testCall())).toMatchObject({ stored: { row: rowOf(key, 'quicker', 9) } });
    expect(seen).toEqual(['first', 'quicker']);
    races = 0;
    const touched = await slow.touchMany([note('absent'), key, key], guard(), testCall());
    expect(touched.map(({ stored }) => stored.row)).toEqual([null, rowOf(key, 'quicker'), rowOf(key, 'quicker')]);
    expect(races).toBe(2);
    expect(await read(store, key)).toMatchObject({ version: touched[1]?.stored.version });
  });
});

describe('a conditional update whose answer is lost', () => {
  const timeout = (): Error => new errors.OperationTimedOutError('no answer');

  /** A store whose next conditional updates go as told; later ones as always. */
  async function faulty(...faults: ((send: () => Promise<boolean>) => Promise<boolean>)[]) {
    const under = await harness.open(notesResource);
    const client: CassandraClient = {
      ...harness.client,
      compareAndSet: (statements, deadlineMs) => {
        const send = (): Promise<boolean> => harness.client.compareAndSet(statements, deadlineMs);
        return faults.shift()?.(send) ?? send();
      },
    };
    const store = createCassandraRecordStore({ client, resource: under.resource, role: 'authority' });
    return { ...under, sound: under.store, store, faults };
  }
  const applied = async (send: () => Promise<boolean>): Promise<boolean> => {
    await send();
    throw timeout();
  };
  const neverSent = async (): Promise<boolean> => {
    throw timeout();
  };

  it('is written if the record carries its write id, also when it was fenced since', async () => {
    const { store, sound, guard } = await faulty(applied, async (send) => {
      await send();
      await sound.write(touch(note('b')), guard(), testCall());
      throw timeout();
    });
    for (const key of [note('a'), note('b')]) {
      const written = await store.write(create(key, 'mine'), guard(), testCall());
      expect(written).toMatchObject({ outcome: 'written', stored: { row: rowOf(key, 'mine') } });
      expect((await read(store, key)).version).toBe(written.stored.version);
    }
  });

  it('is written also where the server says that it was not, and did', async () => {
    const { store, guard } = await faulty(async (send) => {
      await send();
      return false;
    });
    expect(await store.write(create(note('a'), 'mine'), guard(), testCall())).toMatchObject({
      outcome: 'written',
      stored: { row: rowOf(note('a'), 'mine') },
    });
  });

  it('is unknown while the record is as it was: it may be applied yet, until a fence', async () => {
    let arrive: (() => Promise<boolean>) | undefined;
    const { store, sound, guard } = await faulty(async (send) => {
      arrive = send;
      throw timeout();
    });
    const key = note('a');
    await expect(store.write(create(key, 'late'), guard(), testCall())).rejects.toMatchObject(UNKNOWN);
    expect(await read(store, key)).toMatchObject({ row: null, version: 0n });
    await sound.write(touch(key), guard(), testCall());
    expect(await arrive?.()).toBe(false);
    expect(await read(store, key)).toMatchObject({ row: null });
  });

  it('is unknown when another write came over it', async () => {
    const { store, sound, guard } = await faulty(async (send) => {
      await send();
      await sound.write(upsert(note('a'), 'other'), guard(), testCall());
      throw timeout();
    });
    await expect(store.write(create(note('a'), 'mine'), guard(), testCall())).rejects.toMatchObject(UNKNOWN);
    expect((await read(store, note('a'))).row).toEqual(rowOf(note('a'), 'other'));
  });

  it('is repeated if it was a fence, and unknown if that is not to be', async () => {
    const { store, sound, guard, faults } = await faulty(applied, neverSent);
    const key = note('a');
    await sound.write(create(key, 'x'), guard(), testCall());
    expect(await store.write(create(key, 'y'), guard(), testCall())).toMatchObject({ outcome: 'already_exists' });
    expect(faults).toHaveLength(0);
    faults.push(applied);
    let asked = 0;
    const ready = async (): Promise<boolean> => ++asked <= 2;
    await expect(store.write(touch(key), { ...guard(), ready }, testCall())).rejects.toMatchObject(UNKNOWN);
    faults.push(applied);
    await expect(store.touchMany([key, note('b')], guard(), testCall())).resolves.toMatchObject([
      { outcome: 'written', stored: { row: rowOf(key, 'x') } },
      { outcome: 'written', stored: { row: null } },
    ]);
  });

  it('is found out when a link breaks, and unknown when it stays broken', { timeout: 60_000 }, async () => {
    const { resource, guard, store: sound } = await harness.open(notesResource);
    const { contactPoints, port } = inject('cassandra');
    const link = await openLink({ host: contactPoints[0] ?? '127.0.0.1', port });
    const client = createCassandraClient({ ...inject('cassandra'), contactPoints: ['127.0.0.1'], port: link.port });
    let onSend = (): void => {};
    const watched: CassandraClient = {
      ...client,
      compareAndSet: (statements, deadlineMs) => {
        onSend();
        return client.compareAndSet(statements, deadlineMs);
      },
    };
    const store = createCassandraRecordStore({ client: watched, resource, role: 'authority' });
    try {
      await store.write(create(note('a'), 'prepared'), guard(), testCall());
      onSend = () => {
        link.deafen();
        setTimeout(() => void link.mend(), 700);
      };
      const written = await store.write(upsert(note('a'), 'mine'), guard(), testCall());
      expect(written).toMatchObject({ outcome: 'written', stored: { row: rowOf(note('a'), 'mine') } });
      onSend = () => link.deafen();
      const call = testCall({ deadlineMs: performance.now() + 3_000 });
      await expect(store.write(upsert(note('a'), 'unheard'), guard(), call)).rejects.toMatchObject(UNKNOWN);
      expect((await read(sound, note('a'))).row).toEqual(rowOf(note('a'), 'unheard'));
      onSend = () => {};
      const late = testCall({ deadlineMs: performance.now() + 300 });
      // Not sent, so nothing is unknown.
      await expect(store.write(upsert(note('a'), 'never'), guard(), late)).rejects.toMatchObject({
        kind: expect.stringMatching(/^(deadline_exceeded|unavailable)$/),
      });
    } finally {
      await client.close();
      await link.close();
    }
  });
});
