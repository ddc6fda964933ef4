/** What the engine of Riak promises where copies meet, nodes fail, and replicas lack what others have: docs/riak.md. */
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { Copy, FollowerStore, Stored } from '../../src/stores/record-store.ts';
import { createRiakClient, type RiakClient } from '../../src/stores/riak/client.ts';
import { createRiakRecordStore, type RiakRecordStoreOptions } from '../../src/stores/riak/record-store.ts';
import { examineBucket, readStatus } from '../../src/stores/riak/server-checks.ts';
import { findingsOf } from '../../src/stores/server-findings.ts';
import { collect, testCall } from '../support/calls.ts';
import { createAuthority } from '../support/certificates.ts';
import { notesResource, peopleResource } from '../support/resources.ts';
import { BUCKET_TYPE, type RiakServers, startRiak } from '../support/riak/servers.ts';
import { seededRandom } from '../support/virtual-clock.ts';

const BUCKET = 'notes';
const PLACE = { bucketType: BUCKET_TYPE, bucket: BUCKET };
const DAY_MICROS = 86_400_000_000n;
const NOW = BigInt(Date.now()) * 1_000n;
const UNAVAILABLE = { kind: 'unavailable', reason: 'FOLLOWER_UNAVAILABLE' };

const codec = createKeyCodec(notesResource);
const note = (id: string): Key => codec.fromValues(['ann', id]);
const copy = (key: Key, title: string, version: bigint): Copy => ({
  key,
  row: [...key.values, title, '1.50', 3],
  version,
});
const marker = (key: Key, version: bigint): Copy => ({ key, row: null, version });
const objectOf = (key: Key) => ({ type: BUCKET_TYPE, bucket: BUCKET, key: key.bytes.toString('hex') });

let riak: RiakServers;
let client: RiakClient;
beforeAll(async () => {
  riak = await startRiak({ deleteMode: 0 });
  client = createRiakClient({ nodes: riak.nodes });
});
afterEach(() => {
  riak.cluster.start(0, 1, 2, 3, 4);
  riak.cluster.unhang();
  riak.cluster.heal();
});
afterAll(async () => {
  client.close();
  await riak.close();
});

function open(options: Partial<RiakRecordStoreOptions> = {}): FollowerStore {
  return createRiakRecordStore({ client, resource: notesResource, place: PLACE, ...options });
}

async function get(store: FollowerStore, key: Key): Promise<Stored> {
  return (await store.getMany([key], testCall()))[0] as Stored;
}

/** What another program, or a request that comes late, puts there without looking. */
async function putBlindly(key: Key, title: string | null, version: bigint): Promise<void> {
  const { type, bucket, key: name } = objectOf(key);
  const [owner, id] = key.values as string[];
  const record = { owner, note: id, title, amount: '1.50', stars: 3 };
  const body = JSON.stringify({ crossfade: { version: String(version) }, record });
  const headers = {
    'content-type': 'application/json',
    'x-riak-index-crossfade_all_bin': name,
    'x-riak-index-crossfade_up_bin': name,
  };
  const url = `http://127.0.0.1:${riak.nodes[0]?.port}/types/${type}/buckets/${bucket}/keys/${name}?w=all`;
  expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(204);
}

const siblings = (key: Key): readonly (number | undefined)[] =>
  riak.cluster.replicas(objectOf(key)).map((one) => one?.contents.length);

/** A node that is primary for none of the key's replicas can answer for them. */
const primariesOf = (key: Key): readonly number[] => riak.cluster.primaries(objectOf(key));

