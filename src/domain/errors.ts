/** The kinds of errors, one for each gRPC status code that the service answers. */
export type ErrorKind =
  | 'invalid_argument'
  | 'not_found'
  | 'already_exists'
  | 'aborted'
  | 'failed_precondition'
  | 'unavailable'
  | 'resource_exhausted'
  | 'deadline_exceeded'
  | 'cancelled'
  | 'unknown'
  | 'data_loss'
  | 'unimplemented'
  | 'unauthenticated'
  | 'permission_denied'
  | 'internal';

/** The reasons of `proto/crossfade/v1alpha1/error_reason.proto`, without their prefix. */
export type ErrorReason =
  | 'INVALID_FIELD'
  | 'MALFORMED_REQUEST'
  | 'INVALID_PAGE_TOKEN'
  | 'VERSION_FROM_THE_FUTURE'
  | 'RECORD_NOT_FOUND'
  | 'RECORD_ALREADY_EXISTS'
  | 'UNIQUE_KEY_TAKEN'
  | 'ETAG_MISMATCH'
  | 'REQUEST_ID_REUSED'
  | 'AUTHORITY_UNAVAILABLE'
  | 'FOLLOWER_UNAVAILABLE'
  | 'NO_LEASE'
  | 'TRANSITION_UNDER_WAY'
  | 'OUTCOME_UNKNOWN'
  | 'FOLLOWER_NOT_ACKNOWLEDGED'
  | 'VERSION_LOST'
  | 'DEADLINE_EXCEEDED'
  | 'CANCELLED'
  | 'TOO_MANY_REQUESTS'
  | 'SHUTTING_DOWN'
  | 'CONSTRAINT_VIOLATED'
  | 'MIGRATION_STATE'
  | 'MIGRATION_NOT_FOUND'
  | 'UNREPRESENTABLE_VALUE'
  | 'CREDENTIALS_MISSING'
  | 'CREDENTIALS_EXPIRED'
  | 'CREDENTIALS_INVALID'
  | 'PERMISSION_DENIED'
  | 'TOKEN_KEYS_UNAVAILABLE'
  | 'TOO_MANY_REQUESTS_OF_CALLER'
  | 'INVALID_FILTER'
  | 'RULE_VIOLATED'
  | 'NOT_OFFERED'
  | 'JOB_FAILED'
  | 'JOB_CANCELLED'
  | 'NO_FREE_ID'
  | 'IDS_EXHAUSTED'
  | 'INTERNAL';

/** A field of a request, and the rule that it breaks. */
export interface FieldViolation {
  /** The field's path; empty: the message as a whole. */
  readonly field: string;
  /** The rule's id. */
  readonly rule: string;
  /** For people. Never the field's value. */
  readonly description: string;
}

/** What a {@link DomainError} is made of. */
export interface DomainErrorInit {
  readonly kind: ErrorKind;
  readonly reason: ErrorReason;
  /** For people: names the cause and, where there is one, the cure. Never a field's value, never a driver's text. */
  readonly message: string;
  /** For programs: goes into `ErrorInfo.metadata`. Never a field's value. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** For programs: fields that break rules. Default: none but the one that `metadata.field` names. */
  readonly violations?: readonly FieldViolation[];
  /** The error underneath, for the log only. */
  readonly cause?: unknown;
}

/**
 * The one error class of the service. Drivers' errors are translated into it inside their engine's folder; `rpc` maps
 * its kind to a status code and its reason to `google.rpc.ErrorInfo`.
 */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly kind: ErrorKind;
  readonly reason: ErrorReason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];

  constructor(init: DomainErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.kind = init.kind;
    this.reason = init.reason;
    this.metadata = init.metadata ?? {};
    this.violations = init.violations ?? [];
  }
}

/** Whether an error is a {@link DomainError} of one of these kinds (of any kind if none is given). */
export function isDomainError(error: unknown, ...kinds: readonly ErrorKind[]): error is DomainError {
  return error instanceof DomainError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** An INVALID_ARGUMENT that names the field of the request. */
export function invalidField(field: string, message: string): DomainError {
  return new DomainError({
    kind: 'invalid_argument',
    reason: 'INVALID_FIELD',
    message: `${field}: ${message}`,
    metadata: { field },
  });
}

/**
 * Runs what looks at a part of a request: its errors name fields by their paths within that part, and are thrown with those within the request.
 *
 * @param place the part's own path.
 * @param metadata what else the errors say then.
 */
export function within<Result>(
  place: string,
  work: () => Result,
  metadata: Readonly<Record<string, string>> = {},
): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof DomainError && error.metadata.field !== undefined ? placed(error, place, metadata) : error;
  }
}

/** An error that names a field within a part of a request, as one of the request. */
export function placed(error: DomainError, place: string, more: Readonly<Record<string, string>> = {}): DomainError {
  const { kind, reason, metadata, violations, cause } = error;
  const { field = '' } = metadata;
  const path = (inner: string): string => (inner === '' ? place : `${place}.${inner}`);
  return new DomainError({
    kind,
    reason,
    // A message begins with the field, if there is one.
    message: field === '' ? `${place}: ${error.message.replace(/^: /, '')}` : `${place}.${error.message}`,
    metadata: { ...metadata, field: path(field), ...more },
    violations: violations.map((one) => ({ ...one, field: path(one.field) })),
    cause,
  });
}
