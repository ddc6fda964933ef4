import { isLooseKey } from '../../domain/resource.ts';
import type { MysqlColumnDescription, MysqlTableDescription } from '../../domain/table-description.ts';
import { checkForeignKeys } from '../../schema/check-mysql-table.ts';
import { MAX_BUCKETS } from '../../schema/definitions.ts';
import { keyLengthMistake, keyType, keyTypeMistake } from '../../schema/key-types.ts';
import { looseKeyReason } from '../../schema/target-authority.ts';
import { columnTypeOf } from '../../schema/types.ts';
import { MAX_OPTIONAL_COLUMNS } from '../../stores/mysql/limits.ts';
import { identifier } from '../../stores/mysql/names.ts';
import { decideFields, type FieldDecisions } from './decide-fields.ts';
import { decideIndexes, type IndexDecisions } from './decide-indexes.ts';
import { decidePattern } from './decide-pattern.ts';
import { linesOf } from './field-comment.ts';
import { foreignKeyRemarks } from './foreign-key-remarks.ts';
import type { LockedTable } from './lock-file.ts';
import type { FoundTable, InitSettings, PatternPart, Reason, ResourceNames, TableDecision, TablePlan } from './plan.ts';
import { namesOf } from './resource-names.ts';

/**
 * Decides what a table's definition is, or why it gets none. Says nothing that the server's own checks would not say
 * later: it says it before anything is written, and by column.
 *
 * @param locked what an earlier run has decided: names and numbers that stay.
 * @param choice which of its possible names the table gets; see {@link namesOf}.
 */
export function decideTable(
  found: FoundTable,
  settings: InitSettings,
  locked?: LockedTable,
  choice = 1,
): TableDecision {
  const { description } = found;
  const names = namesOf(description.table, locked, choice);
  const refused = [...refuseTable(found), ...refuseKey(found, locked)];
  const { parts, remarks: keyRemarks } = decidePattern(found, names, locked);
  const cassandraNames = new Set(parts.map((part) => part.cassandraColumn));
  const decided = decideFields(found, names, locked, cassandraNames);
  for (const { column, text } of decided.missing) {
    refused.push({
      ...(column !== undefined && { column }),
      text: `${text}; the column is NOT NULL and has no default, so no record could be created without it`,
    });
  }
  if (refused.length > 0) return { kind: 'refused', refusal: { table: description.table, reasons: refused } };
  const indexed = decideIndexes(description, { names, parts, fields: decided.fields }, locked);
  const all: Parts = { names, parts, keyRemarks, decided, indexed, buckets: locked?.buckets };
  return { kind: 'planned', plan: planOf(found, settings, all) };
}

interface Parts {
  readonly names: ResourceNames;
  readonly parts: readonly PatternPart[];
  readonly keyRemarks: readonly Reason[];
  readonly decided: FieldDecisions;
  readonly indexed: IndexDecisions;
  /** What an earlier run has said. */
  readonly buckets: number | undefined;
}

function planOf(found: FoundTable, settings: InitSettings, all: Parts): TablePlan {
  const { names, parts, keyRemarks, decided, indexed } = all;
  const { description, notes } = found;
  const staysBecause = whyNotMovable(found, decided);
  const buckets = parts.length === 1 ? decideBuckets(notes.rows, all.buckets) : undefined;
  const remarks = [...keyRemarks, ...decided.remarks, ...indexed.remarks];
  if (staysBecause.length === 0 && buckets !== undefined) remarks.push({ text: buckets.why });
  if (staysBecause.length === 0) remarks.push(...indexed.keepsAuthority);
  if (staysBecause.length === 0) remarks.push(...foreignKeyRemarks(found.cascades));
  const loose = looseColumns(found.description);
  if (staysBecause.length === 0 && loose.length > 0) {
    remarks.push({
      text: `authority stays with MySQL, as ${looseKeyReason(loose)}; copying and reading from Cassandra work`,
    });
  }
  if (staysBecause.length === 0 && notes.serverValued.length > 0) {
    remarks.push({
      text: `authority stays with MySQL, as only MySQL can tell the values of ${notes.serverValued.join(', ')}; copying and reading from Cassandra work`,
    });
  }
  return {
    schema: description.schema,
    table: description.table,
    comment: linesOf(notes.comment).join(' '),
    names,
    parts,
    numbered: description.columns.some(
      ({ name, autoIncrement }) => autoIncrement && name === description.primaryKey.at(-1),
    ),
    fields: decided.fields,
    reserved: decided.reserved,
    indexes: indexed.indexes,
    lookupReserved: indexed.reserved,
    ...(staysBecause.length === 0 && {
      target: {
        keyspace: settings.keyspace,
        table: names.cassandraTable,
        ...(buckets !== undefined && { buckets: buckets.count }),
      },
    }),
    staysBecause,
    leftOut: decided.leftOut,
    unshown: [...notes.unshown, ...keysOfNoDay(found)],
    remarks,
  };
}

function refuseTable({ description, notes }: FoundTable): Reason[] {
  const reasons: Reason[] = [];
  const name = `${description.schema}.${description.table}`;
  if (description.storageEngine.toLowerCase() !== 'innodb') {
    reasons.push({
      text: `the table is ${description.storageEngine}, which has no transactions: ALTER TABLE ${name} ENGINE = InnoDB`,
    });
  }
  for (const column of notes.tooManyServerValued) {
    reasons.push({
      column,
      text: `one of ${notes.tooManyServerValued.length} columns that the server sets by itself; a write can leave out ${MAX_OPTIONAL_COLUMNS}`,
    });
  }
  return reasons;
}

