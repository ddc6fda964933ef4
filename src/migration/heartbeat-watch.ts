import type { Clock } from '../domain/clock.ts';
import { internalCall } from '../stores/call.ts';
import type { ControlStore, Heartbeat } from '../stores/control-store.ts';
import type { ProtocolSettings } from './settings.ts';

/** Watches the heartbeat rows of all instances, so that a wait for their leases can end early. */
export class HeartbeatWatch {
  readonly #control: ControlStore;
  readonly #clock: Clock;
  readonly #settings: Pick<ProtocolSettings, 'leaseMs' | 'marginMs'>;
  /** Since when each row has stood unchanged, on this instance's monotonic clock. */
  readonly #unchanged = new Map<string, { beat: bigint; sinceMs: number }>();

  #alive = 1;

  constructor(control: ControlStore, clock: Clock, settings: Pick<ProtocolSettings, 'leaseMs' | 'marginMs'>) {
    this.#control = control;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** How many instances are alive, as last counted; at least 1. */
  get alive(): number {
    return this.#alive;
  }

  /** Counts the living instances; declares dead what stood still for too long. Errors leave the count as it is. */
  async count(): Promise<void> {
    await this.allHaveSeen('', Number.MAX_SAFE_INTEGER);
  }

  /**
   * Whether every instance has seen `generation` of the resource or is declared dead. Rows that stood unchanged for
   * more than a lease and margin are declared dead here. Errors count as "no".
   */
  async allHaveSeen(resource: string, generation: number): Promise<boolean> {
    try {
      const rows = await this.#control.heartbeats(internalCall(this.#clock, this.#settings.leaseMs));
      const behind = rows.filter((row) => !row.dead && (row.seen[resource] ?? 0) < generation);
      this.#forget(rows);
      const gone = await Promise.all(behind.map((row) => this.#declareDeadIfStill(row)));
      this.#alive = Math.max(1, rows.filter((row) => !row.dead).length - gone.filter((dead) => dead).length);
      return gone.every((dead) => dead);
    } catch {
      return false;
    }
  }

  async #declareDeadIfStill(row: Heartbeat): Promise<boolean> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#unchanged.get(row.incarnation);
    if (known === undefined || known.beat !== row.beat) {
      this.#unchanged.set(row.incarnation, { beat: row.beat, sinceMs: nowMs });
      return false;
    }
    if (nowMs - known.sinceMs <= this.#settings.leaseMs + this.#settings.marginMs) return false;
    return this.#control.declareDead(row.incarnation, row.beat, internalCall(this.#clock, this.#settings.leaseMs));
  }

  #forget(rows: readonly Heartbeat[]): void {
    const present = new Set(rows.map((row) => row.incarnation));
    for (const incarnation of this.#unchanged.keys()) {
      if (!present.has(incarnation)) this.#unchanged.delete(incarnation);
    }
  }
}
