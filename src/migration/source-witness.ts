/*
 * Whether the source still has what it had. Its control record does not say: a backup of an hour ago, or another server after
 * a failover, has the same one, with the checkpoint that belongs to it, as long as nothing moved meanwhile. So instances remember what
 * they saw committed there, and keep it in the target, beside their heartbeats: a restored source can't take that back.
 *
 * In an epoch of the target another server counts as a loss as well: what the source acknowledged last, as the follower, may not
 * have reached its replica, and no log of the source says so. Where the source is the authority, its log does.
 */
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ControlRecord, ControlStore } from '../stores/control-store.ts';
import type { SourceState, SourceStates } from '../stores/source-state.ts';
import type { Lease } from './lease.ts';
import { slept } from './task-lease.ts';

/** What a witness needs. */
export interface SourceWitnessOptions {
  readonly states: SourceStates;
  /** The target's control store; null: there is no target. */
  readonly kept: Pick<ControlStore, 'heartbeats'> | null;
  readonly lease: Pick<Lease, 'latest'>;
  /** The ids of all resources. */
  readonly resources: readonly string[];
  /** Told once of each attach under which the source lacks what it had. Must not throw. */
  readonly onLost: (record: ControlRecord) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A state of the source, and the attaches under which it was seen, by resource. */
interface Seen extends SourceState {
  readonly attaches: Readonly<Record<string, number>>;
}

/** How often the source is asked. */
const LOOK_MS = 500;
/** After a failure, and for a look that cannot wait. */
const SOON_MS = 50;
const CALL_MS = 2_000;

/** Watches the source for all resources of an instance. */
export class SourceWitness {
  readonly #options: SourceWitnessOptions;
  #seen: Seen | null = null;
  /** What instances before this one have seen. */
  #earlier: readonly Seen[] | null = null;
  /** The first look settles the first. */
  #doubts = 1;
  #settledDoubts = 0;
  #lost = new Map<string, number>();
  #wake: (() => void) | undefined;

  constructor(options: SourceWitnessOptions) {
    this.#options = options;
  }

  /** What was seen, for the heartbeat in the target; undefined: nothing yet. */
  get text(): string | undefined {
    return this.#seen === null ? undefined : JSON.stringify(this.#seen);
  }

  /** A connection to the source broke: until it was asked, it may be another one, or one of yesterday. */
  doubt(): void {
    this.#doubts += 1;
    this.#wake?.();
  }

  /** Whether the source, as the follower, may lack what it has acknowledged. */
  isDoubtful({ resource, attach }: Pick<ControlRecord, 'resource' | 'attach'>): boolean {
    return this.#doubts > this.#settledDoubts || this.#lost.get(resource) === attach;
  }

  /** Watches until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { kept, log } = this.#options;
    if (kept === null) return;
    let failing = false;
    do {
      const doubts = this.#doubts;
      try {
        if (await this.#look(signal)) this.#settledDoubts = doubts;
        failing = false;
      } catch (error) {
        if (!failing && !signal.aborted) log.warn('the source could not be asked what it has; trying again', { error });
        failing = true;
      }
    } while (await this.#pause(failing ? SOON_MS : LOOK_MS, signal));
  }

  async #pause(ms: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    if (this.#doubts > this.#settledDoubts) return slept(clock, SOON_MS, signal);
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await slept(clock, ms, AbortSignal.any([signal, woken.signal]));
    this.#wake = undefined;
    return !signal.aborted;
  }

  /** False: not all control records are known yet, so nothing can be compared. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { states, kept, clock, lease, resources, onLost } = this.#options;
    const records = resources.flatMap((id) => lease.latest(id) ?? []);
    if (records.length < resources.length) return false;
    this.#earlier ??= kept === null ? [] : await readSeen(kept, internalCall(clock, CALL_MS, signal));
    const now = await states.read(internalCall(clock, CALL_MS, signal));
    const all = this.#seen === null ? this.#earlier : [this.#seen, ...this.#earlier];
    const lost = records.filter((record) => all.some((seen) => this.#lacks(now, seen, record)));
    const fresh = lost.filter(({ resource, attach }) => this.#lost.get(resource) !== attach);
    this.#lost = new Map(lost.map(({ resource, attach }) => [resource, attach]));
    for (const record of fresh) onLost(record);
    // What was lost is remembered until everything has been attached anew.
    if (lost.length > 0) return true;
    this.#earlier = [];
    const attaches = Object.fromEntries(records.map(({ resource, attach }) => [resource, attach]));
    this.#seen = { ...now, attaches };
    return true;
  }

  /** Whether the source now lacks what was seen in it under this record's attach. */
  #lacks(now: SourceState, seen: Seen, { resource, attach, authority }: ControlRecord): boolean {
    if (attach === 0 || seen.attaches[resource] !== attach) return false;
    if (!this.#options.states.covers(now, seen)) return true;
    return authority === 'target' && now.server !== seen.server;
  }
}

async function readSeen(kept: Pick<ControlStore, 'heartbeats'>, call: Call): Promise<readonly Seen[]> {
  const rows = await kept.heartbeats(call);
  return rows.flatMap(({ sourceSeen }) => (sourceSeen ? [JSON.parse(sourceSeen) as Seen] : []));
}
