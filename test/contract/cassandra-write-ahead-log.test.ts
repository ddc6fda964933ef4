import { setTimeout as sleep } from 'node:timers/promises';
import { errors } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import { type CassandraClient, createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { setUpKeyspace } from '../../src/stores/cassandra/schema-setup.ts';
import { createCassandraWriteAheadLog } from '../../src/stores/cassandra/write-ahead-log.ts';
import { testCall } from '../support/calls.ts';
import { createTestKeyspace, type TestKeyspace } from '../support/databases.ts';
import { notesResource } from '../support/resources.ts';
import { describeWriteAheadLog } from './write-ahead-log-contract.ts';

const REPLICATION = { class: 'SimpleStrategy', replication_factor: 1 };
const key = createKeyCodec(notesResource).fromValues(['ann', 'a']);
const request = (incarnation: string) => ({ incarnation, resource: 'notes', keys: [key] });

async function openKeyspace(): Promise<{ keyspace: TestKeyspace; client: CassandraClient }> {
  const keyspace = await createTestKeyspace();
  const client = createCassandraClient(inject('cassandra'));
  await setUpKeyspace(client, { keyspace: keyspace.name, replication: REPLICATION }, testCall());
  return { keyspace, client };
}

describeWriteAheadLog('the write-ahead log on Cassandra', async () => {
  const { keyspace, client } = await openKeyspace();
  const open = (clock: Parameters<typeof createCassandraWriteAheadLog>[0]['clock']) =>
    createCassandraWriteAheadLog({ client, keyspace: keyspace.name, ...(clock && { clock }) });
  return {
    open,
    openOther: open,
    close: async () => {
      await client.close();
      await keyspace.drop();
    },
  };
});

describe('in Cassandra', () => {
  let keyspace: TestKeyspace;
  let client: CassandraClient;

  beforeAll(async () => {
    ({ keyspace, client } = await openKeyspace());
  });
  afterAll(async () => {
    await client?.close();
    await keyspace?.drop();
  });

  /** A log whose statements go as `send` says, and are counted. */
  function watched(send: (go: () => Promise<unknown>, query: string) => Promise<unknown>, ttlSeconds = 1_000) {
    const sent: number[] = [];
    const link: CassandraClient = {
      ...client,
      run: (statement, deadlineMs, options) => {
        sent.push(1);
        const go = () => client.run(statement, deadlineMs, options);
        return send(go, statement.query) as ReturnType<CassandraClient['run']>;
      },
      runBatch: (statements, deadlineMs) => {
        sent.push(statements.length);
        return send(() => client.runBatch(statements, deadlineMs), statements[0]?.query ?? '') as Promise<void>;
      },
    };
    const log = createCassandraWriteAheadLog({ client: link, keyspace: keyspace.name, ttlSeconds });
    const openOf = async (incarnation: string) => {
      const closedUpTo = Math.floor(Date.now() / 60_000) - 2;
      return (await log.openEntries({ incarnation, closedUpTo, after: null, limit: 100 }, testCall())).entries;
    };
    return { log, sent, openOf };
  }

  it('lets appends that come together share statements, and closes too', async () => {
    const { log, sent } = watched((go) => go());
    const entries = await Promise.all(Array.from({ length: 200 }, () => log.append(request('shared'), testCall())));
    expect(sent.reduce((sum, count) => sum + count)).toBe(200);
    expect(sent.length).toBeLessThanOrEqual(10);
    sent.length = 0;
    await Promise.all(entries.map((entry) => log.close(entry, testCall())));
    expect(sent.length).toBeLessThanOrEqual(10);
  });

  it('counts an append of unknown outcome as open, closes it by itself, and keeps it closed when it comes late', async () => {
    let late: (() => Promise<unknown>) | undefined;
    const { log, openOf } = watched(async (go, query) => {
      if (!query.startsWith('INSERT') || late !== undefined) return await go();
      late = go;
      throw new errors.OperationTimedOutError('no answer');
    });
    const before = log.closedUpTo('late');
    await expect(log.append(request('late'), testCall())).rejects.toMatchObject({ kind: 'unavailable' });
    expect(log.closedUpTo('late')).toBe(before);
    await sleep(500);
    await late?.();
    expect(await openOf('late')).toEqual([]);
    const kept = await log.append(request('late'), testCall());
    expect((await openOf('late')).map(({ id }) => id)).toEqual([kept.id]);
  });

  it('repeats a close that failed', async () => {
    let failures = 2;
    const { log, openOf } = watched(async (go, query) => {
      if (query.startsWith('UPDATE') && failures-- > 0) throw new errors.OperationTimedOutError('no answer');
      return await go();
    });
    const entry = await log.append(request('repeated'), testCall());
    await expect(log.close(entry, testCall())).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await openOf('repeated')).toHaveLength(1);
    for (let round = 0; round < 20 && (await openOf('repeated')).length > 0; round++) {
      log.closedUpTo('repeated');
      await sleep(100);
    }
    expect(await openOf('repeated')).toEqual([]);
  });

  it('forgets entries after their time, open ones too', async () => {
    const { log, openOf } = watched((go) => go(), 1);
    await log.append(request('short'), testCall());
    await sleep(2_200);
    expect(await openOf('short')).toEqual([]);
  });
});
