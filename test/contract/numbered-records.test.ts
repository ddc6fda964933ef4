/** Records that the service numbers: creates without ids in two instances, while authority goes to Cassandra and back. */
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createApiClients } from '../../src/app/cli/api.ts';
import { runJob } from '../../src/app/cli/migration-commands.ts';
import type { Service } from '../../src/app/service.ts';
import { FollowerState, JobKind, Store } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { BLOCK_IDS } from '../../src/records/assigned-ids.ts';
import { createTestDatabase, createTestKeyspace } from '../support/databases.ts';
import {
  call,
  closeInit,
  configIn,
  createFolder,
  createSchema,
  init,
  serve,
  serveSample,
} from '../support/init-service.ts';
import { createSetFlags } from '../support/memory-instances.ts';

const LONG_MS = 180_000;
const MOVE_TIMEOUT_MS = 60_000;
const LOOK_MS = 100;
const CREATORS = 4;
/** What is done under each authority, so that blocks are used up and taken anew. */
const CREATES_OF_A_REIGN = 120;
const BATCH = 7;

const ORDERS_SQL = `
  CREATE TABLE orders (order_no INT NOT NULL AUTO_INCREMENT, title VARCHAR(40) NOT NULL, PRIMARY KEY (order_no));
  CREATE TABLE items (shop INT NOT NULL, item_no BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, title VARCHAR(40) NOT NULL,
    PRIMARY KEY (shop, item_no), KEY (item_no));
  INSERT INTO orders VALUES (17, 'from before'), (900, 'gone');
  DELETE FROM orders WHERE order_no = 900`;

afterAll(closeInit);

/** Two instances of a service that was written by init, over the tables of {@link ORDERS_SQL}. */
async function serveTwo() {
  const database = await createSchema(ORDERS_SQL);
  const [control, keyspace, folder] = await Promise.all([createTestDatabase(), createTestKeyspace(), createFolder()]);
  const { complete, report } = await init(database.name, 'orders,items', folder, { keyspace: keyspace.name });
  expect(complete, report).toBe(true);
  const config = await configIn(folder);
  const stop = new AbortController();
  const flags = createSetFlags();
  const own = { control: control.name, keyspace: keyspace.name, stop, flags };
  const services: Service[] = [];
  for (const instance of ['one', 'two']) services.push(await serve({ ...config, instance }, own));
  onTestFinished(async () => {
    stop.abort();
    await Promise.all(services.map(({ ended }) => ended));
    await Promise.all([control.drop(), keyspace.drop()]);
  });
  const [first] = services as [Service, Service];
  const clients = createApiClients({ server: first.addresses.http });
  const { client } = clients;
  const output = { line: () => {}, terminal: false, json: false };
  const verify = async (): Promise<void> => {
    for (const id of ['orders', 'items']) {
      expect(await runJob({ ...clients, output, signal: stop.signal }, JobKind.VERIFICATION, id, {})).toBe(0);
    }
  };
  const inSync = async (authority: Store): Promise<void> => {
    for (const id of ['orders', 'items']) {
      const isThere = async () => {
        const found = await client.getMigration({ name: `migrations/${id}` });
        return found.followerState === FollowerState.IN_SYNC && found.authority === authority;
      };
      await vi.waitUntil(isThere, { timeout: MOVE_TIMEOUT_MS, interval: LOOK_MS });
    }
  };
  return { database, services, flags, inSync, verify };
}

/** All records of a listing. */
async function listAll(service: Service, method: string, field: string, parent?: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  let pageToken: unknown = '';
  do {
    const page = await call(service, method, { pageSize: 500, pageToken, ...(parent && { parent }) });
    for (const { name, title } of (page[field] ?? []) as { name: string; title: string }[]) found.set(name, title);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && pageToken !== '');
  return found;
}

const numberOf = (name: string): number => Number(name.split('/').at(-1));

