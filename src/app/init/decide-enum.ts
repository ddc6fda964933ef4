import { enumValueName } from '../../schema/field-shape.ts';
import type { LockedField } from './lock-file.ts';
import { pascalName } from './naming.ts';
import type { EnumPlan } from './plan.ts';

/** A proto enum, or why the labels can't be its values. */
export type EnumDecision = { readonly plan: EnumPlan } | { readonly why: string };

/** What one part of a value's name looks like. */
const VALUE_NAME = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

/**
 * Makes a proto enum of an ENUM column's labels. Labels that an earlier run has numbered keep their numbers.
 *
 * @param scope the message's name, and the names of values in it, which share one scope; the enum's own are added.
 */
export function decideEnum(
  fieldName: string,
  labels: readonly string[],
  locked: LockedField | undefined,
  scope: { readonly message: string; readonly taken: Set<string> },
): EnumDecision {
  const { message, taken } = scope;
  const plain = pascalName(fieldName);
  // Some languages have no class of the name of the class around it.
  const name = plain === message ? `${plain}Label` : plain;
  const gone = goneLabels(name, labels, locked);
  const named = labels.map((label) => ({ label, name: enumValueName(name, label) }));
  const zero = enumValueName(name, 'unspecified');
  const why = whyNot(named, [zero, ...gone.map((value) => value.name)], taken);
  if (why !== undefined) return { why };
  const known = Object.values(locked?.labels ?? {});
  let highest = Math.max(0, ...known, ...gone.map((value) => value.number));
  const values = named.map((value) => ({ ...value, number: locked?.labels?.[value.label] ?? ++highest }));
  for (const value of [zero, ...values.map((each) => each.name)]) taken.add(value);
  const reserved = { numbers: gone.map((value) => value.number), names: gone.map((value) => value.name) };
  return { plan: { name, values: values.sort((a, b) => a.number - b.number), reserved } };
}

function goneLabels(enumName: string, labels: readonly string[], locked: LockedField | undefined) {
  const dropped = Object.entries(locked?.labels ?? {}).filter(([label]) => !labels.includes(label));
  return [
    ...(locked?.removedLabels ?? []),
    ...dropped.map(([label, number]) => ({ name: enumValueName(enumName, label), number })),
  ];
}

function whyNot(
  named: readonly { label: string; name: string }[],
  blocked: readonly string[],
  taken: ReadonlySet<string>,
): string | undefined {
  // Compilers strip underscores when they look for values that clash.
  const seen = new Set(blocked.map(bare));
  for (const { label, name } of named) {
    if (!VALUE_NAME.test(name)) return `the label '${label}' makes no name of a proto enum's value`;
    if (seen.has(bare(name)) || taken.has(name)) return `the label '${label}' makes a name that is taken, ${name}`;
    seen.add(bare(name));
  }
  return undefined;
}

function bare(name: string): string {
  return name.replaceAll('_', '');
}
