// InnoDB carries out what a foreign key does by itself (CASCADE, SET NULL) below the binary log: only the change of the
// parent is there. So capture reads the parents too. Here is found out whose changes reach a table, through how many
// tables ever, and how the records that such a change reaches can be told from the change alone.

import { isLooseKey, type Resource } from '../../domain/resource.ts';
import { createForeignKeyReader, type ForeignKey, type ForeignKeyReader } from './foreign-keys.ts';
import type { Deadline, MysqlPool } from './pool.ts';

type TableName = Resource['mysql'];

/** What must be known of a table whose parents are watched. */
export interface CascadeTarget extends TableName {
  /** The primary key's columns, in order. */
  readonly key: readonly string[];
  /** How many of them are the partition in the target; 0: a hash of the key is. */
  readonly parentLength: number;
  /** Those that take other spellings for the same. */
  readonly loose: readonly string[];
}

/** A kind of change of another table that changes records of the resource without a trace of its own in the log. */
export interface CascadeRule {
  /** The resource's own foreign key through which it comes. */
  readonly foreignKey: string;
  /** Whose change it is. */
  readonly table: TableName;
  readonly on: 'delete' | 'update';
  /** `removes`: records are deleted. `moves`: they get new values in `columns`. `clears`: the foreign key's columns become null. */
  readonly effect: 'removes' | 'moves' | 'clears';
  /** Which of the record's columns have the value of which of that table's. An update counts only if it changes one of the latter. */
  readonly columns: readonly { readonly own: string; readonly theirs: string }[];
  /** The columns of the foreign key, for `clears`. */
  readonly cleared: readonly string[];
  /**
   * How many of the key's columns tell under which keys records may have gone: all of them, or those of the partition, which the
   * follower is asked for. 0: no key changes.
   */
  readonly formerLength: number;
  /** Why the records that it reaches can't be told, so that the follower must be attached anew; null: they can. */
  readonly unbounded: string | null;
}

/** The most rules of one resource: real schemas have a handful. */
const MAX_RULES = 64;

/** Every kind of change that reaches a table, or why it can't be told. */
export type CascadeFindings =
  | { readonly rules: readonly CascadeRule[]; readonly mistake?: never }
  | { readonly mistake: string; readonly rules?: never };

/** Reads the foreign keys of a table and of all tables above it. @param read shared by the tables of one look. */
export function findCascades(
  pool: MysqlPool,
  target: CascadeTarget,
  deadline: Deadline,
  read: ForeignKeyReader = createForeignKeyReader(pool.client('authority')),
): Promise<CascadeFindings> {
  return closeCascades(target, (table) => read(table, deadline));
}

/** The same for a resource. */
export function cascadeTargetOf({ mysql, columns, keyLength, parentLength }: Resource): CascadeTarget {
  const key = columns.slice(0, keyLength);
  return {
    ...mysql,
    key: key.map(({ mysqlName }) => mysqlName),
    parentLength,
    loose: key.filter(({ type }) => isLooseKey(type)).map(({ mysqlName }) => mysqlName),
  };
}

type Link = Omit<CascadeRule, 'formerLength' | 'unbounded'> & { readonly lost?: true };

/** The closure of {@link findCascades} over whatever tells a table's foreign keys; null: it can't be seen. */
export async function closeCascades(
  target: CascadeTarget,
  keysOf: (table: TableName) => Promise<readonly ForeignKey[] | null>,
): Promise<CascadeFindings> {
  const rules = new Map<string, CascadeRule>();
  const waiting: Link[] = ((await keysOf(target)) ?? []).flatMap(linksOf);
  for (let link = waiting.shift(); link !== undefined; link = waiting.shift()) {
    const isOwn = sameTable(link.table, target);
    // InnoDB refuses an update that would come back to the table in which it began.
    if (isOwn && link.on === 'update') continue;
    const rule = ruleOf(link, target);
    const id = JSON.stringify(rule);
    if (rules.has(id)) continue;
    if (isOwn && rule.unbounded !== null) return { mistake: selfMistake(rule) };
    rules.set(id, rule);
    if (rules.size > MAX_RULES)
      return { mistake: `changes of more than ${MAX_RULES} kinds reach it through foreign keys` };
    const keys = await keysOf(link.table);
    if (keys === null) return { mistake: unseenMistake(link) };
    waiting.push(...keys.flatMap((key) => above(link, key)));
  }
  return { rules: [...rules.values()] };
}

