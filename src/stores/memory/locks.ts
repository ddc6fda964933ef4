import type { Clock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/errors.ts';
import type { Call } from '../call.ts';

/** `shared` locks go together, an `exclusive` one is alone. */
export type LockMode = 'shared' | 'exclusive';

interface Waiter {
  readonly mode: LockMode;
  readonly grant: () => void;
}

interface Lock {
  /** How many hold it; an exclusive holder is one. */
  holders: number;
  mode: LockMode;
  waiting: Waiter[];
}

/** How long a lock is waited for, as in the service's sessions of MySQL. */
const LOCK_WAIT_MS = 1_000;
const GRANTED = 'granted';

/**
 * Locks by name, as InnoDB has them on rows: first come, first served, so that a waiting exclusive lock is not starved by later
 * shared ones.
 */
export class Locks {
  readonly #clock: Clock;
  readonly #locks = new Map<string, Lock>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with the lock's release. Throws `unavailable` after {@link LOCK_WAIT_MS}, or at the call's deadline. */
  async acquire(name: string, mode: LockMode, call: Pick<Call, 'deadlineMs'>): Promise<() => void> {
    const lock = this.#locks.get(name) ?? { holders: 0, mode, waiting: [] };
    this.#locks.set(name, lock);
    const isFree = lock.holders === 0 || (lock.mode === 'shared' && mode === 'shared');
    if (isFree && lock.waiting.length === 0) this.#hold(lock, mode);
    else await this.#wait(lock, mode, call);
    return () => this.#release(name, lock);
  }

  #hold(lock: Lock, mode: LockMode): void {
    lock.holders += 1;
    lock.mode = mode;
  }

  async #wait(lock: Lock, mode: LockMode, call: Pick<Call, 'deadlineMs'>): Promise<void> {
    const granted = new AbortController();
    const waiter: Waiter = { mode, grant: () => granted.abort(GRANTED) };
    lock.waiting.push(waiter);
    const ms = Math.min(LOCK_WAIT_MS, Math.max(0, call.deadlineMs - this.#clock.monotonicMs()));
    await this.#clock.sleep(ms, granted.signal).catch(() => {});
    if (granted.signal.aborted) return;
    lock.waiting = lock.waiting.filter((one) => one !== waiter);
    this.#grant(lock);
    throw new DomainError({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE', message: 'a lock is held too long' });
  }

  #release(name: string, lock: Lock): void {
    lock.holders -= 1;
    this.#grant(lock);
    if (lock.holders === 0 && lock.waiting.length === 0) this.#locks.delete(name);
  }

  #grant(lock: Lock): void {
    for (let next = lock.waiting[0]; next !== undefined; next = lock.waiting[0]) {
      if (lock.holders > 0 && !(lock.mode === 'shared' && next.mode === 'shared')) return;
      lock.waiting.shift();
      this.#hold(lock, next.mode);
      next.grant();
    }
  }
}
