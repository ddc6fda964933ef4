import type { Resource } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import { FIRST_ID, type IdSequence } from '../id-sequence.ts';
import { exactDecimal, integer } from './link.ts';
import { identifier } from './names.ts';
import type { MysqlClient, MysqlPool, MysqlSession, MysqlValue } from './pool.ts';
import { createRecordTables } from './record-tables.ts';

/** What the statements of one resource's sequence are. */
interface Statements {
  readonly describe: string;
  readonly highest: string;
  readonly control: string;
  readonly raise: string;
  readonly advance: string;
  readonly find: string;
}

/**
 * The sequence of a resource whose key ends with an AUTO_INCREMENT column, for which `setUpSchema` has made the table. It never
 * stays behind the table's own counter, which outside programs move on.
 */
export function createMysqlIdSequence({
  pool,
  resource,
}: {
  readonly pool: MysqlPool;
  readonly resource: Resource;
}): IdSequence {
  const client = pool.client('authority');
  const statements = compile(resource, pool.controlSchema);
  return {
    take: async (count, call) => {
      const least = await readLeast(client, statements, call);
      return client.transaction(call, (session) => takeBlock(session, statements, { id: resource.id, least, count }));
    },
    next: async (call) => {
      const [least, found] = await Promise.all([
        readLeast(client, statements, call),
        client.read(statements.find, [resource.id], call),
      ]);
      const [kept = null] = found.rows[0] ?? [];
      return greater(least, toId(kept) ?? least);
    },
    raiseTo: async (next, call) => {
      await client.write(statements.raise, [resource.id, exactDecimal(String(next))], call);
    },
  };
}

function compile(resource: Resource, controlSchema: string): Statements {
  const { table, control } = createRecordTables(resource, controlSchema);
  const sequence = `${identifier(controlSchema)}.crossfade_sequence`;
  const column = identifier(resource.columns[resource.keyLength - 1]?.mysqlName ?? '');
  return {
    describe: `SHOW CREATE TABLE ${table}`,
    // By an index: InnoDB wants one that begins with the column.
    highest: `SELECT MAX(${column}) FROM ${table}`,
    control: `SELECT state FROM ${control} WHERE resource = ? LOCK IN SHARE MODE`,
    raise: `INSERT INTO ${sequence} (resource, next) VALUES (?, ?) ON DUPLICATE KEY UPDATE next = GREATEST(next, VALUES(next))`,
    advance: `UPDATE ${sequence} SET next = next + ? WHERE resource = ?`,
    find: `SELECT next FROM ${sequence} WHERE resource = ?`,
  };
}

/**
 * The shared lock is a write's own (a): the take is wholly before or wholly after `handing_over`, so that who raises the other store's
 * sequence after it has every block that was given here.
 */
async function takeBlock(
  session: MysqlSession,
  { control, raise, advance, find }: Statements,
  { id, least, count }: { readonly id: string; readonly least: bigint; readonly count: number },
): Promise<bigint | null> {
  const [state] = (await session.execute(control, [id])).rows[0] ?? [];
  if (state === 'handing_over' || state === 'moved') return null;
  await session.execute(raise, [id, exactDecimal(String(least))]);
  await session.execute(advance, [integer(count), id]);
  const [next = null] = (await session.execute(find, [id])).rows[0] ?? [];
  return (toId(next) ?? least + BigInt(count)) - BigInt(count);
}

/** The table's counter, among its options and before its comment: `) ENGINE=InnoDB AUTO_INCREMENT=42 …`. Left out while it is 1. */
const COUNTER = /^\)[^'\n]*? AUTO_INCREMENT=(\d+)/m;

/**
 * The least id that is above the table's records and what its counter has given. The counter is read from the table's definition:
 * `information_schema` shows one that may be a day old. The records count too: an UPDATE of an id leaves the counter behind.
 */
async function readLeast(client: MysqlClient, { describe, highest }: Statements, call: Call): Promise<bigint> {
  const [described, greatest] = await Promise.all([client.read(describe, [], call), client.read(highest, [], call)]);
  const counter = COUNTER.exec(String(described.rows[0]?.[1] ?? ''))?.[1];
  const [id = null] = greatest.rows[0] ?? [];
  return greater(BigInt(counter ?? FIRST_ID), (toId(id) ?? 0n) + 1n);
}

function toId(value: MysqlValue): bigint | null {
  return value === null ? null : BigInt(String(value));
}

function greater(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