describe('copies that meet in Riak', () => {
  it('leave siblings, of which every read takes the newest, and the reader writes it back', async () => {
    const store = open();
    const key = note('siblings');
    await store.apply([copy(key, 'newest', NOW)], testCall());
    for (const [i, title] of ['late', 'later', 'latest'].entries()) await putBlindly(key, title, NOW - BigInt(9 - i));
    expect(siblings(key)).toEqual([4, 4, 4]);
    expect((await get(store, key)).row?.[2]).toBe('newest');
    await expect.poll(() => siblings(key), { timeout: 5_000 }).toEqual([1, 1, 1]);
    expect((await get(store, key)).version).toBe(NOW);
  });

  it('are resolved by the next copy too, even an older one, which changes nothing', async () => {
    const store = open();
    const key = note('older');
    await store.apply([copy(key, 'newest', NOW)], testCall());
    await putBlindly(key, 'late', NOW - 5n);
    await store.apply([copy(key, 'older', NOW - 3n)], testCall());
    expect(siblings(key)).toEqual([1, 1, 1]);
    expect(await get(store, key)).toMatchObject({ version: NOW, row: ['ann', 'older', 'newest', '1.50', 3] });
  });

  it('bring no deleted record back, in no list either', async () => {
    const store = open();
    const key = note('deleted');
    await store.apply([marker(key, NOW)], testCall());
    await putBlindly(key, 'zombie', NOW - 1n);
    expect(await get(store, key)).toMatchObject({ row: null, version: NOW });
    const listed = await store.list({ parent: ['ann'], after: null, limit: 100 }, testCall());
    expect(listed.map(({ key: { id } }) => id)).not.toContain(key.id);
  });

  it('of one version and two contents are the same one for every reader', async () => {
    const key = note('tied');
    await putBlindly(key, 'a', NOW);
    await putBlindly(key, 'b', NOW);
    const readers = Array.from({ length: 5 }, () => open());
    const titles = await Promise.all(readers.map(async (store) => (await get(store, key)).row?.[2]));
    expect(new Set(titles)).toEqual(new Set(['b']));
  });

  it('stay few, whoever writes how often at once', async () => {
    const key = note('busy');
    const stores = Array.from({ length: 4 }, () => open());
    const versions = Array.from({ length: 40 }, (_, i) => NOW + BigInt(i));
    await Promise.all(
      versions.map((version, i) => (stores[i % 4] as FollowerStore).apply([copy(key, `${i}`, version)], testCall())),
    );
    expect((await get(stores[0] as FollowerStore, key)).version).toBe(NOW + 39n);
    await expect.poll(() => siblings(key), { timeout: 5_000 }).toEqual([1, 1, 1]);
  });
});

describe('a copy that Riak acknowledged', () => {
  it('is on every replica, so that a read and each answer of an index sees it', async () => {
    const store = open({ place: { ...PLACE, bucket: 'all' } });
    const key = note('acknowledged');
    const object = { ...objectOf(key), bucket: 'all' };
    const [slow] = riak.cluster.primaries(object) as [number];
    riak.cluster.delay(slow, 40);
    for (let i = 0; i < 12; i++) {
      const title = `title ${i}`;
      await store.apply([copy(key, title, NOW + BigInt(i))], testCall());
      expect(riak.cluster.replicas(object).map((one) => one?.contents[0]?.value.includes(title))).toEqual([
        true,
        true,
        true,
      ]);
      const listed = await store.list({ parent: ['ann'], after: null, limit: 1 }, testCall());
      expect(listed[0]?.row?.[2]).toBe(title);
    }
    riak.cluster.delay(slow, 0);
  });

  it('is still read when a primary has lost its disk, and that one is repaired', async () => {
    const store = open();
    const key = note('disk');
    await store.apply([copy(key, 'x', NOW)], testCall());
    for (const node of primariesOf(key)) {
      riak.cluster.forget(node, objectOf(key));
      for (let i = 0; i < 5; i++) expect((await get(store, key)).row?.[2]).toBe('x');
      await expect.poll(() => siblings(key)).toEqual([1, 1, 1]);
    }
  });

  it('has a newer one behind it that had come to one replica only', async () => {
    const store = open();
    riak.cluster.repairsOnRead = false;
    for (let i = 0; i < 12; i++) {
      const key = note(`partial ${i}`);
      await store.apply([copy(key, 'old', NOW)], testCall());
      const [before] = riak.cluster.replicas(objectOf(key));
      await store.apply([copy(key, 'partial', NOW + 2n)], testCall());
      // As if its write had reached one primary, and then failed.
      const [, ...others] = primariesOf(key);
      for (const node of others) riak.cluster.plant(node, objectOf(key), before as NonNullable<typeof before>);
      await store.apply([copy(key, 'between', NOW + 1n)], testCall());
      for (let n = 0; n < 4; n++) expect((await get(store, key)).version).toBeGreaterThan(NOW);
    }
    riak.cluster.repairsOnRead = true;
  });
});

