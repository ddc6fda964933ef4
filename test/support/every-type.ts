/** A table with a column of every type that is carried, as a server describes it. */
import type { Column, Resource } from '../../src/domain/resource.ts';
import type { ColumnFormat, ZeroDates } from '../../src/schema/definition.ts';
import type { FieldShape } from '../../src/schema/field-shape.ts';
import { columnTypeOf } from '../../src/schema/types.ts';
import { describeTable } from '../../src/stores/mysql/describe-table.ts';
import type { MysqlPool } from '../../src/stores/mysql/pool.ts';
import type { Flavour } from '../../src/stores/mysql/server-checks.ts';
import { testCall } from './calls.ts';

/** One type, and how it is shown. */
interface CarriedType {
  readonly sql: string;
  readonly shape?: FieldShape;
  readonly format?: ColumnFormat;
  readonly zeroDates?: ZeroDates;
  /** Only where an absent field has a value in the column. */
  readonly notNull?: true;
}

const UTF8 = 'CHARACTER SET utf8mb4 COLLATE';

/** Collations that take much for equal, and such as do not: what is carried must not depend on them. */
const carried: readonly CarriedType[] = [
  ...['TINYINT', 'SMALLINT', 'MEDIUMINT', 'INT', 'BIGINT'].flatMap((sql) => [{ sql }, { sql: `${sql} UNSIGNED` }]),
  { sql: 'INT(6) UNSIGNED ZEROFILL' },
  { sql: 'TINYINT(1)', shape: 'bool' },
  { sql: 'BIT(1)', shape: 'bool' },
  { sql: 'BIT(1)' },
  { sql: 'BIT(13)' },
  { sql: 'BIT(64)' },
  { sql: 'YEAR' },
  { sql: 'DECIMAL(20,4)' },
  { sql: 'DECIMAL(38,0) UNSIGNED' },
  { sql: 'DECIMAL(65,30)' },
  { sql: 'DECIMAL(30,30)' },
  { sql: 'FLOAT' },
  { sql: 'FLOAT UNSIGNED' },
  { sql: 'DOUBLE' },
  { sql: 'DOUBLE UNSIGNED' },
  { sql: 'CHAR(10) CHARACTER SET ascii COLLATE ascii_bin' },
  { sql: `CHAR(20) ${UTF8} utf8mb4_unicode_ci` },
  { sql: `VARCHAR(100) ${UTF8} utf8mb4_unicode_ci` },
  { sql: `VARCHAR(100) ${UTF8} utf8mb4_bin` },
  { sql: 'VARCHAR(40) CHARACTER SET utf8 COLLATE utf8_general_ci' },
  { sql: 'VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci' },
  { sql: 'VARCHAR(40) CHARACTER SET ascii COLLATE ascii_general_ci' },
  ...['TINYTEXT', 'TEXT', 'MEDIUMTEXT', 'LONGTEXT'].map((sql) => ({ sql: `${sql} ${UTF8} utf8mb4_general_ci` })),
  { sql: 'TEXT CHARACTER SET latin1 COLLATE latin1_german1_ci' },
  { sql: 'BINARY(4)' },
  { sql: 'VARBINARY(300)' },
  ...['CHAR', 'VARCHAR', 'BINARY', 'VARBINARY'].map((base) => ({ sql: `${base}(0)` })),
  ...['TINYBLOB', 'BLOB', 'MEDIUMBLOB', 'LONGBLOB'].map((sql) => ({ sql })),
  { sql: 'BINARY(16)', format: 'uuid' },
  { sql: 'DATE' },
  { sql: 'DATE', zeroDates: 'null' },
  { sql: 'DATE', zeroDates: 'null', notNull: true },
  { sql: 'DATE', zeroDates: 'text' },
  ...[0, 3, 6].flatMap((fsp) => ['TIME', 'DATETIME', 'TIMESTAMP'].map((base) => ({ sql: `${base}(${fsp})` }))),
  { sql: 'DATETIME(6)', zeroDates: 'null' },
  { sql: 'DATETIME', zeroDates: 'null', notNull: true },
  { sql: 'TIMESTAMP(6)', zeroDates: 'null' },
  { sql: 'TIMESTAMP(3)', zeroDates: 'null', notNull: true },
  { sql: 'DATETIME', zeroDates: 'text' },
  { sql: 'DATETIME(2)', zeroDates: 'text' },
  { sql: `ENUM('active','on-hold','it''s','ü','back\\\\slash') ${UTF8} utf8mb4_general_ci` },
  { sql: `SET('urgent','checked','billed') ${UTF8} utf8mb4_general_ci` },
  { sql: 'JSON' },
];

