import { type CascadeFindings, type CascadeRule, describeChange } from '../../stores/mysql/cascade-rules.ts';
import type { Reason } from './plan.ts';

/** What foreign keys that act by themselves mean for a table that moves. */
export function foreignKeyRemarks(cascades: CascadeFindings | undefined): Reason[] {
  const rules = cascades?.rules ?? [];
  if (rules.length === 0) return [];
  const names = unique(rules.map(({ foreignKey }) => foreignKey)).join(', ');
  const tables = unique(rules.map(({ table }) => `${table.schema}.${table.table}`)).join(', ');
  return [
    {
      text: `what the foreign keys ${names} change by themselves is not in the binary log: capture watches ${tables} too, and carries it within the replication lag; authority stays with MySQL`,
    },
    ...unboundedTexts(rules).map((text) => ({ text })),
  ];
}

/** Each change that costs a new copy, with its cure. */
function unboundedTexts(rules: readonly CascadeRule[]): string[] {
  const unbounded = rules.filter((rule) => rule.unbounded !== null);
  return unique(
    unbounded.map(
      (rule) =>
        `${describeChange(rule)} means that the whole table is copied again, as nothing tells which rows the foreign key ${rule.foreignKey} has changed: ` +
        'make it RESTRICT, and let programs change the rows by statements of their own',
    ),
  );
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
