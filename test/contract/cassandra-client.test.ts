import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import { type CassandraClient, createCassandraClient } from '../../src/stores/cassandra/client.ts';
import { createCassandraRecordStore } from '../../src/stores/cassandra/record-store.ts';
import type { Copy, FollowerStore } from '../../src/stores/record-store.ts';
import { type BreakableLink, openLink } from '../support/broken-link.ts';
import { testCall } from '../support/calls.ts';
import { createTestKeyspace, type TestKeyspace } from '../support/databases.ts';
import { cassandraTable, notesResource, placeResource } from '../support/resources.ts';

const codec = createKeyCodec(notesResource);
const key = codec.fromValues(['ann', 'a']);
const copy: Copy = { key, row: ['ann', 'a', 'title', null, null], version: 1_700_000_000_000_000n };
/** How much later than its deadline a call may end on a loaded machine. */
const SLACK_MS = 250;

describe('a client of Cassandra', () => {
  let keyspace: TestKeyspace;
  let link: BreakableLink;
  let client: CassandraClient;
  let store: FollowerStore;

  beforeAll(async () => {
    keyspace = await createTestKeyspace();
    await keyspace.run(cassandraTable(placeResource(notesResource, keyspace.name)));
  });
  afterAll(() => keyspace.drop());
  beforeEach(async () => {
    const { contactPoints, port } = inject('cassandra');
    link = await openLink({ host: contactPoints[0] ?? '127.0.0.1', port });
    open();
  });
  afterEach(async () => {
    await client.close();
    await link.close();
  });

  function open(): void {
    client = createCassandraClient({ ...inject('cassandra'), contactPoints: ['127.0.0.1'], port: link.port });
    const resource = placeResource(notesResource, keyspace.name);
    store = createCassandraRecordStore({ client, resource, role: 'follower' });
  }

  /** The error of a call that has 200 ms to go, and how long it took. */
  async function failure(run: (call: ReturnType<typeof testCall>) => Promise<unknown>): Promise<unknown> {
    const start = performance.now();
    const error = await run(testCall({ deadlineMs: start + 200 })).then(
      () => 'no failure',
      (reason: unknown) => reason,
    );
    expect(performance.now() - start).toBeLessThan(200 + SLACK_MS);
    return error;
  }

  async function backAfterMs(): Promise<number> {
    const start = performance.now();
    while (performance.now() - start < 10_000) {
      try {
        await store.apply([copy], testCall({ deadlineMs: performance.now() + 500 }));
        return performance.now() - start;
      } catch {
        await sleep(20);
      }
    }
    return Number.POSITIVE_INFINITY;
  }

  it('ends a call at its deadline when the server hangs, and at once when the caller goes', async () => {
    await store.apply([copy], testCall());
    link.hang();
    const late = { kind: 'deadline_exceeded', reason: 'DEADLINE_EXCEEDED' };
    expect(await failure((call) => store.apply([copy], call))).toMatchObject(late);
    expect(await failure((call) => store.apply([copy, { ...copy, version: 2n }], call))).toMatchObject(late);
    expect(await failure((call) => store.getMany([key], call))).toMatchObject(late);
    // This one has yet to be prepared, which has time-outs of the driver's own.
    expect(await failure((call) => store.list({ parent: ['ann'], after: null, limit: 1 }, call))).toMatchObject(late);
    const caller = new AbortController();
    setTimeout(() => caller.abort(), 20);
    const start = performance.now();
    await expect(store.getMany([key], testCall({ signal: caller.signal }))).rejects.toMatchObject({
      kind: 'cancelled',
    });
    expect(performance.now() - start).toBeLessThan(SLACK_MS);
  });

  it('fails at once, as the follower, when the server is gone, and is back within a second of it', async () => {
    await store.apply([copy], testCall());
    await link.cut();
    await sleep(50);
    const start = performance.now();
    const absent = { kind: 'unavailable', reason: 'FOLLOWER_UNAVAILABLE' };
    await expect(store.apply([copy], testCall())).rejects.toMatchObject(absent);
    await expect(store.getMany([key], testCall())).rejects.toMatchObject(absent);
    expect(performance.now() - start).toBeLessThan(SLACK_MS);
    await sleep(1_500);
    await link.mend();
    expect(await backAfterMs()).toBeLessThan(1_000 + SLACK_MS);
  });

  it('is back soon after a server that hung', async () => {
    await store.apply([copy], testCall());
    link.hang();
    await failure((call) => store.apply([copy], call));
    await link.mend();
    expect(await backAfterMs()).toBeLessThan(1_000 + SLACK_MS);
  });

  it('may be created while the server is gone, and works when it is there', async () => {
    await client.close();
    await link.cut();
    open();
    await expect(store.apply([copy], testCall())).rejects.toMatchObject({ reason: 'FOLLOWER_UNAVAILABLE' });
    await expect(client.connect('authority', testCall())).rejects.toMatchObject({ reason: 'AUTHORITY_UNAVAILABLE' });
    await link.mend();
    expect(await backAfterMs()).toBeLessThan(2_000 + SLACK_MS);
    expect(await store.getMany([key], testCall())).toMatchObject([{ row: copy.row }]);
  });

  it('calls what Cassandra will never take refused for ever', async () => {
    const endless = codec.fromValues(['ann', 'x'.repeat(70_000)]);
    const refused = store.apply(
      [{ key: endless, row: [...endless.values, null, null, null], version: 1n }],
      testCall(),
    );
    await expect(refused).rejects.toMatchObject({ kind: 'failed_precondition', reason: 'CONSTRAINT_VIOLATED' });
  });
});
