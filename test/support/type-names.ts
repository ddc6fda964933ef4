/** Every type of MySQL 8 and MariaDB 10.11 by the names that their manuals give it, and whether it is carried. */
import type { Flavour } from '../../src/stores/mysql/server-checks.ts';

/** A way to declare a column. */
export interface TypeName {
  readonly sql: string;
  /** The name that docs/types.md says it under. */
  readonly documented: string;
  readonly carried: boolean;
  /** The only server that has it. Default: both. */
  readonly only?: Flavour;
}

const carried: Readonly<Record<string, readonly string[]>> = {
  TINYINT: ['TINYINT', 'TINYINT UNSIGNED', 'INT1', 'BOOL', 'BOOLEAN'],
  SMALLINT: ['SMALLINT', 'SMALLINT UNSIGNED', 'INT2'],
  MEDIUMINT: ['MEDIUMINT', 'MEDIUMINT ZEROFILL', 'INT3', 'MIDDLEINT'],
  INT: ['INT', 'INT UNSIGNED', 'INTEGER', 'INT4'],
  BIGINT: ['BIGINT', 'BIGINT UNSIGNED', 'INT8'],
  BIT: ['BIT', 'BIT(1)', 'BIT(64)'],
  DECIMAL: ['DECIMAL(65,30)', 'DEC(5)', 'NUMERIC(5,2)', 'FIXED(5,2)', 'DECIMAL'],
  FLOAT: ['FLOAT', 'FLOAT(7,3)', 'FLOAT(20)', 'FLOAT4'],
  DOUBLE: ['DOUBLE', 'DOUBLE PRECISION', 'REAL', 'FLOAT8', 'FLOAT(30)'],
  YEAR: ['YEAR', 'YEAR(4)'],
  DATE: ['DATE'],
  TIME: ['TIME', 'TIME(6)'],
  DATETIME: ['DATETIME', 'DATETIME(6)'],
  TIMESTAMP: ['TIMESTAMP', 'TIMESTAMP(6)'],
  CHAR: ['CHAR', 'CHAR(255)', 'CHARACTER(5)', 'NCHAR(5)', 'NATIONAL CHAR(5)'],
  VARCHAR: ['VARCHAR(255)', 'CHARACTER VARYING(5)', 'NVARCHAR(5)', 'NATIONAL VARCHAR(5)'],
  TINYTEXT: ['TINYTEXT'],
  TEXT: ['TEXT', 'TEXT(100)'],
  MEDIUMTEXT: ['MEDIUMTEXT', 'LONG', 'LONG VARCHAR'],
  LONGTEXT: ['LONGTEXT'],
  BINARY: ['BINARY', 'BINARY(16)', 'CHAR(5) CHARACTER SET binary'],
  VARBINARY: ['VARBINARY(300)'],
  TINYBLOB: ['TINYBLOB'],
  BLOB: ['BLOB', 'BLOB(100)'],
  MEDIUMBLOB: ['MEDIUMBLOB', 'LONG VARBINARY'],
  LONGBLOB: ['LONGBLOB'],
  ENUM: ["ENUM('a','b')"],
  SET: ["SET('a','b')"],
  JSON: ['JSON'],
};

const refused: Readonly<Record<string, string>> = {
  GEOMETRY: 'GEOMETRY',
  POINT: 'POINT',
  LINESTRING: 'LINESTRING',
  POLYGON: 'POLYGON',
  MULTIPOINT: 'MULTIPOINT',
  MULTILINESTRING: 'MULTILINESTRING',
  MULTIPOLYGON: 'MULTIPOLYGON',
  GEOMETRYCOLLECTION: 'GEOMETRYCOLLECTION',
};

const refusedByMariadb: Readonly<Record<string, string>> = {
  UUID: 'UUID',
  INET4: 'INET4',
  INET6: 'INET6',
  COMPRESSED: 'TEXT COMPRESSED',
};

/** The character sets whose texts are carried stand in types.ts; these are the others that both servers have. */
export const refusedCharacterSets = [
  'ucs2',
  'utf16',
  'utf16le',
  'utf32',
  'cp1251',
  'latin2',
  'latin5',
  'greek',
  'sjis',
  'gbk',
  'big5',
  'koi8r',
];

/** Every one of them on a server. */
export function typeNames(flavour: Flavour): readonly TypeName[] {
  const listed: readonly TypeName[] = [
    ...Object.entries(carried).flatMap(([documented, ways]) => ways.map((sql) => ({ sql, documented, carried: true }))),
    ...Object.entries(refused).map(([documented, sql]) => ({ sql, documented, carried: false })),
    ...Object.entries(refusedByMariadb).map(([documented, sql]) => ({
      sql,
      documented,
      carried: false,
      only: 'mariadb' as const,
    })),
  ];
  return listed.filter(({ only }) => only === undefined || only === flavour);
}
