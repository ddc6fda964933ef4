import { seededUniform } from '../outside-records.ts';
import type { Instance } from './instances.ts';
import type { Terminal } from './terminal.ts';

/** One kill: of which instance, and after how many acknowledged writes of the run. */
export interface PlannedKill {
  readonly side: 0 | 1;
  readonly afterWrites: number;
}

/** Draws the moments; the same seed gives the same ones. */
export function planKills(kills: number, seed: number, expectedWrites: number): PlannedKill[] {
  const uniform = seededUniform(seed);
  return Array.from({ length: kills }, () => {
    const afterWrites = Math.floor(uniform() * expectedWrites * LAST_PART);
    return { side: uniform() < 0.5 ? (0 as const) : (1 as const), afterWrites };
  }).sort((a, b) => a.afterWrites - b.afterWrites);
}

/** None so late that the run ends before it. */
const LAST_PART = 0.95;

/** Kills instances as planned while the traffic goes on, one after the other. */
export class KillRunner {
  readonly #instances: readonly [Instance, Instance];
  readonly #plan: PlannedKill[];
  readonly #terminal: Terminal;
  readonly #signal: AbortSignal;
  #underWay: Promise<void> = Promise.resolve();
  #busy = false;
  #failure: unknown;
  done = 0;

  constructor(
    instances: readonly [Instance, Instance],
    plan: readonly PlannedKill[],
    terminal: Terminal,
    signal: AbortSignal,
  ) {
    this.#instances = instances;
    this.#plan = [...plan];
    this.#terminal = terminal;
    this.#signal = signal;
  }

  /** Called again and again with the acknowledged writes. */
  look(writes: number): void {
    const next = this.#plan[0];
    // The other one must serve: only one is down at a time.
    if (this.#busy || next === undefined || writes < next.afterWrites) return;
    this.#plan.shift();
    this.#busy = true;
    const instance = this.#instances[next.side];
    this.#terminal.say(`kill -9 of instance ${instance.name} after ${writes} writes; it is started again`);
    this.#underWay = instance.killAndRestart(this.#signal).then(
      () => {
        this.#busy = false;
        this.done += 1;
      },
      (error: unknown) => {
        this.#failure = error;
      },
    );
  }

  /** Waits until both instances are up. Throws if one did not come back. */
  async settle(): Promise<void> {
    await this.#underWay;
    if (this.#failure !== undefined) throw this.#failure;
  }
}