describe('nodes of Riak that fail', () => {
  it('one primary: copies are refused before anything is written; reads go on', async () => {
    const store = open();
    const key = note('one down');
    await store.apply([copy(key, 'before', NOW)], testCall());
    riak.cluster.stop(primariesOf(key)[1] as number);
    await expect(store.apply([copy(key, 'refused', NOW + 1n)], testCall())).rejects.toMatchObject(UNAVAILABLE);
    for (let i = 0; i < 10; i++) expect((await get(store, key)).row?.[2]).toBe('before');
    riak.cluster.start(primariesOf(key)[1] as number);
    await store.apply([copy(key, 'after', NOW + 2n)], testCall());
    expect((await get(store, key)).row?.[2]).toBe('after');
  });

  it('two primaries: reads are UNAVAILABLE, never stale and never "not there"', async () => {
    const store = open();
    const [key, absent] = [note('two down'), note('never there')];
    await store.apply([copy(key, 'x', NOW)], testCall());
    for (const each of [key, absent]) {
      riak.cluster.stop(...primariesOf(each).slice(1));
      await expect(get(store, each)).rejects.toMatchObject(UNAVAILABLE);
      riak.cluster.stop(...primariesOf(each));
      await expect(get(store, each)).rejects.toMatchObject(UNAVAILABLE);
      riak.cluster.start(...primariesOf(each));
    }
  });

  it('one that hangs: a copy ends at its deadline, and may be there; nothing older is shown once it was repeated', async () => {
    const store = open();
    const key = note('hangs');
    await store.apply([copy(key, 'before', NOW)], testCall());
    riak.cluster.hang(primariesOf(key)[2] as number);
    const soon = testCall({ deadlineMs: performance.now() + 300 });
    await expect(store.apply([copy(key, 'perhaps', NOW + 1n)], soon)).rejects.toMatchObject({
      kind: expect.stringMatching(/unavailable|deadline_exceeded/),
    });
    riak.cluster.unhang();
    await store.apply([copy(key, 'perhaps', NOW + 1n)], testCall());
    for (let i = 0; i < 10; i++) expect((await get(store, key)).version).toBe(NOW + 1n);
  });

  it('one that is asked and is down, or hangs: another one is asked', async () => {
    const store = open();
    const key = note('asked');
    await store.apply([copy(key, 'x', NOW)], testCall());
    const outside = [0, 1, 2, 3, 4].filter((node) => !primariesOf(key).includes(node));
    riak.cluster.stop(outside[0] as number);
    for (let i = 0; i < 10; i++) expect((await get(store, key)).row?.[2]).toBe('x');
    riak.cluster.start(outside[0] as number);
    riak.cluster.hang(outside[1] as number);
    for (let i = 0; i < 5; i++) {
      expect((await store.getMany([key], testCall({ deadlineMs: performance.now() + 600 })))[0]?.row?.[2]).toBe('x');
    }
  });

  it('a minority that is cut off answers nothing, and what it took comes back as no more than a sibling', async () => {
    const key = note('cut off');
    const store = open();
    await store.apply([copy(key, 'before', NOW)], testCall());
    riak.cluster.separate(...primariesOf(key).slice(0, 1));
    const lone = createRiakClient({
      nodes: [riak.nodes[primariesOf(key)[0] as number] as RiakServers['nodes'][number]],
    });
    const there = createRiakRecordStore({ client: lone, resource: notesResource, place: PLACE });
    await expect(get(there, key)).rejects.toMatchObject(UNAVAILABLE);
    await expect(there.apply([copy(key, 'there', NOW + 1n)], testCall())).rejects.toMatchObject(UNAVAILABLE);
    lone.close();
    riak.cluster.heal();
    expect((await get(store, key)).row?.[2]).toBe('before');
  });

  it('whatever fails when: no read is older than what was acknowledged before it', { timeout: 120_000 }, async () => {
    const random = seededRandom(20_261_126);
    const store = open();
    const keys = Array.from({ length: 6 }, (_, i) => note(`random ${i}`));
    const acknowledged = new Map<string, bigint>();
    let version = NOW;
    let refused = 0;
    for (let step = 0; step < 400; step++) {
      const key = keys[Math.floor(random.uniform() * keys.length)] as Key;
      const dice = random.uniform();
      if (dice < 0.08) riak.cluster.stop(Math.floor(random.uniform() * 5));
      else if (dice < 0.18) riak.cluster.start(0, 1, 2, 3, 4);
      else if (dice < 0.22) riak.cluster.separate(Math.floor(random.uniform() * 5));
      else if (dice < 0.3) riak.cluster.heal();
      else if (dice < 0.6) {
        // Copies come in any order, some of them twice, some of them late.
        version += BigInt(Math.floor(random.uniform() * 7)) - 2n;
        const one = random.uniform() < 0.2 ? marker(key, version) : copy(key, `${version}`, version);
        const after = (acknowledged.get(key.id) ?? 0n) > version ? (acknowledged.get(key.id) as bigint) : version;
        await store.apply([one], testCall()).then(
          () => acknowledged.set(key.id, after),
          () => (refused += 1),
        );
      } else {
        const found = await get(store, key).catch(() => null);
        if (found === null) refused += 1;
        else expect(found.version).toBeGreaterThanOrEqual(acknowledged.get(key.id) ?? 0n);
      }
    }
    expect(refused).toBeGreaterThan(10);
    expect(acknowledged.size).toBe(keys.length);
  });
});

