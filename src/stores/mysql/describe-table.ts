import type {
  ForeignKeyDescription,
  KeyDescription,
  MysqlColumnDescription,
  MysqlTableDescription,
} from '../../domain/table-description.ts';
import type { Deadline, MysqlClient, MysqlPool, MysqlResult, MysqlValue } from './pool.ts';
import { flavourOf } from './server-checks.ts';
import { describeConstraints, isJsonCheck, readMariadbChecks } from './table-constraints.ts';
import { text } from './text.ts';

/** What an INSERT that leaves a column out stores in it. */
export type ColumnDefault =
  /** It is refused: NOT NULL and no default. */
  | 'none'
  | 'null'
  /** The text of a constant, which `DEFAULT(column)` gives. */
  | 'constant'
  /** CURRENT_TIMESTAMP with the column's fraction. */
  | 'now'
  /** An expression, AUTO_INCREMENT or a generated column: only the server can tell. */
  | 'expression';

/** A column with what the write procedure must know besides. */
export interface MysqlColumnDetails extends MysqlColumnDescription {
  readonly defaultKind: ColumnDefault;
}

/** Describes a table from information_schema; null: there is none. */
export async function describeTable(
  pool: MysqlPool,
  name: { readonly schema: string; readonly table: string },
  deadline: Deadline,
): Promise<MysqlTableDescription | null> {
  const client = pool.client('authority');
  const parameters = [name.schema, name.table];
  const table = await client.read(TABLE_SQL, parameters, deadline);
  const [found] = table.rows;
  if (found === undefined) return null;
  const [engine, version] = found;
  const [columns, keys, foreignKeys, constraints] = await Promise.all([
    describeColumns(client, name, deadline),
    client.read(KEYS_SQL, parameters, deadline),
    client.read(FOREIGN_KEYS_SQL, parameters, deadline),
    describeConstraints(client, { name, flavour: flavourOf(text(version)) }, deadline),
  ]);
  const grouped = groupKeys(keys);
  return {
    schema: name.schema,
    table: name.table,
    storageEngine: text(engine),
    columns: columns.map(({ defaultKind: _, ...column }) => column),
    primaryKey: grouped.find(({ name }) => name === 'PRIMARY')?.columns ?? [],
    keys: grouped.filter(({ name }) => name !== 'PRIMARY'),
    foreignKeys: foreignKeys.rows.map((row) => foreignKey(row)),
    ...constraints,
  };
}

/** The columns of a table in ordinal order; none if there is no table. */
export async function describeColumns(
  client: MysqlClient,
  name: { readonly schema: string; readonly table: string },
  deadline: Deadline,
): Promise<readonly MysqlColumnDetails[]> {
  const found = await client.read(COLUMNS_SQL, [name.schema, name.table], deadline);
  const isMariadb = flavourOf(text(found.rows[0]?.at(-1))) === 'mariadb';
  const jsonTexts = isMariadb ? await jsonTextColumns(client, name, deadline) : new Set<string>();
  return found.rows.map((row) => column(row, { isMariadb, jsonTexts }));
}

/** MariaDB's JSON is a LONGTEXT with a check of its own, by which alone it is known. */
async function jsonTextColumns(
  client: MysqlClient,
  name: { readonly schema: string; readonly table: string },
  deadline: Deadline,
): Promise<ReadonlySet<string>> {
  const checks = await readMariadbChecks(client, name, deadline);
  return new Set(checks.filter(isJsonCheck).map((check) => check.name));
}

const TABLE_SQL = `SELECT ENGINE, VERSION() FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND TABLE_TYPE = 'BASE TABLE'`;

const COLUMNS_SQL = `SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, CHARACTER_SET_NAME, COLLATION_NAME,
    CHARACTER_OCTET_LENGTH, COLUMN_DEFAULT, EXTRA, DATA_TYPE, VERSION()
  FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`;

