import { isLooseKey } from '../../domain/resource.ts';
import type { MysqlColumnDescription, MysqlTableDescription } from '../../domain/table-description.ts';
import { keyType } from '../../schema/key-types.ts';
import { columnTypeOf } from '../../schema/types.ts';
import type { Call } from '../../stores/call.ts';
import { smallestMutation } from '../../stores/cassandra/server-checks.ts';
import { identifier } from '../../stores/mysql/names.ts';
import { padsExactly } from '../../stores/mysql/sample-values.ts';
import {
  countMergedGroups,
  countRows,
  isEmptyPartition,
  isErrorValue,
  isNoDay,
  isScanTimeout,
  isUnnameable,
  measureLargest,
  type Scanned,
  type TableScan,
} from '../../stores/mysql/table-scan.ts';
import { type Answer, notChecked, ok, problem, type ResourceCheck, warning } from './check.ts';
import type { ResourceSubject } from './site.ts';
import { withTable } from './source-checks.ts';
import { bytesText, countText } from './text.ts';

const MYSQL: Pick<ResourceCheck, 'needs'> = { needs: ['mysql'] };

/** What stands in a resource's table: counted, never shown. */
export const valueChecks: readonly ResourceCheck[] = [
  { id: 'source.key_collations', ...MYSQL, run: withTable(checkCollations) },
  { id: 'source.key_values', ...MYSQL, run: withTable(checkKeyValues) },
  { id: 'source.dates', ...MYSQL, run: withTable(checkDates) },
  { id: 'source.enum_values', ...MYSQL, run: withTable(checkEnums) },
  { id: 'source.row_sizes', ...MYSQL, run: withTable(checkRowSizes) },
];

/** A collation that takes different texts for equal makes one key of what Cassandra holds as two, so authority stays with MySQL. */
async function checkCollations(
  subject: ResourceSubject,
  table: MysqlTableDescription,
  call: Call,
): Promise<readonly Answer[]> {
  const texts = keyColumns(subject, table).filter(({ collation }) => collation !== null);
  const loose = texts.filter((column) => {
    const typed = columnTypeOf(column, null, 'plain');
    return 'type' in typed && isLooseKey(keyType(column, typed.type));
  });
  if (texts.length === 0) return [ok('no key column is a text')];
  if (loose.length === 0) return [ok(`${[...new Set(texts.map(({ collation }) => collation))].join(', ')}`)];
  const found = loose.map(({ name, collation }) => `${name} (${collation})`).join(', ');
  if (subject.target === undefined) return [ok(`${found}: names say the exact text`)];
  const stays = `authority can't move to Cassandra: ${found} takes different texts for the same key, and Cassandra does not`;
  const parent = keyColumns(subject, table).slice(0, -1);
  const counted = await ask(countMergedGroups(scanOf(subject), namesOf(parent.length > 0 ? parent : loose)), call);
  const groups =
    typeof counted === 'number'
      ? `; ${countText(counted, 'group')} of parents that MySQL takes for one are several here`
      : '; how many parents are spelled in several ways is not known: the table is too large to be read in time';
  const text = stays + (parent.length > 0 ? groups : '');
  return [warning(text, loose.map((column) => modifyCollation(table, column)).join('; '))];
}

function modifyCollation(
  table: MysqlTableDescription,
  { name, columnType, characterSet }: MysqlColumnDescription,
): string {
  const collation = `CHARACTER SET ${characterSet} COLLATE ${characterSet}_bin NOT NULL`;
  return `ALTER TABLE ${pathOf(table)} MODIFY ${identifier(name)} ${columnType} ${collation} (with its other attributes; columns that refer to it too)`;
}

/** Keys that a resource's name can't say: the List of their parent fails. */
async function checkKeyValues(
  subject: ResourceSubject,
  table: MysqlTableDescription,
  call: Call,
): Promise<readonly Answer[]> {
  const key = keyColumns(subject, table);
  const texts = key.filter(({ collation }) => padsExactly(collation));
  const conditions = Object.fromEntries(texts.map(({ name }) => [name, isUnnameable(name)]));
  const answers = await countBad(subject, call, {
    conditions,
    fine: 'every key can be said in a resource name',
    bad: 'with a key that has a space at its end or a control character: their List fails',
  });
  const [parent] = key;
  if (subject.target === undefined || parent === undefined || key.length !== 2) return answers;
  if (!/char|binary/i.test(parent.columnType)) return answers;
  const empty = await countBad(subject, call, {
    conditions: { [parent.name]: isEmptyPartition(parent.name) },
    fine: 'no parent is empty',
    bad: 'with an empty parent, which Cassandra has no partition for: the copy fails at them',
  });
  return [...answers, ...empty.filter(({ outcome }) => outcome !== 'ok')];
}

async function checkDates(
  subject: ResourceSubject,
  table: MysqlTableDescription,
  call: Call,
): Promise<readonly Answer[]> {
  const shown = subject.one.definition.fields.filter(({ zeroDates }) => zeroDates !== undefined);
  const dates = table.columns
    .filter(({ columnType }) => /^(date|datetime|timestamp)\b/i.test(columnType))
    .filter(({ name }) => !shown.some(({ mysqlColumn }) => mysqlColumn === name));
  if (dates.length === 0) return [ok('no column is a date, or each has its zero_dates')];
  return countBad(subject, call, {
    conditions: Object.fromEntries(dates.map(({ name }) => [name, isNoDay(name)])),
    fine: `every date of ${countText(dates.length, 'column')} is a day of the calendar`,
    bad: 'with a date that is no day of the calendar (zero, or of no month or day): reads and the copy fail at them',
  });
}

