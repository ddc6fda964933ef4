import { z } from 'zod';

// What must stay as it is when init runs again. Kept beside the protos and checked against them: a number that a client
// has seen never means another field.

const taken = z.strictObject({ name: z.string(), number: z.number().int().positive() });

const lockedField = z.strictObject({
  name: z.string(),
  number: z.number().int().positive(),
  /** What its values are; see `FieldShape`. */
  shape: z.string(),
  cassandraColumn: z.string(),
  cqlType: z.string(),
  /** What becomes of dates that are no day of the calendar, if they are not refused. */
  zeroDates: z.enum(['null', 'text']).optional(),
  /** Of an enum: the numbers of the labels, and of values that are gone. */
  labels: z.record(z.string(), z.number().int().positive()).optional(),
  removedLabels: z.array(taken).optional(),
});

const lockedPart = z.strictObject({
  collection: z.string(),
  variable: z.string(),
  column: z.string(),
  cassandraColumn: z.string(),
  format: z.enum(['plain', 'uuid']),
});

const lockedTable = z.strictObject({
  id: z.string(),
  message: z.string(),
  plural: z.string(),
  /** The name pattern's parts. */
  parts: z.array(lockedPart).min(1),
  /** Of a table whose records have no parent: the target was made for so many. */
  buckets: z.number().int().positive().optional(),
  /** The table's name in the target, where another table has the beginning of its own. */
  cassandraTable: z.string().optional(),
  /** By column. */
  fields: z.record(z.string(), lockedField),
  removed: z.array(taken),
  /** Fields that the request of the lookup has, or had. */
  lookedUp: z.array(taken).optional(),
});

const lockFile = z.strictObject({
  about: z.string(),
  package: z.string(),
  schema: z.string(),
  host: z.string(),
  keyspace: z.string(),
  tables: z.record(z.string(), lockedTable),
  /** SHA-256 of the files as they were written, by path. */
  written: z.record(z.string(), z.string()),
});

export type LockedField = z.infer<typeof lockedField>;
export type LockedTable = z.infer<typeof lockedTable>;
export type LockFile = z.infer<typeof lockFile>;

/** The lock file's name in the folder. */
export const LOCK_FILE = 'crossfade-init.json';

/** The sentence that says to people what the file is. */
export const LOCK_ABOUT =
  'Written by crossfade init: which column has which field number. Commit it with the protos: numbers never move.';

/** Reads a lock file's text. Throws an Error that says what is wrong with it. */
export function parseLock(text: string): LockFile {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new Error(`${LOCK_FILE} is no JSON: ${(error as Error).message}`);
  }
  const parsed = lockFile.safeParse(document);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`);
  throw new Error(`${LOCK_FILE} is not as init writes it: ${issues.join('; ')}`);
}

/** The text of a lock file. */
export function printLock(lock: LockFile): string {
  return `${JSON.stringify(lock, null, 2)}\n`;
}
