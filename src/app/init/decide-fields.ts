import type { ColumnType } from '../../domain/resource.ts';
import type { MysqlColumnDescription } from '../../domain/table-description.ts';
import { cqlTypeOf } from '../../schema/cql-types.ts';
import type { ZeroDates } from '../../schema/definition.ts';
import { decideEnum } from './decide-enum.ts';
import { type ChosenType, chooseType } from './decide-type.ts';
import { commentOf } from './field-comment.ts';
import { rulesOf } from './field-rules.ts';
import type { LockedField, LockedTable } from './lock-file.ts';
import { createNameSpace, type NameSpace, snakeName } from './naming.ts';
import type { FieldPlan, FieldType, FoundTable, Reason, Reserved, ResourceNames } from './plan.ts';

/** The number of the first column's field: `name` is 1 and `etag` 2, so that neither ever stands in the way. */
const FIRST_NUMBER = 3;
/** Numbers that proto keeps for itself. */
const RESERVED_BY_PROTO = { from: 19_000, to: 19_999 };
/** Names of columns in the target as they can stay, and a prefix that is taken there. */
const CASSANDRA_COLUMN = /^(?!crossfade_)[a-z][a-z0-9_]*$/;

/** The fields of a table, and what is to be said about them. */
export interface FieldDecisions {
  readonly fields: readonly FieldPlan[];
  readonly reserved: Reserved;
  /** Columns that no field carries, though the table can do without. */
  readonly leftOut: readonly Reason[];
  /** Columns that no field carries, and without which no record can be created. */
  readonly missing: readonly Reason[];
  readonly remarks: readonly Reason[];
}

/** Where names and numbers are given out. */
interface Naming {
  readonly singular: string;
  readonly locked: LockedTable | undefined;
  readonly names: NameSpace;
  /** How all columns would be called. */
  readonly columnNames: ReadonlySet<string>;
  readonly cassandraNames: Set<string>;
  /** Where the values of enums are named. */
  readonly scope: { readonly message: string; readonly taken: Set<string> };
  readonly removed: { readonly name: string; readonly number: number }[];
  nextNumber(): number;
}

/** Decides about all columns but the key's. */
export function decideFields(
  found: FoundTable,
  resource: ResourceNames,
  locked: LockedTable | undefined,
  cassandraNames: Set<string>,
): FieldDecisions {
  const { columns, primaryKey } = found.description;
  const naming = createNaming(columns, resource, locked, cassandraNames);
  const [leftOut, missing, remarks]: [Reason[], Reason[], Reason[]] = [[], [], []];
  const fields = columns.flatMap((column, ordinal) => {
    if (primaryKey.includes(column.name)) return [];
    const chosen = chooseFor(found, column, naming);
    if ('mistake' in chosen) {
      const canBeLeftOut = column.nullable || column.hasDefault || column.generated;
      (canBeLeftOut ? leftOut : missing).push({ column: column.name, text: chosen.mistake });
      return [];
    }
    return [decideField({ found, column, ordinal, naming, remarks }, chosen)];
  });
  const carried = new Set(fields.map((field) => field.column));
  for (const [column, { name, number }] of Object.entries(locked?.fields ?? {})) {
    const still = fields.some((field) => field.number === number);
    if (still) continue;
    naming.removed.push({ name, number });
    if (!carried.has(column)) {
      remarks.push({ column, text: `no field carries it any more: number ${number} and name ${name} are reserved` });
    }
  }
  const removed = [...naming.removed].sort((a, b) => a.number - b.number);
  const reserved = { numbers: removed.map((each) => each.number), names: removed.map((each) => each.name) };
  return { fields: fields.sort((a, b) => a.number - b.number), reserved, leftOut, missing, remarks };
}

