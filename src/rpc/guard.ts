import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import { type AccessControl, nameCaller } from './access.ts';
import type { CallContext, Inbound } from './call-context.ts';
import type { Method } from './method-table.ts';

/** What stands between a request and its handler: who calls, what it may, how much of it at once. */
export interface Guard {
  /** The request's message, or rejects with why it is refused. `decode` is called for callers that may call the method. */
  enter(method: Method, decode: () => unknown, inbound: Inbound, context: CallContext): Promise<unknown>;
  /** The request is over, whether it was let in or not. */
  leave(context: CallContext): void;
}

/** What {@link createGuard} needs. */
export interface GuardOptions {
  /** Null: nobody needs to prove anything. */
  readonly access: AccessControl | null;
  /** Requests under way at once of one caller, streams among them; 0: no limit. Those without a name count as one. */
  readonly maxRequestsOfCaller: number;
  readonly clock: Clock;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The guard; null: there is nothing to guard, and requests go straight to their handlers. */
export function createGuard({ access, maxRequestsOfCaller, clock }: GuardOptions): Guard | null {
  if (access === null && maxRequestsOfCaller === 0) return null;
  const counts = new Map<string, number>();
  const inside = new Set<CallContext>();
  const expiries = new Map<CallContext, AbortController>();

  /** A request is over before it matters; a stream can outlast its caller's rights. */
  const endAtExpiry = (context: CallContext, expiresAtMs: number): void => {
    const over = new AbortController();
    expiries.set(context, over);
    const leftMs = Math.max(0, expiresAtMs - Number(clock.wallMicros() / 1000n));
    const expired = clock.sleep(Math.min(leftMs, LONGEST_TIMER_MS), over.signal);
    expired.then(
      () => context.abort(credentialsExpired()),
      () => {},
    );
  };

  const count = (context: CallContext): void => {
    if (maxRequestsOfCaller === 0) return;
    const running = counts.get(context.caller) ?? 0;
    if (running >= maxRequestsOfCaller) throw tooManyOfCaller();
    counts.set(context.caller, running + 1);
    inside.add(context);
  };

  return {
    enter: async (method, decode, inbound, context) => {
      if (access === null) {
        count(context);
        return decode();
      }
      const caller = await access.admit(method, inbound);
      nameCaller(context, caller);
      count(context);
      const request = decode();
      access.permit(caller, method, request, inbound);
      if (method.kind === 'server_streaming' && caller.expiresAtMs !== undefined) {
        endAtExpiry(context, caller.expiresAtMs);
      }
      return request;
    },
    leave: (context) => {
      expiries.get(context)?.abort();
      expiries.delete(context);
      if (!inside.delete(context)) return;
      const left = (counts.get(context.caller) ?? 0) - 1;
      if (left > 0) counts.set(context.caller, left);
      else counts.delete(context.caller);
    },
  };
}

function credentialsExpired(): DomainError {
  return new DomainError({
    kind: 'unauthenticated',
    reason: 'CREDENTIALS_EXPIRED',
    message: 'the token has expired; get a new one',
  });
}

function tooManyOfCaller(): DomainError {
  return new DomainError({
    kind: 'resource_exhausted',
    reason: 'TOO_MANY_REQUESTS_OF_CALLER',
    message: 'as many requests of this caller are under way as one caller may have; retry after a pause',
  });
}
