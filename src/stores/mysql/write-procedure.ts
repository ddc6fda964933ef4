import { MAX_KEY_BYTES } from '../../domain/key.ts';
import type { Change, Guard } from '../record-store.ts';
import type { MysqlColumnDetails } from './describe-table.ts';
import { DUPLICATE_ENTRY, KEY_CHANGED, OTHER_SPELLING } from './errors.ts';
import { MAX_OPTIONAL_COLUMNS } from './limits.ts';
import { identifier } from './names.ts';
import type { MysqlParameter } from './pool.ts';
import {
  asColumnValue,
  compileProcedure,
  definitionError,
  findColumn,
  type Procedure,
  type ProcedureTable,
  parameterType,
} from './procedure.ts';
import { NOW_MICROS, type RecordTables } from './record-tables.ts';
import type { Bind } from './values.ts';

/*
 * A write is one CALL: one round trip for the whole transaction of docs/protocol.md, section 1:
 *
 *   (a) the control record under a shared lock, and whether it is the one expected;
 *   (b) the bump of the side table, which is also the record's lock; left out while detached;
 *   (c) the change;
 *   (d) the record, read back under its lock.
 *
 * A write with an etag is two CALLs on one connection: `open` does (a), (b) and reads the record under its lock, and the
 * transaction stays open while the service compares; `finish` does (c) and (d) and commits.
 *
 * Of a batch (`batch-writes.ts`) each change is one CALL of `part`, (c) and (d), in a transaction that somebody else begins and ends.
 */

/** What a CALL does of the transaction. */
export const phases = { whole: 0, open: 1, finish: 2, part: 3 } as const;
const kinds = { create: 0, update: 1, upsert: 2, delete: 3, touch: 4 } as const;
/** The outcomes as the procedure numbers them. */
export const outcomes = { written: 0, alreadyExists: 1, notFound: 2, controlChanged: 3 } as const;

/** Begins the part of an answer that is what the record remembers of requests, in hexadecimal. No state begins with it. */
export const REQUESTS_MARK = 'r';

/** Bits of one mask parameter: a number of them stays an exact double. */
const MASK_BITS = 32;

/** The compiled write procedure of one resource. */
export interface WriteProcedure extends Procedure {
  parameters(
    change: Change,
    options: { readonly guard: Guard; readonly phase: number; readonly readBack: boolean },
  ): MysqlParameter[];
}

/** A column outside the key, as the procedure sets it. */
interface Assigned {
  readonly name: string;
  readonly parameter: string;
  /** SQL that is true if the caller set the column. */
  readonly isSet: string;
  /** The parameter as a value of the column's type. */
  readonly value: string;
  readonly details: MysqlColumnDetails;
}

/** Compiles the procedure. Throws a DomainError if the table lacks a column, or has too many that can't be set by mask. */
export function createWriteProcedure(
  tables: RecordTables,
  controlSchema: string,
  table: ProcedureTable,
): WriteProcedure {
  const { resource } = tables;
  const details = resource.columns.map((column) => findColumn(table, column));
  const assigned = assignedColumns(tables, details, table.isMariadb);
  const masks = Math.ceil((resource.columns.length - resource.keyLength) / MASK_BITS);
  const declared = [
    'p_phase TINYINT UNSIGNED',
    'p_kind TINYINT UNSIGNED',
    'p_read TINYINT UNSIGNED',
    'p_epoch INT UNSIGNED',
    'p_attach INT UNSIGNED',
    `p_key VARBINARY(${MAX_KEY_BYTES})`,
    ...Array.from({ length: masks }, (_, i) => `p_mask${i} INT UNSIGNED`),
    ...details.map((column, i) => `p_${i} ${parameterType(column)}`),
  ];
  const body = procedureBody(tables, assigned);
  return {
    ...compileProcedure({ resource: resource.id, controlSchema, declared, body }),
    parameters: (change, { guard, phase, readBack }) => [
      phase,
      kinds[change.kind],
      readBack ? 1 : 0,
      guard.epoch,
      guard.attach,
      change.key.bytes,
      ...maskWords(change.columns, resource.keyLength, masks),
      ...columnParameters(tables, change),
    ],
  };
}

function assignedColumns(
  tables: RecordTables,
  details: readonly MysqlColumnDetails[],
  isMariadb: boolean,
): readonly Assigned[] {
  const { keyLength } = tables.resource;
  return details.flatMap((column, i) => {
    if (i < keyLength || column.generated) return [];
    const at = i - keyLength;
    const bit = 2 ** (at % MASK_BITS);
    return [
      {
        name: `t.${identifier(column.name)}`,
        parameter: `p_${i}`,
        isSet: `p_mask${Math.floor(at / MASK_BITS)} & ${bit}`,
        value: asColumnValue(column, `p_${i}`, isMariadb),
        details: column,
      },
    ];
  });
}

