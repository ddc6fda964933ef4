/**
 * The cluster of Riak that tests stand on, held to Riak's documentation: each test is named after the page, and says one of its
 * statements. Where a page is loose, the sources of riak_kv are meant (`riak_kv_get_core`, `riak_kv_put_core`, `riak_kv_wm_object`).
 */
import { afterEach, describe, expect, it } from 'vitest';
import { type ClusterOptions, RiakCluster } from '../support/riak/cluster.ts';
import { type RiakServers, startRiak } from '../support/riak/servers.ts';

const servers: RiakServers[] = [];
afterEach(async () => {
  for (const one of servers.splice(0)) await one.close();
});

/** A cluster with an object's address, and requests to any node of it. */
async function open(options: Partial<ClusterOptions> = {}, key = 'k') {
  const riak = await startRiak({ types: { t: {}, last: { allow_mult: false }, five: { n_val: 5 } }, ...options });
  servers.push(riak);
  const ask = (path: string, init?: RequestInit, node = 0): Promise<Response> => {
    return fetch(`http://127.0.0.1:${riak.nodes[node]?.port}${path}`, init);
  };
  const object = { type: 't', bucket: 'b', key };
  const path = (query = ''): string => `/types/${object.type}/buckets/b/keys/${key}?timeout=1000&${query}`;
  const put = (
    value: string,
    clock?: string | null,
    query = 'w=all',
    headers: Record<string, string> = {},
    node = 0,
  ) => {
    const own = { 'content-type': 'text/plain', ...(clock && { 'x-riak-vclock': clock }), ...headers };
    return ask(path(query), { method: 'PUT', headers: own, body: value }, node);
  };
  const read = (query = 'r=all', accept = 'multipart/mixed, */*;q=0.5', node = 0) =>
    ask(path(query), { headers: { accept } }, node);
  const clockOf = async (): Promise<string> => (await read()).headers.get('x-riak-vclock') ?? '';
  /** The values of one replica after the other. */
  const replicas = (): string[][] =>
    riak.cluster.replicas(object).map((one) => one?.contents.map(({ value }) => value.toString()).sort() ?? []);
  return { ...riak, ask, object, path, put, read, clockOf, replicas };
}

/** A node that holds no primary replica of the object, and those that do. */
function placed({ cluster, object }: Awaited<ReturnType<typeof open>>) {
  const primaries = cluster.primaries(object);
  const others = Array.from({ length: cluster.nodes }, (_, node) => node).filter((node) => !primaries.includes(node));
  return { primaries, outside: others[0] as number };
}

