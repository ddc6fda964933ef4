import { createKeyCodec, type KeyValue } from './key.ts';
import { type Index, type Resource, type Row, sameValue, type Value } from './resource.ts';

/** Between records and the entries of one index, compiled once. */
export interface IndexCodec {
  readonly index: Index;
  /** What stands for a record's values; null: one of them is null, so the record is not in the index. */
  entryOf(row: Row): Buffer | null;
  /** What stands for values to be looked up. Records of one entry are equal to MySQL, but need not have the same values. */
  entryOfValues(values: readonly Value[]): Buffer;
  /** Whether a record has exactly these values. */
  has(row: Row, values: readonly Value[]): boolean;
}

/**
 * Compiles an index's codec. An entry is the encoding of a key of the same values, so it is never empty, whatever they are. Where the
 * column's collation pads with spaces, those at the end are left out: MySQL takes such texts for equal, and so does a unique key.
 */
export function createIndexCodec(resource: Resource, index: Index): IndexCodec {
  const columns = index.columns.map((at) => {
    const column = resource.columns[at];
    if (column === undefined) throw new TypeError(`the index ${index.name} of ${resource.id} has an unknown column`);
    return column;
  });
  const codec = createKeyCodec({ columns, keyLength: columns.length });
  const padded = columns.map(({ type }) => type.kind === 'string' && type.padSpace);
  const entryOfValues = (values: readonly Value[]): Buffer =>
    codec.fromValues(values.map((value, i) => (padded[i] ? trimmed(value as string) : (value as KeyValue)))).bytes;
  return {
    index,
    entryOfValues,
    entryOf: (row) => {
      const values = index.columns.map((at) => row[at] ?? null);
      return values.includes(null) ? null : entryOfValues(values);
    },
    has: (row, values) => index.columns.every((at, i) => sameValue(row[at] ?? null, values[i] ?? null)),
  };
}

function trimmed(text: string): string {
  return text.replace(/ +$/, '');
}

/** The codecs of all indexes of a resource. */
export function createIndexCodecs(resource: Resource): readonly IndexCodec[] {
  return (resource.indexes ?? []).map((index) => createIndexCodec(resource, index));
}
