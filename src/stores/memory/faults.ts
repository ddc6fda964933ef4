import type { Clock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Call } from '../call.ts';

/** Something that goes wrong with one call, or with all calls until it is lifted. */
export interface Fault {
  /** The port's method; absent: any. */
  readonly method?: string;
  /** How long the request is under way before it reaches the store, in milliseconds. Default: 0. */
  readonly requestMs?: number;
  /** How long the answer is under way. Default: 0. */
  readonly answerMs?: number;
  /**
   * `refused`: fails before it reaches the store. `lost`: the store did it, the answer never arrives and the caller waits until
   * its deadline. `hung`: as `lost`, but the store never sees it. Default: nothing fails, it is only late.
   */
  readonly fail?: 'refused' | 'lost' | 'hung';
  /** What `refused` throws. Default: `unavailable`. */
  readonly error?: Error;
  /** How many calls it meets. Default: 1; Infinity: until {@link Faults.lift}. */
  readonly times?: number;
}

/** The faults of one link between an instance and a store. */
export interface Faults {
  /** Adds a fault; of several that fit, the oldest is used up first. */
  add(fault: Fault): void;
  /** Removes all faults. Calls under way keep theirs. */
  lift(): void;
  /** Asked for each call that no added fault fits, for example by a seeded simulation. Default: never a fault. */
  choose: ((method: string) => Fault | null) | null;
}

/** Creates a link without faults. */
export function createFaults(): Faults & { next(method: string): Fault | null } {
  let pending: { fault: Fault; left: number }[] = [];
  return {
    choose: null,
    add(fault) {
      pending.push({ fault, left: fault.times ?? 1 });
    },
    lift() {
      pending = [];
    },
    next(method) {
      const found = pending.find(({ fault }) => fault.method === undefined || fault.method === method);
      if (found === undefined) return this.choose?.(method) ?? null;
      found.left -= 1;
      if (found.left <= 0) pending = pending.filter((one) => one !== found);
      return found.fault;
    },
  };
}

/**
 * Puts faults between a caller and a port whose methods take a {@link Call}. A caller waits no longer than its deadline; what
 * it sent arrives all the same, late, as with a real server. `role` names the error of an unreachable store.
 */
export function injectFaults<Port extends object>(
  port: Port,
  options: {
    readonly faults: ReturnType<typeof createFaults>;
    readonly clock: Clock;
    readonly role: 'authority' | 'follower';
  },
): Port {
  const { faults } = options;
  return new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return (...args: readonly unknown[]): unknown => {
        const at = args.findLastIndex(isCall);
        const call = args[at];
        const iterates = name === 'split' || name === 'stream';
        const fault = iterates || isCall(call) ? faults.next(name) : null;
        if (fault === null) return member.apply(target, args);
        if (iterates) return fault.fail ? brokenIteration(refusal(fault, options.role)) : member.apply(target, args);
        if (!isCall(call)) return member.apply(target, args);
        const run = (): Promise<unknown> => member.apply(target, args.with(at, unbounded(call)));
        return meet({ ...options, fault, call, name }, run);
      };
    },
  });
}

interface Meeting {
  readonly fault: Fault;
  readonly call: Call;
  readonly name: string;
  readonly clock: Clock;
  readonly role: 'authority' | 'follower';
}

async function meet({ fault, call, name, clock, role }: Meeting, run: () => Promise<unknown>): Promise<unknown> {
  const patience = new AbortController();
  const late = clock.sleep(Math.max(0, call.deadlineMs - clock.monotonicMs()), patience.signal).then(() => {
    throw lateness(name);
  });
  const work = async (): Promise<unknown> => {
    if (fault.requestMs) await clock.sleep(fault.requestMs);
    if (fault.fail === 'refused') throw refusal(fault, role);
    if (fault.fail === 'hung') return await never();
    const answer = await run();
    if (fault.answerMs) await clock.sleep(fault.answerMs);
    return fault.fail === 'lost' ? await never() : answer;
  };
  try {
    return await Promise.race([work(), late]);
  } finally {
    late.catch(() => {});
    patience.abort(ANSWERED);
  }
}

/** A reason of its own costs a stack trace each time. */
const ANSWERED = 'answered';

/** A promise of its own each time: one for all would keep everybody who waits for it. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/** A write that nobody heard of again may have happened; anything else is just late. */
function lateness(name: string): DomainError {
  if (name === 'write' || name === 'writeMany' || name === 'touchMany' || name === 'compareAndSet') {
    return new DomainError({ kind: 'unknown', reason: 'OUTCOME_UNKNOWN', message: 'the answer was lost' });
  }
  return new DomainError({ kind: 'deadline_exceeded', reason: 'DEADLINE_EXCEEDED', message: 'the deadline passed' });
}

function refusal(fault: Fault, role: 'authority' | 'follower'): Error {
  if (fault.error !== undefined) return fault.error;
  const reason = role === 'authority' ? 'AUTHORITY_UNAVAILABLE' : 'FOLLOWER_UNAVAILABLE';
  return new DomainError({ kind: 'unavailable', reason, message: `the ${role} can't be reached` });
}

/** A method that hands out pieces (`split`, `stream`) breaks at the first one, whatever the failure. */
function brokenIteration(error: Error): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}

function unbounded(call: Call): Call {
  const { signal: _, ...rest } = call;
  return { ...rest, deadlineMs: Number.POSITIVE_INFINITY };
}

function isCall(value: unknown): value is Call {
  return typeof value === 'object' && value !== null && 'deadlineMs' in value;
}
