import { DomainError, type ErrorKind, type ErrorReason } from '../../domain/errors.ts';

/** Which of the two stores the server is for the caller: decides how its absence is called. */
export type Role = 'authority' | 'follower';

/** What a statement was, when it failed. */
export interface FailureContext {
  readonly role: Role;
  /** Whether the statement itself commits, so that a broken link leaves its outcome unknown. */
  readonly commits: boolean;
}

/** The parts of a mysql2 error that are looked at. */
interface DriverError {
  readonly errno?: number;
  readonly code?: string;
  readonly fatal?: boolean;
}

const DEADLOCK = 1213;
/** A prepared statement is of no use any more; a new connection prepares it again. */
const PREPARE_AGAIN = 1615;
/** A lock of a row or a table was not given in time. */
export const LOCK_WAIT_TIMEOUT = 1205;
/** The row's own duplicate, which a write takes for an answer. */
export const DUPLICATE_ENTRY = 1062;
/** Ours, no server's: another spelling of the key is stored, which the column's collation takes for the same. */
export const OTHER_SPELLING = 30_062;
/** Ours, no server's: what was stored has another key than it was given. */
export const KEY_CHANGED = 30_048;
/** The write procedure was dropped since it was looked for. */
export const NO_SUCH_PROCEDURE = 1305;
/** Another instance has made the write procedure. */
export const PROCEDURE_EXISTS = 1304;

/** Another instance has made the trigger, or somebody else has. */
export const TRIGGER_EXISTS = 1359;
/** The trigger is gone already. */
export const NO_SUCH_TRIGGER = 1360;
/** A server with a binary log wants SUPER of who makes triggers, or its own word that they are trusted. */
export const NOT_TRUSTED_WITH_TRIGGERS = 1419;

/** Another instance has added the column. */
export const COLUMN_EXISTS = 1060;

/** Errors that say that the server ended the statement, possibly while it was committing. */
const ENDED_BY_SERVER = new Set([
  1053, // the server shuts down
  1152, // connection aborted
  1158, // network: read error, read time-out, write error, write time-out
  1159,
  1160,
  1161,
  1180, // an error during COMMIT
  1184, // connection aborted
  1317, // interrupted: somebody killed the statement
  1927, // MariaDB: the connection was killed
  3024, // the statement was running longer than the server allows
  3100, // a replication plugin failed at COMMIT
  3168, // the server isn't available
  3169, // the session was killed
]);

/** Errors of a server that became read-only: after a fail-over the same name leads to another server. */
const READ_ONLY = new Set([1290, 1792, 1836]);

/** Errors of a server that can't take the statement now, though another time it would. */
const REFUSED_FOR_NOW = new Set([
  ...READ_ONLY,
  1021, // the disk is full
  1040, // too many connections
  1041, // out of memory
  1045, // access denied: a password under rotation heals by itself
  1114, // the table is full: mostly its disk is
  1129, // the host is blocked
  1130, // the host is not allowed
  1203, // too many connections of this user
  1226, // the user is over a limit
  1461, // too many prepared statements
  3032, // offline mode
  PREPARE_AGAIN,
]);

/** Errors of a user who may not do what the service does. */
export const FORBIDDEN: ReadonlySet<number> = new Set([1044, 1142, 1143, 1227, 1370, 1410]);

/** Errors that say that the content will never be accepted as it is. */
const CONSTRAINTS: ReadonlyMap<number, string> = new Map([
  [1022, 'a unique key has this value already'],
  [DUPLICATE_ENTRY, 'a unique key has this value already'],
  [1586, 'a unique key has this value already'],
  [1048, 'a column must not be null'],
  [1364, 'a column without a default was not given'],
  [1451, 'a foreign key still refers to the record'],
  [1452, 'a foreign key refers to a record that does not exist'],
  [1216, 'a foreign key refers to a record that does not exist'],
  [1217, 'a foreign key still refers to the record'],
  [1644, 'a trigger refused the change'],
  [KEY_CHANGED, 'a trigger would store the record under another key'],
  [3819, 'a check constraint does not hold'],
  [4025, 'a check constraint does not hold'],
  [1264, 'a number is out of its range'],
  [1265, 'a value does not fit its column'],
  [1292, 'a value does not fit its column'],
  [1366, 'a value does not fit its column'],
  [1406, 'a value is too long for its column'],
  [3140, 'a JSON document is not accepted'],
  [3156, 'a JSON value does not fit its column'],
  [3157, 'a JSON document is nested too deeply'],
  [1118, 'the row is too large'],
  [1153, 'the record is larger than max_allowed_packet'],
  [1267, "a string has characters that its column's character set lacks"],
  [3988, "a string has characters that its column's character set lacks"],
]);

