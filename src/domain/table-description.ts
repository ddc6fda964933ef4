/** A column as MySQL's information_schema describes it. */
export interface MysqlColumnDescription {
  readonly name: string;
  /** The full type: `bigint(20) unsigned`, `enum('a','b')`. */
  readonly columnType: string;
  readonly nullable: boolean;
  /** Null for columns without a character set. */
  readonly characterSet: string | null;
  readonly collation: string | null;
  /** CHARACTER_OCTET_LENGTH, null where it has no meaning. */
  readonly octetLength: number | null;
  /** Whether the column has a default (or is nullable or AUTO_INCREMENT), so that an INSERT may leave it out. */
  readonly hasDefault: boolean;
  readonly autoIncrement: boolean;
  /** `ON UPDATE CURRENT_TIMESTAMP`. */
  readonly onUpdate: boolean;
  readonly generated: boolean;
  /** MariaDB's JSON: a text column with the check that makes it one. Default false. */
  readonly jsonText?: true;
}

/** A foreign key, of the table itself or of another table that refers to it. */
export interface ForeignKeyDescription {
  readonly name: string;
  readonly table: string;
  readonly referencedTable: string;
  readonly onDelete: string;
  readonly onUpdate: string;
}

/** A secondary key of a table. */
export interface KeyDescription {
  readonly name: string;
  /** In the key's order; empty text for a functional part. */
  readonly columns: readonly string[];
  readonly unique: boolean;
  /** Whether only the first characters of one of its columns are in it. */
  readonly isPrefix: boolean;
  /** MariaDB's unique key by a hash (`USING HASH`, or of texts too long for a tree): no record is found by it. Default false. */
  readonly isHash?: true;
}

/** A table as MySQL describes it. */
export interface MysqlTableDescription {
  readonly schema: string;
  readonly table: string;
  /** `InnoDB`. */
  readonly storageEngine: string;
  /** In ordinal order. */
  readonly columns: readonly MysqlColumnDescription[];
  /** Column names in the key's order; empty: there is no primary key. */
  readonly primaryKey: readonly string[];
  /** Every key but the primary. Default: none. */
  readonly keys?: readonly KeyDescription[];
  /** Foreign keys of this table. */
  readonly foreignKeys: readonly ForeignKeyDescription[];
  /** Names of the check constraints that the server enforces, but for the one that makes a text JSON. Default: none. */
  readonly checks?: readonly string[];
  /** Names of MariaDB's keys `WITHOUT OVERLAPS`, which keep periods apart; `PRIMARY` may be among them. Default: none. */
  readonly periodKeys?: readonly string[];
}

/** A foreign key of a table with its columns, in the key's order. */
export interface ReferenceDescription {
  readonly name: string;
  readonly columns: readonly string[];
  readonly referencedTable: string;
  readonly referencedColumns: readonly string[];
}

/** A kind of value that a column holds and no field can show. */
export interface UnshownValue {
  readonly column: string;
  readonly text: string;
}

/** What serving a table does not need to know of it, and writing a definition does. */
export interface MysqlTableNotes {
  /** Counted where there are few, else the server's estimate. */
  readonly rows: number;
  /** Empty: there is none. */
  readonly comment: string;
  /** By column; columns without a comment are absent. */
  readonly columnComments: ReadonlyMap<string, string>;
  readonly references: readonly ReferenceDescription[];
  /** Columns of which only the first characters are in the primary key. */
  readonly keyPrefixes: readonly string[];
  /** Columns outside the key whose values only the server can tell: AUTO_INCREMENT, generated, an expression as default. */
  readonly serverValued: readonly string[];
  /** Columns that the server sets by itself where there are more of them than a write can tell apart; else none. */
  readonly tooManyServerValued: readonly string[];
  /** Columns of TINYINT(1) that hold other numbers than 0 and 1, as far as a sample of the rows shows. */
  readonly notBooleans: readonly string[];
  /** Columns of DATE, DATETIME or TIMESTAMP that hold what is no day of the calendar, as far as the same sample shows. */
  readonly noDays: readonly string[];
  /** What the same sample holds that can't be served until it is mended. */
  readonly unshown: readonly UnshownValue[];
}

/** A table as Cassandra's system_schema describes it. */
export interface CassandraTableDescription {
  readonly keyspace: string;
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly cqlType: string; readonly isStatic: boolean }[];
  /** Column names in order. */
  readonly partitionKey: readonly string[];
  readonly clusteringKey: readonly { readonly name: string; readonly order: 'asc' | 'desc' }[];
  readonly gcGraceSeconds: number;
  /** Empty: there is none. */
  readonly comment: string;
}
