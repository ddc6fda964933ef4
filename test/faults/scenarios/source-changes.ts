/** What happens to a database server in its life, and to a table that is being moved: none of it is told to the service. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mysql from 'mysql2/promise';
import { FollowerState, type Migration } from '../../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { bar } from '../../../examples/hospital/demo/report.ts';
import { type Bed, RECONNECTED_MS } from '../bed.ts';
import { epochs, moveAuthority, partsOf, titleOf, until, untilHealed } from '../moves.ts';
import type { Scenario } from '../scenario.ts';

/** Longer than a call's own deadline: what began while the server was away has ended. */
const SETTLED_MS = 6_000;
/** Traffic that a restored backup lacks. */
const BEHIND_MS = 3_000;
const NOTICED_WITHIN_MS = 60_000;

/** What the authority's absence makes of requests. */
const AWAY = { writes: ['Unavailable', 'Unknown', 'DeadlineExceeded'], reads: ['Unavailable', 'DeadlineExceeded'] };

/** The same data, another server's UUID: transactions get other identifiers from now on. */
export const sourceFailover: Scenario = {
  name: 'source-failover',
  title: 'MySQL fails over to a server with another UUID in each epoch: capture goes on, nothing is copied anew',
  nodes: 1,
  run: async ({ bed, traffic }) => {
    const attaches: Record<string, number> = {};
    for (const epoch of epochs) {
      await traffic.beginStage(`${epoch}: moving`);
      const before = await moveAuthority(bed, epoch);
      await traffic.beginStage(`${epoch}: failover`);
      await partsOf(bed, 'source').authority.kill();
      await becomeAnotherServer(bed);
      await partsOf(bed, 'source').authority.restart(bed.signal);
      if (epoch === 'target') await untilAttached(bed, before);
      const after = await untilHealed(bed);
      attaches[epoch] = Number(after.attachNumber - before.attachNumber);
      await sleep(SETTLED_MS, undefined, { signal: bed.signal });
    }
    return {
      allowances: [{ stages: ['source: failover'], ...AWAY }],
      judge: () => ({
        figures: { attaches },
        bars: epochs.map((epoch) => {
          // What a follower acknowledged last may not have reached its replica.
          const wanted = epoch === 'source' ? 0 : 1;
          const found = attaches[epoch];
          return bar(
            `authority ${titleOf(epoch)}: attached anew`,
            found === wanted,
            `${found} times, ${wanted} wanted`,
          );
        }),
      }),
    };
  },
};

/** While Cassandra is the authority: what MySQL lacks must be found, and copied. */
export const sourceRestored: Scenario = {
  name: 'source-restored',
  title: 'MySQL, as the follower, is restored from a backup that lacks the last seconds: it is attached anew by itself',
  nodes: 1,
  run: async ({ bed, traffic }) => {
    const { stack, signal, terminal } = bed;
    const { follower } = partsOf(bed, 'target');
    const data = join(stack.root, 'mysql');
    const backup = join(stack.root, 'mysql-backup');
    await traffic.beginStage('moving');
    await moveAuthority(bed, 'target');
    await traffic.beginStage('backup');
    await follower.servers[0]?.stop();
    await cp(data, backup, { recursive: true });
    await follower.restart(signal);
    const before = await untilHealed(bed);
    await sleep(BEHIND_MS, undefined, { signal });
    await traffic.beginStage('restored');
    await follower.kill();
    await rm(data, { recursive: true });
    await cp(backup, data, { recursive: true });
    await becomeAnotherServer(bed);
    terminal.say('    MySQL starts with the data of the backup');
    await follower.restart(signal);
    const after = await untilAttached(bed, before);
    await untilHealed(bed);
    await rm(backup, { recursive: true });
    return { allowances: [], judge: () => attachedAnew(before, after) };
  },
};

/** The log that capture stands in is gone, and with it what an outside program has done meanwhile. */
export const logPurged: Scenario = {
  name: 'log-purged',
  title: 'binary logs are purged while no instance runs, an outside write among them: the target is attached anew',
  nodes: 1,
  run: async ({ bed, traffic }) => {
    const { instances, signal } = bed;
    await traffic.beginStage('moving');
    const before = await moveAuthority(bed, 'source');
    await traffic.beginStage('away');
    await Promise.all(instances.map((instance) => instance.kill()));
    await withMysql(bed, async (connection) => {
      await connection.query('UPDATE hospital.medications SET dispenses = dispenses + 1 LIMIT 10');
      await connection.query('FLUSH BINARY LOGS');
      const [logs] = await connection.query<mysql.RowDataPacket[]>('SHOW BINARY LOGS');
      await connection.query('PURGE BINARY LOGS TO ?', [logs.at(-1)?.Log_name]);
    });
    await Promise.all(instances.map((instance) => instance.start(signal)));
    const after = await untilAttached(bed, before);
    await untilHealed(bed);
    await sleep(RECONNECTED_MS, undefined, { signal });
    return { allowances: [{ stages: ['away'], ...AWAY }], judge: () => attachedAnew(before, after) };
  },
};

/** A change that capture can't know how to read: it stops, says why, and names the cure, which is then followed. */
export const tableAltered: Scenario = {
  name: 'table-altered',
  title: 'ALTER TABLE widens a column while the target follows: capture stops and names the cure, which works',
  nodes: 1,
  run: async ({ bed, traffic }) => {
    const { instances, flags, signal, terminal } = bed;
    await traffic.beginStage('moving');
    await moveAuthority(bed, 'source');
    await traffic.beginStage('altered');
    await withMysql(bed, (connection) =>
      connection.query('ALTER TABLE hospital.medications MODIFY note MEDIUMTEXT NULL'),
    );
    const stopped = await until(bed, bed.watch, NOTICED_WITHIN_MS, ({ capture }) => capture?.stoppedReason !== '');
    const reason = stopped.capture?.stoppedReason ?? '';
    terminal.say(`    ${reason}`);
    await sleep(SETTLED_MS, undefined, { signal });
    await traffic.beginStage('cure');
    for (const instance of instances) {
      await instance.stop();
      await instance.start(signal);
    }
    await flags.setPhase('synchronize', false);
    await until(bed, bed.watch, NOTICED_WITHIN_MS, isDetached);
    await flags.setPhase('synchronize', true);
    await untilHealed(bed);
    await sleep(RECONNECTED_MS, undefined, { signal });
    return {
      allowances: [{ stages: ['cure'], ...AWAY }],
      judge: () => ({
        figures: { reason },
        bars: [bar('names the cure', reason.includes('source-only'), reason)],
      }),
    };
  },
};

function untilAttached(bed: Bed, before: Migration): Promise<Migration> {
  return until(bed, bed.watch, NOTICED_WITHIN_MS, (now) => now.attachNumber > before.attachNumber);
}

function attachedAnew(before: Migration, after: Migration) {
  const attaches = Number(after.attachNumber - before.attachNumber);
  return { figures: { attaches }, bars: [bar('attached anew', attaches > 0, `${attaches} times`)] };
}

function isDetached({ followerState }: Migration): boolean {
  return followerState === FollowerState.DETACHED;
}

/** A server without this file gives itself another UUID. */
async function becomeAnotherServer({ stack }: Bed): Promise<void> {
  await rm(join(stack.root, 'mysql', 'auto.cnf'));
}

/** One connection that is no instance's. */
async function withMysql<Result>(
  { addresses }: Bed,
  work: (connection: mysql.Connection) => Promise<Result>,
): Promise<Result> {
  const connection = await mysql.createConnection({ ...addresses.mysql });
  try {
    return await work(connection);
  } finally {
    await connection.end();
  }
}