describe('records that the service numbers', { timeout: LONG_MS }, () => {
  it('get ids of their own in either instance, under either authority, beside outside INSERTs and ids that callers name', async () => {
    const { database, services, flags, inSync, verify } = await serveTwo();
    const made = new Map<string, string>();
    const keep = (created: Record<string, unknown>, title: string): void => {
      expect(created).toMatchObject({ name: expect.any(String), title });
      expect(made.get(created.name as string), `${created.name} was given twice`).toBeUndefined();
      made.set(created.name as string, title);
    };
    const createOrder = async (service: Service, title: string): Promise<void> =>
      keep(await call(service, 'Orders/CreateOrder', { order: { title } }), title);
    const createItems = async (service: Service, title: string): Promise<void> => {
      const requests = Array.from({ length: BATCH }, () => ({ item: { title } }));
      const answer = await call(service, 'Items/BatchCreateItems', { parent: 'shops/3', requests });
      expect(answer.items, JSON.stringify(answer)).toHaveLength(BATCH);
      for (const item of answer.items as Record<string, unknown>[]) keep(item, title);
    };
    /** As many creators at once as there are, half of them in each instance. */
    const reign = async (title: string): Promise<void> => {
      const creators = Array.from({ length: CREATORS }, async (_, creator) => {
        const service = services[creator % 2] as Service;
        for (let i = 0; i < CREATES_OF_A_REIGN / CREATORS; i++) {
          await createOrder(service, `${title}-${creator}-${i}`);
          if (i % 10 === 0) await createItems(service, `${title}-${creator}-${i}`);
        }
      });
      await Promise.all(creators);
    };
    const insertOutside = async (title: string): Promise<void> => {
      for (let i = 0; i < 15; i++) {
        await database.run(
          `INSERT INTO orders (title) VALUES ('${title} ${i}'); INSERT INTO items (shop, title) VALUES (3, '${title} ${i}')`,
        );
      }
    };

    await inSync(Store.SOURCE);
    await createOrder(services[0] as Service, 'the first');
    // 900 is gone, but MySQL's counter has given it; a block's greatest id comes first.
    expect(numberOf([...made.keys()][0] ?? '')).toBe(900 + BLOCK_IDS);
    await Promise.all([reign('mysql'), insertOutside('outside')]);

    // Outside writers hold the handover until a verification is newer than the last of them was met: the first one's barriers
    // make sure that all were, the second one is newer.
    await verify();
    await verify();
    flags.phase = 'target-authority';
    await Promise.all([inSync(Store.TARGET), reign('moving')]);
    const highest = Math.max(...[...made.keys()].map(numberOf));
    for (let id = highest + 40; id < highest + 90; id++) {
      const title = `named ${id}`;
      keep(await call(services[1] as Service, 'Orders/CreateOrder', { orderId: String(id), order: { title } }), title);
    }
    await reign('cassandra');

    flags.phase = 'synchronize';
    await Promise.all([inSync(Store.SOURCE), reign('back')]);
    await Promise.all([reign('mysql again'), insertOutside('outside again')]);

    await verify();
    const [one] = services as [Service, Service];
    const orders = await listAll(one, 'Orders/ListOrders', 'orders');
    const items = await listAll(one, 'Items/ListItems', 'items', 'shops/3');
    const found = new Map([...orders, ...items]);
    expect(new Map([...found].filter(([name]) => made.has(name)))).toEqual(made);
    const outside = [...found].filter(([name]) => !made.has(name)).map(([, title]) => title);
    expect(outside.filter((title) => title.startsWith('outside'))).toHaveLength(60);
    expect(outside.filter((title) => !title.startsWith('outside'))).toEqual(['from before']);
  });

  it('are refused what needs an id, and end where the column ends', async () => {
    const sample = await serveSample(
      `CREATE TABLE tickets (ticket_no TINYINT NOT NULL AUTO_INCREMENT, title VARCHAR(40) NOT NULL, PRIMARY KEY (ticket_no));
       CREATE TABLE notes (note_no INT NOT NULL, title VARCHAR(40) NOT NULL, PRIMARY KEY (note_no));
       INSERT INTO tickets VALUES (125, 'nearly the last')`,
      'tickets,notes',
    );
    expect(sample.report).toContain('the service numbers a record whose creator leaves the id out');
    expect(sample.report).not.toContain('this version knows none');
    const create = (more: object) => sample.call('Tickets/CreateTicket', { ticket: { title: 'new' }, ...more });
    const requestId = '5b5f0f4c-0b7a-4c0e-9f0e-0e2f7c1f9a11';
    expect(await create({ requestId })).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/^request_id: needs ticket_id/),
    });
    expect(await create({ validateOnly: true })).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/^validate_only: needs ticket_id/),
    });
    expect(await sample.call('Notes/CreateNote', { note: { title: 'new' } })).toMatchObject({
      code: 'invalid_argument',
    });
    expect(await create({})).toMatchObject({ name: 'tickets/126' });
    expect(await create({ ticketId: '127', requestId })).toMatchObject({ name: 'tickets/127' });
    expect(await create({})).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('ticket_no'),
    });
    expect(await create({ ticketId: '5' })).toMatchObject({ name: 'tickets/5' });
  });
});
