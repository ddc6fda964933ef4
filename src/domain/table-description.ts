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
}

/** A foreign key, of the table itself or of another table that refers to it. */
export interface ForeignKeyDescription {
  readonly name: string;
  readonly table: string;
  readonly referencedTable: string;
  readonly onDelete: string;
  readonly onUpdate: string;
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
  /** Names of the columns of each unique key but the primary. */
  readonly uniqueKeys: readonly (readonly string[])[];
  /** Foreign keys of this table. */
  readonly foreignKeys: readonly ForeignKeyDescription[];
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
}