function refuseKey({ description, notes }: FoundTable, locked: LockedTable | undefined): Reason[] {
  const { primaryKey, columns } = description;
  if (primaryKey.length === 0) return [{ text: noKeyText(description) }];
  const reasons: Reason[] = [];
  for (const name of primaryKey) {
    const column = columns.find((each) => each.name === name);
    const text = column === undefined ? 'part of the key, but no column' : keyMistake(column);
    if (text !== undefined) reasons.push({ column: name, text });
    if (notes.keyPrefixes.includes(name)) {
      reasons.push({
        column: name,
        text: 'only its first characters are in the primary key: a key needs whole columns',
      });
    }
  }
  const tooLong = keyLengthMistake(keyColumnsOf(description).map(({ column, type }) => ({ name: column.name, type })));
  if (tooLong !== undefined) reasons.push({ text: tooLong });
  const before = locked?.parts.map((part) => part.column);
  if (before !== undefined && before.join('\0') !== primaryKey.join('\0')) {
    reasons.push({
      text: `the primary key was (${before.join(', ')}) and is (${primaryKey.join(', ')}) now: its columns are in the names of records and in the target's key, so this needs a new version of the package`,
    });
  }
  return reasons;
}

/** A unique key would do as it is, if its columns are NOT NULL and of types that keys have. */
function noKeyText({ schema, table, keys = [], columns }: MysqlTableDescription): string {
  const fits = (name: string): boolean => {
    const column = columns.find((each) => each.name === name);
    return column !== undefined && !column.nullable && keyMistake(column) === undefined;
  };
  const unique = keys.find((key) => key.unique && !key.isPrefix && key.columns.every(fits));
  const added = columns.some(({ name }) => name.toLowerCase() === 'id') ? 'row_id' : 'id';
  const cure =
    unique === undefined
      ? `give it one of its columns, or a new one: ADD COLUMN ${added} BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY`
      : `ALTER TABLE ${identifier(schema)}.${identifier(table)} ADD PRIMARY KEY (${unique.columns.map(identifier).join(', ')}), as its unique key ${unique.name} has no NULL`;
  return `the table has no primary key, so its records have no names: ${cure}`;
}

/** Dates in the key are in names, which have no policy for what is no day. */
function keysOfNoDay({ description, notes }: FoundTable): Reason[] {
  const columns = description.primaryKey.filter((name) => notes.noDays.includes(name));
  return columns.map((column) => ({
    column,
    text: 'a date that is no day of the calendar, such as 0000-00-00, in the key',
  }));
}

function keyMistake(column: MysqlColumnDescription): string | undefined {
  const typed = columnTypeOf(column, null, 'plain');
  return 'mistake' in typed ? typed.mistake : keyTypeMistake(column, typed.type);
}

/** The columns of the key that can be carried, with their types. */
function keyColumnsOf({ primaryKey, columns }: MysqlTableDescription) {
  return primaryKey.flatMap((name) => {
    const column = columns.find((each) => each.name === name);
    const typed = column && columnTypeOf(column, null, 'plain');
    return column !== undefined && typed !== undefined && 'type' in typed ? [{ column, type: typed.type }] : [];
  });
}

/** Columns of the key that take other spellings for the same. */
export function looseColumns(description: MysqlTableDescription): string[] {
  return keyColumnsOf(description)
    .filter(({ column, type }) => isLooseKey(keyType(column, type)))
    .map(({ column }) => column.name);
}

/** Rows that one partition of the target holds well. */
const ROWS_OF_A_BUCKET = 50_000;

/** How many partitions the records of a key of one column are spread over, a power of two; it can't change later. */
function decideBuckets(rows: number, before: number | undefined): { readonly count: number; readonly why: string } {
  if (before !== undefined) return { count: before, why: `buckets = ${before}, as an earlier run has decided` };
  const wanted = Math.max(1, Math.ceil(rows / ROWS_OF_A_BUCKET));
  const count = Math.min(2 ** Math.ceil(Math.log2(wanted)), MAX_BUCKETS);
  const why = `the key is one column, so a hash of it is the partition: buckets = ${count}, as there are about ${rows} rows, and one partition holds ${ROWS_OF_A_BUCKET} well`;
  const late = 'the number can’t change once the table is there: raise it before if the table will grow';
  return { count, why: `${why}; ${late}` };
}

function whyNotMovable(found: FoundTable, decided: FieldDecisions): Reason[] {
  const reasons: Reason[] = [];
  for (const { column } of decided.leftOut) {
    reasons.push({
      ...(column !== undefined && { column }),
      text: 'no field carries it, so it would be lost in Cassandra',
    });
  }
  if (found.cascades?.mistake !== undefined) reasons.push({ text: found.cascades.mistake });
  for (const key of found.description.foreignKeys) {
    const columns = found.notes.references.find(({ name }) => name === key.name)?.columns.join(', ');
    for (const text of checkForeignKeys({ ...found.description, foreignKeys: [key] })) {
      reasons.push({ ...(columns !== undefined && { column: columns }), text });
    }
  }
  return reasons;
}
