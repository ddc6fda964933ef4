import { decideTable } from './decide-table.ts';
import type { LockedTable, LockFile } from './lock-file.ts';
import type { FoundTable, InitSettings, Refusal, TableDecision, TablePlan } from './plan.ts';
import { resourceProto } from './resource-proto.ts';

/** What becomes of all tables of a run. */
export interface Decisions {
  readonly plans: readonly TablePlan[];
  readonly refusals: readonly Refusal[];
}

/** Far more tables than anybody calls alike. */
const MAX_CHOICES = 1_000;

/** Decides about each table; two definitions never share a name: the later one gets another. */
export function decideTables(found: readonly FoundTable[], settings: InitSettings, lock: LockFile | null): Decisions {
  const plans: TablePlan[] = [];
  const refusals: Refusal[] = [];
  const taken = new Map<string, string>();
  for (const table of found) {
    const locked = lock?.tables[table.description.table];
    const decision = decideDistinct(table, { settings, locked, taken });
    if (decision.kind === 'refused') {
      refusals.push(decision.refusal);
      continue;
    }
    plans.push(decision.plan);
    for (const name of namesIn(decision.plan, settings)) taken.set(name, decision.plan.table);
  }
  return { plans, refusals };
}

interface Deciding {
  readonly settings: InitSettings;
  /** Names that an earlier run has given can't be given anew. */
  readonly locked: LockedTable | undefined;
  /** Every name that a definition has, with its table. */
  readonly taken: ReadonlyMap<string, string>;
}

function decideDistinct(table: FoundTable, { settings, locked, taken }: Deciding): TableDecision {
  let because: { readonly name: string; readonly other: string } | undefined;
  for (let choice = 1; choice <= (locked === undefined ? MAX_CHOICES : 1); choice++) {
    const decision = decideTable(table, settings, locked, choice);
    if (decision.kind === 'refused') return decision;
    const shared = namesIn(decision.plan, settings).find((name) => taken.has(name));
    if (shared === undefined) return because === undefined ? decision : renamed(decision.plan, because);
    because ??= { name: wordOf(shared), other: taken.get(shared) ?? '' };
  }
  const text = `its name ${because?.name} is that of the table ${because?.other}: give it a package of its own, in another folder`;
  return { kind: 'refused', refusal: { table: table.description.table, reasons: [{ text }] } };
}

function renamed(plan: TablePlan, { name, other }: { readonly name: string; readonly other: string }): TableDecision {
  const text = `called ${plan.names.message}, as ${name} belongs to the table ${other}`;
  return { kind: 'planned', plan: { ...plan, remarks: [{ text }, ...plan.remarks] } };
}

/** Whatever no other definition of the package, of the config or of the keyspace may be called, by where it would be. */
function namesIn(plan: TablePlan, settings: InitSettings): string[] {
  const { names, indexes } = plan;
  const proto = resourceProto(plan, settings);
  const inProto = [...proto.messages.map(({ name }) => name), proto.service.name];
  const inCassandra = [names.cassandraTable, ...indexes.map(({ name }) => `${names.cassandraTable}_by_${name}`)];
  return [
    ...inProto.map((name) => `proto ${name}`),
    ...inCassandra.map((name) => `cassandra ${name}`),
    `id ${names.id}`,
    `file ${names.file}`,
  ];
}

function wordOf(name: string): string {
  return name.slice(name.indexOf(' ') + 1);
}
