import { usualTargetName } from './decide-names.ts';
import type { LockedField, LockedTable } from './lock-file.ts';
import type { FieldPlan, TablePlan } from './plan.ts';

/** What of a plan the next run must keep. */
export function lockPlan(plan: TablePlan): LockedTable {
  const { names, parts, fields, reserved, target } = plan;
  const lookedUp = lookedUpBy(plan);
  return {
    id: names.id,
    message: names.message,
    plural: names.plural,
    parts: parts.map(({ looks: _, ...part }) => part),
    ...(target?.buckets !== undefined && { buckets: target.buckets }),
    ...(target && target.table !== usualTargetName(plan.table) && { cassandraTable: target.table }),
    fields: Object.fromEntries(fields.map((field) => [field.column, lockField(field)])),
    removed: taken(reserved),
    ...(lookedUp.length > 0 && { lookedUp }),
  };
}

function lookedUpBy({ indexes, lookupReserved }: TablePlan) {
  const fields = indexes.flatMap((index) => index.fields).map(({ name, number }) => ({ name, number }));
  const distinct = new Map([...fields, ...taken(lookupReserved)].map((field) => [field.number, field]));
  return [...distinct.values()].sort((a, b) => a.number - b.number);
}

function lockField({ name, number, type, cassandraColumn, cqlType, zeroDates }: FieldPlan): LockedField {
  return {
    name,
    number,
    shape: type.shape,
    cassandraColumn,
    cqlType,
    ...(zeroDates && { zeroDates }),
    ...(type.enum && {
      labels: Object.fromEntries(type.enum.values.map((value) => [value.label, value.number])),
      removedLabels: taken(type.enum.reserved),
    }),
  };
}

function taken({ names, numbers }: { readonly names: readonly string[]; readonly numbers: readonly number[] }) {
  return names.map((name, i) => ({ name, number: numbers[i] ?? 0 }));
}