const KEYS_SQL = `SELECT INDEX_NAME, COLUMN_NAME, NON_UNIQUE, SUB_PART, INDEX_TYPE FROM information_schema.STATISTICS
  WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_TYPE IN ('BTREE', 'HASH') ORDER BY INDEX_NAME, SEQ_IN_INDEX`;

const FOREIGN_KEYS_SQL = `SELECT CONSTRAINT_NAME, TABLE_NAME, REFERENCED_TABLE_NAME, DELETE_RULE, UPDATE_RULE
  FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?
  ORDER BY CONSTRAINT_NAME`;

function column(
  row: readonly MysqlValue[],
  of: { readonly isMariadb: boolean; readonly jsonTexts: ReadonlySet<string> },
): MysqlColumnDetails {
  const [name, columnType, isNullable, characterSet, collation, octets, defaultText, extraText, dataType] = row;
  const extra = text(extraText).toUpperCase();
  const nullable = text(isNullable) === 'YES';
  const autoIncrement = extra.includes('AUTO_INCREMENT');
  const generated = /\b(VIRTUAL|STORED|PERSISTENT) GENERATED\b|^(VIRTUAL|PERSISTENT)$/.test(extra);
  const defaultKind =
    autoIncrement || generated
      ? 'expression'
      : kindOfDefault(defaultText === null ? null : text(defaultText), {
          extra,
          nullable,
          dataType: text(dataType),
          isMariadb: of.isMariadb,
        });
  return {
    name: text(name),
    columnType: text(columnType),
    nullable,
    characterSet: characterSet === null ? null : text(characterSet),
    collation: collation === null ? null : text(collation),
    octetLength: octets === null ? null : Number(octets),
    hasDefault: defaultKind !== 'none',
    autoIncrement,
    onUpdate: extra.includes('ON UPDATE'),
    generated,
    ...(of.jsonTexts.has(text(name)) && { jsonText: true as const }),
    defaultKind,
  };
}

function kindOfDefault(
  value: string | null,
  of: { readonly extra: string; readonly nullable: boolean; readonly dataType: string; readonly isMariadb: boolean },
): ColumnDefault {
  // MariaDB writes the default as SQL, so null is NULL.
  if (value === null || (of.isMariadb && value === 'NULL')) return of.nullable ? 'null' : 'none';
  const isTemporal = of.dataType === 'timestamp' || of.dataType === 'datetime';
  if (isTemporal && /^(current_timestamp|now|localtime|localtimestamp)\b/i.test(value)) return 'now';
  const isExpression = of.isMariadb ? !MARIADB_CONSTANT.test(value) : of.extra.includes('DEFAULT_GENERATED');
  return isExpression ? 'expression' : 'constant';
}

/** A number, a quoted text, or bits or bytes: everything else that MariaDB writes as a default is an expression. */
const MARIADB_CONSTANT = /^(?:-?[\d.]+(?:e[+-]?\d+)?|(?:_\w+ ?)?[bx]?'(?:[^'\\]|''|\\.)*'|0x[\da-f]*|true|false)$/is;

function groupKeys(keys: MysqlResult): readonly KeyDescription[] {
  const grouped = Map.groupBy(keys.rows, ([key]) => text(key));
  return [...grouped].map(([name, parts]) => ({
    name,
    // A functional key part has no column.
    columns: parts.map(([, column]) => text(column)),
    unique: Number(parts[0]?.[2]) === 0,
    isPrefix: parts.some(([, , , length]) => length !== null),
    ...(text(parts[0]?.[4]) === 'HASH' && { isHash: true as const }),
  }));
}

function foreignKey(row: readonly MysqlValue[]): ForeignKeyDescription {
  const [name, table, referencedTable, onDelete, onUpdate] = row;
  return {
    name: text(name),
    table: text(table),
    referencedTable: text(referencedTable),
    onDelete: text(onDelete),
    onUpdate: text(onUpdate),
  };
}
