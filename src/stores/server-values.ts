import { differingColumns, type Resource, type Row, type Value } from '../domain/resource.ts';

/**
 * What MySQL puts into columns by itself, so that the same request means the same whoever is the authority: defaults of
 * columns that a create leaves out, and columns that it sets to the time of a change (ON UPDATE CURRENT_TIMESTAMP).
 */
export interface ServerValues {
  /** For each column what a create that leaves it out stores. */
  readonly defaults: readonly ServerDefault[];
  /** The indexes of the columns that an update which changes anything sets to its time, unless it sets them itself. */
  readonly onUpdate: readonly number[];
}

/** `now`: the time of the write, cut to the column's precision. `none`: the write must set it. */
export type ServerDefault = { readonly kind: 'value'; readonly value: Value } | { readonly kind: 'now' | 'none' };

/** Of a table without any: what is left out is null, where that is allowed. */
export function noServerValues(resource: Resource): ServerValues {
  return {
    defaults: resource.columns.map(({ nullable }) => (nullable ? { kind: 'value', value: null } : { kind: 'none' })),
    onUpdate: [],
  };
}

/** The row that a create of these columns makes; undefined in the place of a column that it must set and does not. */
export function withDefaults(
  resource: Resource,
  { defaults }: ServerValues,
  given: ReadonlyMap<number, Value>,
  nowMicros: bigint,
): (Value | undefined)[] {
  return resource.columns.map((_, i) => {
    if (given.has(i)) return given.get(i);
    const left = defaults[i];
    if (left?.kind === 'now') return timeOf(resource, i, nowMicros);
    return left?.kind === 'value' ? left.value : undefined;
  });
}

/** An update's row, with the columns that change by themselves. `set`: the columns that it sets itself. */
export function withUpdateTimes(
  resource: Resource,
  { onUpdate }: ServerValues,
  change: { readonly before: Row; readonly after: Row; readonly set: readonly number[] },
  nowMicros: bigint,
): Row {
  const { before, after, set } = change;
  const touched = onUpdate.filter((i) => !set.includes(i));
  if (touched.length === 0 || differingColumns(before, after).length === 0) return after;
  const row = [...after];
  for (const i of touched) row[i] = timeOf(resource, i, nowMicros);
  return row;
}

/** Cut, not rounded, as CURRENT_TIMESTAMP is. Sessions are in UTC, so a DATETIME shows the same time. */
function timeOf(resource: Resource, index: number, nowMicros: bigint): Value {
  const type = resource.columns[index]?.type;
  const fsp = type?.kind === 'timestamp' || type?.kind === 'datetime' ? type.fsp : 6;
  return nowMicros - (nowMicros % 10n ** BigInt(6 - fsp));
}
