import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { recall } from '../../src/stores/remembered-requests.ts';
import { createRealWorld, type RealWorld, startInstance } from '../support/real-migration.ts';
import { seededRandom } from '../support/virtual-clock.ts';

let world: RealWorld;
let instances: ReturnType<typeof startInstance>[];

beforeEach(async () => {
  world = await createRealWorld();
  instances = [];
});

afterEach(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  await world.drop();
});

function start(owner: string) {
  const instance = startInstance(world, owner);
  instances.push(instance);
  return instance;
}

async function expectAlike(): Promise<void> {
  expect(await world.contents(world.follower)).toEqual(await world.contents(world.authority));
}

describe('capture from MySQL into Cassandra', () => {
  it('carries own writes and outside ones, an UPDATE of 100,000 rows in one transaction too', async () => {
    await world.fill(100_000);
    await world.attach();
    const one = start('one');
    await world.database.run(`UPDATE notes SET title = CONCAT('changed ', note), stars = NULL`);
    await Promise.all(Array.from({ length: 200 }, (_, i) => world.write(world.key('mine', String(i)), `own ${i}`)));
    await world.database.run(`DELETE FROM notes WHERE note LIKE '%7'`);
    await one.barriers.pass(world.call(180_000));
    expect(one.gaps).toEqual([]);
    expect(one.capture.status().touched).toBeGreaterThan(100_000);
    const { size } = await world.contents(world.follower);
    expect(size).toBeGreaterThan(80_000);
    await expectAlike();
  }, 240_000);

  it('carries what records remember of requests whose writer never reached the follower, also where nothing changed', async () => {
    await world.attach();
    const one = start('one');
    const request = (id: number) => ({ id: Buffer.alloc(16, id), hash: Buffer.alloc(8, id) });
    const key = world.key('owner', 'note');
    const row = [...(key.values as string[]), 'title', null, null];
    const write = (kind: 'create' | 'update', id?: number) =>
      world.authority.write(
        { key, kind, row, columns: [2], ...(id && { request: request(id) }) },
        world.record(),
        world.call(),
      );
    await write('create', 1);
    await write('update', 2);
    await write('update');
    // A marker takes the place of the whole row, and the log does not show what the record remembers.
    const { stored } = await world.authority.write(
      { key, kind: 'delete', row: null, columns: [] },
      world.record(),
      world.call(),
    );
    await one.barriers.pass(world.call());
    for await (const { range } of world.follower.split(100, world.call())) {
      const [found] = (await world.follower.walk(range, null, 10, world.call())).records;
      const known = [1, 2, 3].map((id) => recall(found?.requests, request(id), stored.version));
      expect(known).toEqual(['repeated', 'repeated', 'new']);
    }
    expect(one.capture.status().touched).toBe(0);
  });

  it('loses nothing when instances die at seeded moments and others take over', async () => {
    const random = seededRandom(20261122);
    await world.attach();
    let current = start('life 0');
    for (let life = 1; life <= 4; life++) {
      const writes: Promise<unknown>[] = [];
      for (let i = 0; i < 60; i++) {
        const key = world.key(`owner ${i % 7}`, String(Math.floor(random.uniform() * 50)));
        const [owner, note] = key.values;
        const title = random.uniform() < 0.2 ? null : `life ${life}, ${i}`;
        if (random.uniform() < 0.5) writes.push(world.write(key, title));
        else if (title === null) {
          writes.push(world.database.run(`DELETE FROM notes WHERE owner = '${owner}' AND note = '${note}'`));
        } else {
          writes.push(
            world.database.run(
              `INSERT INTO notes (owner, note, title) VALUES ('${owner}', '${note}', '${title}') ON DUPLICATE KEY UPDATE title = VALUES(title)`,
            ),
          );
        }
        if (i % 20 === 19) await systemClock.sleep(random.uniform() * 300);
      }
      current.followerFaults.add({ method: 'apply', fail: 'lost', times: 2 });
      await Promise.all(writes);
      // A dead instance answers nothing any more: neither its applies nor its checkpoints arrive, nor is its task given back.
      for (const faults of [current.followerFaults, current.authorityFaults]) {
        faults.add({ fail: 'hung', times: Number.POSITIVE_INFINITY });
      }
      current = start(`life ${life}`);
    }
    await current.barriers.pass(world.call());
    expect(instances.flatMap((instance) => instance.gaps)).toEqual([]);
    await expectAlike();
  }, 120_000);
});
