import type { LockedTable } from './lock-file.ts';

/** A field as a proto's text has it. */
export interface WrittenField {
  readonly name: string;
  readonly number: number;
}

const FIELD = /^ {2}(?:optional |repeated )?[\w.]+ (\w+) = (\d+)(?: \[|;)/gm;

/**
 * The fields of one message in a proto's text, in the form in which init writes it. Null: there is no such message.
 */
export function fieldsInText(text: string, message: string): readonly WrittenField[] | null {
  const start = text.indexOf(`\nmessage ${message} {\n`);
  if (start < 0) return null;
  const end = text.indexOf('\n}', start + 1);
  const body = text.slice(start, end < 0 ? undefined : end);
  return [...body.matchAll(FIELD)].map(([, name = '', number]) => ({ name, number: Number(number) }));
}

/** How a proto's text and the lock file contradict each other: two numbers of one field, or a number with two fields. */
export function compareWithLock(text: string, file: string, locked: LockedTable): string[] {
  const written = fieldsInText(text, locked.message);
  if (written === null) return [];
  const known = Object.values(locked.fields);
  const mistakes: string[] = [];
  for (const { name, number } of written) {
    const sameName = known.find((field) => field.name === name);
    const sameNumber = [...known, ...locked.removed].find((field) => field.number === number);
    if (sameName !== undefined && sameName.number !== number) {
      mistakes.push(`${file}: the field ${name} has the number ${number}, and the lock file ${sameName.number}`);
    } else if (sameNumber !== undefined && sameNumber.name !== name) {
      mistakes.push(`${file}: the number ${number} is the field ${name}'s, and in the lock file ${sameNumber.name}'s`);
    }
  }
  return mistakes;
}

/** The lock of a table with the fields that were added to its proto by hand as removed: nobody else gets their numbers. */
export function withHandWritten(text: string, locked: LockedTable): LockedTable {
  const known = [...Object.values(locked.fields), ...locked.removed];
  const added = (fieldsInText(text, locked.message) ?? []).filter(
    ({ name, number }) => name !== 'name' && name !== 'etag' && !known.some((field) => field.number === number),
  );
  return { ...locked, removed: [...locked.removed, ...added] };
}
