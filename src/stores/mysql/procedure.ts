import { createHash } from 'node:crypto';
import { DomainError } from '../../domain/errors.ts';
import type { Column } from '../../domain/resource.ts';
import type { MysqlColumnDetails } from './describe-table.ts';
import { SQL_MODE } from './link.ts';
import { identifier } from './names.ts';

/*
 * A stored procedure is one round trip for a whole transaction. Its name carries a hash of its text, so instances of
 * different versions, and tables of different definitions, each call their own.
 */

/** A compiled procedure. */
export interface Procedure {
  /** Unique for the text. */
  readonly name: string;
  /** The CREATE PROCEDURE statement. */
  readonly definition: string;
  /** The CALL, with a `?` for each parameter. */
  readonly call: string;
}

/** The table as the server describes it, as far as procedures depend on it. */
export interface ProcedureTable {
  readonly columns: readonly MysqlColumnDetails[];
  /** MariaDB has no JSON type: a JSON column is text there. */
  readonly isMariadb: boolean;
}

/** Compiles a procedure. `declared`: the parameters, each with its type. */
export function compileProcedure(options: {
  /** The resource's id. */
  readonly resource: string;
  readonly controlSchema: string;
  readonly declared: readonly string[];
  readonly body: string;
}): Procedure {
  const { resource, controlSchema, declared, body } = options;
  const parameters = declared.map((one) => `IN ${one}`).join(',\n  ');
  const text = `(\n  ${parameters}\n)\nSQL SECURITY INVOKER\n${body}`;
  const hash = createHash('sha256').update(SQL_MODE).update(text).digest('hex').slice(0, 16);
  const name = `cf_${resource}_${hash}`;
  const path = `${identifier(controlSchema)}.${identifier(name)}`;
  return {
    name,
    definition: `CREATE PROCEDURE ${path} ${text}`,
    call: `CALL ${path}(${new Array(declared.length).fill('?').join(', ')})`,
  };
}

/** The server's description of a resource's column. Throws a DomainError if the table lacks it. */
export function findColumn(table: ProcedureTable, column: Column): MysqlColumnDetails {
  const found = table.columns.find((candidate) => candidate.name.toLowerCase() === column.mysqlName.toLowerCase());
  if (found !== undefined) return found;
  throw definitionError(`the table has no column ${column.mysqlName}`);
}

/** The error of a table that no procedure can be made for. */
export function definitionError(what: string): DomainError {
  return new DomainError({ kind: 'internal', reason: 'INTERNAL', message: `Writes can't be prepared: ${what}.` });
}

/** The type of a parameter that stands for a column. */
export function parameterType({ columnType, characterSet, collation }: MysqlColumnDetails): string {
  if (isJson(columnType)) return 'LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
  // A BIT takes an integer for what it is, and the parameter's text for its bytes.
  if (/^bit\b/i.test(columnType)) return 'BIGINT UNSIGNED';
  // A TIMESTAMP variable may turn null into now; the session's zone is UTC, so a DATETIME says the same.
  const type = columnType.replace(/^timestamp/i, 'datetime');
  // A parameter's collation counts as a column's: with another one the key's index could not be used.
  return characterSet === null || collation === null
    ? type
    : `${type} CHARACTER SET ${characterSet} COLLATE ${collation}`;
}

/** Such a parameter as a value of the column's type. */
export function asColumnValue({ columnType }: MysqlColumnDetails, parameter: string, isMariadb: boolean): string {
  return isJson(columnType) && !isMariadb ? `CAST(${parameter} AS JSON)` : parameter;
}

function isJson(columnType: string): boolean {
  return /^json\b/i.test(columnType);
}
