import { systemClock } from '../../domain/clock.ts';
import type { MysqlTableDescription } from '../../domain/table-description.ts';
import { internalCall } from '../../stores/call.ts';
import { type CascadeTarget, findCascades } from '../../stores/mysql/cascade-rules.ts';
import { describeTable } from '../../stores/mysql/describe-table.ts';
import { describeTableNotes, findTable, whyNoTable } from '../../stores/mysql/describe-table-notes.ts';
import { createForeignKeyReader } from '../../stores/mysql/foreign-keys.ts';
import type { MysqlPool } from '../../stores/mysql/pool.ts';
import { checkServer } from '../../stores/mysql/server-checks.ts';
import { looseColumns } from './decide-table.ts';
import type { FoundTable, Refusal } from './plan.ts';

const DESCRIBE_TIMEOUT_MS = 30_000;

/** Describes tables by name; those that are none are refused. Reads the schema, and a sample of the rows of flags. */
export async function findTables(
  pool: MysqlPool,
  schema: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly found: readonly FoundTable[]; readonly refusals: readonly Refusal[] }> {
  const found: FoundTable[] = [];
  const refusals: Refusal[] = [];
  const readForeignKeys = createForeignKeyReader(pool.client('authority'));
  for (const wanted of names) {
    const call = internalCall(systemClock, DESCRIBE_TIMEOUT_MS, signal);
    const there = await findTable(pool, { schema, table: wanted }, call);
    const name = { schema, table: there?.table ?? wanted };
    if (found.some(({ description }) => description.table === name.table)) continue;
    const description = await describeTable(pool, name, call);
    if (description === null) {
      refusals.push({ table: name.table, reasons: [{ text: `${schema}.${name.table}: ${whyNoTable(there?.type)}` }] });
      continue;
    }
    const cascades = await findCascades(pool, cascadeTarget(description), call, readForeignKeys);
    const references = (await readForeignKeys(name, call)) ?? [];
    found.push({ description, notes: await describeTableNotes(pool, name, references, call), cascades });
  }
  return { found, refusals };
}

/** The table as its definition will have it: all of the key but the last column is the parent. */
function cascadeTarget(description: MysqlTableDescription): CascadeTarget {
  const { schema, table, primaryKey } = description;
  return {
    schema,
    table,
    key: primaryKey,
    parentLength: Math.max(0, primaryKey.length - 1),
    loose: looseColumns(description),
  };
}

/** What must be changed on the server before the service starts, each with its cure. @param movable the tables that move. */
export async function findServerMistakes(
  pool: MysqlPool,
  movable: readonly FoundTable[],
  signal: AbortSignal,
): Promise<string[]> {
  const tables = movable.map(({ description }) => description);
  const call = internalCall(systemClock, DESCRIBE_TIMEOUT_MS, signal);
  const { errors } = await checkServer(pool, { tables, capture: tables.length > 0 }, call);
  return errors.map(({ setting, found, wanted, cure }) => `${setting} is ${found}, but must be ${wanted}: ${cure}`);
}
