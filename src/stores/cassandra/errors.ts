import { errors, types } from 'cassandra-driver';
import { DomainError } from '../../domain/errors.ts';

/** Which of the two stores the server is for the caller: decides how its absence is called. */
export type Role = 'authority' | 'follower';

const { responseErrorCodes: codes } = types;

/** The server, or as many nodes as the consistency asks for, can't do it now, though another time they would. */
const FOR_NOW: ReadonlyMap<number, string> = new Map([
  [codes.serverError, 'a node failed'],
  [codes.unavailableException, 'too few replicas are up'],
  [codes.overloaded, 'a node is overloaded'],
  [codes.isBootstrapping, 'a node is starting'],
  [codes.truncateError, 'the table is being truncated'],
  [codes.writeTimeout, 'too few replicas answered a write in time'],
  [codes.readTimeout, 'too few replicas answered a read in time'],
  [codes.readFailure, 'replicas failed in a read'],
  [codes.writeFailure, 'replicas failed in a write'],
  [codes.badCredentials, 'it does not accept the credentials'],
]);

/** Translates a driver's error. The driver's text is kept as the cause and never shown. */
export function translateError(error: unknown, role: Role): DomainError {
  if (error instanceof DomainError) return error;
  if (error instanceof errors.ResponseError) return translateResponse(error, role);
  if (error instanceof errors.NoHostAvailableError) return unavailable(role, 'no node can be reached', error);
  if (error instanceof errors.OperationTimedOutError) return unavailable(role, 'a node did not answer in time', error);
  if (error instanceof errors.BusyConnectionError) return unavailable(role, 'all connections are busy', error);
  if (error instanceof errors.AuthenticationError) return unavailable(role, 'it refuses the credentials', error);
  if (isSocketError(error)) return unavailable(role, 'the link broke', error);
  return internal('The Cassandra driver failed.', error);
}

function translateResponse(error: errors.ResponseError, role: Role): DomainError {
  const why = FOR_NOW.get(error.code);
  const code = `0x${error.code.toString(16)}`;
  if (why !== undefined) return unavailable(role, why, error, { cassandraCode: code });
  if (error.code === codes.invalid) {
    return new DomainError({
      kind: 'failed_precondition',
      reason: 'CONSTRAINT_VIOLATED',
      message:
        'Cassandra refuses the content: a key that is empty or too long, a record larger than its max_mutation_size, or a limit of its guardrails.',
      metadata: { cassandraCode: code },
      cause: error,
    });
  }
  if (error.code === codes.unauthorized) {
    return internal('The role of the service lacks a permission in Cassandra.', error, { cassandraCode: code });
  }
  return internal(`Cassandra refused a statement with error ${code}.`, error, { cassandraCode: code });
}

/** Errors with which a node turns a statement away before it does anything. */
const TURNED_AWAY: ReadonlySet<number> = new Set([
  codes.protocolError,
  codes.badCredentials,
  codes.isBootstrapping,
  codes.syntaxError,
  codes.unauthorized,
  codes.invalid,
  codes.configError,
  codes.alreadyExists,
  codes.unprepared,
]);

/**
 * Whether a conditional update that failed may have been applied, or may be yet. Yes unless it is certain that no
 * node has begun it: a time-out, of whatever write type, and a broken link say nothing, and "too few replicas" may come from
 * a later round, after an earlier one has proposed (docs/protocol.md, section 5).
 *
 * @param error - As `within` throws it. Without a driver's error beneath, the deadline or the caller ended the wait.
 */
export function mayHaveApplied(error: unknown): boolean {
  const cause = error instanceof DomainError ? error.cause : error;
  if (cause instanceof errors.NoHostAvailableError || cause instanceof errors.BusyConnectionError) return false;
  if (cause instanceof errors.AuthenticationError) return false;
  return !(cause instanceof errors.ResponseError && TURNED_AWAY.has(cause.code));
}

/** The outcome of a write is not known: it may have been applied, or may be yet (docs/protocol.md, section 5). */
export function outcomeUnknown(why: string, cause?: unknown): DomainError {
  return new DomainError({
    kind: 'unknown',
    reason: 'OUTCOME_UNKNOWN',
    message: `It is not known whether Cassandra has applied the write: ${why}.`,
    cause,
  });
}

/** Whether Cassandra can't make sense of a paging state, as after an upgrade in between. */
export function isUnreadablePageState(error: unknown): boolean {
  return error instanceof errors.ResponseError && (error.code === codes.protocolError || error.code === codes.invalid);
}

function isSocketError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'isSocketError' in error && error.isSocketError === true;
}

/** The server is absent, as its role calls it. `why` completes "Cassandra is not available: …". */
export function unavailable(
  role: Role,
  why: string,
  cause?: unknown,
  metadata: Readonly<Record<string, string>> = {},
): DomainError {
  return new DomainError({
    kind: 'unavailable',
    reason: role === 'authority' ? 'AUTHORITY_UNAVAILABLE' : 'FOLLOWER_UNAVAILABLE',
    message: `Cassandra is not available: ${why}.`,
    metadata,
    cause,
  });
}

function internal(message: string, cause: unknown, metadata: Readonly<Record<string, string>> = {}): DomainError {
  return new DomainError({ kind: 'internal', reason: 'INTERNAL', message, metadata, cause });
}

/** The deadline has passed. */
export function deadlineExceeded(): DomainError {
  return new DomainError({
    kind: 'deadline_exceeded',
    reason: 'DEADLINE_EXCEEDED',
    message: 'Cassandra did not answer before the deadline.',
  });
}

/** The caller has cancelled. */
export function cancelled(): DomainError {
  return new DomainError({ kind: 'cancelled', reason: 'CANCELLED', message: 'The caller cancelled.' });
}