describe('HTTP Store Object and HTTP Fetch Object', () => {
  it('an object comes back as it was stored, with its type, vector clock, etag and time', async () => {
    const { put, read } = await open();
    expect((await put('bar')).status).toBe(204);
    const answer = await read();
    expect([answer.status, await answer.text()]).toEqual([200, 'bar']);
    for (const name of ['x-riak-vclock', 'etag', 'last-modified', 'link']) expect(answer.headers.has(name)).toBe(true);
    expect(answer.headers.get('content-type')).toBe('text/plain');
  });

  it('one that is not there is answered 404, "not found"', async () => {
    const { read } = await open();
    const answer = await read();
    expect([answer.status, await answer.text()]).toEqual([404, 'not found\n']);
    expect(answer.headers.has('x-riak-vclock')).toBe(false);
  });

  it('a bucket type that is not there is answered 404 too, with other words', async () => {
    const { ask } = await open();
    const answer = await ask('/types/none/buckets/b/keys/k');
    expect([answer.status, await answer.text()]).toEqual([404, 'Unknown bucket type: none']);
  });

  it('quorums above N, and words that are none, are answered 400; so is a body without a type', async () => {
    const { put, read, ask, path } = await open();
    expect((await put('x', null, 'w=4')).status).toBe(400);
    expect((await read('r=many')).status).toBe(400);
    expect((await ask(path(), { method: 'PUT' })).status).toBe(400);
  });

  it('metadata and index entries come back with the object', async () => {
    const { put, read } = await open();
    await put('x', null, 'w=all', { 'x-riak-meta-color': 'red', 'x-riak-index-field1_bin': 'val1, val2' });
    const { headers } = await read();
    expect(headers.get('x-riak-meta-color')).toBe('red');
    expect(headers.get('x-riak-index-field1_bin')).toBe('val1, val2');
  });

  it('returnbody=true answers a write with what is there after it, siblings too', async () => {
    const { put } = await open();
    const first = await put('one', null, 'w=all&returnbody=true');
    expect([first.status, await first.text()]).toEqual([200, 'one']);
    expect((await put('two', null, 'w=all&returnbody=true')).status).toBe(300);
  });

  it('siblings are answered 300: as parts to who prefers multipart/mixed, else as a list of vtags, each to be had alone', async () => {
    const { put, read, ask, path } = await open();
    await put('one');
    await put('two');
    const parts = await read();
    expect(parts.status).toBe(300);
    expect(parts.headers.get('content-type')).toMatch(/^multipart\/mixed; boundary=/);
    const text = await parts.text();
    expect(text.match(/^etag: /gim)).toHaveLength(2);
    const list = await read('r=all', '*/*');
    const [title, ...vtags] = (await list.text()).trim().split('\n');
    expect([list.status, title, vtags.length]).toEqual([300, 'Siblings:', 2]);
    const alone = await Promise.all(vtags.map(async (vtag) => (await ask(path(`vtag=${vtag}`))).text()));
    expect(alone.sort()).toEqual(['one', 'two']);
  });

  it('a single value is not acceptable to who takes multipart/mixed alone', async () => {
    const { put, read } = await open();
    await put('one');
    expect((await read('r=all', 'multipart/mixed')).status).toBe(406);
  });
});

describe('Conflict Resolution and Causal Context', () => {
  it('a write that sends the context back replaces exactly what it has seen', async () => {
    const { put, read, clockOf } = await open();
    await put('one');
    await put('two', await clockOf());
    expect(await (await read()).text()).toBe('two');
  });

  it('concurrent writes, and one with a stale context, leave siblings; storing with the merged clock resolves them', async () => {
    const { put, read, clockOf, replicas } = await open();
    await put('one');
    const stale = await clockOf();
    await put('two', stale);
    await put('three', stale);
    expect(replicas()).toEqual(Array(3).fill(['three', 'two']));
    await put('resolved', await clockOf());
    expect([(await read()).status, replicas()]).toEqual([200, Array(3).fill(['resolved'])]);
  });

  it('a write without a context leaves siblings', async () => {
    const { put, replicas } = await open();
    for (const value of ['one', 'two', 'three']) await put(value);
    expect(replicas()).toEqual(Array(3).fill(['one', 'three', 'two']));
  });

  it('dotted version vectors: the same write on several replicas is one sibling, however often they merge', async () => {
    const { put, read, replicas } = await open();
    await put('one');
    for (let i = 0; i < 5; i++) await read();
    expect(replicas()).toEqual(Array(3).fill(['one']));
  });

  it('without allow_mult the last write by the clock stays, whatever it has seen', async () => {
    const { ask, cluster } = await open();
    const path = '/types/last/buckets/b/keys/k?w=all';
    for (const body of ['one', 'two'])
      await ask(path, { method: 'PUT', headers: { 'content-type': 'text/plain' }, body });
    const [replica] = cluster.replicas({ type: 'last', bucket: 'b', key: 'k' });
    expect(replica?.contents.map(({ value }) => value.toString())).toEqual(['two']);
  });
});

