/** Riak as the target of a deployment: its config, the start's and the doctor's look at it, and what its objects are to other programs. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError, parseConfig } from '../../src/app/config.ts';
import { prepareRiak } from '../../src/app/prepare-riak.ts';
import { riakNodeOf } from '../../src/app/riak-mistakes.ts';
import { StartError } from '../../src/app/start-error.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { noLog } from '../../src/domain/log.ts';
import type { Value } from '../../src/domain/resource.ts';
import { createRiakClient } from '../../src/stores/riak/client.ts';
import { createIndexTerms } from '../../src/stores/riak/index-terms.ts';
import { parseMultipart } from '../../src/stores/riak/multipart.ts';
import { createRecordFormat } from '../../src/stores/riak/record-format.ts';
import { createRiakRecordStore } from '../../src/stores/riak/record-store.ts';
import { examineBucket, readStatus } from '../../src/stores/riak/server-checks.ts';
import { testCall } from '../support/calls.ts';
import { complaints, examine, of } from '../support/doctor.ts';
import { notesResource, peopleResource, typesResource } from '../support/resources.ts';
import { BUCKET_TYPE, type RiakServers, startRiak } from '../support/riak/servers.ts';

const hospital = join(import.meta.dirname, '../../examples/hospital/hospital.binpb');

async function start(...options: Parameters<typeof startRiak>): Promise<RiakServers> {
  const servers = await startRiak(...options);
  onTestFinished(() => servers.close());
  return servers;
}

describe('the config of Riak', () => {
  const config = (change: {
    readonly resources?: readonly object[];
    readonly stores?: object;
    readonly migration?: object;
  }) =>
    JSON.stringify({
      descriptors: 'records.binpb',
      resources: change.resources ?? [{ type: 'a.B', riakBucket: 'b' }],
      stores: { mysql: { host: 'db', user: 'crossfade' }, ...change.stores },
      ...(change.migration && { migration: change.migration }),
    });
  const mistakes = (change: Parameters<typeof config>[0], env = {}): readonly string[] => {
    try {
      parseConfig(config(change), 'crossfade.yaml', env);
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.mistakes;
      throw error;
    }
  };
  const riak = { nodes: ['10.0.0.7'] };

  it('needs nodes, and fills in the rest', () => {
    const { stores } = parseConfig(config({ stores: { riak } }), 'crossfade.yaml', {});
    expect(stores.riak).toEqual({ nodes: ['10.0.0.7'], port: 8098, bucketType: 'crossfade', connections: 64 });
    expect(mistakes({ stores: { riak: { nodes: [] } } }).join()).toContain('stores.riak.nodes');
  });

  it('takes hosts, addresses and ports', () => {
    expect(riakNodeOf('riak', 8098)).toEqual({ host: 'riak', port: 8098 });
    expect(riakNodeOf('10.0.0.7:10018', 8098)).toEqual({ host: '10.0.0.7', port: 10018 });
    expect(riakNodeOf('[::1]:10018', 8098)).toEqual({ host: '::1', port: 10018 });
    expect(mistakes({ stores: { riak: { nodes: ['http://riak'] } } }).join()).toContain(
      '"http://riak" is neither a host',
    );
    expect(mistakes({ stores: { riak: { nodes: ['riak:70000'] } } }).join()).toContain(
      '"riak:70000" is neither a host',
    );
  });

  it('has one target', () => {
    const cassandra = { contactPoints: ['c'], localDataCenter: 'dc1' };
    expect(mistakes({ stores: { riak, cassandra } })).toEqual([
      'stores: there is one target: name cassandra or riak, not both',
    ]);
  });

  it('gives each resource a bucket of its own, and none without Riak', () => {
    const two = [
      { type: 'a.B', riakBucket: 'b' },
      { type: 'a.C', riakBucket: 'b' },
    ];
    expect(mistakes({ stores: { riak }, resources: two }).join()).toContain('a.C has the riakBucket of another one');
    expect(mistakes({}).join()).toContain('a.B has a riakBucket, but there is no stores.riak');
  });

  it('sends no password over plain text, and needs its variable', () => {
    const user = { ...riak, user: 'crossfade', passwordEnv: 'RIAK_PASSWORD' };
    const found = mistakes({ stores: { riak: user } });
    expect(found.join()).toContain('stores.riak.passwordEnv: the environment variable RIAK_PASSWORD is not set');
    expect(mistakes({ stores: { riak: user } }, { RIAK_PASSWORD: 'x' }).join()).toContain('over TLS only');
    expect(mistakes({ stores: { riak: { ...user, tls: {} } } }, { RIAK_PASSWORD: 'x' })).toEqual([]);
    expect(mistakes({ stores: { riak: { ...riak, tls: { certFile: 'c' } } } }).join()).toContain(
      'certFile and keyFile',
    );
  });

  it('says that it is never the authority where a setting is for one', () => {
    expect(mistakes({ stores: { riak }, migration: { outsideWrites: 'hold' } }).join()).toContain(
      'which Riak can’t be',
    );
  });
});

describe('the start’s look at Riak', () => {
  const resource = { ...notesResource, riak: { bucketType: BUCKET_TYPE, bucket: 'notes' } };
  const look = async (servers: RiakServers, bucketType = BUCKET_TYPE) => {
    const client = createRiakClient({ nodes: servers.nodes });
    onTestFinished(() => client.close());
    const at = { ...resource, riak: { ...resource.riak, bucketType } };
    const warned: string[] = [];
    const stopping = new AbortController();
    onTestFinished(() => stopping.abort());
    const log = { ...noLog, warn: (message: string) => void warned.push(message) };
    await prepareRiak(client, [at], log, stopping.signal);
    return warned;
  };

  it('refuses a bucket type that is not there, or drops siblings, with the command that mends it', async () => {
    expect(await look(await start())).toEqual([]);
    await expect(look(await start(), 'nobody')).rejects.toThrow(/riak-admin bucket-type create nobody/);
    await expect(look(await start({ types: { [BUCKET_TYPE]: { allow_mult: false } } }))).rejects.toThrow(StartError);
  });

  it('warns of few replicas, and of a cluster that is down', async () => {
    expect((await look(await start({ types: { [BUCKET_TYPE]: { n_val: 1 } } }))).join()).toContain('n_val is 1');
    const servers = await start();
    servers.cluster.stop(0, 1, 2, 3, 4);
    expect((await look(servers)).join()).toContain('Riak cannot be reached');
  });

  it('takes a page of something before the nodes for a Riak that can’t be reached', async () => {
    const page = createServer((_request, response) => response.end('<html>welcome</html>')).listen(0, '127.0.0.1');
    onTestFinished(() => void page.close());
    await once(page, 'listening');
    const { port } = page.address() as AddressInfo;
    const client = createRiakClient({ nodes: [{ host: '127.0.0.1', port }] });
    onTestFinished(() => client.close());
    const place = { bucketType: BUCKET_TYPE, bucket: 'notes' };
    const failed = { kind: 'unavailable', message: expect.stringContaining('not JSON') };
    await expect(examineBucket(client, place, testCall())).rejects.toMatchObject(failed);
    await expect(readStatus(client, testCall())).rejects.toMatchObject(failed);
  });

  it('that was down comes later: nothing is stored before it, and what is wrong then is logged', {
    timeout: 30_000,
  }, async () => {
    const later = async (servers: RiakServers) => {
      const client = createRiakClient({ nodes: servers.nodes });
      onTestFinished(() => client.close());
      const stopping = new AbortController();
      onTestFinished(() => stopping.abort());
      servers.cluster.stop(0, 1, 2, 3, 4);
      const logged: unknown[] = [];
      const keep = (message: string, fields?: object) => void logged.push({ message, ...fields });
      const isFit = await prepareRiak(client, [resource], { ...noLog, info: keep, error: keep }, stopping.signal);
      servers.cluster.start(0, 1, 2, 3, 4);
      const store = createRiakRecordStore({ client, resource, place: resource.riak, isFit });
      const read = () => store.getMany([createKeyCodec(resource).fromValues(['ann', 1])], testCall());
      await expect(read()).rejects.toMatchObject({ kind: 'unavailable', message: expect.stringContaining('checked') });
      await expect.poll(() => logged, { timeout: 20_000, interval: 100 }).toHaveLength(1);
      return { logged, read };
    };
    const [good, bad] = await Promise.all([
      later(await start()),
      later(await start({ types: { [BUCKET_TYPE]: { allow_mult: false } } })),
    ]);
    expect(good.logged).toMatchObject([{ message: 'Riak is back, and is as it must be' }]);
    expect(await good.read()).toMatchObject([{ row: null }]);
    expect(bad.logged).toMatchObject([{ mistakes: [expect.stringContaining('allow_mult is false, must be true')] }]);
    await expect(bad.read()).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('a doctor where the target is Riak', () => {
  it('looks at the cluster and the buckets, and asks nothing of Cassandra', async () => {
    const { nodes, cluster } = await start({ types: { [BUCKET_TYPE]: { last_write_wins: true } } });
    cluster.stop(4);
    const findings = await examine(
      {
        descriptors: hospital,
        resources: [{ type: 'hospital.v1.Encounter', riakBucket: 'encounters' }],
        stores: {
          mysql: { host: '127.0.0.1', port: 9, user: 'crossfade' },
          riak: { nodes: nodes.map(({ host, port }) => `${host}:${port}`), bucketType: BUCKET_TYPE },
        },
        telemetry: { exporter: 'none' },
      },
      {},
    );
    expect(findings.filter(({ check }) => check.startsWith('cassandra.'))).toEqual([]);
    expect(of(findings, 'riak.reachable')).toMatchObject([{ outcome: 'ok', found: 'answers; riak_kv 2.2.3' }]);
    expect(of(findings, 'riak.nodes')).toMatchObject([
      { outcome: 'warning', found: expect.stringContaining('4 up of 5') },
    ]);
    expect(of(findings, 'target.bucket')).toMatchObject([
      { outcome: 'problem', found: expect.stringContaining('last_write_wins: true, must be false') },
    ]);
  });

  it('says that Riak is not reached, and leaves out what needs it', async () => {
    const findings = await examine(
      {
        descriptors: hospital,
        resources: [{ type: 'hospital.v1.Encounter', riakBucket: 'encounters' }],
        stores: { mysql: { host: '127.0.0.1', port: 9, user: 'crossfade' }, riak: { nodes: ['127.0.0.1:9'] } },
        telemetry: { exporter: 'none' },
      },
      {},
    );
    expect(of(findings, 'riak.reachable')).toMatchObject([
      { outcome: 'problem', cure: expect.stringContaining('check stores.riak') },
    ]);
    expect(complaints(findings).join('\n')).toContain("target.bucket: Riak can't be reached");
  });
});

describe('an object in Riak', () => {
  it('is JSON that other programs can read, and says exactly what the record is', () => {
    const format = createRecordFormat(notesResource);
    const key = createKeyCodec(notesResource).fromValues(['ann', 'a']);
    const body = format.encode(['ann', 'a', 'Ü \0', '1.50', null], 7n);
    expect(JSON.parse(body.toString())).toEqual({
      crossfade: { version: '7' },
      record: { owner: 'ann', note: 'a', title: 'Ü \0', amount: '1.50', stars: null },
    });
    expect(format.decode(key, body)).toMatchObject({ version: 7n, row: ['ann', 'a', 'Ü \0', '1.50', null] });
    expect(JSON.parse(format.encode(null, 8n).toString())).toEqual({ crossfade: { version: '8', deleted: true } });
    expect(format.decode(key, format.encode(null, 8n))).toMatchObject({ version: 8n, row: null });
  });

  it('holds what JSON’s numbers can’t as text', () => {
    const row: Value[] = typesResource.columns.map(() => null);
    const set = (name: string, value: Value): void => {
      row[typesResource.columns.findIndex((column) => column.mysqlName === name)] = value;
    };
    set('owner', 'ann');
    set('sample', 2n ** 64n - 1n);
    set('big', -(2n ** 63n));
    set('measure', -0);
    set('ratio', 0.5);
    set('checksum', Buffer.from([0, 255, 1, 2]));
    set('occurred', -1n);
    set('document', '{"a":1e400}');
    const { record } = JSON.parse(createRecordFormat(typesResource).encode(row, 1n).toString()) as { record: object };
    expect(record).toMatchObject({
      sample: '18446744073709551615',
      big: '-9223372036854775808',
      measure: '-0',
      ratio: 0.5,
      checksum: 'AP8BAg==',
      occurred: '-1',
      document: '{"a":1e400}',
    });
  });

  it('with fields that a definition does not know, or lacks, is read; one with values of another type is not', () => {
    const format = createRecordFormat(notesResource);
    const key = createKeyCodec(notesResource).fromValues(['ann', 'a']);
    const decode = (record: object) =>
      format.decode(key, Buffer.from(JSON.stringify({ crossfade: { version: '1' }, record })));
    expect(decode({ title: 'x', more: 1 }).row).toEqual(['ann', 'a', 'x', null, null]);
    expect(() => decode({ stars: 'many' })).toThrow(/needs an integer/);
    for (const body of [
      '',
      'null',
      '[]',
      '{"crossfade":{}}',
      '{"crossfade":{"version":"1"}}',
      '{"crossfade":{"version":-1}}',
    ]) {
      expect(() => format.decode(key, Buffer.from(body)), body).toThrow(/not written by Crossfade/);
    }
  });

  it('is indexed by its key both ways, and by its indexes’ values; a marker for walks alone', () => {
    const terms = createIndexTerms(peopleResource);
    const key = createKeyCodec(peopleResource).fromValues([1, 'ann']);
    const headers = terms.headersOf(key, [1, 'ann', null, 'Ulm', '2000-01-01', 5n, null, null]);
    expect(Object.keys(headers).map((name) => name.replace('x-riak-index-crossfade_', ''))).toEqual([
      'all_bin',
      'up_bin',
      'down_bin',
      'by_city_bin',
      'by_badge_bin',
    ]);
    for (const term of Object.values(headers)) expect(term).toMatch(/^[0-9a-f.]+$/);
    expect(terms.headersOf(key, null)).toEqual({ 'x-riak-index-crossfade_all_bin': key.bytes.toString('hex') });
  });
});

describe('several siblings in one answer', () => {
  const type = 'multipart/mixed; boundary=B';
  const parse = (text: string, contentType = type) =>
    parseMultipart(contentType, Buffer.from(text)).map(({ headers, body }) => [headers.get('etag'), body.toString()]);

  it('are parts, whatever their bytes are', () => {
    const text =
      '\r\n--B\r\nEtag: one\r\n\r\na\r\n\r\n--C\r\n--B\r\nEtag: two\r\nX-Riak-Deleted: true\r\n\r\n\r\n--B--\r\n';
    expect(parse(text)).toEqual([
      ['one', 'a\r\n\r\n--C'],
      ['two', ''],
    ]);
  });

  it('that end early, or are in no such form, are an error', () => {
    for (const text of ['', '\r\n--B\r\nEtag: one\r\n\r\na', '\r\n--B\r\nno end of the head\r\n--B--']) {
      expect(() => parse(text), text).toThrow(/multipart/);
    }
    expect(() => parse('Siblings:\na\nb\n', 'text/plain')).toThrow(/multipart/);
  });
});