function errnoOf(error: unknown): number {
  return (error as DriverError | null)?.errno ?? 0;
}

/** Whether a driver's error is a deadlock, or a lock that was not given in time: the transaction is worth another try. */
export function isLockConflict(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === DEADLOCK || errno === LOCK_WAIT_TIMEOUT;
}

/** Whether a driver's error has this number. */
export function hasErrno(error: unknown, errno: number): boolean {
  return errnoOf(error) === errno;
}

/** Whether the connection is of no more use after this driver's error. */
export function breaksConnection(error: unknown): boolean {
  const errno = errnoOf(error);
  // Without a number it is not the server's word: the link broke, or the driver lost its place in the stream.
  if (errno <= 0 || (error as DriverError).fatal === true) return true;
  return ENDED_BY_SERVER.has(errno) || READ_ONLY.has(errno) || errno === PREPARE_AGAIN;
}

/** Translates a driver's error. The driver's text is kept as the cause and never shown. */
export function translateError(error: unknown, context: FailureContext): DomainError {
  if (error instanceof DomainError) return error;
  const errno = errnoOf(error);
  const code = errno > 0 ? { mysqlErrno: String(errno) } : {};
  const make = (kind: ErrorKind, reason: ErrorReason, message: string): DomainError =>
    new DomainError({ kind, reason, message, metadata: code, cause: error });

  if (isLockConflict(error))
    return unavailable(context.role, 'the record is locked by another transaction', error, code);
  if (context.commits && (errno <= 0 || ENDED_BY_SERVER.has(errno))) {
    return make('unknown', 'OUTCOME_UNKNOWN', 'The link to MySQL broke before the answer to a commit came.');
  }
  if (errno <= 0 || ENDED_BY_SERVER.has(errno)) return unavailable(context.role, 'it can not be reached', error, code);
  if (REFUSED_FOR_NOW.has(errno)) return unavailable(context.role, 'it refuses work for now', error, code);
  if (errno === OTHER_SPELLING) {
    const message = 'There is a record with another spelling of this key, which MySQL takes for the same.';
    const metadata = { other_spelling: 'true' };
    return new DomainError({
      kind: 'already_exists',
      reason: 'RECORD_ALREADY_EXISTS',
      message,
      metadata,
      cause: error,
    });
  }
  const constraint = CONSTRAINTS.get(errno);
  if (constraint !== undefined) {
    return make('failed_precondition', 'CONSTRAINT_VIOLATED', `MySQL refuses the content: ${constraint}.`);
  }
  if (FORBIDDEN.has(errno)) {
    return make('internal', 'INTERNAL', `MySQL's user lacks a privilege that the service needs (error ${errno}).`);
  }
  return make('internal', 'INTERNAL', `MySQL refused a statement with error ${errno}.`);
}

/** The server is absent, as its role calls it. `why` completes "MySQL is not available: …". */
export function unavailable(
  role: Role,
  why: string,
  cause?: unknown,
  metadata: Readonly<Record<string, string>> = {},
): DomainError {
  return new DomainError({
    kind: 'unavailable',
    reason: role === 'authority' ? 'AUTHORITY_UNAVAILABLE' : 'FOLLOWER_UNAVAILABLE',
    message: `MySQL is not available: ${why}.`,
    metadata,
    cause,
  });
}

/**
 * The deadline has passed. `commits`: a statement that commits was under way, so it may have taken effect, which the
 * metadata say as `outcome: unknown`.
 */
export function deadlineExceeded(commits: boolean): DomainError {
  return new DomainError({
    kind: 'deadline_exceeded',
    reason: 'DEADLINE_EXCEEDED',
    message: 'MySQL did not answer before the deadline.',
    metadata: commits ? { outcome: 'unknown' } : {},
  });
}

/** The caller has cancelled; `commits` as in {@link deadlineExceeded}. */
export function cancelled(commits: boolean): DomainError {
  return new DomainError({
    kind: 'cancelled',
    reason: 'CANCELLED',
    message: 'The caller cancelled.',
    metadata: commits ? { outcome: 'unknown' } : {},
  });
}
