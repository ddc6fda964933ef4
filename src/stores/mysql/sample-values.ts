import type { MysqlColumnDescription, UnshownValue } from '../../domain/table-description.ts';
import { identifier } from './names.ts';
import type { Deadline, MysqlClient } from './pool.ts';
import { isEmptyPartition, isNoDay, isUnnameable } from './table-scan.ts';

/** A table of a live system is not read as a whole to find out what its columns hold. */
export const SAMPLE_ROWS = 10_000;

/** What a sample of a table's rows holds that its columns' types do not tell. */
export interface SampledValues {
  /** Columns of TINYINT(1) with other numbers than 0 and 1. */
  readonly notBooleans: readonly string[];
  /** Columns with dates that are no day of the calendar. */
  readonly noDays: readonly string[];
  readonly unshown: readonly UnshownValue[];
}

/** A question to a column's values. */
interface Probe {
  readonly column: string;
  /** SQL that is true for a value that is looked for. */
  readonly condition: string;
  /** What was found then: something that can't be shown, or what the choice of a type must know. */
  readonly found: { readonly unshown: string } | 'not_boolean' | 'no_day';
}

/** Looks at the first {@link SAMPLE_ROWS} rows, in one statement. @param key the columns of the primary key. */
export async function sampleValues(
  client: MysqlClient,
  name: { readonly schema: string; readonly table: string },
  columns: readonly MysqlColumnDescription[],
  key: readonly string[],
  deadline: Deadline,
): Promise<SampledValues> {
  // A parent of one column is Cassandra's partition.
  const [parent] = key.length === 2 ? key : [];
  const probes = columns.flatMap((column) => {
    const probe = probeOf(column, key.includes(column.name));
    const isText = /char|binary/i.test(column.columnType);
    return [...(probe ? [probe] : []), ...(isText && column.name === parent ? [emptyParent(parent)] : [])];
  });
  if (probes.length === 0) return { notBooleans: [], noDays: [], unshown: [] };
  const asked = new Set(probes.map(({ column }) => identifier(column)));
  const { rows } = await client.read(
    `SELECT ${probes.map(({ condition }) => `MAX(${condition})`).join(', ')}
     FROM (SELECT ${[...asked].join(', ')} FROM ${identifier(name.schema)}.${identifier(name.table)}
       LIMIT ${SAMPLE_ROWS}) AS sampled`,
    [],
    deadline,
  );
  const found = probes.filter((_, i) => Number(rows[0]?.[i] ?? 0) === 1);
  const columnsOf = (what: Probe['found']): string[] =>
    found.filter((probe) => probe.found === what).map(({ column }) => column);
  return {
    notBooleans: columnsOf('not_boolean'),
    noDays: columnsOf('no_day'),
    unshown: found.flatMap(({ column, found: what }) =>
      typeof what === 'string' ? [] : [{ column, text: what.unshown }],
    ),
  };
}

function emptyParent(column: string): Probe {
  const unshown = 'an empty parent, which Cassandra has no partition for';
  return { column, condition: isEmptyPartition(column), found: { unshown } };
}

function probeOf({ name, columnType, collation }: MysqlColumnDescription, isKey: boolean): Probe | undefined {
  const column = identifier(name);
  const [base = ''] = /^\w+/.exec(columnType.toLowerCase()) ?? [];
  if (/^tinyint\(1\)$/i.test(columnType)) {
    return { column: name, condition: `${column} NOT IN (0, 1)`, found: 'not_boolean' };
  }
  if (['date', 'datetime', 'timestamp'].includes(base)) {
    return { column: name, condition: isNoDay(name), found: 'no_day' };
  }
  if (base === 'enum')
    return { column: name, condition: `${column} + 0 = 0`, found: { unshown: 'the empty error value of an ENUM' } };
  if (isKey && padsExactly(collation)) {
    const unshown = 'a key with a space at its end or a control character, which its collation does not tell apart';
    return { column: name, condition: isUnnameable(name), found: { unshown } };
  }
  return undefined;
}

/** Whether texts are compared by their bytes, but for spaces at the end. */
export function padsExactly(collation: string | null): boolean {
  const text = collation ?? '';
  return text.endsWith('_bin') && !/_0900_|_nopad_/.test(text);
}
