import { cqlName } from '../../schema/cassandra-ddl.ts';
import { BUCKET_COLUMN } from '../../schema/cql-types.ts';
import { SAMPLE_ROWS } from '../../stores/mysql/sample-values.ts';
import type { LockFile } from './lock-file.ts';
import type { FileChange } from './output-files.ts';
import type { FieldPlan, InitSettings, Reason, Refusal, TablePlan } from './plan.ts';
import { patternOf } from './resource-proto.ts';

const STAYS = 'served from MySQL, but can’t be moved to Cassandra';

/** What can't be carried, column by column: told before anything is written. */
export function uncarriedLines(plans: readonly TablePlan[], refusals: readonly Refusal[]): string[] {
  const lines = ['What can’t be carried'];
  for (const { table, reasons } of refusals) {
    lines.push(`  ${table}: REFUSED, it gets no definition`, ...reasons.map((reason) => `    ${reasonText(reason)}`));
  }
  for (const { table, leftOut } of plans.filter((plan) => plan.leftOut.length > 0)) {
    lines.push(`  ${table}: served without these columns, which a create leaves to MySQL`);
    lines.push(...leftOut.map((reason) => `    ${reasonText(reason)}`));
  }
  for (const { table, unshown } of plans.filter((plan) => plan.unshown.length > 0)) {
    lines.push(
      `  ${table}: the first ${SAMPLE_ROWS.toLocaleString('en')} rows hold values that can’t be shown, or that stop the copy, until they are mended`,
    );
    lines.push(...unshown.map((reason) => `    ${reasonText(reason)}`));
  }
  for (const { table, staysBecause } of plans.filter((plan) => plan.staysBecause.length > 0)) {
    lines.push(`  ${table}: ${STAYS}`, ...staysBecause.map((reason) => `    ${reasonText(reason)}`));
  }
  if (lines.length === 1) lines.push('  nothing: every column of every table has a field, and every table can move');
  return lines;
}

/** What was decided for each table, and why. */
export function decisionLines(plans: readonly TablePlan[], settings: InitSettings): string[] {
  if (plans.length === 0) return [];
  return [
    'What was decided, and why',
    ...plans.flatMap((plan) => planLines(plan, settings)),
    '  Limits of the columns (lengths, ranges, precisions) are written as rules (buf.validate), so that clients can check them too. The',
    '  service holds each value against its column’s type with or without them, and answers INVALID_ARGUMENT.',
  ];
}

function planLines(plan: TablePlan, settings: InitSettings): string[] {
  const { names, parts, target, fields, remarks } = plan;
  const parents = parts.slice(0, -1).map((part) => part.cassandraColumn);
  const partition = parents.length > 0 ? parents.join(', ') : BUCKET_COLUMN;
  const own = parts.at(-1)?.cassandraColumn;
  return [
    `  ${plan.table}: ${settings.packageName}.${names.message}, flags crossfade.${names.id}.*`,
    `    named ${patternOf(parts)}, as the primary key is (${parts.map((part) => part.column).join(', ')})`,
    target === undefined
      ? '    stays in MySQL'
      : `    moves to ${target.keyspace}.${target.table}, PRIMARY KEY ((${partition}), ${own}): ${parents.length > 0 ? 'the parent is the partition' : bucketText(target.buckets ?? 1)}`,
    ...fields.map((field) => `    ${fieldText(field)}`),
    ...remarks.map((reason) => `    ${reasonText(reason)}`),
  ];
}

function bucketText(buckets: number): string {
  return buckets === 1 ? 'all in one bucket' : `a hash of the key tells which of ${buckets} buckets`;
}

function fieldText({ name, number, type, behavior, column }: FieldPlan): string {
  const names: Readonly<Record<string, string>> = {
    strings: 'repeated string',
    timestamp: 'google.protobuf.Timestamp',
    enum: `enum ${type.enum?.name}`,
  };
  const text = `${type.optional ? 'optional ' : ''}${names[type.shape] ?? type.shape}`;
  const from = column === name ? '' : `, of the column ${column}`;
  return `${String(number).padStart(3)} ${name}: ${text}, ${behavior}${from}`;
}

/** Statements for targets that exist since an earlier run: the service adds no columns by itself. */
export function cassandraChanges(plans: readonly TablePlan[], lock: LockFile | null): string[] {
  const statements = plans.flatMap(({ table, target, fields }) => {
    const before = lock?.tables[table];
    if (before === undefined || target === undefined) return [];
    const known = Object.values(before.fields).map((field) => field.cassandraColumn);
    return fields
      .filter((field) => !known.includes(field.cassandraColumn))
      .map(
        (field) =>
          `  ALTER TABLE ${cqlName(target.keyspace)}.${cqlName(target.table)} ADD ${cqlName(field.cassandraColumn)} ${field.cqlType};`,
      );
  });
  return statements.length === 0 ? [] : ['On Cassandra, where the tables are there already', ...statements];
}

/** `column: text`. */
export function reasonText({ column, text }: Reason): string {
  return column === undefined ? text : `${column}: ${text}`;
}

/** What becomes of each file. */
export function fileLines(
  changes: readonly FileChange[],
  options: { readonly dryRun: boolean; readonly folder: string },
): string[] {
  const words = { new: 'new', same: 'as it is', changed: 'changed', edited: 'changed, and not as init had written it' };
  const title = options.dryRun ? 'Files that would be written' : 'Files';
  return [`${title} in ${options.folder}`, ...changes.map(({ path, state }) => `  ${path} (${words[state]})`)];
}
