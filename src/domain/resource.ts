/**
 * The type of a column, the same for both stores, with the canonical form of its values (see {@link Value}). What a
 * type maps to in MySQL, Cassandra and protobuf stands in `schema/types.ts` and in docs/types.md.
 */
export type ColumnType =
  /**
   * 8 to 32 bits: a number. 64 bits: a bigint. `year`: MySQL's YEAR, 0 or 1901 to 2155. `bit`: MySQL's BIT of so many bits,
   * an unsigned integer of 64.
   */
  | {
      readonly kind: 'int';
      readonly bits: 8 | 16 | 24 | 32 | 64;
      readonly unsigned: boolean;
      readonly year?: true;
      readonly bit?: number;
    }
  /** A boolean. */
  | { readonly kind: 'bool' }
  /** A string: optional `-`, digits without leading zeros, and exactly `scale` digits after the point. Never `-0`. */
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number; readonly unsigned: boolean }
  /** A finite number that is a 32-bit float. `unsigned`: not below 0. */
  | { readonly kind: 'float'; readonly unsigned?: true }
  /** A finite number. `unsigned`: not below 0. */
  | { readonly kind: 'double'; readonly unsigned?: true }
  /**
   * A string of at most `maxChars` code points and `maxBytes` bytes in the column's character set. `charset`: only
   * characters of this one; default every character. `trimsSpaces`: CHAR, which drops spaces at the end. `json`: MariaDB's
   * JSON, a text that is kept as it is written.
   */
  | {
      readonly kind: 'string';
      readonly maxChars: number;
      readonly maxBytes: number;
      readonly padSpace: boolean;
      readonly charset?: 'utf8mb3' | 'latin1' | 'ascii';
      readonly trimsSpaces?: true;
      readonly json?: true;
      /**
       * Only of key columns: MySQL takes other spellings for equal, or sorts otherwise than by code points, so statements
       * must compare and sort by bytes. Default false.
       */
      readonly loose?: true;
    }
  /** A Buffer of at most `maxBytes`; exactly as many if `fixed`. */
  | { readonly kind: 'bytes'; readonly maxBytes: number; readonly fixed: boolean }
  /** A string: 36 characters, lower case. In MySQL a BINARY(16). */
  | { readonly kind: 'uuid' }
  /** A string: `YYYY-MM-DD`. */
  | { readonly kind: 'date'; readonly noDay?: NoDay }
  /** A bigint: microseconds, from -838:59:59 to 838:59:59. `fsp`: digits of a second's fraction, 0 to 6. */
  | { readonly kind: 'time'; readonly fsp: number }
  /** A bigint: microseconds since 1970-01-01 00:00:00 in the column's own, unnamed zone. */
  | { readonly kind: 'datetime'; readonly fsp: number; readonly noDay?: NoDay }
  /** A bigint: microseconds since 1970-01-01T00:00:00Z. */
  | { readonly kind: 'timestamp'; readonly fsp: number; readonly noDay?: NoDay }
  /**
   * A string: what a DATE (`fsp`: null) or DATETIME holds, also where it is no day of the calendar: `YYYY-MM-DD`, with
   * `THH:MM:SS` and `fsp` digits of a fraction behind it.
   */
  | { readonly kind: 'date_text'; readonly fsp: number | null }
  /** A string: one of `values`. */
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  /** A string: members in the order of `values`, joined by commas. */
  | { readonly kind: 'set'; readonly values: readonly string[] }
  /** A string: canonical JSON text (see `domain/json-text.ts`). */
  | { readonly kind: 'json' };

/**
 * What a value that is no day of the calendar is: null. `zero`: the column of MySQL is NOT NULL, and a null is stored as
 * `0000-00-00`. Default: it can't be shown.
 */
export type NoDay = 'null' | 'zero';

/** A column's value in canonical form: two values are the same if and only if {@link sameValue} says so. */
export type Value = null | number | bigint | string | boolean | Uint8Array;

/** A record's columns in the order of {@link Resource.columns}; the key's columns come first. */
export type Row = readonly Value[];

