import { DomainError } from '../../domain/errors.ts';
import { MAX_CAUSE_CHARS } from './limits.ts';

/** What Riak said. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** Riak, or as many replicas as are asked for, can't do it now. `why` completes "Riak is not available: …". */
export function unavailable(why: string, cause?: unknown): DomainError {
  return new DomainError({
    kind: 'unavailable',
    reason: 'FOLLOWER_UNAVAILABLE',
    message: `Riak is not available: ${why}.`,
    cause,
  });
}

/** The deadline has passed. */
export function deadlineExceeded(): DomainError {
  return new DomainError({
    kind: 'deadline_exceeded',
    reason: 'DEADLINE_EXCEEDED',
    message: 'Riak did not answer before the deadline.',
  });
}

/** The caller has cancelled. */
export function cancelled(): DomainError {
  return new DomainError({ kind: 'cancelled', reason: 'CANCELLED', message: 'The caller cancelled.' });
}

/** Something that no retry mends, and that a record's content is not to blame for. */
export function internal(message: string, cause?: unknown): DomainError {
  return new DomainError({ kind: 'internal', reason: 'INTERNAL', message, cause });
}

/**
 * The JSON object that an answer is. Throws `unavailable` if it is none: what stands before the nodes may answer for them.
 *
 * @param doing for people, as in "Riak answered …".
 */
export function parseAnswer({ body }: Pick<Answer, 'body'>, doing: string): object {
  try {
    return Object(JSON.parse(body.toString('utf8'))) as object;
  } catch (error) {
    throw unavailable(
      `it answered ${doing} in a form that is not JSON; check that its nodes are named, not a page before them`,
      error,
    );
  }
}

/**
 * What an answer means that is not one of those that were expected: statuses as in "HTTP Store Object" and "HTTP Fetch Object", and
 * `handle_common_error` of riak_kv. Riak's text is kept as the cause and never shown.
 *
 * @param doing for people, as in "Riak refused …".
 */
export function translateAnswer({ status, body }: Answer, doing: string): DomainError {
  const cause = new Error(`${status}: ${body.toString('utf8', 0, MAX_CAUSE_CHARS)}`);
  switch (status) {
    case 401:
      return unavailable('it refuses the credentials', cause);
    case 403:
      return internal(`The user lacks a permission in Riak, or a hook of the bucket refused ${doing}.`, cause);
    case 404:
      return unavailable('the bucket type is not there, or not active', cause);
    case 400:
    case 413:
    case 414:
    case 431:
      return new DomainError({
        kind: 'failed_precondition',
        reason: 'CONSTRAINT_VIOLATED',
        message: `Riak refused ${doing} with status ${status}: a key or a record that is too large, or properties of the bucket that do not fit.`,
        metadata: { riakStatus: String(status) },
        cause,
      });
    case 426:
      return unavailable('its security is on, and it takes credentials over TLS only', cause);
    case 503:
      return unavailable('too few replicas answered', cause);
    default:
      if (status >= 500) return unavailable(`a node failed with status ${status}`, cause);
      return internal(`Riak answered ${doing} with status ${status}.`, cause);
  }
}