describe('what an earlier attach left in Riak', () => {
  it('is shown by walks, which are there to find it, and by nothing else', async () => {
    const floor = NOW + 1_000n;
    const store = createRiakRecordStore({
      client,
      resource: notesResource,
      place: { ...PLACE, bucket: 'left' },
      floor: () => floor,
    });
    const [old, fresh] = [note('old'), note('fresh')];
    await store.apply([copy(old, 'old', floor - 1n), copy(fresh, 'fresh', floor)], testCall());
    expect((await store.getMany([old, fresh], testCall())).map(({ row, version }) => [row?.[2], version])).toEqual([
      [undefined, 0n],
      ['fresh', floor],
    ]);
    const listed = await store.list({ parent: ['ann'], after: null, limit: 10 }, testCall());
    expect(listed.map(({ row }) => row?.[2])).toEqual(['fresh']);
    const ranges = await collect(store.split(100, testCall()));
    const pages = await Promise.all(ranges.map(({ range }) => store.walk(range, null, 100, testCall())));
    expect(pages.flatMap(({ records }) => records.map(({ row }) => row?.[2])).sort()).toEqual(['fresh', 'old']);
  });

  it('is not found by a lookup either', async () => {
    const floor = NOW;
    const people = createKeyCodec(peopleResource);
    const store = createRiakRecordStore({
      client,
      resource: peopleResource,
      place: { ...PLACE, bucket: 'people' },
      floor: () => floor,
    });
    const rows = [
      ['old', floor - 1n],
      ['fresh', floor],
    ] as const;
    await store.apply(
      rows.map(([name, version]) => {
        const key = people.fromValues([1, name]);
        return { key, row: [1, name, null, 'Ulm', '2000-01-01', null, null, null], version };
      }),
      testCall(),
    );
    const index = peopleResource.indexes?.find(({ name }) => name === 'city');
    if (index === undefined) throw new Error('there is no such index');
    const found = await store.lookup({ index, values: ['Ulm', '2000-01-01'], after: null, limit: 10 }, testCall());
    expect(found.map(({ row }) => row?.[1])).toEqual(['fresh']);
  });
});

