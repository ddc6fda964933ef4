import type { KeyDescription, MysqlTableDescription } from '../../domain/table-description.ts';
import { isIndexable } from '../../schema/bind-indexes.ts';
import { MAX_INDEXES } from '../../schema/index-definitions.ts';
import { constraintsOfMysqlAlone } from '../../schema/target-authority.ts';
import { columnTypeOf } from '../../schema/types.ts';
import type { LockedTable } from './lock-file.ts';
import { snakeName } from './naming.ts';
import type { FieldPlan, IndexedFieldPlan, IndexPlan, PatternPart, Reason, Reserved, ResourceNames } from './plan.ts';

/** What becomes of a table's unique keys. */
export interface IndexDecisions {
  readonly indexes: readonly IndexPlan[];
  /** Fields that lookups had once. */
  readonly reserved: Reserved;
  readonly remarks: readonly Reason[];
  /** Why authority can't move, where the table does. */
  readonly keepsAuthority: readonly Reason[];
}

const MAX_NAME = 24;
/** Of the name of an index's table in Cassandra, which begins with the resource's and `_by_`. */
const MAX_TABLE_NAME = 48;
/** Shorter, and two of them could not be told apart. */
const MIN_NAME = 8;
/** Of a lookup's request, beside the fields of the indexes. */
const TAKEN = ['page_size', 'page_token'];
/** Fields of a lookup that stand for variables of the name pattern: above the number of any column's field. */
const FIRST_PART_NUMBER = 10_000;

/** Makes an index of each unique key whose columns have fields or are in the name; says so, and what is left to MySQL alone. */
export function decideIndexes(
  description: MysqlTableDescription,
  { names, parts, fields }: IndexedParts & { readonly names: ResourceNames },
  locked: LockedTable | undefined,
): IndexDecisions {
  const indexes: IndexPlan[] = [];
  const remarks: Reason[] = [];
  const room = Math.min(MAX_NAME, MAX_TABLE_NAME - names.cassandraTable.length - '_by_'.length);
  for (const key of description.keys ?? []) {
    // Together with the whole primary key everything is unique.
    const isImplied = description.primaryKey.every((column) => key.columns.includes(column));
    if (!key.unique || key.isPrefix || key.isHash || isImplied) continue;
    const indexed = key.columns.map((column) => indexedField(description, { parts, fields }, column));
    if (room < MIN_NAME || indexed.includes(undefined) || indexes.some((other) => sameColumns(other, key))) continue;
    if (indexes.length === MAX_INDEXES) continue;
    const name = nameOf(key, indexes, room);
    indexes.push({ name, fields: indexed as IndexedFieldPlan[], columns: key.columns });
    remarks.push({
      text: `the unique key ${key.name} (${key.columns.join(', ')}) is the index "${name}", with a lookup`,
    });
  }
  const unique = indexes.map(({ columns }) => columns);
  const constraints = constraintsOfMysqlAlone(description, unique, []);
  return {
    indexes,
    remarks,
    keepsAuthority: constraints.map((text) => ({ text: `authority stays with MySQL: ${text}` })),
    reserved: reservedOf(indexes, locked),
  };
}

/** What has values that can be looked up. */
interface IndexedParts {
  readonly parts: readonly PatternPart[];
  readonly fields: readonly FieldPlan[];
}

/** Undefined: the column has no field, or no type for an index, or a lookup means something else by its name. */
function indexedField(
  { columns }: MysqlTableDescription,
  { parts, fields }: IndexedParts,
  name: string,
): IndexedFieldPlan | undefined {
  const column = columns.find((each) => each.name === name);
  const field = fields.find((each) => each.column === name);
  const part = parts.findIndex((each) => each.column === name);
  if (column === undefined || (field === undefined && part < 0)) return undefined;
  const typed = columnTypeOf(
    column,
    field?.type.shape ?? null,
    (field ?? parts[part])?.format ?? 'plain',
    field?.zeroDates,
  );
  if ('mistake' in typed || !isIndexable(typed.type)) return undefined;
  const indexed =
    field === undefined
      ? { name: parts[part]?.variable ?? '', number: FIRST_PART_NUMBER + part }
      : { name: field.name, number: field.number, field };
  // A field is meant where a variable of the name pattern is called the same.
  const isHidden = field === undefined && fields.some(({ name: other }) => other === indexed.name);
  return TAKEN.includes(indexed.name) || isHidden ? undefined : indexed;
}

function sameColumns({ columns }: IndexPlan, key: KeyDescription): boolean {
  return columns.toSorted().join('\0') === key.columns.toSorted().join('\0');
}

function nameOf(key: KeyDescription, others: readonly IndexPlan[], room: number): string {
  const whole = snakeName(key.name, 'index');
  const base = (/^[a-z]/.test(whole) ? whole : `by_${whole}`).slice(0, room).replace(/_+$/, '');
  const isTaken = (name: string): boolean => others.some((other) => other.name === name);
  if (!isTaken(base)) return base;
  const short = base.slice(0, room - 3);
  return (
    Array.from({ length: others.length + 1 }, (_, i) => `${short}_${i + 2}`).find((name) => !isTaken(name)) ?? short
  );
}

function reservedOf(indexes: readonly IndexPlan[], locked: LockedTable | undefined): Reserved {
  const numbers = new Set(indexes.flatMap(({ fields }) => fields.map(({ number }) => number)));
  const gone = (locked?.lookedUp ?? []).filter(({ number }) => !numbers.has(number));
  return { numbers: gone.map(({ number }) => number), names: gone.map(({ name }) => name) };
}