function createNaming(
  columns: readonly MysqlColumnDescription[],
  { singular, message }: ResourceNames,
  locked: LockedTable | undefined,
  cassandraNames: Set<string>,
): Naming {
  const known = Object.values(locked?.fields ?? {});
  const removed = [...(locked?.removed ?? [])];
  for (const field of known) cassandraNames.add(field.cassandraColumn);
  // A column that keeps its name in the target must find it free.
  for (const { name } of columns) if (CASSANDRA_COLUMN.test(name)) cassandraNames.add(name);
  let highest = Math.max(FIRST_NUMBER - 1, ...[...known, ...removed].map((each) => each.number));
  return {
    singular,
    locked,
    names: createNameSpace(['name', 'etag', ...[...known, ...removed].map((each) => each.name)]),
    columnNames: new Set(columns.map(({ name }) => snakeName(name, ''))),
    cassandraNames,
    scope: { message, taken: new Set() },
    removed,
    nextNumber() {
      highest++;
      if (highest === RESERVED_BY_PROTO.from) highest = RESERVED_BY_PROTO.to + 1;
      return highest;
    },
  };
}

function chooseFor({ notes }: FoundTable, column: MysqlColumnDescription, naming: Naming) {
  const locked = naming.locked?.fields[column.name];
  return chooseType(column, {
    comment: notes.columnComments.get(column.name) ?? '',
    notBoolean: notes.notBooleans.includes(column.name),
    hasNoDays: notes.noDays.includes(column.name),
    ...(locked && { lockedShape: locked.shape }),
    ...(locked?.zeroDates && { lockedZeroDates: locked.zeroDates }),
  });
}

/** A column on its way to a field. */
interface Deciding {
  readonly found: FoundTable;
  readonly column: MysqlColumnDescription;
  readonly ordinal: number;
  readonly naming: Naming;
  readonly remarks: Reason[];
}

function decideField(deciding: Deciding, chosen: ChosenType): FieldPlan {
  const { found, column, naming } = deciding;
  const remark = (text: string): void => void deciding.remarks.push({ column: column.name, text });
  const locked = naming.locked?.fields[column.name];
  const kept = keptName(deciding, chosen, locked, remark);
  const name = kept?.name ?? freshName(deciding, remark);
  const number = kept?.number ?? naming.nextNumber();
  const { type, why } = withEnum(chosen, name, kept, naming);
  if (kept === undefined && why !== undefined) remark(`${typeName(type)}: ${why}`);
  if (chosen.zeroDates !== 'refuse') remark(zeroDatesBecause(chosen.zeroDates));
  else if (found.notes.noDays.includes(column.name)) remark(UNSHOWN_DATES);
  const behavior = behaviorOf(column, type, chosen.zeroDates);
  if (behavior === 'OUTPUT_ONLY') remark(`OUTPUT_ONLY: ${outputOnlyBecause(column)}`);
  const optional = needsPresence(column, chosen.type, type, behavior);
  const cqlType = cqlTypeOf(chosen.type);
  const field = { type: chosen.type, shape: type.shape, behavior, optional };
  const rules = rulesOf(field);
  return {
    column: column.name,
    cassandraColumn: cassandraColumn(deciding, name, cqlType, kept, remark),
    name,
    number,
    type: { ...type, optional },
    format: chosen.format,
    ...(chosen.zeroDates !== 'refuse' && { zeroDates: chosen.zeroDates }),
    cqlType,
    behavior,
    ...(rules && { rules }),
    comment: commentOf(found.notes.columnComments.get(column.name) ?? '', column, field),
  };
}

/** The earlier run's field, unless its type can't hold the column any more. */
function keptName(
  { column, naming }: Deciding,
  chosen: ChosenType,
  locked: LockedField | undefined,
  remark: (text: string) => void,
): LockedField | undefined {
  if (locked === undefined) return undefined;
  const stillFits =
    locked.shape === chosen.shape &&
    (chosen.type.kind !== 'enum' ||
      chosen.shape !== 'enum' ||
      'plan' in
        decideEnum(locked.name, chosen.type.values, locked, { ...naming.scope, taken: new Set(naming.scope.taken) }));
  if (stillFits) return locked;
  remark(
    `${column.columnType} does not fit the field ${locked.name} (${locked.shape}) any more: a new field with a new number takes its place`,
  );
  return undefined;
}

function freshName({ column, ordinal, naming }: Deciding, remark: (text: string) => void): string {
  const plain = snakeName(column.name, `column_${ordinal + 1}`);
  const isTaken = plain === 'name' || plain === 'etag';
  const name = naming.names.take(isTaken ? insteadOf(plain, naming) : plain);
  if (isTaken) remark(`the field is called ${name}: ${plain} is what every resource has (AIP-122, AIP-154)`);
  else if (name !== plain) remark(`the field is called ${name}: ${plain} is or was another field`);
  return name;
}