describe('Replication Properties', () => {
  it('W: a write that fewer replicas take than it asks for is an error, and may be there all the same', async () => {
    const riak = await open();
    const { primaries, outside } = placed(riak);
    riak.cluster.hang(...primaries.slice(1));
    const [first] = primaries as [number];
    for (let i = 0; i < 20; i++) {
      const answer = await riak.put('x', null, 'w=2&timeout=50', {}, first === 0 ? 0 : outside);
      expect(answer.status).toBe(503);
      if (riak.replicas().flat().length > 0) break;
    }
    expect(riak.replicas().flat()).toContain('x');
  });

  it('R = 1: a read may be answered by a replica that has not got the last write; R + W > N never is', async () => {
    const riak = await open();
    const { primaries, outside } = placed(riak);
    const [slow] = primaries as [number];
    await riak.put('old');
    const old = riak.cluster.replicas(riak.object)[0] as NonNullable<ReturnType<typeof riak.cluster.replicas>[number]>;
    await riak.put('new', await riak.clockOf());
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      riak.cluster.plant(slow, riak.object, old);
      expect(await (await riak.read('r=2', undefined, outside)).text()).toBe('new');
      riak.cluster.plant(slow, riak.object, old);
      seen.add(await (await riak.read('r=1', undefined, outside)).text());
    }
    expect(seen).toEqual(new Set(['old', 'new']));
  });

  it('sloppy quorum: fallbacks take writes for primaries that are down, and hand them over later', async () => {
    const riak = await open();
    const { primaries, outside } = placed(riak);
    riak.cluster.stop(...primaries);
    expect((await riak.put('x', null, 'w=2', {}, outside)).status).toBe(204);
    expect(riak.replicas()).toEqual([[], [], []]);
    riak.cluster.start(...primaries);
    expect(riak.replicas()).toEqual(Array(3).fill(['x']));
  });

  it('PW: is refused where fewer primaries are up, before anything is written; PR likewise', async () => {
    const riak = await open();
    const { primaries, outside } = placed(riak);
    riak.cluster.stop(...primaries.slice(1));
    const written = await riak.put('x', null, 'w=all&pw=all', {}, outside);
    expect([written.status, await written.text()]).toEqual([503, 'PW-value unsatisfied: 1/3\n']);
    expect(riak.replicas().flat()).toEqual([]);
    const read = await riak.read('r=2&pr=2', undefined, outside);
    expect([read.status, await read.text()]).toEqual([503, 'PR-value unsatisfied: 1/2\n']);
    expect((await riak.read('r=2&pr=1', undefined, outside)).status).toBe(404);
  });

  it('notfound_ok=false: what is on some replicas only is an error, not an absence; what is on none is an absence', async () => {
    const riak = await open();
    await riak.put('x');
    const [first, second] = riak.cluster.primaries(riak.object) as [number, number];
    expect((await riak.read('r=3&notfound_ok=false')).status).toBe(200);
    riak.cluster.forget(first, riak.object);
    riak.cluster.forget(second, riak.object);
    const answer = await riak.read('r=3&notfound_ok=false');
    expect([answer.status, await answer.text()]).toEqual([503, 'R-value unsatisfied: 1/3\n']);
  });

  it('Eventual Consistency: a read repairs the replicas that lack what others have', async () => {
    const riak = await open();
    await riak.put('x');
    const [first] = riak.cluster.primaries(riak.object) as [number];
    riak.cluster.forget(first, riak.object);
    expect(riak.replicas()[0]).toEqual([]);
    await riak.read('r=2');
    await expect.poll(() => riak.replicas()[0]).toEqual(['x']);
  });

  it('a partition: each side takes writes, and both are siblings when it heals', async () => {
    const riak = await open({ nodes: 5 });
    await riak.put('before');
    const clock = await riak.clockOf();
    riak.cluster.separate(0, 1);
    expect((await riak.put('here', clock, 'w=2', {}, 0)).status).toBe(204);
    expect((await riak.put('there', clock, 'w=2', {}, 4)).status).toBe(204);
    riak.cluster.heal();
    const answer = await riak.read('r=all');
    expect(answer.status).toBe(300);
    const text = await answer.text();
    expect([text.includes('here'), text.includes('there'), text.includes('before')]).toEqual([true, true, false]);
  });
});