describe('markers in Riak', () => {
  const walk = async (store: FollowerStore): Promise<readonly Stored[]> => {
    const [only] = await collect(store.split(1_000, testCall()));
    return (await store.walk(only?.range ?? '', null, 1_000, testCall())).records;
  };

  it('are taken away by a walk when their time is over, and not before', async () => {
    const place = { ...PLACE, bucket: 'markers' };
    const store = createRiakRecordStore({ client, resource: notesResource, place, markerTtlSeconds: 10 * 86_400 });
    const [past, present] = [note('past'), note('present')];
    await store.apply([marker(past, NOW - 11n * DAY_MICROS), marker(present, NOW - 9n * DAY_MICROS)], testCall());
    expect(await walk(store)).toHaveLength(2);
    await expect.poll(async () => (await walk(store)).map(({ key }) => key.id)).toEqual([present.id]);
    expect(riak.cluster.replicas({ ...objectOf(past), bucket: 'markers' })).toEqual([undefined, undefined, undefined]);
  });

  it('that can’t be taken away, as a node is down, are met again', async () => {
    const place = { ...PLACE, bucket: 'kept markers' };
    const store = createRiakRecordStore({ client, resource: notesResource, place, markerTtlSeconds: 1 });
    const past = note('past');
    await store.apply([marker(past, NOW - DAY_MICROS)], testCall());
    const object = { ...objectOf(past), bucket: 'kept markers' };
    riak.cluster.stop(riak.cluster.primaries(object)[0] as number);
    expect(await walk(store)).toHaveLength(1);
    riak.cluster.start(riak.cluster.primaries(object)[0] as number);
    expect(await walk(store)).toHaveLength(1);
    await expect.poll(async () => walk(store)).toEqual([]);
  });

  it('leave the context of their tombstone to the next copy, which is one value', async () => {
    const place = { ...PLACE, bucket: 'again' };
    const store = createRiakRecordStore({ client, resource: notesResource, place, markerTtlSeconds: 1 });
    const key = note('again');
    await store.apply([marker(key, NOW - DAY_MICROS)], testCall());
    await walk(store);
    await store.apply([copy(key, 'again', NOW)], testCall());
    expect((await get(store, key)).row?.[2]).toBe('again');
    const replicas = riak.cluster.replicas({ ...objectOf(key), bucket: 'again' });
    expect(replicas.map((one) => one?.contents.length)).toEqual([1, 1, 1]);
  });
});

