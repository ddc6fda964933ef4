import { randomBytes } from 'node:crypto';
import { type Random, systemRandom } from '../../domain/clock.ts';
import type { Resource } from '../../domain/resource.ts';
import type { ChangeLog, Checkpoint } from '../change-log.ts';
import { BARRIER_CLEANUP_MS, BARRIER_KEPT_SECONDS, MAX_BARRIERS, MAX_REMOVED_BARRIERS } from './binlog-limits.ts';
import { readBinlogState } from './binlog-state.ts';
import { streamBinlog } from './binlog-stream.ts';
import type { CascadeRule } from './cascade-rules.ts';
import { createFindCascaded } from './cascaded-records.ts';
import { hashDefinition } from './definition-hash.ts';
import type { MysqlAddress } from './link.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlClient, MysqlPool } from './pool.ts';

/** What the change log of one resource needs. */
export interface MysqlChangeLogOptions {
  /** For everything but the stream. */
  readonly pool: MysqlPool;
  /** The stream's own connections; the user needs REPLICATION SLAVE and REPLICATION CLIENT. */
  readonly connection: MysqlAddress;
  readonly resource: Resource;
  /** The schema of Crossfade's own tables. Default: the pool's. */
  readonly controlSchema?: string;
  /**
   * What each stream is called among the server's replicas: of two with one id the server ends the older. Default: another
   * one for each stream, random, from 2^31 on, where people seldom number theirs.
   */
  readonly serverId?: number;
  /** Which changes of other tables reach the resource's through foreign keys. Default: none do. */
  readonly cascades?: readonly CascadeRule[];
  /** For barriers' ids. */
  readonly random?: Random;
}

/** The change log of one resource in MySQL or MariaDB: the binary log, with checkpoints and barriers in tables beside it. */
export function createMysqlChangeLog(options: MysqlChangeLogOptions): ChangeLog {
  const { pool, connection, resource, cascades = [], random = systemRandom } = options;
  const controlSchema = options.controlSchema ?? pool.controlSchema;
  const client = pool.client('authority');
  return {
    position: async (call) => (await readBinlogState(client, call)).executed.toString(),
    definitionHash: (call) => hashDefinition(client, resource, call),
    stream: (position, signal) => {
      const serverId = options.serverId ?? randomServerId();
      return streamBinlog({ client, connection, resource, cascades, controlSchema, serverId }, position, signal);
    },
    ...(cascades.length > 0 && { findCascaded: createFindCascaded(client, resource) }),
    hidesRemovals: cascades.some(({ formerLength }) => formerLength > 0),
    ...createCheckpoints(client, controlSchema, resource.id),
    ...createBarriers(client, controlSchema, resource.id, random),
  };
}

function randomServerId(): number {
  return (randomBytes(4).readUInt32LE() | 0x8000_0000) >>> 0;
}

type Checkpoints = Pick<ChangeLog, 'readCheckpoint' | 'writeCheckpoint'>;

function createCheckpoints(client: MysqlClient, schema: string, resource: string): Checkpoints {
  const table = `${identifier(schema)}.crossfade_checkpoint`;
  const readSql = `SELECT epoch, attach, position, definition_hash, begun FROM ${table} WHERE resource = ?`;
  // Assignments see those before them: epoch and attach, which the condition looks at, come last, and each leaves it as it was.
  const isNotEarlier = 'VALUES(epoch) > epoch OR (VALUES(epoch) = epoch AND VALUES(attach) >= attach)';
  const set = (column: string): string => `${column} = IF(${isNotEarlier}, VALUES(${column}), ${column})`;
  const writeSql = `INSERT INTO ${table} (resource, epoch, attach, position, definition_hash, begun, written_at)
    VALUES (?, ?, ?, ?, ?, ?, NOW(6)) ON DUPLICATE KEY UPDATE ${['position', 'definition_hash', 'begun', 'written_at', 'attach', 'epoch'].map(set).join(', ')}`;
  return {
    readCheckpoint: async (call) => {
      const row = (await client.read(readSql, [resource], call)).rows[0];
      if (row === undefined) return null;
      const [epoch, attach, position, definitionHash, begun] = row;
      return {
        resource,
        epoch: Number(epoch),
        attach: Number(attach),
        position: String(position),
        definitionHash: String(definitionHash),
        begun: Number(begun) !== 0,
      };
    },
    writeCheckpoint: async ({ epoch, attach, position, definitionHash, begun }: Checkpoint, call) => {
      await client.write(writeSql, [resource, epoch, attach, position, definitionHash, begun ? 1 : 0], call);
    },
  };
}

type Barriers = Pick<ChangeLog, 'requestBarrier' | 'meetBarriers' | 'isBarrierMet'>;

function createBarriers(client: MysqlClient, schema: string, resource: string, random: Random): Barriers {
  const table = `${identifier(schema)}.crossfade_barrier`;
  const insertSql = `INSERT INTO ${table} (resource, id, met, requested_at) VALUES (?, ?, 0, NOW(6))`;
  const cleanupSql = `DELETE FROM ${table} WHERE requested_at < NOW(6) - INTERVAL ${BARRIER_KEPT_SECONDS} SECOND
    LIMIT ${MAX_REMOVED_BARRIERS}`;
  let cleanedAtMs = Number.NEGATIVE_INFINITY;
  const cleanUp = async (deadline: Deadline): Promise<void> => {
    if (performance.now() - cleanedAtMs < BARRIER_CLEANUP_MS) return;
    cleanedAtMs = performance.now();
    await client.write(cleanupSql, [], deadline);
  };
  return {
    requestBarrier: async (call) => {
      await cleanUp(call);
      const id = random.id();
      await client.write(insertSql, [resource, id], call);
      return id;
    },
    meetBarriers: async (ids, call) => {
      for (let i = 0; i < ids.length; i += MAX_BARRIERS) {
        const some = padded(ids.slice(i, i + MAX_BARRIERS));
        await client.write(meetSql(table, some.length), [resource, ...some], call);
      }
    },
    isBarrierMet: async (id, call) => {
      const { rows } = await client.read(
        `SELECT met FROM ${table} WHERE resource = ? AND id = ?`,
        [resource, id],
        call,
      );
      return Number(rows[0]?.[0] ?? 0) !== 0;
    },
  };
}

function meetSql(table: string, count: number): string {
  return `UPDATE ${table} SET met = 1 WHERE resource = ? AND id IN (${Array(count).fill('?').join(', ')})`;
}

/** The ids, and the last one again up to the next power of two: a few lengths, and so a few statements to prepare. */
function padded(ids: readonly string[]): readonly string[] {
  const length = 2 ** Math.ceil(Math.log2(ids.length));
  return [...ids, ...Array<string>(length - ids.length).fill(ids.at(-1) ?? '')];
}
