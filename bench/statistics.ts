/** The middle value, or the mean of the two middle ones. NaN if there is none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Rounded for people: three digits behind the point. */
export function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The median of each member of records that have the same members. */
export function medians<Name extends string>(records: readonly Readonly<Record<Name, number>>[]): Record<Name, number> {
  const names = Object.keys(records[0] ?? {}) as Name[];
  return Object.fromEntries(names.map((name) => [name, median(records.map((record) => record[name]))])) as Record<
    Name,
    number
  >;
}
