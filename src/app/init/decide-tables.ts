import { decideTable } from './decide-table.ts';
import type { LockFile } from './lock-file.ts';
import type { FoundTable, InitSettings, Refusal, TablePlan } from './plan.ts';

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
    const decision = decideTable(table, settings, lock?.tables[table.description.table], plans);
    if (decision.kind === 'refused') {
      refusals.push(decision.refusal);
      continue;
    }
    plans.push(decision.plan);
  }
  return { plans, refusals };
}