/** What the resource's own foreign key does by itself. */
function linksOf(key: ForeignKey): Link[] {
  const columns = key.columns.map((own, i) => ({ own, theirs: key.referencedColumns[i] ?? '' }));
  const base = { foreignKey: key.name, table: key.referenced, columns, cleared: key.columns };
  const links: Link[] = [];
  if (key.onDelete === 'CASCADE') links.push({ ...base, on: 'delete', effect: 'removes' });
  if (key.onDelete === 'SET NULL') links.push({ ...base, on: 'delete', effect: 'clears' });
  if (key.onUpdate === 'CASCADE') links.push({ ...base, on: 'update', effect: 'moves' });
  if (key.onUpdate === 'SET NULL') links.push({ ...base, on: 'update', effect: 'clears' });
  return links;
}

/** The changes of a table further up that bring a change about by this foreign key of the table between. */
function above(link: Link, key: ForeignKey): Link[] {
  const columns = link.columns.flatMap(({ own, theirs }) => {
    const through = key.referencedColumns[key.columns.indexOf(theirs)];
    return through === undefined ? [] : [{ own, theirs: through }];
  });
  const next = { ...link, table: key.referenced, columns };
  if (link.on === 'delete') return key.onDelete === 'CASCADE' ? [next] : [];
  if (columns.length === 0) return [];
  const found: Link[] = key.onUpdate === 'CASCADE' ? [next] : [];
  // The table between gets nulls, which go on from there: nothing but the new value is known, and only if all of it is cleared.
  const nulls: Link = { ...next, ...(link.effect !== 'clears' && { lost: true }) };
  if (key.onDelete === 'SET NULL') found.push({ ...nulls, on: 'delete' });
  if (key.onUpdate === 'SET NULL') found.push(nulls);
  return found;
}

function ruleOf({ lost, ...link }: Link, target: CascadeTarget): CascadeRule {
  const has = (column: string): boolean => link.columns.some(({ own }) => own === column);
  const changesKey = link.effect === 'removes' || (link.effect === 'moves' && target.key.some(has));
  const formerLength = changesKey ? formerLengthOf(target, has) : 0;
  // An index begins with the foreign key's first column, so what has its new value can be found by it.
  const isFound = link.effect !== 'moves' || has(link.cleared[0] ?? '');
  const unbounded = lost || formerLength === null || !isFound ? unboundedText(link) : null;
  return { ...link, formerLength: formerLength ?? 0, unbounded };
}

/**
 * Whether the former values tell the records' former keys, or their partition. A lookup in the target by other columns (an index
 * table) would have its place here; without one there is nothing to ask.
 */
function formerLengthOf({ key, parentLength, loose }: CascadeTarget, has: (column: string) => boolean): number | null {
  const isKnown = (column: string): boolean => has(column) && !loose.includes(column);
  if (key.every(isKnown)) return key.length;
  return parentLength > 0 && key.slice(0, parentLength).every(isKnown) ? parentLength : null;
}

/** `a DELETE in shop.orders`. */
export function describeChange({ on, table }: Pick<CascadeRule, 'on' | 'table'>): string {
  return `${on === 'delete' ? 'a DELETE in' : 'an UPDATE of what is referred to in'} ${table.schema}.${table.table}`;
}

function unboundedText(link: Link): string {
  return `${describeChange(link)} changes records through the foreign key ${link.foreignKey} that the log does not name, and no index tells which`;
}

function selfMistake(rule: CascadeRule): string {
  return (
    `the foreign key ${rule.foreignKey} (${rule.cleared.join(', ')}) deletes rows of its own table that the binary log does not name, with any DELETE in it: ` +
    'make it RESTRICT, or serve the resource without a target'
  );
}

function unseenMistake({ foreignKey, cleared, table }: Link): string {
  const name = `${table.schema}.${table.table}`;
  return `the foreign key ${foreignKey} (${cleared.join(', ')}) lets changes of ${name} through, whose own foreign keys the user may not see: GRANT SELECT ON ${name}`;
}

/** Names of tables, where the server may fold them. */
export function sameTable(a: TableName, b: TableName): boolean {
  return a.schema.toLowerCase() === b.schema.toLowerCase() && a.table.toLowerCase() === b.table.toLowerCase();
}