function maskWords(columns: readonly number[], keyLength: number, words: number): number[] {
  const masks = new Array<number>(words).fill(0);
  for (const column of columns) {
    const at = column - keyLength;
    const word = Math.floor(at / MASK_BITS);
    masks[word] = (masks[word] ?? 0) + 2 ** (at % MASK_BITS);
  }
  return masks;
}

function columnParameters(tables: RecordTables, change: Change): MysqlParameter[] {
  const parameters: MysqlParameter[] = new Array(tables.resource.columns.length).fill(null);
  change.key.values.forEach((value, i) => {
    parameters[i] = (tables.binds[i] as Bind)(value);
  });
  for (const i of change.columns) parameters[i] = (tables.binds[i] as Bind)(change.row?.[i] ?? null);
  return parameters;
}

/** A SIGNAL takes no more; the name of the key stands at the text's end. */
const MAX_MESSAGE_CHARS = 128;

function procedureBody(tables: RecordTables, assigned: readonly Assigned[]): string {
  const { id, control, versions } = tables;
  const isAlike = tables.keyColumns.map((column, i) => `${column} = p_${i}`).join(' AND ');
  const isKey = isAlike + tables.exactly('p_key');
  // What an absent record remembers: its copy is a marker, which can't leave it as it is.
  const requests = tables.resource.remembersRequests
    ? `CONCAT('${REQUESTS_MARK}', IFNULL((SELECT HEX(requests) FROM ${tables.requests}
      WHERE resource = ${id} AND \`key\` = p_key), ''))`
    : 'NULL';
  const selectRow = `SELECT v_meta, ${tables.columns} FROM ${tables.table} t WHERE ${isKey}`;
  return `whole: BEGIN
  DECLARE v_epoch, v_attach, v_generation INT UNSIGNED;
  DECLARE v_floor, v_version BIGINT UNSIGNED DEFAULT 0;
  DECLARE v_state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE v_outcome, v_duplicate, v_seen TINYINT UNSIGNED DEFAULT 0;
  DECLARE v_meta VARCHAR(2000) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE v_text VARCHAR(512) CHARACTER SET utf8mb4;
  DECLARE v_requests VARCHAR(1100) CHARACTER SET ascii COLLATE ascii_bin;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
  IF p_phase <= ${phases.open} THEN
    START TRANSACTION;
    SELECT epoch, attach, state, floor, generation INTO v_epoch, v_attach, v_state, v_floor, v_generation
      FROM ${control} WHERE resource = ${id} LOCK IN SHARE MODE;
    IF v_epoch IS NULL OR v_epoch <> p_epoch OR v_attach <> p_attach OR v_state IN ('handing_over', 'moved') THEN
      ROLLBACK;
      SELECT CONCAT_WS(' ', ${outcomes.controlChanged}, 0, v_epoch, v_attach, v_state, v_floor, v_generation);
      LEAVE whole;
    END IF;
    IF v_state = 'detached' THEN
      SET v_version = IFNULL((SELECT version FROM ${versions} WHERE resource = ${id} AND \`key\` = p_key), 0);
    ELSE
      INSERT INTO ${versions} (resource, \`key\`, version)
        VALUES (${id}, p_key, LAST_INSERT_ID(GREATEST(v_floor + 1, ${NOW_MICROS})))
        ON DUPLICATE KEY UPDATE version = LAST_INSERT_ID(GREATEST(version + 1, v_floor + 1, ${NOW_MICROS}));
      SET v_version = LAST_INSERT_ID();
    END IF;
  END IF;
  SET v_meta = CONCAT_WS(' ', ${outcomes.written}, v_version, v_epoch, v_attach, v_state, v_floor, v_generation);
  IF p_phase = ${phases.open} THEN
    ${selectRow} FOR UPDATE;
    IF FOUND_ROWS() = 0 THEN
      SET v_requests = ${requests};
      SELECT CONCAT_WS(' ', v_meta, v_requests);
    END IF;
    LEAVE whole;
  END IF;
  ${changeStatements(tables, assigned, { isKey, isAlike })}
  IF p_kind = ${kinds.delete} OR p_kind = ${kinds.touch} OR v_outcome = ${outcomes.notFound} THEN
    SET v_requests = ${requests};
  END IF;
  SET v_meta = CONCAT_WS(' ', v_outcome, v_version, v_epoch, v_attach, v_state, v_floor, v_generation, v_requests);
  IF p_read THEN
    ${selectRow} LOCK IN SHARE MODE;
    SET v_seen = FOUND_ROWS() > 0;
    IF NOT v_seen AND p_kind <> ${kinds.touch} THEN ${signal(KEY_CHANGED, "'a trigger has changed the key'")}; END IF;
  END IF;
  IF NOT v_seen THEN SELECT v_meta; END IF;
  IF p_phase <> ${phases.part} THEN COMMIT; END IF;
END`;
}

/** What finds the record itself, and one that MySQL takes for it. */
interface KeyConditions {
  readonly isKey: string;
  readonly isAlike: string;
}

