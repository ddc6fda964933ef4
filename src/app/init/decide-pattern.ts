import type { MysqlColumnDescription } from '../../domain/table-description.ts';
import type { LockedTable } from './lock-file.ts';
import { camelName, pluralOf, singularOf, snakeName } from './naming.ts';
import type { FoundTable, PatternPart, Reason, ResourceNames } from './plan.ts';

/** What says that a column holds a key, and nothing of whose: `customer_id`, `emp_no`. */
const KEY_SUFFIX = /_(id|no|nr|num|number|code|key|uuid|guid)$/;
const CASSANDRA_COLUMN = /^(?!crossfade_)[a-z][a-z0-9_]*$/;

/**
 * The name pattern of a table (AIP-122): the columns of the primary key in its order. All but the last name the parent:
 * after the table that a foreign key points to, else after the column.
 */
export function decidePattern(
  { description, notes }: FoundTable,
  { singular, plural }: Pick<ResourceNames, 'singular' | 'plural'>,
  locked: LockedTable | undefined,
): { readonly parts: readonly PatternPart[]; readonly remarks: readonly Reason[] } {
  const key = description.primaryKey.flatMap(
    (name) => description.columns.find((column) => column.name === name) ?? [],
  );
  if (locked !== undefined) {
    const parts = locked.parts.map((part) => ({ ...part, looks: looksOf(byName(key, part.column), part.format) }));
    return { parts, remarks: [] };
  }
  const remarks: Reason[] = [];
  const variables = new Set([singular]);
  const cassandraNames = new Set(key.map(({ name }) => name).filter((name) => CASSANDRA_COLUMN.test(name)));
  const parts = key.map((column, index): PatternPart => {
    const isOwn = index === key.length - 1;
    const parent = isOwn ? undefined : parentOf(column, { description, notes }, variables);
    const variable = parent?.variable ?? singular;
    if (parent !== undefined) {
      variables.add(variable);
      remarks.push({ column: column.name, text: `part ${index + 1} of the primary key, so the parent: ${parent.why}` });
    }
    const comment = notes.columnComments.get(column.name) ?? '';
    const isUuid = /^binary\(16\)$/i.test(column.columnType) && /uuid|guid/i.test(`${column.name} ${comment}`);
    const format = isUuid ? 'uuid' : 'plain';
    return {
      collection: camelName(isOwn ? plural : pluralOf(variable)),
      variable,
      column: column.name,
      cassandraColumn: cassandraName(column.name, cassandraNames),
      format,
      looks: looksOf(column, format),
    };
  });
  const last = key.at(-1);
  if (last?.autoIncrement) {
    remarks.push({
      column: last.name,
      text: 'AUTO_INCREMENT, so the service numbers a record whose creator leaves the id out',
    });
  }
  return { parts, remarks };
}

function parentOf(
  column: MysqlColumnDescription,
  { notes }: FoundTable,
  taken: ReadonlySet<string>,
): { readonly variable: string; readonly why: string } {
  const plain = snakeName(column.name, 'key');
  const reference = notes.references.find(({ columns }) => columns.length === 1 && columns[0] === column.name);
  const referenced = reference && singularOf(snakeName(reference.referencedTable, 'parent'));
  const stripped = plain.replace(KEY_SUFFIX, '');
  const wanted = [referenced, stripped, plain].filter((name) => name !== undefined);
  const free = wanted.find((name) => !taken.has(name));
  const variable = free ?? `parent_${plain}`;
  const why =
    reference !== undefined && variable === referenced
      ? `the foreign key ${reference.name} says that it is a row of ${reference.referencedTable}`
      : 'named after the column';
  return { variable, why };
}

function cassandraName(column: string, taken: Set<string>): string {
  if (CASSANDRA_COLUMN.test(column)) return column;
  const plain = snakeName(column, 'key');
  const wanted = CASSANDRA_COLUMN.test(plain) ? plain : `own_${plain}`;
  let name = wanted;
  for (let n = 2; taken.has(name); n++) name = `${wanted}_${n}`;
  taken.add(name);
  return name;
}

function byName(columns: readonly MysqlColumnDescription[], name: string): MysqlColumnDescription | undefined {
  return columns.find((column) => column.name === name);
}

function looksOf(column: MysqlColumnDescription | undefined, format: PatternPart['format']): string {
  if (format === 'uuid') return 'a UUID in lower case';
  const type = column?.columnType ?? '';
  if (/^(var)?binary/i.test(type)) return 'bytes in lower-case hexadecimal digits';
  if (/^(var)?char/i.test(type)) return 'text, with /, % and control characters as %2F, %25, …';
  if (/^date\b/i.test(type)) return 'a day as YYYY-MM-DD';
  if (/^datetime/i.test(type)) return 'a time as YYYY-MM-DDTHH:MM:SS, with all digits of its fraction';
  if (/^timestamp/i.test(type)) return 'a time as YYYY-MM-DDTHH:MM:SSZ, with all digits of its fraction';
  return /^decimal/i.test(type) ? 'a decimal number with all digits of its fraction' : 'decimal digits';
}
