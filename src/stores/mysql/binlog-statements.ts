import type { LogStop } from '../change-log.ts';

/** What a statement in the log means for one table. */
export type LoggedStatement =
  | { readonly type: 'begin' }
  /** The end of a transaction: COMMIT or ROLLBACK. */
  | { readonly type: 'end' }
  | { readonly type: 'harmless' }
  | { readonly type: 'stop'; readonly reason: LogStop; readonly message: string };

/** A table, as the server writes its name. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** The tables that statements are looked at for. */
export interface WatchedTables {
  /** The resource's own table. */
  readonly table: TableName;
  /** Crossfade's tables whose rows are read: they may not lose rows past the log either. */
  readonly control: readonly TableName[];
  /** Tables whose changes reach the resource's through foreign keys: theirs decide which others' do. */
  readonly parents?: readonly TableName[];
}

const BEGIN: LoggedStatement = { type: 'begin' };
const END: LoggedStatement = { type: 'end' };
const HARMLESS: LoggedStatement = { type: 'harmless' };

/** Verbs of statements that change rows; in a log of rows they are not there. */
const CHANGES_ROWS = new Set([
  'INSERT',
  'UPDATE',
  'DELETE',
  'REPLACE',
  'LOAD',
  'CALL',
  'WITH',
  'IMPORT',
  'DO',
  'SELECT',
]);

/** Beginnings of the clauses of ALTER TABLE that leave every row and every column's layout as they are. */
const HARMLESS_ALTERATIONS = [
  /^ADD (?:UNIQUE |FULLTEXT |SPATIAL )?(?:INDEX|KEY)\b/,
  /^ADD (?:UNIQUE|FULLTEXT|SPATIAL)\b/,
  /^(?:DROP|RENAME|ALTER) (?:INDEX|KEY)\b/,
  /^ALTER (?:COLUMN )?\S+ (?:SET|DROP) DEFAULT\b/,
  /^(?:ENABLE|DISABLE) KEYS\b/,
  /^(?:COMMENT|AUTO_INCREMENT|ENGINE|ROW_FORMAT|STATS_[A-Z_]+|ALGORITHM|LOCK|FORCE|ANALYZE)\b/,
];

/**
 * Says what a statement in the log means for a table. `schema`: the session's own, for names without one. Looks at words,
 * not at grammar, and where it can't tell it stops: a stop costs a new copy, a missed change costs the truth.
 */
export function classifyStatement(text: string, schema: string, watched: WatchedTables): LoggedStatement {
  const tokens = withoutSettings(tokenize(text));
  const verb = tokens[0]?.word ?? '';
  const next = tokens[1]?.word ?? '';
  switch (verb) {
    case 'BEGIN':
      return BEGIN;
    case 'COMMIT':
      return END;
    case 'ROLLBACK':
      return tokens.some(({ word }) => word === 'TO') ? HARMLESS : END;
    case 'XA':
      if (next === 'START' || next === 'BEGIN') return BEGIN;
      return next === 'COMMIT' || next === 'ROLLBACK' ? END : HARMLESS;
    case 'TRUNCATE':
    case 'DROP':
      return classifyRemoval(tokens, schema, watched);
    case 'RENAME':
    case 'ALTER':
      return isOfTables(tokens) ? classifyAlteration(tokens, schema, watched) : HARMLESS;
    case 'CREATE':
      return classifyCreation(tokens, schema, watched);
    default:
      return CHANGES_ROWS.has(verb) ? classifyRowChange(tokens, schema, watched) : HARMLESS;
  }
}

/** MariaDB logs a `SET STATEMENT variable = value, … FOR statement` as it was written: what counts is the statement. */
function withoutSettings(tokens: readonly Token[]): readonly Token[] {
  if (tokens[0]?.word !== 'SET' || tokens[1]?.word !== 'STATEMENT') return tokens;
  return tokens.slice(tokens.findIndex(({ word }) => word === 'FOR') + 1);
}

/** ALTER [ONLINE] [IGNORE] TABLE, of which MariaDB has both words before, or RENAME TABLE. */
function isOfTables(tokens: readonly Token[]): boolean {
  const what = tokens.slice(1).find(({ word }) => word !== 'ONLINE' && word !== 'IGNORE')?.word;
  return what === 'TABLE' || what === 'TABLES';
}

function classifyRemoval(tokens: readonly Token[], schema: string, watched: WatchedTables): LoggedStatement {
  const what = tokens[0]?.word === 'TRUNCATE' ? 'TRUNCATE' : (tokens[1]?.word ?? '');
  if (what === 'DATABASE' || what === 'SCHEMA') {
    const dropped = tokens.at(-1)?.name ?? '';
    const isWatched = all(watched).some((table) => sameName(table.schema, dropped));
    return isWatched ? stop('table_truncated', 'the schema was dropped') : HARMLESS;
  }
  if (what !== 'TRUNCATE' && what !== 'TABLE' && what !== 'TABLES') return HARMLESS;
  const isWatched = all(watched).some((table) => mentions(tokens, schema, table));
  return isWatched ? stop('table_truncated', `the table was emptied by ${tokens[0]?.word}`) : HARMLESS;
}

function classifyAlteration(tokens: readonly Token[], schema: string, watched: WatchedTables): LoggedStatement {
  for (const table of all(watched)) {
    if (!mentions(tokens, schema, table)) continue;
    if (tokens[0]?.word === 'ALTER' && !isAlteredInEarnest(tokens, schema, table)) continue;
    return stop('definition_changed', `the table ${table.table} was changed by ${tokens[0]?.word} TABLE`);
  }
  return classifyParentAlteration(tokens, schema, watched);
}

