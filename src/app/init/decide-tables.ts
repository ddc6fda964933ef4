import { decideTable } from './decide-table.ts';
import type { LockFile } from './lock-file.ts';
import type { FoundTable, InitSettings, Reason, Refusal, TablePlan } from './plan.ts';

/** What becomes of all tables of a run. */
export interface Decisions {
  readonly plans: readonly TablePlan[];
  readonly refusals: readonly Refusal[];
}

/** Decides about each table; two definitions never share a name. */
export function decideTables(found: readonly FoundTable[], settings: InitSettings, lock: LockFile | null): Decisions {
  const plans: TablePlan[] = [];
  const refusals: Refusal[] = [];
  for (const table of found) {
    const decision = decideTable(table, settings, lock?.tables[table.description.table]);
    if (decision.kind === 'refused') {
      refusals.push(decision.refusal);
      continue;
    }
    const reasons = sharedNames(decision.plan, plans);
    if (reasons.length > 0) refusals.push({ table: table.description.table, reasons });
    else plans.push(decision.plan);
  }
  return { plans, refusals };
}

function sharedNames({ names }: TablePlan, others: readonly TablePlan[]): Reason[] {
  return others.flatMap((other) => {
    const own = [names.message, names.service, names.id, names.file];
    const theirs = [other.names.message, other.names.service, other.names.id, other.names.file];
    const shared = own.find((name) => theirs.includes(name));
    if (shared === undefined) return [];
    return [
      {
        text: `its name ${shared} is that of the table ${other.table}: give it a package of its own, in another folder`,
      },
    ];
  });
}
