import type { ColumnType, Resource } from '../domain/resource.ts';

/** The columns that every table of the target has beside the resource's own, with their CQL types. */
export const CROSSFADE_COLUMNS = {
  /** The stored version. */
  crossfade_version: 'bigint',
  /** Whether the row is a marker: a deleted record. */
  crossfade_deleted: 'boolean',
  /** Which write made the row. */
  crossfade_write_id: 'blob',
} as const;

/** Those of one resource: what its records remember of requests is a column where they do. */
export function ownColumnsOf(resource: Pick<Resource, 'remembersRequests'>): Readonly<Record<string, string>> {
  return resource.remembersRequests ? { ...CROSSFADE_COLUMNS, crossfade_requests: 'blob' } : CROSSFADE_COLUMNS;
}

/** The partition key of a table whose records have no parent: a hash of the key, modulo the table's number of buckets. */
export const BUCKET_COLUMN = 'crossfade_bucket';

/** The CQL type of {@link BUCKET_COLUMN}. */
export const BUCKET_TYPE = 'int';

/**
 * The CQL type that holds every value of a column type without loss, and in the same order where the type may be part of
 * a key. Where CQL's own type would lose something another one stands in: its `timestamp` has milliseconds, so times
 * are `bigint` microseconds; its integers have no unsigned ones, so each goes into the next wider.
 */
export function cqlTypeOf(type: ColumnType): string {
  switch (type.kind) {
    case 'int':
      return cqlIntOf(type.bits, type.unsigned);
    case 'bool':
      return 'boolean';
    case 'decimal':
      return 'decimal';
    case 'float':
      return 'float';
    case 'double':
      return 'double';
    case 'bytes':
      return 'blob';
    case 'date':
      return 'date';
    case 'time':
    case 'datetime':
    case 'timestamp':
      return 'bigint';
    case 'string':
    case 'uuid':
    case 'enum':
    case 'set':
    case 'json':
    case 'date_text':
      return 'text';
  }
}

function cqlIntOf(bits: 8 | 16 | 24 | 32 | 64, unsigned: boolean): string {
  switch (bits) {
    case 8:
      return unsigned ? 'smallint' : 'tinyint';
    case 16:
      return unsigned ? 'int' : 'smallint';
    case 24:
      return 'int';
    case 32:
      return unsigned ? 'bigint' : 'int';
    case 64:
      return unsigned ? 'varint' : 'bigint';
  }
}
