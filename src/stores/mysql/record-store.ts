import type { Resource } from '../../domain/resource.ts';
import type { SourceStore, Written } from '../record-store.ts';
import { createApply } from './apply-copies.ts';
import { createWriteMany } from './batch-writes.ts';
import type { Role } from './errors.ts';
import { MAX_KEYS } from './limits.ts';
import type { Deadline, MysqlPool } from './pool.ts';
import { createRecordLookups } from './record-lookups.ts';
import { createRecordProcedures } from './record-procedures.ts';
import { createRecordReads, versionOf } from './record-reads.ts';
import { createRecordTables, NOW_MICROS } from './record-tables.ts';
import { createRecordWalk } from './record-walk.ts';
import { createWrite } from './record-writes.ts';
import { createTouchMany } from './touch-many.ts';
import { createDuplicateNaming } from './unique-keys.ts';

/** The record store port on MySQL, and what only its owner does with it. */
export interface MysqlRecordStore extends SourceStore {
  /**
   * Looks the table up and makes the procedures if they are missing. The first write does it otherwise; at the start
   * it finds a table that can't be served.
   */
  prepare(deadline: Deadline): Promise<void>;
}

/** Creates the store of one resource. Statements are compiled here; `role` decides how the server's absence is called. */
export function createMysqlRecordStore(options: {
  readonly pool: MysqlPool;
  readonly resource: Resource;
  readonly role: Role;
  /** The schema of Crossfade's own tables. Default: the pool's. */
  readonly controlSchema?: string;
}): MysqlRecordStore {
  const { pool, resource, role, controlSchema = pool.controlSchema } = options;
  const client = pool.client(role);
  const tables = createRecordTables(resource, controlSchema);
  const procedures = createRecordProcedures(client, tables, controlSchema);
  const write = createWrite(client, tables, procedures);
  const writeMany = createWriteMany(client, tables, procedures);
  const apply = createApply(client, tables, procedures);
  const naming = createDuplicateNaming(resource);
  return {
    engine: 'mysql',
    maxKeys: MAX_KEYS,
    ...createRecordReads(client, tables),
    ...createRecordLookups(client, tables),
    ...createRecordWalk(client, tables),
    prepare: procedures.prepare,
    // One that is to be remembered is a batch of one: what the record remembers is compared by the service, under the record's lock.
    write: (change, guard, call) =>
      naming(
        change.request === undefined
          ? write(change, guard, call)
          : writeMany([change], guard, call).then(([written]) => written as Written),
      ),
    writeMany: (changes, guard, call) => naming(writeMany(changes, guard, call)),
    touchMany: createTouchMany(client, tables),
    apply: (copies, call, guard) => naming(apply(copies, call, guard)),
    clock: async (call) => {
      const { rows } = await client.read(`SELECT ${NOW_MICROS}`, [], call);
      return BigInt(rows[0]?.[0] as number | string);
    },
    highestVersion: async (call) => {
      const sql = `SELECT MAX(version) FROM ${tables.versions} WHERE resource = ${tables.id}`;
      const { rows } = await client.read(sql, [], call);
      return versionOf(rows[0]?.[0]);
    },
  };
}
