/** Resources for tests of the stores, and the tables that hold them in either store. */
import type { Column, ColumnType, Resource } from '../../src/domain/resource.ts';
import { createTableCql } from '../../src/schema/cassandra-ddl.ts';

/** A string column's type: every character, at most `maxChars` of them. */
export function stringType(
  maxChars: number,
  more: { trimsSpaces?: true; charset?: 'latin1' | 'ascii' | 'utf8mb3'; loose?: true } = {},
) {
  return { kind: 'string', maxChars, maxBytes: maxChars * 4, padSpace: true, ...more } as const;
}

/** An integer column's type. */
export function intType(bits: 8 | 16 | 24 | 32 | 64, unsigned = false): ColumnType {
  return { kind: 'int', bits, unsigned };
}

/** Makes a resource of key columns (all but the last name the parent) and nullable others, by name. */
export function testResource(
  id: string,
  key: Readonly<Record<string, ColumnType>>,
  others: Readonly<Record<string, ColumnType>>,
): Resource {
  const keys = Object.entries(key);
  const columns: Column[] = [
    ...keys.map(([name, type]) => column(name, type, false)),
    ...Object.entries(others).map(([name, type]) => column(name, type, true)),
  ];
  return {
    id,
    typeName: `crossfade.test.v1.${id}`,
    columns,
    keyLength: keys.length,
    parentLength: keys.length - 1,
    name: keys.map(([name]) => ({ collection: `${name}s`, variable: name })),
    mysql: { schema: 'test', table: id },
    cassandra: { keyspace: 'test', table: id, ...(keys.length === 1 && { buckets: BUCKETS }) },
  };
}

/** Partitions of the records without a parent. */
const BUCKETS = 4;

function column(name: string, type: ColumnType, nullable: boolean): Column {
  return {
    field: name,
    type,
    nullable,
    mysqlName: name,
    cassandraName: name,
    writable: nullable,
    serverChanges: false,
  };
}

/** The same resource in another MySQL schema and Cassandra keyspace. */
export function placeResource(resource: Resource, place: string): Resource {
  const { mysql, cassandra } = resource;
  return {
    ...resource,
    mysql: { ...mysql, schema: place },
    ...(cassandra && { cassandra: { ...cassandra, keyspace: place } }),
  };
}

/** Plain records: a string for the parent, a string for the record, a few values. */
export const notesResource: Resource = {
  ...testResource(
    'notes',
    { owner: stringType(60), note: stringType(60) },
    {
      title: stringType(200),
      amount: { kind: 'decimal', precision: 12, scale: 2, unsigned: false },
      stars: intType(32),
    },
  ),
  remembersRequests: true,
};

/** Records in the order of signed integers. */
export const signedResource = testResource(
  'signed',
  { owner: intType(32), rank: intType(64) },
  { title: stringType(40) },
);

/** Records in the order of unsigned integers. */
export const unsignedResource = testResource(
  'unsigned',
  { owner: intType(64, true), rank: intType(64, true) },
  { title: stringType(40) },
);

/** Records in the order of bytes, under a parent of two columns. */
export const bytesResource = testResource(
  'bytes',
  {
    tenant: { kind: 'uuid' },
    owner: { kind: 'bytes', maxBytes: 16, fixed: false },
    digest: { kind: 'bytes', maxBytes: 16, fixed: false },
  },
  { title: stringType(40) },
);

/** The same without a parent. */
export const loneResource: Resource = {
  ...testResource(
    'lone',
    { lone: stringType(125) },
    {
      title: stringType(200),
      amount: { kind: 'decimal', precision: 12, scale: 2, unsigned: false },
      stars: intType(32),
    },
  ),
  remembersRequests: true,
};

/** Records in the order of dates, times and decimals, one below the other. */
export const datesResource = testResource(
  'dates',
  {
    price: { kind: 'decimal', precision: 6, scale: 2, unsigned: false },
    noted: { kind: 'timestamp', fsp: 3 },
    made: { kind: 'int', bits: 16, unsigned: true, year: true },
    day: { kind: 'date' },
  },
  { title: stringType(40) },
);
export const momentsResource = testResource(
  'moments',
  { day: { kind: 'date' }, moment: { kind: 'datetime', fsp: 6 } },
  { title: stringType(40) },
);
export const pricesResource = testResource(
  'prices',
  { moment: { kind: 'datetime', fsp: 0 }, price: { kind: 'decimal', precision: 30, scale: 2, unsigned: false } },
  { title: stringType(40) },
);
export const sharesResource = testResource(
  'shares',
  { price: { kind: 'decimal', precision: 4, scale: 4, unsigned: true }, stamp: { kind: 'timestamp', fsp: 0 } },
  { title: stringType(40) },
);

/** Texts in a collation that takes `A` and `a` for the same. */
export const looseResource = testResource(
  'loose',
  { owner: stringType(60, { loose: true }), note: stringType(60, { loose: true }) },
  { title: stringType(40) },
);
export const latinResource = testResource(
  'latin',
  { code: stringType(60, { loose: true, charset: 'latin1' }) },
  { title: stringType(40) },
);

