import type { Random } from '../domain/clock.ts';
import type { Call } from '../stores/call.ts';
import type { ChangeLog } from '../stores/change-log.ts';
import type { StoreName } from '../stores/control-store.ts';
import type { LogKeeper } from './log-keeper.ts';

/** The part of a log that barriers need. */
export type BarrierLog = Pick<ChangeLog, 'requestBarrier' | 'isBarrierMet'>;

/** The most barriers that are remembered: the waiters of a forgotten one request another. */
const MAX_PENDING = 64;
const PREFIX = 'entries/';

/**
 * Barriers for either authority. The source's are markers in its own log. The target has none: what is committed there has
 * reached the follower when every entry of the write-ahead log that was open is closed. `keeper` null: the target never is the
 * authority.
 */
export class LogBarriers implements BarrierLog {
  readonly #changeLog: BarrierLog;
  readonly #keeper: Pick<LogKeeper, 'open'> | null;
  readonly #authority: () => StoreName;
  readonly #random: Random;
  /** The ids of the entries that each barrier waits for. */
  readonly #pending = new Map<string, ReadonlySet<string>>();

  constructor(options: {
    readonly changeLog: BarrierLog;
    readonly keeper: Pick<LogKeeper, 'open'> | null;
    readonly authority: () => StoreName;
    readonly random: Random;
  }) {
    this.#changeLog = options.changeLog;
    this.#keeper = options.keeper;
    this.#authority = options.authority;
    this.#random = options.random;
  }

  async requestBarrier(call: Call): Promise<string> {
    if (this.#keeper === null || this.#authority() === 'source') return this.#changeLog.requestBarrier(call);
    const id = PREFIX + this.#random.id();
    const { entries } = await this.#keeper.open(call);
    if (this.#pending.size >= MAX_PENDING) this.#pending.delete(this.#pending.keys().next().value as string);
    this.#pending.set(id, new Set(entries.map((entry) => entry.id)));
    return id;
  }

  async isBarrierMet(id: string, call: Call): Promise<boolean> {
    if (!id.startsWith(PREFIX)) return this.#changeLog.isBarrierMet(id, call);
    const waited = this.#pending.get(id);
    if (waited === undefined) return false;
    if (waited.size > 0) {
      const { entries } = (await this.#keeper?.open(call)) ?? { entries: [] };
      const left = entries.filter((entry) => waited.has(entry.id));
      if (left.length > 0) {
        this.#pending.set(id, new Set(left.map((entry) => entry.id)));
        return false;
      }
    }
    this.#pending.delete(id);
    return true;
  }
}