/** `city_name`, unless another column is called so. */
function insteadOf(plain: string, { singular, columnNames }: Naming): string {
  const wanted = [`${singular}_${plain}`, `own_${plain}`, `${singular}_own_${plain}`];
  return wanted.find((name) => !columnNames.has(name)) ?? `${plain}_value`;
}

function withEnum(
  chosen: ChosenType,
  name: string,
  kept: LockedField | undefined,
  naming: Naming,
): { readonly type: Omit<FieldType, 'optional'>; readonly why?: string | undefined } {
  if (chosen.shape !== 'enum' || chosen.type.kind !== 'enum') return { type: { shape: chosen.shape }, why: chosen.why };
  const decided = decideEnum(name, chosen.type.values, kept, naming.scope);
  if ('plan' in decided) return { type: { shape: 'enum', enum: decided.plan } };
  return { type: { shape: 'string' }, why: decided.why };
}

function behaviorOf(
  column: MysqlColumnDescription,
  { shape }: Omit<FieldType, 'optional'>,
  zeroDates: ZeroDates,
): FieldPlan['behavior'] {
  const canBeLeftOut = column.nullable || column.hasDefault;
  if (column.generated || column.autoIncrement || (column.onUpdate && canBeLeftOut)) return 'OUTPUT_ONLY';
  // An empty SET is a value, and a repeated field has no other way to say it.
  // A zero date is shown as an absent field, and an update must be able to say what it was shown.
  return canBeLeftOut || shape === 'strings' || zeroDates === 'null' ? 'OPTIONAL' : 'REQUIRED';
}

const UNSHOWN_DATES =
  'there are rows with a date that is no day of the calendar, such as 0000-00-00, and the field is from before them: ' +
  'they can’t be read until they are mended';

function zeroDatesBecause(zeroDates: 'null' | 'text'): string {
  return zeroDates === 'text'
    ? 'ZERO_DATES_TEXT: there are rows with a date that is no day of the calendar, such as 0000-00-00; the text shows it as it is'
    : 'ZERO_DATES_NULL: there are rows with the zero date; it is shown as an absent field';
}

function outputOnlyBecause(column: MysqlColumnDescription): string {
  if (column.generated) return 'MySQL computes it from other columns';
  return column.autoIncrement ? 'MySQL numbers it' : 'MySQL sets it at every change (ON UPDATE)';
}

/** Whether "not set" must differ from the type's zero: for NULL, for a default, and where a required field may be zero. */
function needsPresence(
  column: MysqlColumnDescription,
  type: ColumnType,
  { shape }: Omit<FieldType, 'optional'>,
  behavior: FieldPlan['behavior'],
): boolean {
  if (shape === 'timestamp' || shape === 'duration' || shape === 'strings') return false;
  if (column.nullable) return true;
  if (behavior === 'OUTPUT_ONLY') return false;
  switch (type.kind) {
    case 'decimal':
    case 'uuid':
    case 'date':
    case 'date_text':
    case 'time':
    case 'datetime':
    case 'timestamp':
    case 'json':
      return false;
    case 'enum':
      return type.values.includes('');
    case 'bytes':
      return !type.fixed;
    default:
      return true;
  }
}

function cassandraColumn(
  { column, naming }: Deciding,
  fieldName: string,
  cqlType: string,
  kept: LockedField | undefined,
  remark: (text: string) => void,
): string {
  if (kept !== undefined && kept.cqlType === cqlType) return kept.cassandraColumn;
  const before = naming.locked?.fields[column.name];
  if (before === undefined && CASSANDRA_COLUMN.test(column.name)) return column.name;
  const wanted = CASSANDRA_COLUMN.test(fieldName) ? fieldName : `own_${fieldName}`;
  let name = wanted;
  for (let n = 2; naming.cassandraNames.has(name); n++) name = `${wanted}_${n}`;
  naming.cassandraNames.add(name);
  if (kept !== undefined) remark(`is ${cqlType} in Cassandra now, where a column's type can't change: ${name}`);
  return name;
}

function typeName({ shape }: Omit<FieldType, 'optional'>): string {
  return shape === 'strings' ? 'repeated string' : shape === 'timestamp' ? 'Timestamp' : shape;
}