/** One column of a resource. */
export interface Column {
  /** The field's name in the resource's message; null for a key column that only the resource name shows. */
  readonly field: string | null;
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly mysqlName: string;
  readonly cassandraName: string;
  /** Whether callers may set it. False for OUTPUT_ONLY fields and for key columns in updates. */
  readonly writable: boolean;
  /**
   * Whether MySQL may store something else than what was written (a default, ON UPDATE, a rounded or normalised
   * value), so that a write must read the record back under its lock.
   */
  readonly serverChanges: boolean;
  /** Whether a create must set it: it is NOT NULL and has no default. Default false. */
  readonly required?: true;
  /** Whether a create may leave it out and the service numbers it: AUTO_INCREMENT, and the last of the key. Default false. */
  readonly numbered?: true;
}

/** Where a resource's records are in the target. */
export interface CassandraPlace {
  readonly keyspace: string;
  readonly table: string;
  /**
   * How many partitions records without a parent are spread over, by a hash of the key: it can't change once the table is
   * there. Absent where the parent is the partition.
   */
  readonly buckets?: number;
}

/** Where a resource's records are in a target that is Riak. */
export interface RiakPlace {
  /** Its properties are the bucket's. */
  readonly bucketType: string;
  /** The resource's alone. */
  readonly bucket: string;
}

/** How the key's parts are written in a resource name. */
export interface NamePart {
  /** The collection before the variable: `patients`. */
  readonly collection: string;
  /** The variable: `patient`. */
  readonly variable: string;
}

/** A secondary index: records are found by the values of its columns, which are never null in it. */
export interface Index {
  readonly name: string;
  /** Indexes of {@link Resource.columns}, in the order in which a lookup gives their values. */
  readonly columns: readonly number[];
  /** Whether no two records may have the same values. */
  readonly unique: boolean;
  /** Names of MySQL's keys that serve it, at least one; of a unique index the unique keys that it stands for. */
  readonly mysqlKeys: readonly string[];
}

/**
 * A record type, bound to its tables: compiled once at start from descriptors and the tables' own description; every
 * codec and statement is compiled from it.
 */
export interface Resource {
  /** The short name that flags, control records and metrics use: `medications`. */
  readonly id: string;
  /** The message's full name: `hospital.v1.Medication`. */
  readonly typeName: string;
  /** Row order. The first `keyLength` columns are the key, partition first, then clustering. */
  readonly columns: readonly Column[];
  readonly keyLength: number;
  /** How many leading key columns name the parent, which is also Cassandra's partition key; 0: see `cassandra.buckets`. */
  readonly parentLength: number;
  /** The name pattern, one part for each key column, in key order. */
  readonly name: readonly NamePart[];
  readonly mysql: { readonly schema: string; readonly table: string };
  /** Absent: Cassandra is not its target. */
  readonly cassandra?: CassandraPlace;
  /** Absent: Riak is not its target. At most one of both is there; of neither the resource has no target and stays at the source. */
  readonly riak?: RiakPlace;
  /** Secondary indexes that both stores keep. Default: none. */
  readonly indexes?: readonly Index[];
  /** Whether its records remember the requests that wrote them (`request_id`). Default: they do not, and nothing is kept for it. */
  readonly remembersRequests?: true;
}

/** The column, the last of the key, that the service numbers where a create leaves it out; undefined: there is none. */
export function numberedColumn({ columns, keyLength }: Resource): Column | undefined {
  const last = columns[keyLength - 1];
  return last?.numbered ? last : undefined;
}

/** Whether a resource may leave the source. */
export function hasTarget({ cassandra, riak }: Resource): boolean {
  return cassandra !== undefined || riak !== undefined;
}

/** Whether a key column's values must be compared and sorted by bytes, not as MySQL does by itself. */
export function isLooseKey(type: ColumnType): boolean {
  return type.kind === 'string' && type.loose === true;
}

/** Whether two canonical values are the same; -0 and 0 differ, null differs from everything else. */
export function sameValue(a: Value, b: Value): boolean {
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  }
  return Object.is(a, b);
}

/** The indexes of the columns in which two rows of one resource differ. */
export function differingColumns(a: Row, b: Row): readonly number[] {
  const differing: number[] = [];
  for (let i = 0; i < a.length; i++) {
    if (!sameValue(a[i] as Value, b[i] as Value)) differing.push(i);
  }
  return differing;
}
