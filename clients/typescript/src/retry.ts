import { durationMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { type ErrorInfo, ErrorInfoSchema, RetryInfoSchema } from '../gen/google/rpc/error_details_pb.ts';

/** Errors of a link that was never made: the request has not been sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND']);

/** What a call is, as far as sending it again is concerned. `named`: a write whose every record has a `request_id`. */
export type CallKind = 'read' | 'write' | 'named';

/**
 * Whether a call may be sent again without the caller's saying so. Reads: on UNAVAILABLE. Writes: only if it is certain that
 * nothing was written, because the service itself said UNAVAILABLE or the request was never sent; when the outcome is not known
 * only if the request is named, as it is then recognised. Not past a deadline, nor once the caller has cancelled.
 */
export function maySendAgain(error: unknown, kind: CallKind): boolean {
  const failure = ConnectError.from(error);
  const read = kind === 'read';
  if (kind === 'named' && isOutcomeUnknown(failure)) {
    return failure.code !== Code.DeadlineExceeded && failure.code !== Code.Canceled;
  }
  if (failure.code !== Code.Unavailable && !(read && failure.code === Code.Aborted && isLinkError(failure)))
    return false;
  return read || reasonOf(failure) !== undefined || wasNotSent(failure);
}

/** Whether an error says that an instance is not there, or does not answer in time, so that another one may. */
export function isInstanceFailing(error: unknown): boolean {
  const failure = ConnectError.from(error);
  const isGone = failure.code === Code.Aborted && isLinkError(failure);
  return isGone || failure.code === Code.Unavailable || failure.code === Code.DeadlineExceeded;
}

/** The `ErrorInfo` of an error of the service; undefined: the error is not of its making. */
export function errorInfoOf(error: unknown): ErrorInfo | undefined {
  return ConnectError.from(error).findDetails(ErrorInfoSchema)[0];
}

/** The pause that the service asks for before the same request is sent again (`RetryInfo`), in milliseconds; undefined: it names none. */
export function retryDelayMs(error: unknown): number | undefined {
  const delay = ConnectError.from(error).findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay && durationMs(delay);
}

/** The `ErrorInfo.reason` of an error of the service; undefined: the error is not of its making. */
export function reasonOf(error: unknown): string | undefined {
  return errorInfoOf(error)?.reason;
}

/**
 * Whether a write that failed may or may not have been committed: its link broke, its deadline passed or the service says
 * so. Read before writing again.
 */
export function isOutcomeUnknown(error: unknown): boolean {
  const failure = ConnectError.from(error);
  switch (failure.code) {
    case Code.Unknown:
    case Code.DeadlineExceeded:
    case Code.Canceled:
      return true;
    case Code.Unavailable:
    case Code.Aborted:
    case Code.Internal:
      return reasonOf(failure) === undefined && !wasNotSent(failure);
    default:
      return false;
  }
}

function isLinkError(failure: ConnectError): boolean {
  return reasonOf(failure) === undefined;
}

function wasNotSent(failure: ConnectError): boolean {
  for (let cause: unknown = failure.cause, depth = 0; cause instanceof Error && depth < MAX_CAUSES; depth++) {
    if (NOT_SENT.has((cause as { readonly code?: string }).code ?? '')) return true;
    cause = cause.cause;
  }
  return false;
}

/** A cause of a cause of a cause; deeper chains are none of a link's. */
const MAX_CAUSES = 5;
