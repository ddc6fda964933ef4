import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyCodec } from '../../src/domain/key.ts';
import type { Index, Row, Value } from '../../src/domain/resource.ts';
import { repair } from '../../src/migration/repair.ts';
import type { FollowerStore } from '../../src/stores/record-store.ts';
import { createJob, createRealWorld, finished, type RealWorld, startInstance } from '../support/real-migration.ts';
import { peopleResource } from '../support/resources.ts';

const keys = createKeyCodec(peopleResource);
const PEOPLE = 300;

let world: RealWorld;
let instance: ReturnType<typeof startInstance>;

beforeAll(async () => {
  world = await createRealWorld({ resource: peopleResource });
  const rows = Array.from({ length: PEOPLE }, (_, n) => values(n, `mail${n}@x`, `city ${n % 7}`));
  await world.database.run(`INSERT INTO people VALUES ${rows.join(', ')}`);
  await world.attach();
  instance = startInstance(world, 'one');
}, 60_000);

afterAll(async () => {
  await instance?.stop();
  await world?.drop();
});

function values(n: number, email: string, city: string): string {
  return `(${n % 5}, 'p${n}', '${email}', '${city}', '1990-01-01', ${n}, 1.00, '2020-01-01 00:00:00')`;
}

async function found(store: FollowerStore, name: string, of: readonly Value[]): Promise<readonly string[]> {
  const index = peopleResource.indexes?.find((one) => one.name === name) as Index;
  const records = await store.lookup({ index, values: of, after: null, limit: 1000 }, world.call());
  return records.map(({ key }) => String(key.values[1]));
}

/** What both stores answer; they must agree. */
async function both(name: string, of: readonly Value[]): Promise<readonly string[]> {
  const [source, target] = [await found(world.authority, name, of), await found(world.follower, name, of)];
  expect(target).toEqual(source);
  return target;
}

const openMismatches = () =>
  world.jobs.listMismatches(world.resource.id, { after: 0, limit: 100, openOnly: true }, world.call());

describe('indexes of a record that moves from MySQL into Cassandra', () => {
  it('are made by the bulk copy', async () => {
    const job = await finished(world, (await createJob(world, 'backfill')).id);
    expect(job).toMatchObject({ state: 'succeeded', error: '' });
    expect(await both('email', ['mail17@x'])).toEqual(['p17']);
    expect(await both('city', ['city 3', '1990-01-01'])).toHaveLength(43);
    expect(await both('badge', [2, 12n])).toEqual(['p12']);
  });

  it('follow writes through the service and past it', async () => {
    await world.toState('in_sync');
    const key = keys.fromValues([1, 'p1']);
    const row: Row = [...key.values, 'moved@x', null, null, null, null, null];
    await world.authority.write({ key, kind: 'update', row, columns: [2] }, world.record(), world.call());
    await world.database.run(`UPDATE people SET city = 'Elsewhere' WHERE person IN ('p2', 'p9')`);
    await world.database.run(`DELETE FROM people WHERE person = 'p3'`);
    await world.database.run(`INSERT INTO people VALUES ${values(1000, 'mail3@x', 'Elsewhere')}`);
    await instance.barriers.pass(world.call());
    expect(await both('email', ['mail1@x'])).toEqual([]);
    expect(await both('email', ['moved@x'])).toEqual(['p1']);
    expect(await both('email', ['mail3@x'])).toEqual(['p1000']);
    expect(await both('city', ['Elsewhere', '1990-01-01'])).toEqual(['p1000', 'p2', 'p9']);
    expect(await both('city', ['city 2', '1990-01-01'])).toHaveLength(41);
  });

  it('are verified, and repaired where a hint is missing', async () => {
    const clean = await finished(world, (await createJob(world, 'verification')).id);
    expect(clean).toMatchObject({ state: 'succeeded', mismatches: 0 });
    await world.keyspace.run('TRUNCATE people_by_badge');
    const broken = await finished(world, (await createJob(world, 'verification')).id);
    expect(broken).toMatchObject({ state: 'succeeded', mismatches: PEOPLE });
    const mismatches = await world.jobs.listMismatches(
      world.resource.id,
      { after: 0, limit: 1000, openOnly: true },
      world.call(),
    );
    expect(new Set(mismatches.map(({ kind, fieldPaths }) => [kind, ...fieldPaths].join(' ')))).toEqual(
      new Set(['missing_in_index tenant badge']),
    );
    const options = { ...instance.compared, control: world.record };
    expect(await repair(options, null, world.call())).toEqual({ repaired: PEOPLE, open: 0 });
    expect(await both('badge', [2, 12n])).toEqual(['p12']);
    expect(await openMismatches()).toEqual([]);
  }, 60_000);
});