async function checkEnums(
  subject: ResourceSubject,
  table: MysqlTableDescription,
  call: Call,
): Promise<readonly Answer[]> {
  const enums = table.columns.filter(({ columnType }) => /^enum\b/i.test(columnType));
  if (enums.length === 0) return [ok('no column is an ENUM')];
  return countBad(subject, call, {
    conditions: Object.fromEntries(enums.map(({ name }) => [name, isErrorValue(name)])),
    fine: `every value of ${countText(enums.length, 'column')} has a label`,
    bad: "with ENUM's error value '', which is none of its labels: reads and the copy fail at them",
  });
}

/** What is counted, and what to say of it. */
interface BadRows {
  /** By column. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly fine: string;
  /** Completes "12 rows …". */
  readonly bad: string;
}

/** One answer for each column with rows that its condition holds for; one if there is none. */
async function countBad(
  subject: ResourceSubject,
  call: Call,
  { conditions, fine, bad: badly }: BadRows,
): Promise<readonly Answer[]> {
  if (Object.keys(conditions).length === 0) return [ok(fine)];
  const counts = await ask(countRows(scanOf(subject), conditions), call);
  if ('sql' in counts) return [tooLarge(counts)];
  const bad = [...counts].filter(([, count]) => count > 0);
  if (bad.length === 0) return [ok(fine)];
  return bad.map(([name, count]) =>
    problem(
      `${name}: ${countText(count, 'row')} ${badly}`,
      `mend what this finds: SELECT … FROM ${pathOf(subject.source)} WHERE ${conditions[name]}`,
    ),
  );
}

/** A message, a mutation of Cassandra: both have a largest. */
async function checkRowSizes(
  subject: ResourceSubject,
  table: MysqlTableDescription,
  call: Call,
): Promise<readonly Answer[]> {
  const { messageBytes } = subject.site.config.limits;
  const mutationBytes = await mutationLimit(subject);
  const limit = Math.min(messageBytes, mutationBytes ?? messageBytes);
  const declared = table.columns.reduce((sum, column) => sum + declaredBytes(column), 0);
  const mutation = mutationBytes === null ? '' : `, a mutation of Cassandra ${bytesText(mutationBytes)}`;
  const most = `columns hold up to ${bytesText(declared)}; a message ${bytesText(messageBytes)}${mutation}`;
  if (declared <= limit) return [ok(most)];
  const wide = table.columns.filter((column) => declaredBytes(column) > NUMBER_BYTES);
  const largest = await ask(measureLargest(scanOf(subject), namesOf(wide)), call);
  if (typeof largest !== 'number') return [tooLarge(largest)];
  const found = `the largest row has ${bytesText(largest)}; ${most}`;
  const cure = 'raise limits.messageBytes, and max_mutation_size in cassandra.yaml; or keep the value elsewhere';
  if (largest > limit) return [problem(`${found}: it can't be moved or read`, cure)];
  return [largest > limit / 2 ? warning(found, cure) : ok(found)];
}

/** Null: the resource stays at the source. Without Cassandra's word its default counts. */
async function mutationLimit({ site, target }: ResourceSubject): Promise<number | null> {
  return target === undefined ? null : smallestMutation(await site.nodes().catch(() => []));
}

/** What a column without a length of its own takes at most, about. */
const NUMBER_BYTES = 64;
/** A JSON document of MySQL: as large as a LONGTEXT. */
const JSON_BYTES = 4 * 1024 ** 3;

function declaredBytes({ columnType, octetLength }: MysqlColumnDescription): number {
  return octetLength ?? (/^json\b/i.test(columnType) ? JSON_BYTES : NUMBER_BYTES);
}

/** The columns of a resource's key as its table has them, the parent's first. */
function keyColumns({ one }: ResourceSubject, table: MysqlTableDescription): readonly MysqlColumnDescription[] {
  return one.definition.key.flatMap(({ mysqlColumn }) => table.columns.find(({ name }) => name === mysqlColumn) ?? []);
}

function namesOf(columns: readonly MysqlColumnDescription[]): readonly string[] {
  return columns.map(({ name }) => name);
}

function pathOf({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${identifier(schema)}.${identifier(table)}`;
}

function scanOf({ site, source }: ResourceSubject): TableScan {
  return { pool: site.pool, ...source, limitMs: site.expectations.scanLimitMs };
}

/** A scan whose time was up, with its statement. */
interface TooLarge {
  readonly sql: string;
}

async function ask<Result>(scan: Scanned<Result>, call: Call): Promise<Result | TooLarge> {
  try {
    return await scan.run(call);
  } catch (error) {
    if (isScanTimeout(error)) return { sql: scan.sql };
    throw error;
  }
}

function tooLarge({ sql }: TooLarge): Answer {
  return notChecked('the table is too large to be read in time', `raise --scan-limit, or run on a replica: ${sql}`);
}