function changeStatements(
  tables: RecordTables,
  assigned: readonly Assigned[],
  { isKey, isAlike }: KeyConditions,
): string {
  const insert = insertStatement(tables, assigned);
  const update = updateStatement(tables, assigned, isKey);
  // Another unique key's duplicate is the caller's mistake, not an answer: only the record itself makes it one.
  const exists = (isThis: string): string =>
    `EXISTS (SELECT 1 FROM ${tables.table} t WHERE ${isThis} LOCK IN SHARE MODE)`;
  const spelled = `IF ${exists(isAlike)} THEN ${signal(OTHER_SPELLING, "'another spelling of the key'")}; END IF;`;
  const duplicate = `${isKey === isAlike ? '' : spelled} ${signal(DUPLICATE_ENTRY, 'v_text')}`;
  return `IF p_kind = ${kinds.create} OR p_kind = ${kinds.upsert} THEN
    BEGIN
      DECLARE EXIT HANDLER FOR 1062 BEGIN
        GET DIAGNOSTICS CONDITION 1 v_text = MESSAGE_TEXT;
        SET v_duplicate = 1, v_text = RIGHT(v_text, ${MAX_MESSAGE_CHARS});
      END;
      ${insert}
    END;
    IF v_duplicate THEN
      IF NOT ${exists(isKey)} THEN ${duplicate}; END IF;
      IF p_kind = ${kinds.create} THEN SET v_outcome = ${outcomes.alreadyExists}, p_read = 1; END IF;
    END IF;
  END IF;
  IF p_kind = ${kinds.update} OR (p_kind = ${kinds.upsert} AND v_duplicate) THEN
    ${update}
    IF ROW_COUNT() = 0 THEN SET v_outcome = ${outcomes.notFound}, p_read = 0; END IF;
  END IF;
  IF p_kind = ${kinds.delete} THEN
    ${tables.deleteWhere((i) => `p_${i}`, 'p_key')};
    IF ROW_COUNT() = 0 THEN SET v_outcome = ${outcomes.notFound}; END IF;
  END IF;`;
}

function signal(errno: number, text: string): string {
  return `SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = ${text}`;
}

/** Columns that were not set get their default: as a value where the server can tell it, else by being left out. */
function insertStatement(tables: RecordTables, assigned: readonly Assigned[]): string {
  const { keyLength, columns } = tables.resource;
  const keyNames = columns.slice(0, keyLength).map((column) => identifier(column.mysqlName));
  const keyValues = columns.slice(0, keyLength).map((_, i) => `p_${i}`);
  const isOptional = ({ details }: Assigned): boolean => details.defaultKind === 'expression';
  return variants(assigned.filter(isOptional), (chosen) => {
    const set = assigned.filter((column) => !isOptional(column) || chosen.includes(column));
    const names = [...keyNames, ...set.map(({ details }) => identifier(details.name))];
    const values = [...keyValues, ...set.map((column) => insertedValue(column))];
    return `INSERT INTO ${tables.table} (${names.join(', ')}) VALUES (${values.join(', ')});`;
  });
}

function insertedValue({ isSet, value, details }: Assigned): string {
  switch (details.defaultKind) {
    case 'constant':
      return `IF(${isSet}, ${value}, DEFAULT(${identifier(details.name)}))`;
    case 'now':
      return `IF(${isSet}, ${value}, CURRENT_TIMESTAMP(${/\((\d)\)/.exec(details.columnType)?.[1] ?? 0}))`;
    default:
      // An unset parameter is null; where that is not allowed, the server's refusal is the right answer.
      return value;
  }
}

/** A column with ON UPDATE must be left out to work; every other one that was not set is set to what it is. */
function updateStatement(tables: RecordTables, assigned: readonly Assigned[], isKey: string): string {
  return variants(
    assigned.filter(({ details }) => details.onUpdate),
    (chosen) => {
      const set = assigned.filter((column) => !column.details.onUpdate || chosen.includes(column));
      const assignments = set.map(({ name, isSet, value }) => `${name} = IF(${isSet}, ${value}, ${name})`);
      const [first] = tables.keyColumns;
      const list = assignments.length === 0 ? [`${first} = ${first}`] : assignments;
      return `UPDATE ${tables.table} t SET ${list.join(', ')} WHERE ${isKey};`;
    },
  );
}

/** A statement for every choice of the optional columns, chosen by the mask. */
function variants(
  optional: readonly Assigned[],
  statement: (chosen: readonly Assigned[]) => string,
  chosen: readonly Assigned[] = [],
): string {
  if (optional.length > MAX_OPTIONAL_COLUMNS) {
    const names = optional.map(({ details }) => details.name).join(', ');
    throw definitionError(
      `more than ${MAX_OPTIONAL_COLUMNS} columns are set by the server's own expressions: ${names}`,
    );
  }
  const [head, ...rest] = optional;
  if (head === undefined) return statement(chosen);
  const withHead = variants(rest, statement, [...chosen, head]);
  return `IF ${head.isSet} THEN ${withHead} ELSE ${variants(rest, statement, chosen)} END IF;`;
}
