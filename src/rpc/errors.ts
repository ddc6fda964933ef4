import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { Metadata } from '@grpc/grpc-js';
import type { Random } from '../domain/clock.ts';
import { DomainError, type ErrorKind, type ErrorReason, type FieldViolation } from '../domain/errors.ts';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../gen/google/rpc/status_pb.ts';
import { metadataNames } from './settings.ts';

/** `ErrorInfo.domain` of every error. */
export const ERROR_DOMAIN = 'crossfade.dev';

/** A request's failure as it is answered, on either port. */
export interface RpcFailure {
  /** The status code of gRPC; Connect's codes have the same numbers. */
  readonly code: Code;
  readonly reason: ErrorReason;
  readonly message: string;
  /** Of `ErrorInfo`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of `BadRequest`. Default: the field that the metadata name, if they name one. */
  readonly violations?: readonly FieldViolation[];
}

/** Called for each fault of the service itself: the answer holds nothing but the id under which it is logged. */
export type ReportFault = (errorId: string, method: string, cause: unknown) => void;

const codes: Readonly<Record<ErrorKind, Code>> = {
  invalid_argument: Code.InvalidArgument,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  aborted: Code.Aborted,
  failed_precondition: Code.FailedPrecondition,
  unavailable: Code.Unavailable,
  resource_exhausted: Code.ResourceExhausted,
  deadline_exceeded: Code.DeadlineExceeded,
  cancelled: Code.Canceled,
  unknown: Code.Unknown,
  data_loss: Code.DataLoss,
  unimplemented: Code.Unimplemented,
  unauthenticated: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  internal: Code.Internal,
};

/** After UNAVAILABLE: one round of the lease, after which most of its causes are over. */
const UNAVAILABLE_RETRY_MS = 200;
/** After RESOURCE_EXHAUSTED: long enough for a queue of short requests to drain. */
const EXHAUSTED_RETRY_MS = 500;

/**
 * Turns whatever was thrown into a failure. A {@link DomainError} is answered as it is, but for internal ones; those and all
 * errors that nobody foresaw are answered with a bland text and an id, and reported with their cause.
 */
export function createFailureMapper(options: {
  readonly random: Random;
  readonly reportFault: ReportFault;
}): (error: unknown, method: string) => RpcFailure {
  const { random, reportFault } = options;
  return (error, method) => {
    if (error instanceof DomainError && error.kind !== 'internal') {
      const { kind, reason, metadata, violations } = error;
      // A text that was cut may end with half a character, which no transport can encode: the call would never be answered.
      const message = error.message.toWellFormed();
      return {
        code: codes[kind],
        reason,
        message,
        metadata: wellFormed(metadata),
        violations: violations.map(wellFormed),
      };
    }
    const errorId = random.id();
    reportFault(errorId, method, error);
    const known: Partial<DomainError> = error instanceof DomainError ? error : {};
    return {
      code: Code.Internal,
      reason: known.reason ?? 'INTERNAL',
      message: `a fault of the service; its log holds the cause under ${errorId}`,
      metadata: { ...known.metadata, error_id: errorId },
    };
  };
}

function wellFormed<Texts extends object>(texts: Texts): Texts {
  const entries = Object.entries(texts) as [string, string][];
  return Object.fromEntries(entries.map(([name, text]) => [name, text.toWellFormed()])) as Texts;
}

/** A failure as grpc-js sends it: the details in `grpc-status-details-bin`, a version in `crossfade-version`. */
export function toGrpcStatus(failure: RpcFailure): { code: number; details: string; metadata: Metadata } {
  const { code, message } = failure;
  const details = detailsOf(failure).map((detail) => anyPack(detail.desc, create(detail.desc, detail.value)));
  const status = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(status));
  const { version } = failure.metadata;
  if (version !== undefined) metadata.set(metadataNames.version, version);
  return { code, details: message, metadata };
}

/** A failure as connect-node sends it. */
export function toConnectError(failure: RpcFailure): ConnectError {
  const { version } = failure.metadata;
  const headers = version === undefined ? undefined : { [metadataNames.version]: version };
  return new ConnectError(failure.message, failure.code, headers, detailsOf(failure));
}

/** One message of `google.rpc.Status.details`. */
interface Detail {
  readonly desc: DescMessage;
  readonly value: MessageInitShape<DescMessage>;
}

function detailsOf(failure: RpcFailure): Detail[] {
  const { code, reason, message, metadata } = failure;
  const details = [detail(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata: { ...metadata } })];
  const { field } = metadata;
  if (code === Code.InvalidArgument && field !== undefined) {
    const { violations = [] } = failure;
    const fieldViolations =
      violations.length === 0
        ? [{ field, description: message }]
        : violations.map((each) => ({ field: each.field, description: each.description, reason: each.rule }));
    details.push(detail(BadRequestSchema, { fieldViolations }));
  }
  const retryMs = retryDelayMs(code);
  if (retryMs !== null) details.push(detail(RetryInfoSchema, { retryDelay: durationFromMs(retryMs) }));
  return details;
}

function detail<Desc extends DescMessage>(desc: Desc, value: MessageInitShape<Desc>): Detail {
  return { desc, value };
}

function retryDelayMs(code: Code): number | null {
  if (code === Code.Unavailable) return UNAVAILABLE_RETRY_MS;
  return code === Code.ResourceExhausted ? EXHAUSTED_RETRY_MS : null;
}