/** Of a parent only its name, its foreign keys and the names of its columns count. */
function classifyParentAlteration(tokens: readonly Token[], schema: string, watched: WatchedTables): LoggedStatement {
  const isInEarnest = tokens.some(({ word }) => PARENT_ALTERATIONS.has(word));
  const parent = isInEarnest && watched.parents?.find((table) => mentions(tokens, schema, table));
  if (!parent) return HARMLESS;
  return stop('definition_changed', `the foreign keys of ${parent.table}, or what they refer to, may have changed`);
}

const PARENT_ALTERATIONS = new Set(['FOREIGN', 'CONSTRAINT', 'RENAME', 'CHANGE']);

/** Whether an ALTER TABLE that names the table changes it: it may be another one's, or only about indexes. */
function isAlteredInEarnest(tokens: readonly Token[], schema: string, table: TableName): boolean {
  let at = tokens.findIndex(({ word }) => word === 'TABLE') + 1;
  if (tokens[at]?.word === 'IF' && tokens[at + 1]?.word === 'EXISTS') at += 2;
  const isQualified = tokens[at + 1]?.word === '.';
  const clausesAt = at + (isQualified ? 3 : 1);
  if (!mentions(tokens.slice(at, clausesAt), schema, table)) {
    return tokens.some(({ word }) => word === 'RENAME' || word === 'EXCHANGE' || word === 'CONVERT');
  }
  return !clauses(tokens.slice(clausesAt)).every((clause) => HARMLESS_ALTERATIONS.some((one) => one.test(clause)));
}

/** The clauses between commas, each as its words. */
function clauses(tokens: readonly Token[]): readonly string[] {
  const found: string[][] = [[]];
  let depth = 0;
  for (const { word } of tokens) {
    if (word === '(') depth++;
    if (word === ')') depth--;
    if (word === ',' && depth === 0) found.push([]);
    else found.at(-1)?.push(word);
  }
  return found.map((words) => words.join(' '));
}

function classifyCreation(tokens: readonly Token[], schema: string, watched: WatchedTables): LoggedStatement {
  const what = tokens[3]?.word;
  if (tokens[1]?.word === 'OR' && (what === 'DATABASE' || what === 'SCHEMA')) return classifyReplaced(tokens, watched);
  const at = tokens.findIndex(({ word }) => word === 'TABLE');
  if (at < 0 || at > 3 || tokens.slice(0, at).some(({ word }) => word === 'TEMPORARY')) return HARMLESS;
  // It was there, or a DROP before has stopped the log.
  if (tokens[at + 1]?.word === 'IF') return HARMLESS;
  const target = tokens.slice(at + 1, tokens[at + 2]?.word === '.' ? at + 4 : at + 2);
  const isWatched = all(watched).some((table) => mentions(target, schema, table));
  return isWatched ? stop('definition_changed', 'the table was created anew') : HARMLESS;
}

/** MariaDB's `CREATE OR REPLACE DATABASE` drops what was there. */
function classifyReplaced(tokens: readonly Token[], watched: WatchedTables): LoggedStatement {
  const isWatched = all(watched).some((table) => tokens.some(({ name }) => name && sameName(table.schema, name)));
  return isWatched ? stop('table_truncated', 'the schema was created anew') : HARMLESS;
}

/** Triggers and functions of the table's schema may do more than the text says. */
function classifyRowChange(tokens: readonly Token[], schema: string, { table }: WatchedTables): LoggedStatement {
  const isNear =
    sameName(schema, table.schema) ||
    tokens.some(({ name }) => name !== null && (sameName(name, table.table) || sameName(name, table.schema)));
  return isNear ? stop('log_format', 'a change was logged as a statement: binlog_format must be ROW') : HARMLESS;
}

function all({ table, control }: WatchedTables): readonly TableName[] {
  return [table, ...control];
}

function stop(reason: LogStop, message: string): LoggedStatement {
  return { type: 'stop', reason, message };
}

function mentions(tokens: readonly Token[], schema: string, { schema: ownSchema, table }: TableName): boolean {
  return tokens.some(({ name }, i) => {
    if (name === null || !sameName(name, table)) return false;
    const qualifier = tokens[i - 1]?.word === '.' ? (tokens[i - 2]?.name ?? '') : schema;
    return sameName(qualifier, ownSchema);
  });
}

/** Some servers fold names to lower case; on the others two tables whose names differ in that alone are rare. */
function sameName(a: string, b: string): boolean {
  return a === b || a.toLowerCase() === b.toLowerCase();
}

/** A word, name or sign. */
interface Token {
  /** In capitals; of a quoted name a word that no keyword is. */
  readonly word: string;
  /** The name, if it may be one. */
  readonly name: string | null;
}

/**
 * Comments, versioned comments' brackets (their content counts, also of MariaDB's own), strings, quoted names, words, signs. Double quotes may be
 * either; they are taken for names.
 */
const TOKEN =
  /\/\*M?!\d*|\/\*[\s\S]*?\*\/|\*\/|--[^\n]*|#[^\n]*|'(?:[^'\\]|\\[\s\S]|'')*'|`((?:[^`]|``)*)`|"((?:[^"\\]|\\[\s\S]|"")*)"|[\p{L}\p{N}_$@]+|[^\s]/gu;

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const [token, ticked, doubled] = match;
    if (ticked !== undefined) tokens.push({ word: '``', name: ticked.replaceAll('``', '`') });
    else if (doubled !== undefined) tokens.push({ word: '""', name: doubled.replaceAll('""', '"') });
    else if (!/^(?:\/\*|\*\/|--|#|')/.test(token)) {
      tokens.push({ word: token.toUpperCase(), name: /^[\p{L}\p{N}_$]/u.test(token) ? token : null });
    }
  }
  return tokens;
}