/** Of MySQL alone. */
const carriedByMysql: readonly CarriedType[] = [{ sql: `VARCHAR(100) ${UTF8} utf8mb4_0900_ai_ci` }];

/** Of MariaDB alone. */
const carriedByMariadb: readonly CarriedType[] = [{ sql: `VARCHAR(100) ${UTF8} utf8mb4_unicode_nopad_ci` }];

function typesOf(flavour: Flavour): readonly CarriedType[] {
  return [...carried, ...(flavour === 'mysql' ? carriedByMysql : carriedByMariadb)];
}

/** The column of the type at a place in the list. */
function nameOf(index: number): string {
  return `type_${index}`;
}

/** The SQL of the types by their columns' names, for messages. */
export function sqlByColumn(flavour: Flavour): ReadonlyMap<string, string> {
  return new Map(
    typesOf(flavour).map(({ sql, zeroDates }, i) => [
      nameOf(i),
      zeroDates === undefined ? sql : `${sql}, zero dates as ${zeroDates}`,
    ]),
  );
}

/** CREATE TABLE of `every_type`: the key is a text and a number, every other column may be null, or its field absent. */
export function everyTypeSql(flavour: Flavour): string {
  const columns = typesOf(flavour).map(({ sql, notNull }, i) => `${nameOf(i)} ${sql} ${notNull ? 'NOT NULL' : 'NULL'}`);
  return `CREATE TABLE every_type (owner VARCHAR(40) ${UTF8} utf8mb4_bin NOT NULL, sample BIGINT UNSIGNED NOT NULL,
    ${columns.join(',\n')}, PRIMARY KEY (owner, sample)) ENGINE = InnoDB ROW_FORMAT = DYNAMIC`;
}

/** The resource of that table, its types read from the server. */
export async function everyTypeResource(
  pool: MysqlPool,
  flavour: Flavour,
  place: { readonly schema: string; readonly keyspace: string },
): Promise<Resource> {
  const table = await describeTable(pool, { schema: place.schema, table: 'every_type' }, testCall());
  if (table === null) throw new Error('the table is not there');
  const types = typesOf(flavour);
  const columns = table.columns.map((described, i): Column => {
    const { shape = null, format = 'plain', zeroDates = 'refuse' } = types[i - KEY_LENGTH] ?? {};
    const typed = columnTypeOf(described, shape, format, zeroDates);
    if ('mistake' in typed) throw new Error(`${described.name}: ${typed.mistake}`);
    const { name } = described;
    return {
      field: name,
      type: typed.type,
      nullable: i >= KEY_LENGTH,
      mysqlName: name,
      cassandraName: name,
      writable: i >= KEY_LENGTH,
      serverChanges: typed.type.kind === 'json',
    };
  });
  return {
    id: 'types',
    typeName: 'crossfade.test.v1.EveryType',
    columns,
    keyLength: KEY_LENGTH,
    parentLength: 1,
    name: [
      { collection: 'owners', variable: 'owner' },
      { collection: 'samples', variable: 'sample' },
    ],
    mysql: { schema: place.schema, table: 'every_type' },
    cassandra: { keyspace: place.keyspace, table: 'every_type' },
  };
}

const KEY_LENGTH = 2;
