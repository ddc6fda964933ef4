import type { KeyValue } from '../../domain/key.ts';
import { type Resource, sameValue, type Value } from '../../domain/resource.ts';
import type { Cascade, LogEvent } from '../change-log.ts';
import type { WantedColumn } from './binlog-rows.ts';
import type { ReadTable, RowOperation } from './binlog-tables.ts';
import { type CascadeRule, sameTable } from './cascade-rules.ts';

/** What is read of the tables whose changes reach the resource. */
export interface CascadeTables {
  /** Tables other than the resource's own. */
  readonly others: readonly { readonly name: Resource['mysql']; readonly read: ReadTable }[];
  /** Takes a deleted row of the resource's own table; null: its deletion reaches no other. */
  readonly removed: ((row: readonly Value[]) => void) | null;
}

/** Compiles rules into what tells their cascades from row events. */
export function compileCascades(
  resource: Resource,
  rules: readonly CascadeRule[],
  { emit, foldsNames }: { readonly emit: (event: LogEvent) => void; readonly foldsNames: boolean },
): CascadeTables {
  const groups: CascadeRule[][] = [];
  for (const rule of rules) {
    const group = groups.find(([first]) => first !== undefined && sameTable(first.table, rule.table, foldsNames));
    if (group === undefined) groups.push([rule]);
    else group.push(rule);
  }
  const own = groups.find(([first]) => first !== undefined && sameTable(first.table, resource.mysql, foldsNames));
  const others = groups.filter((group) => group !== own);
  const take = own && compileTake(resource, own, ownColumns(resource), emit);
  return {
    others: others.map((group) => ({
      name: (group[0] as CascadeRule).table,
      read: parentTable(resource, group, emit),
    })),
    removed: take === undefined ? null : (row) => take('delete', row, row, false),
  };
}

function ownColumns({ columns }: Resource): readonly WantedColumn[] {
  return columns.map(({ mysqlName, type }) => ({ name: mysqlName, type }));
}

/** A parent's value is read as the record's column has it: a foreign key's columns are of one type on both sides. */
function wantedOf({ columns }: Resource, rules: readonly CascadeRule[]): readonly WantedColumn[] {
  const wanted = new Map<string, WantedColumn>();
  for (const { own, theirs } of rules.flatMap((rule) => rule.columns)) {
    const column = columns.find(({ mysqlName }) => mysqlName === own);
    if (column !== undefined && !wanted.has(theirs)) wanted.set(theirs, { name: theirs, type: column.type });
  }
  return [...wanted.values()];
}

function parentTable(resource: Resource, rules: readonly CascadeRule[], emit: (event: LogEvent) => void): ReadTable {
  const wanted = wantedOf(resource, rules);
  const take = compileTake(resource, rules, wanted, emit);
  return {
    wanted,
    check: () => {},
    rows: (operation, before, after, cursor, end) => {
      while (cursor.at < end) {
        if (operation === 'write') {
          before.skip(cursor);
          continue;
        }
        cursor.unrepresentable = null;
        const old = before.read(cursor);
        const row = operation === 'update' ? after.read(cursor) : old;
        take(operation, old, row, cursor.unrepresentable !== null);
      }
    },
  };
}

type Take = (operation: RowOperation, old: readonly Value[], row: readonly Value[], isUnshown: boolean) => void;

function compileTake(
  resource: Resource,
  rules: readonly CascadeRule[],
  wanted: readonly WantedColumn[],
  emit: (event: LogEvent) => void,
): Take {
  const compiled = rules.map((rule) => ({ on: rule.on, cascade: compileRule(resource, rule, wanted) }));
  return (operation, old, row, isUnshown) => {
    for (const { on, cascade } of compiled) {
      const found = on === operation ? cascade(old, row, isUnshown) : null;
      if (found !== null) emit({ type: 'cascade', cascade: found });
    }
  };
}

/** Tells a rule's cascade from a row; null: it reaches nothing. */
function compileRule(
  resource: Resource,
  rule: CascadeRule,
  wanted: readonly WantedColumn[],
): (old: readonly Value[], row: readonly Value[], isUnshown: boolean) => Cascade | null {
  const columns = rule.columns.map(({ own, theirs }) => ({
    own: resource.columns.findIndex(({ mysqlName }) => mysqlName === own),
    theirs: wanted.findIndex(({ name }) => name === theirs),
  }));
  const former = columns.filter(({ own }) => own < rule.formerLength).sort((a, b) => a.own - b.own);
  const cleared = rule.cleared.map((name) => resource.columns.findIndex(({ mysqlName }) => mysqlName === name));
  return (old, row, isUnshown) => {
    const isChanged = ({ theirs }: { theirs: number }): boolean =>
      !sameValue(old[theirs] ?? null, row[theirs] ?? null) && !(old[theirs] === null && row[theirs] === null);
    if (rule.on === 'update' && !isUnshown && !columns.some(isChanged)) return null;
    // What holds a null is referred to by nothing.
    if (!isUnshown && columns.some(({ theirs }) => old[theirs] === null)) return null;
    const unbounded = isUnshown ? `a value of ${rule.table.table} can't be shown` : rule.unbounded;
    const cascade = {
      foreignKey: rule.foreignKey,
      former: rule.formerLength === 0 ? null : uniqueByColumn(former).map(({ theirs }) => old[theirs] as KeyValue),
      present: presentOf(rule, columns, cleared, row),
      isCleared:
        rule.effect === 'clears' || (rule.effect === 'moves' && columns.some(({ theirs }) => row[theirs] === null)),
      unbounded,
    };
    return { id: idOf(cascade), ...cascade };
  };
}

function presentOf(
  rule: CascadeRule,
  columns: readonly { readonly own: number; readonly theirs: number }[],
  cleared: readonly number[],
  row: readonly Value[],
): Cascade['present'] {
  switch (rule.effect) {
    case 'removes':
      return null;
    case 'clears':
      return cleared.map((column) => ({ column, value: null }));
    case 'moves':
      return uniqueByColumn(columns).map(({ own, theirs }) => ({ column: own, value: row[theirs] ?? null }));
  }
}

/** A column of two foreign keys has one value. */
function uniqueByColumn<Item extends { readonly own: number }>(items: readonly Item[]): readonly Item[] {
  return items.filter((item, i) => items.findIndex(({ own }) => own === item.own) === i);
}

function idOf({ foreignKey, former, present }: Omit<Cascade, 'id'>): string {
  const shown = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
  return JSON.stringify([foreignKey, former, present], shown);
}
