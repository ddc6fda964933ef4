import { createHash } from 'node:crypto';
import { snakeCase } from '../../schema/method-inspection.ts';
import type { LockedTable } from './lock-file.ts';
import { pascalName, pluralOf, singularOf, snakeName } from './naming.ts';
import type { Reason, ResourceNames, TablePlan } from './plan.ts';

/** Fields of the standard methods' requests, which also have a field for the resource. */
const TAKEN_BY_REQUESTS = ['parent', 'update_mask', 'allow_missing'];
/** Ids of resources and names of tables in the target may not be longer. */
const MAX_ID = 40;
const MAX_CASSANDRA_NAME = 48;
/** Of a hash of the table's name, where its beginning is another table's already. */
const HASH_DIGITS = 8;

/** How a resource is called, and why not as its table's name suggests. */
export interface NameDecision {
  readonly names: ResourceNames;
  readonly remarks: readonly Reason[];
}

/**
 * Names a table's resource after it. Real schemas have `queue` beside `queues`, and names that begin with the same forty
 * characters: the later of two tables gets another name, which stays, as the lock keeps it.
 *
 * @param others the definitions that there are already.
 */
export function decideNames(
  table: string,
  others: readonly TablePlan[],
  locked: LockedTable | undefined,
): NameDecision {
  const base = snakeName(table, 'table');
  const plain = namesFrom(base, table, others, locked);
  if (locked !== undefined) return { names: plain, remarks: [] };
  const rival = rivalOf(plain, others);
  if (rival === undefined) return { names: plain, remarks: [] };
  const names = Array.from({ length: others.length + 1 }, (_, i) => (i === 0 ? `${base}_row` : `${base}_row_${i + 1}`))
    .map((other) => namesFrom(other, table, others, locked))
    .find((found) => rivalOf(found, others) === undefined);
  const why = `the name ${plain.message} or its plural is that of the table ${rival.table}`;
  return { names: names ?? plain, remarks: [{ text: `called ${(names ?? plain).message}: ${why}` }] };
}

function namesFrom(
  base: string,
  table: string,
  others: readonly TablePlan[],
  locked: LockedTable | undefined,
): ResourceNames {
  const singular = singularOf(base);
  const message = locked?.message ?? pascalName(TAKEN_BY_REQUESTS.includes(singular) ? `${singular}_record` : singular);
  const plural = locked?.plural ?? (singular === base ? pluralOf(base) : base);
  const service = pascalName(plural);
  return {
    id: locked?.id ?? shortened(plural, { max: MAX_ID, table, taken: others.map(({ names }) => names.id) }),
    message,
    singular: snakeCase(message),
    plural,
    service: service === message ? `${message}Service` : service,
    file: `${plural}.proto`,
  };
}

/** The definition that has one of these names. Ids need no rival: they are made different. */
function rivalOf(names: ResourceNames, others: readonly TablePlan[]): TablePlan | undefined {
  const own = [names.message, names.service, names.file];
  return others.find((other) =>
    [other.names.message, other.names.service, other.names.file].some((name) => own.includes(name)),
  );
}

/** The table's name in the target. */
export function targetTableName(table: string, others: readonly TablePlan[], locked: LockedTable | undefined): string {
  if (locked !== undefined) return locked.cassandraTable ?? usualTargetName(table);
  const taken = others.flatMap(({ target }) => target?.table ?? []);
  return shortened(snakeName(table, 'table'), { max: MAX_CASSANDRA_NAME, table, taken });
}

/** The table's name in the target where a lock does not say another. */
export function usualTargetName(table: string): string {
  return snakeName(table, 'table').slice(0, MAX_CASSANDRA_NAME);
}

/** The beginning of a name; with a hash of the table's name behind it where that beginning is taken. */
function shortened(
  name: string,
  { max, table, taken }: { readonly max: number; readonly table: string; readonly taken: readonly string[] },
): string {
  const plain = name.slice(0, max).replace(/_+$/, '');
  if (!taken.includes(plain)) return plain;
  const hash = createHash('sha256').update(table).digest('hex').slice(0, HASH_DIGITS);
  return `${name.slice(0, max - HASH_DIGITS - 1).replace(/_+$/, '')}_${hash}`;
}