describe('a Riak that is not as it must be', () => {
  it('of a bucket type that is not there nothing is "not there"', async () => {
    const store = open({ place: { bucketType: 'nobody', bucket: BUCKET } });
    await expect(get(store, note('a'))).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.apply([copy(note('a'), 'x', NOW)], testCall())).rejects.toMatchObject(UNAVAILABLE);
    await expect(store.list({ parent: ['ann'], after: null, limit: 1 }, testCall())).rejects.toMatchObject(UNAVAILABLE);
  });

  it('with an object of another program is INTERNAL for that record, and shows nothing of it', async () => {
    const key = note('foreign');
    const { type, bucket, key: name } = objectOf(key);
    const url = `http://127.0.0.1:${riak.nodes[0]?.port}/types/${type}/buckets/${bucket}/keys/${name}`;
    await fetch(url, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'a secret' });
    const failure = await get(open(), key).catch((error: Error) => error);
    expect(failure).toMatchObject({ kind: 'internal' });
    expect(String((failure as Error).message)).not.toContain('secret');
  });

  const errorsOf = async (properties: object, backend?: 'bitcask'): Promise<readonly string[]> => {
    const other = await startRiak({ types: { odd: properties }, ...(backend && { backend }) });
    const asking = createRiakClient({ nodes: other.nodes });
    const examined = await examineBucket(asking, { bucketType: 'odd', bucket: 'b' }, testCall());
    asking.close();
    await other.close();
    const { errors, warnings } = findingsOf(examined);
    for (const { cure } of [...errors, ...warnings]) expect(cure).not.toBe('');
    return [...errors.map(({ setting }) => setting), ...warnings.map(({ setting }) => `${setting}?`)];
  };

  it('is refused by the check, each property by name, with its cure', async () => {
    expect(await errorsOf({})).toEqual([]);
    expect(await errorsOf({ allow_mult: false, last_write_wins: true })).toEqual([
      'odd/b: allow_mult',
      'odd/b: last_write_wins',
    ]);
    expect(await errorsOf({ consistent: true, write_once: true, datatype: 'map' })).toEqual([
      'odd/b: consistent',
      'odd/b: write_once',
      'odd/b: datatype',
    ]);
    expect(await errorsOf({ dvv_enabled: false, n_val: 1 })).toEqual(['odd/b: dvv_enabled?', 'odd/b: n_val?']);
    expect(await errorsOf({}, 'bitcask')).toEqual(['odd/b: secondary indexes']);
    const missing = await examineBucket(client, { bucketType: 'nobody', bucket: 'b' }, testCall());
    expect(missing).toMatchObject([
      { verdict: 'error', cure: expect.stringContaining('riak-admin bucket-type create nobody') },
    ]);
  });

  it('tells how many of its nodes are there', async () => {
    riak.cluster.stop(4);
    expect(await readStatus(client, testCall())).toEqual({ members: 5, connected: 4, version: '2.2.3' });
  });
});

describe('security of Riak', () => {
  it('is TLS that is checked, and a user with a password', async () => {
    const authority = createAuthority('test authority');
    const server = authority.issue({ commonName: 'riak', ips: ['127.0.0.1'] });
    const credentials = { username: 'crossfade', password: 'pass:word' };
    const secure = await startRiak({}, { credentials, tls: server });
    const ask = async (options: Partial<Parameters<typeof createRiakClient>[0]>) => {
      const asking = createRiakClient({ nodes: secure.nodes, ...options });
      const store = createRiakRecordStore({ client: asking, resource: notesResource, place: PLACE });
      try {
        return await get(store, note('a'));
      } finally {
        asking.close();
      }
    };
    const tls = { ca: authority.cert, verify: 'identity' } as const;
    expect(await ask({ tls, credentials })).toMatchObject({ row: null });
    await expect(ask({ tls, credentials: { ...credentials, password: 'x' } })).rejects.toMatchObject(UNAVAILABLE);
    await expect(ask({ tls })).rejects.toMatchObject(UNAVAILABLE);
    await expect(ask({ tls: { verify: 'identity' }, credentials })).rejects.toMatchObject(UNAVAILABLE);
    expect(await ask({ tls: { verify: 'none' }, credentials })).toMatchObject({ row: null });
    await expect(ask({ credentials })).rejects.toMatchObject(UNAVAILABLE);
    await secure.close();
  });
});

describe('connections to Riak', () => {
  it('that a node closed while they were idle fail no request, though there is no other node to ask', async () => {
    let resets = 0;
    const closing = createServer((socket) => {
      let requests = 0;
      socket.on('error', () => {});
      socket.on('data', () => {
        if (++requests === 1) {
          socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK');
          return;
        }
        // As one that it had taken for idle, when the next request was on its way.
        resets += 1;
        socket.resetAndDestroy();
      });
    });
    await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve));
    const { port } = closing.address() as AddressInfo;
    const asking = createRiakClient({ nodes: [{ host: '127.0.0.1', port }], connections: 1 });
    for (let i = 0; i < 4; i++) {
      expect((await asking.request({ method: 'GET', path: '/ping' }, testCall())).status).toBe(200);
    }
    expect(resets).toBeGreaterThan(0);
    asking.close();
    closing.close();
  });
});
