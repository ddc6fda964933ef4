import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCassandraIdSequence } from '../../src/stores/cassandra/id-sequence.ts';
import { setUpKeyspace } from '../../src/stores/cassandra/schema-setup.ts';
import { testCall } from '../support/calls.ts';
import { type CassandraHarness, createCassandraHarness } from '../support/cassandra-harness.ts';
import { describeIdSequence } from './id-sequence-contract.ts';

let harness: CassandraHarness;
beforeAll(async () => {
  harness = await createCassandraHarness([]);
  await setUpKeyspace(harness.client, { keyspace: harness.keyspace.name, replication: null }, testCall());
});
afterAll(() => harness?.close());

const open = (resource = randomBytes(4).toString('hex')) =>
  createCassandraIdSequence({ client: harness.client, keyspace: harness.keyspace.name, resource });

describeIdSequence('a sequence in Cassandra', async () => {
  const resource = randomBytes(4).toString('hex');
  const one = open(resource);
  await one.raiseTo(1n, testCall());
  return { one, other: open(resource) };
});

describe('a sequence in Cassandra', () => {
  it('gives nothing before it was raised for the first time', async () => {
    const sequence = open();
    expect(await sequence.take(1, testCall())).toBeNull();
    expect(await sequence.next(testCall())).toBeNull();
    await sequence.raiseTo(12n, testCall());
    expect(await sequence.take(3, testCall())).toBe(12n);
    expect(await sequence.next(testCall())).toBe(15n);
  });
});
