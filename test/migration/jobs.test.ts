import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { repair } from '../../src/migration/repair.ts';
import { createJob, createRealWorld, finished, type RealWorld, startInstance } from '../support/real-migration.ts';
import { seededRandom } from '../support/virtual-clock.ts';

const ROWS = 20_000;
const OWNERS = 400;

let world: RealWorld;
const instances: ReturnType<typeof startInstance>[] = [];

beforeAll(async () => {
  world = await createRealWorld();
  await world.fill(ROWS, OWNERS);
});

afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.stop()));
  await world.drop();
});

function start(owner: string, settings: Parameters<typeof startInstance>[2] = {}) {
  const instance = startInstance(world, owner, settings);
  instances.push(instance);
  return instance;
}

function keyOf(n: number) {
  return world.key(`owner ${String(n % OWNERS).padStart(6, '0')}`, `note ${n}`);
}

/** Writes through the service and past it until told to stop. */
function disturb(seed: number): { stop(): Promise<void> } {
  const random = seededRandom(seed);
  let live = true;
  const traffic = (async () => {
    for (let i = 0; live; i++) {
      const n = Math.floor(random.uniform() ** 2 * ROWS);
      const key = keyOf(n);
      const [owner, note] = key.values;
      const isDelete = random.uniform() < 0.2;
      if (random.uniform() < 0.5) {
        const stored = await world.write(key, isDelete ? null : `live ${i}`);
        await world.follower.apply([stored], world.call());
      } else if (isDelete) {
        await world.database.run(`DELETE FROM notes WHERE owner = '${owner}' AND note = '${note}'`);
      } else {
        await world.database.run(
          `INSERT INTO notes (owner, note, title) VALUES ('${owner}', '${note}', 'live ${i}') ON DUPLICATE KEY UPDATE title = VALUES(title)`,
        );
      }
      await systemClock.sleep(5);
    }
  })();
  return {
    async stop() {
      live = false;
      await traffic;
    },
  };
}

async function openMismatches() {
  return await world.jobs.listMismatches(world.resource.id, { after: 0, limit: 100, openOnly: true }, world.call());
}

describe('jobs from MySQL into Cassandra', () => {
  it('copies everything under live writes, though the first instance dies half way', async () => {
    const stale = { owner: 'owner 000001', note: 'from an earlier life' };
    await world.keyspace.run(
      `INSERT INTO notes (owner, note, title, crossfade_version) VALUES ('${stale.owner}', '${stale.note}', 'x', 5) USING TIMESTAMP 5`,
    );
    await world.attach();
    const dying = start('dying', { workers: 2, chunkLeaseMs: 3000 });
    const traffic = disturb(1);
    const { id } = await createJob(world, 'backfill');
    let half = await world.jobs.getJob(id, world.call());
    while ((half?.doneChunks ?? 0) < 2 && half?.state === 'running') {
      await systemClock.sleep(20);
      half = await world.jobs.getJob(id, world.call());
    }
    expect(half?.state).toBe('running');
    for (const faults of [dying.followerFaults, dying.authorityFaults]) {
      faults.add({ fail: 'hung', times: Number.POSITIVE_INFINITY });
    }
    const second = start('second', { chunkLeaseMs: 3000 });
    const job = await finished(world, id);
    await traffic.stop();
    expect(job).toMatchObject({ state: 'succeeded', stage: 'done', error: '' });
    expect(job.rows).toBeGreaterThanOrEqual(ROWS * 0.9);
    await second.barriers.pass(world.call());
    expect(await world.contents(world.follower)).toEqual(await world.contents(world.authority));
    const [marker] = await world.follower.getMany([world.key(stale.owner, stale.note)], world.call());
    expect(marker).toMatchObject({ row: null, version: world.record().floor });
  }, 120_000);

  it('verifies under live traffic without a false difference', async () => {
    await world.toState('in_sync');
    const traffic = disturb(2);
    const job = await finished(world, (await createJob(world, 'verification')).id);
    await traffic.stop();
    expect(job).toMatchObject({ state: 'succeeded', mismatches: 0 });
    expect(await openMismatches()).toEqual([]);
  }, 120_000);

  it('finds planted differences of each kind, and repairs them', async () => {
    const [different, missing] = await existing(2);
    await world.keyspace.run(`UPDATE notes SET title = 'planted' WHERE ${where(different)}`);
    await world.keyspace.run(`DELETE FROM notes WHERE ${where(missing)}`);
    await world.keyspace.run(
      `INSERT INTO notes (owner, note, title, crossfade_version) VALUES ('owner 000001', 'extra', 'x', 5)`,
    );
    const job = await finished(world, (await createJob(world, 'verification')).id);
    expect(job).toMatchObject({ state: 'succeeded', mismatches: 3 });
    const kinds = (await openMismatches()).map(({ kind, fieldPaths }) => [kind, ...fieldPaths].join(' '));
    expect(kinds.sort()).toEqual(['different title', 'extra_in_follower', 'missing_in_follower']);
    const { compared } = start('repairer');
    const rolesOf = () => ({ ...compared.rolesOf(), authority: world.authority });
    const repaired = await repair({ ...compared, rolesOf, control: world.record }, null, world.call());
    expect(repaired).toEqual({ repaired: 3, open: 0 });
    expect(await world.contents(world.follower)).toEqual(await world.contents(world.authority));
  }, 120_000);
});

type Row = readonly [owner: string, note: string];

async function existing(count: number): Promise<readonly [Row, Row]> {
  const keys = Array.from({ length: 50 }, (_, n) => keyOf(ROWS - 1 - n));
  const found = (await world.authority.getMany(keys, world.call())).filter((stored) => stored.row !== null);
  const rows = found.slice(0, count).map((stored) => stored.key.values as unknown as Row);
  return rows as unknown as readonly [Row, Row];
}

function where([owner, note]: Row): string {
  return `owner = '${owner}' AND note = '${note}'`;
}