describe('Object Deletion', () => {
  const remove = (riak: Awaited<ReturnType<typeof open>>, clock?: string) =>
    riak.ask(riak.path('w=all'), { method: 'DELETE', ...(clock && { headers: { 'x-riak-vclock': clock } }) });

  it('puts a tombstone there: 404 with X-Riak-Deleted and its clock, and the next write takes that one', async () => {
    const riak = await open();
    await riak.put('x');
    expect((await remove(riak)).status).toBe(204);
    const answer = await riak.read();
    expect([answer.status, answer.headers.get('x-riak-deleted')]).toEqual([404, 'true']);
    await riak.put('again', answer.headers.get('x-riak-vclock'));
    expect([(await riak.read()).status, riak.replicas()]).toEqual([200, Array(3).fill(['again'])]);
  });

  it('what was written since the clock that a delete names stays, beside the tombstone', async () => {
    const riak = await open();
    await riak.put('one');
    const clock = await riak.clockOf();
    await riak.put('two', clock);
    await remove(riak, clock);
    const answer = await riak.read();
    expect(answer.status).toBe(300);
    const text = await answer.text();
    expect(text).toMatch(/x-riak-deleted: true/i);
    expect(text).toContain('two');
  });

  it('of what is not there is answered 404; a tombstone has no index entries', async () => {
    const riak = await open();
    expect((await remove(riak)).status).toBe(404);
    await riak.put('x', null, 'w=all', { 'x-riak-index-f_bin': 'v' });
    const index = async () => (await (await riak.ask('/types/t/buckets/b/index/f_bin/v')).json()) as object;
    expect(await index()).toEqual({ keys: ['k'] });
    await remove(riak);
    expect(await index()).toEqual({ keys: [] });
  });

  it('delete_mode: a tombstone is reaped after a time, where all primaries have it; with keep it stays', async () => {
    const reaping = await open({ deleteMode: 30 });
    await reaping.put('x');
    await remove(reaping);
    await expect.poll(() => reaping.cluster.replicas(reaping.object)).toEqual([undefined, undefined, undefined]);
    const keeping = await open();
    await keeping.put('x');
    await remove(keeping);
    expect(keeping.cluster.replicas(keeping.object).map((one) => one?.contents[0]?.deleted)).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('"the object deletion example": a replica that was away brings a reaped object back', async () => {
    const riak = await open({ deleteMode: 0 });
    await riak.put('x');
    const [away] = riak.cluster.primaries(riak.object) as [number];
    const kept = riak.cluster.replicas(riak.object)[0];
    await remove(riak);
    await expect.poll(() => riak.cluster.replicas(riak.object)).toEqual([undefined, undefined, undefined]);
    riak.cluster.plant(away, riak.object, kept as NonNullable<typeof kept>);
    expect((await riak.read('r=all')).status).toBe(200);
  });
});

describe('HTTP Secondary Indexes', () => {
  async function tagged() {
    const riak = await open();
    for (const [key, term] of [
      ['a', '3'],
      ['b', '1'],
      ['c', '2'],
      ['d', '2'],
      ['e', '9'],
    ] as const) {
      const headers = { 'content-type': 'text/plain', 'x-riak-index-f_bin': term };
      await riak.ask(`/types/t/buckets/b/keys/${key}?dw=all`, { method: 'PUT', headers, body: key });
    }
    const query = async (path: string) => (await (await riak.ask(`/types/t/buckets/b/index/${path}`)).json()) as Page;
    return { ...riak, query };
  }
  interface Page {
    readonly keys?: readonly string[];
    readonly results?: readonly object[];
    readonly continuation?: string;
  }

  it('answers an exact match, and a range with both its ends, sorted by term and then by key', async () => {
    const { query } = await tagged();
    expect(await query('f_bin/2')).toEqual({ keys: ['c', 'd'] });
    expect(await query('f_bin/1/3')).toEqual({ keys: ['b', 'c', 'd', 'a'] });
    expect(await query('f_bin/1/2?return_terms=true')).toEqual({ results: [{ 1: 'b' }, { 2: 'c' }, { 2: 'd' }] });
  });

  it('max_results makes pages, each with a continuation that goes on behind it', async () => {
    const { query } = await tagged();
    const keys: string[] = [];
    for (let more = ''; ; ) {
      const page = await query(`f_bin/0/9?max_results=2${more}`);
      keys.push(...(page.keys ?? []));
      if (page.continuation === undefined) break;
      more = `&continuation=${encodeURIComponent(page.continuation)}`;
    }
    expect(keys).toEqual(['b', 'c', 'd', 'a', 'e']);
  });

  it('refuses a field that is neither _bin nor _int, and pages of nothing', async () => {
    const { ask } = await tagged();
    expect((await ask('/types/t/buckets/b/index/f/2')).status).toBe(400);
    expect((await ask('/types/t/buckets/b/index/f_bin/2?max_results=0')).status).toBe(400);
  });

  it('"How It Works": one replica of each key answers, so one that lacks the object hides it now and then', async () => {
    const riak = await tagged();
    const object = { ...riak.object, key: 'e' };
    const [lacking] = riak.cluster.primaries(object) as [number];
    riak.cluster.forget(lacking, object);
    const seen = new Set<number>();
    for (let i = 0; i < 60; i++) seen.add((await riak.query('f_bin/9')).keys?.length ?? 0);
    expect(seen).toEqual(new Set([0, 1]));
  });

  it('takes offline nodes into account, and fails where no replica of some keys is left', async () => {
    const riak = await tagged();
    const { primaries, outside } = placed(riak);
    const ask = () => riak.ask('/types/t/buckets/b/index/f_bin/0/9', undefined, outside);
    riak.cluster.stop(primaries[0] as number);
    expect(((await (await ask()).json()) as Page).keys).toHaveLength(5);
    riak.cluster.stop(...primaries);
    expect((await ask()).status).toBe(500);
  });

  it('"Using Secondary Indexes": Bitcask has none', async () => {
    const riak = await open({ backend: 'bitcask' });
    expect((await riak.ask('/types/t/buckets/b/index/f_bin/0/9')).status).toBe(500);
  });
});

describe('the rest of the API', () => {
  it('answers pings, its status, and the properties of buckets and types', async () => {
    const riak = await open();
    expect(await (await riak.ask('/ping')).text()).toBe('OK');
    riak.cluster.stop(3);
    const stats = (await (await riak.ask('/stats')).json()) as Record<string, readonly string[]>;
    expect([stats.ring_members?.length, stats.connected_nodes?.length]).toEqual([5, 3]);
    const { props } = (await (await riak.ask('/types/five/buckets/b/props')).json()) as { props: object };
    expect(props).toMatchObject({ name: 'b', n_val: 5, allow_mult: true, last_write_wins: false, dvv_enabled: true });
    expect((await riak.ask('/types/none/props')).status).toBe(404);
  });

  it('a node that is down closes its connections; one that hangs answers nothing', async () => {
    const riak = await open();
    riak.cluster.stop(1);
    await expect(riak.ask('/ping', undefined, 1)).rejects.toThrow();
    riak.cluster.hang(2);
    await expect(riak.ask('/ping', { signal: AbortSignal.timeout(50) }, 2)).rejects.toThrow(/timeout/);
  });

  it('a key has N different nodes, whatever its place on the ring', () => {
    const cluster = new RiakCluster({ types: { t: {} } });
    for (let i = 0; i < 500; i++) {
      expect(new Set(cluster.primaries({ type: 't', bucket: 'b', key: `${i}` })).size).toBe(3);
    }
  });
});