/** A column of every type that is carried. */
export const typesResource = testResource(
  'types',
  { owner: stringType(40), sample: intType(64, true) },
  {
    tiny: intType(8),
    tiny_unsigned: intType(8, true),
    small: intType(16),
    small_unsigned: intType(16, true),
    medium: intType(24),
    medium_unsigned: intType(24, true),
    normal: intType(32),
    normal_unsigned: intType(32, true),
    big: intType(64),
    big_unsigned: intType(64, true),
    model_year: { kind: 'int', bits: 16, unsigned: true, year: true },
    flag: { kind: 'bool' },
    amount: { kind: 'decimal', precision: 20, scale: 4, unsigned: false },
    digits: { kind: 'decimal', precision: 38, scale: 0, unsigned: true },
    fraction: { kind: 'decimal', precision: 30, scale: 30, unsigned: false },
    ratio: { kind: 'float' },
    measure: { kind: 'double' },
    positive: { kind: 'double', unsigned: true },
    code: stringType(10, { trimsSpaces: true, charset: 'ascii' }),
    title: stringType(100),
    nickname: stringType(40, { charset: 'utf8mb3' }),
    legacy: stringType(40, { charset: 'latin1' }),
    checksum: { kind: 'bytes', maxBytes: 4, fixed: true },
    payload: { kind: 'bytes', maxBytes: 300, fixed: false },
    external: { kind: 'uuid' },
    birth: { kind: 'date' },
    elapsed: { kind: 'time', fsp: 6 },
    alarm: { kind: 'time', fsp: 3 },
    occurred: { kind: 'datetime', fsp: 6 },
    noted: { kind: 'datetime', fsp: 0 },
    synced: { kind: 'timestamp', fsp: 6 },
    second: { kind: 'timestamp', fsp: 0 },
    state: { kind: 'enum', values: ['active', 'on-hold', "it's", 'ü'] },
    tags: { kind: 'set', values: ['urgent', 'checked', 'billed'] },
    document: { kind: 'json' },
  },
);

/** Every resource of this file. */
export const testResources = [
  notesResource,
  loneResource,
  signedResource,
  unsignedResource,
  bytesResource,
  datesResource,
  momentsResource,
  pricesResource,
  sharesResource,
  looseResource,
  latinResource,
  typesResource,
] as const;

/** CREATE TABLE for a resource in Cassandra. */
export function cassandraTable(resource: Resource): string {
  return createTableCql(resource).replace(' IF NOT EXISTS', '');
}

/** CREATE TABLE for a resource in MySQL. */
export function mysqlTable(resource: Resource): string {
  const { columns, keyLength, mysql } = resource;
  const declared = columns.map(
    (one) => `\`${one.mysqlName}\` ${mysqlTypeOf(one.type)} ${one.nullable ? 'NULL' : 'NOT NULL'}`,
  );
  const key = columns.slice(0, keyLength).map((one) => `\`${one.mysqlName}\``);
  return `CREATE TABLE \`${mysql.schema}\`.\`${mysql.table}\` (${[...declared, `PRIMARY KEY (${key.join(', ')})`].join(', ')}) ENGINE=InnoDB`;
}

const INTEGERS = { 8: 'TINYINT', 16: 'SMALLINT', 24: 'MEDIUMINT', 32: 'INT', 64: 'BIGINT' } as const;

function mysqlTypeOf(type: ColumnType): string {
  switch (type.kind) {
    case 'date_text':
      return type.fsp === null ? 'DATE' : `DATETIME(${type.fsp})`;
    case 'int':
      if (type.bit !== undefined) return `BIT(${type.bit})`;
      return type.year ? 'YEAR' : `${INTEGERS[type.bits]}${type.unsigned ? ' UNSIGNED' : ''}`;
    case 'bool':
      return 'TINYINT(1)';
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})${type.unsigned ? ' UNSIGNED' : ''}`;
    case 'float':
    case 'double':
      return `${type.kind.toUpperCase()}${type.unsigned ? ' UNSIGNED' : ''}`;
    case 'string': {
      const charset = type.charset ?? 'utf8mb4';
      const base = type.trimsSpaces ? 'CHAR' : 'VARCHAR';
      const collation = type.loose ? (charset === 'latin1' ? 'swedish_ci' : 'general_ci') : 'bin';
      return `${base}(${type.maxChars}) CHARACTER SET ${charset} COLLATE ${charset === 'utf8mb3' ? 'utf8' : charset}_${collation}`;
    }
    case 'bytes':
      return `${type.fixed ? 'BINARY' : 'VARBINARY'}(${type.maxBytes})`;
    case 'uuid':
      return 'BINARY(16)';
    case 'date':
    case 'json':
      return type.kind.toUpperCase();
    case 'time':
    case 'datetime':
    case 'timestamp':
      return `${type.kind.toUpperCase()}(${type.fsp})`;
    case 'enum':
    case 'set':
      return `${type.kind.toUpperCase()}(${type.values.map((value) => `'${value.replaceAll("'", "''")}'`).join(',')}) CHARACTER SET utf8mb4`;
  }
}
