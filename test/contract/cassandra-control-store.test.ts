import { errors } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type CassandraClient, createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { createCassandraControlStore } from '../../src/stores/cassandra/control-store.ts';
import { setUpKeyspace } from '../../src/stores/cassandra/schema-setup.ts';
import type { ControlRecord, ControlStore } from '../../src/stores/control-store.ts';
import { testCall } from '../support/calls.ts';
import { createTestKeyspace, type TestKeyspace } from '../support/databases.ts';
import { describeControlStore } from './control-store-contract.ts';

const REPLICATION = { class: 'SimpleStrategy', replication_factor: 1 };
const UNKNOWN = { kind: 'unknown', reason: 'OUTCOME_UNKNOWN' };

describeControlStore('the control store on Cassandra', async () => {
  const keyspace = await createTestKeyspace();
  const clients = [1, 2].map(() => createCassandraClient(inject('cassandra')));
  const [client, otherClient] = clients as [CassandraClient, CassandraClient];
  await setUpKeyspace(client, { keyspace: keyspace.name, replication: REPLICATION }, testCall());
  return {
    control: createCassandraControlStore({ client, keyspace: keyspace.name }),
    other: createCassandraControlStore({ client: otherClient, keyspace: keyspace.name }),
    close: async () => {
      await Promise.all(clients.map((one) => one.close()));
      await keyspace.drop();
    },
  };
});

describe('in Cassandra', () => {
  let keyspace: TestKeyspace;
  let client: CassandraClient;
  let control: ControlStore;

  beforeAll(async () => {
    keyspace = await createTestKeyspace();
    // This one is made by the set-up.
    await keyspace.run(`DROP KEYSPACE ${keyspace.name}`);
    client = createCassandraClient(inject('cassandra'));
    for (let time = 0; time < 2; time++) {
      await setUpKeyspace(client, { keyspace: keyspace.name, replication: REPLICATION }, testCall());
    }
    control = createCassandraControlStore({ client, keyspace: keyspace.name });
  });
  afterAll(async () => {
    await client?.close();
    await keyspace?.drop();
  });

  const timeout = (): Error => new errors.OperationTimedOutError('no answer');
  type Fault = (send: () => Promise<boolean>) => Promise<boolean>;
  const applied: Fault = async (send) => {
    await send();
    throw timeout();
  };
  const neverSent: Fault = async () => {
    throw timeout();
  };

  /** A control store whose next change goes as told. */
  function faulty(fault: Fault): ControlStore {
    let used = false;
    const link: CassandraClient = {
      ...client,
      compareAndSet: (statements, deadlineMs) => {
        const send = (): Promise<boolean> => client.compareAndSet(statements, deadlineMs);
        if (used) return send();
        used = true;
        return fault(send);
      },
    };
    return createCassandraControlStore({ client: link, keyspace: keyspace.name });
  }

  async function first(resource: string): Promise<ControlRecord> {
    await control.ensure([resource], testCall());
    return (await control.poll(testCall())).find((record) => record.resource === resource) as ControlRecord;
  }

  describe('a change of a control record whose answer is lost', () => {
    const change = (from: ControlRecord): ControlRecord => ({ ...from, generation: 2, state: 'syncing' });

    it('is found by its id, also when another one has followed', async () => {
      const why = { instance: 'one', reason: 'a test' };
      const one = await first('found');
      expect(await faulty(applied).compareAndSet(change(one), why, testCall())).toBe(true);
      const two = await first('followed');
      const late = faulty(async (send) => {
        await send();
        await control.compareAndSet({ ...two, generation: 3, state: 'joining' }, why, testCall());
        throw timeout();
      });
      expect(await late.compareAndSet(change(two), why, testCall())).toBe(true);
    });

    it('was not made if another one came instead, at whatever generation', async () => {
      const why = { instance: 'one', reason: 'a test' };
      for (const [resource, generation] of [
        ['instead', 2],
        ['jumped', 9],
      ] as const) {
        const one = await first(resource);
        const late = faulty(async () => {
          await control.compareAndSet({ ...one, generation, state: 'leaving' }, { ...why, replaces: 1 }, testCall());
          throw timeout();
        });
        expect(await late.compareAndSet(change(one), why, testCall())).toBe(false);
      }
    });

    it('is unknown while the record is as it was, or can not be read', async () => {
      const why = { instance: 'one', reason: 'a test' };
      const one = await first('unknown');
      await expect(faulty(neverSent).compareAndSet(change(one), why, testCall())).rejects.toMatchObject(UNKNOWN);
      const hasty = testCall({ deadlineMs: performance.now() + 400 });
      const never = faulty(() => new Promise(() => {}));
      await expect(never.compareAndSet(change(one), why, hasty)).rejects.toMatchObject(UNKNOWN);
    });

    it('makes a control record once, if it was its first', async () => {
      await faulty(applied).ensure(['ensured'], testCall());
      expect(await first('ensured')).toMatchObject({ generation: 1, state: 'detached' });
    });
  });

  describe('a heartbeat', () => {
    const heartbeat = (incarnation: string, beat: bigint) => ({ incarnation, instance: 'one', beat, seen: {} });

    it('whose answer is lost is read back', async () => {
      expect(await faulty(applied).beat(heartbeat('a', 1n), testCall())).toBe(true);
      await expect(faulty(neverSent).beat(heartbeat('b', 1n), testCall())).rejects.toMatchObject(UNKNOWN);
      expect(await faulty(applied).declareDead('a', 1n, testCall())).toBe(true);
      expect(await faulty(neverSent).beat(heartbeat('a', 2n), testCall())).toBe(false);
      await control.beat(heartbeat('c', 1n), testCall());
      await expect(faulty(neverSent).declareDead('c', 1n, testCall())).rejects.toMatchObject(UNKNOWN);
      await faulty(applied).removeHeartbeat('c', testCall());
    });

    it('does not come back when it was declared dead and removed', async () => {
      expect(await control.beat(heartbeat('zombie', 1n), testCall())).toBe(true);
      await control.declareDead('zombie', 1n, testCall());
      await control.removeHeartbeat('zombie', testCall());
      expect(await control.beat(heartbeat('zombie', 2n), testCall())).toBe(false);
      expect((await control.heartbeats(testCall())).map((row) => row.incarnation)).not.toContain('zombie');
    });

    it('stays as long as the config says after its last beat, and expires as a whole', async () => {
      const short = createCassandraControlStore({ client, keyspace: keyspace.name, logTtlSeconds: 1 });
      await short.beat(heartbeat('short', 1n), testCall());
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await short.declareDead('short', 1n, testCall())).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      expect((await short.heartbeats(testCall())).map((row) => row.incarnation)).not.toContain('short');
      expect(await short.beat(heartbeat('short', 2n), testCall())).toBe(false);
    });
  });
});
