import { MAX_KEY_BYTES } from '../../domain/key.ts';
import type { Copy, FollowerGuard } from '../record-store.ts';
import { identifier } from './names.ts';
import type { MysqlParameter } from './pool.ts';
import {
  asColumnValue,
  compileProcedure,
  findColumn,
  type Procedure,
  type ProcedureTable,
  parameterType,
} from './procedure.ts';
import type { RecordTables } from './record-tables.ts';
import { forgetSql, rememberSql } from './request-memory.ts';
import type { Bind } from './values.ts';

/** The compiled apply procedure of one resource: one copy in a transaction of its own. */
export interface ApplyProcedure extends Procedure {
  parameters(copy: Copy, guard: FollowerGuard | undefined): MysqlParameter[];
}

/** What the procedure answers. */
export const applied = { done: 1, otherAttach: 0 } as const;

/** Compiles the procedure; what it does is said at `createApply`. Throws a DomainError if the table lacks a column. */
export function createApplyProcedure(
  tables: RecordTables,
  controlSchema: string,
  table: ProcedureTable,
): ApplyProcedure {
  const { resource } = tables;
  const details = resource.columns.map((column) => findColumn(table, column));
  const declared = [
    'p_guarded TINYINT UNSIGNED',
    'p_epoch INT UNSIGNED',
    'p_attach INT UNSIGNED',
    `p_key VARBINARY(${MAX_KEY_BYTES})`,
    'p_version BIGINT UNSIGNED',
    'p_deleted TINYINT UNSIGNED',
    ...(resource.remembersRequests ? ['p_requests VARBINARY(512)'] : []),
    ...details.map((column, i) => `p_${i} ${parameterType(column)}`),
  ];
  const values = details.map((column, i) => asColumnValue(column, `p_${i}`, table.isMariadb));
  return {
    ...compileProcedure({ resource: resource.id, controlSchema, declared, body: procedureBody(tables, values) }),
    parameters: ({ key, row, version, requests }, guard) => [
      guard === undefined ? 0 : 1,
      guard?.epoch ?? 0,
      guard?.attach ?? 0,
      key.bytes,
      version,
      row === null ? 1 : 0,
      ...(resource.remembersRequests ? [requests ?? null] : []),
      ...tables.binds.map((bind, i) => bindColumn(bind, row === null ? key.values[i] : row[i])),
    ],
  };
}

function bindColumn(bind: Bind, value: Parameters<Bind>[0] | undefined): MysqlParameter {
  return bind(value ?? null);
}

function procedureBody(tables: RecordTables, values: readonly string[]): string {
  const { id, control, versions, table, keyColumns, resource } = tables;
  const names = resource.columns.map((column) => identifier(column.mysqlName));
  const isKey = keyColumns.map((column, i) => `${column} = p_${i}`).join(' AND ') + tables.exactly('p_key');
  const isVersion = `resource = ${id} AND \`key\` = p_key`;
  return `whole: BEGIN
  DECLARE v_epoch, v_attach INT UNSIGNED;
  DECLARE v_version BIGINT UNSIGNED DEFAULT 0;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
  START TRANSACTION;
  IF p_guarded THEN
    SELECT epoch, attach INTO v_epoch, v_attach FROM ${control} WHERE resource = ${id} LOCK IN SHARE MODE;
    IF v_epoch IS NULL OR v_epoch <> p_epoch OR v_attach <> p_attach THEN
      ROLLBACK;
      SELECT ${applied.otherAttach};
      LEAVE whole;
    END IF;
  END IF;
  INSERT INTO ${versions} (resource, \`key\`, version) VALUES (${id}, p_key, 0)
    ON DUPLICATE KEY UPDATE version = version;
  SELECT version INTO v_version FROM ${versions} WHERE ${isVersion} FOR UPDATE;
  IF p_version > v_version THEN
    UPDATE ${versions} SET version = p_version WHERE ${isVersion};
    IF p_deleted THEN
      ${tables.deleteWhere((i) => `p_${i}`, 'p_key')};
    ELSEIF EXISTS (SELECT 1 FROM ${table} t WHERE ${isKey}) THEN
      UPDATE ${table} t SET ${names.map((name, i) => `t.${name} = ${values[i]}`).join(', ')} WHERE ${isKey};
    ELSE
      INSERT INTO ${table} (${names.join(', ')}) VALUES (${values.join(', ')});
    END IF;
  END IF;
  ${resource.remembersRequests ? rememberStatements(tables) : ''}
  COMMIT;
  SELECT ${applied.done};
END`;
}

/** What the record remembers of requests is newer or not by itself: it may be an older copy's, whose record came too late. */
function rememberStatements(tables: RecordTables): string {
  const forget = forgetSql(tables, 1).replace('(?)', '(p_key)').replace('?', 'p_version');
  return `IF LENGTH(p_requests) > 0 THEN
    ${rememberSql(tables, ['p_key', 'p_version', 'p_requests'])};
  ELSEIF p_requests IS NOT NULL THEN
    ${forget};
  END IF;`;
}
