import type { Clock, Random } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/errors.ts';
import type { Call } from '../../src/stores/call.ts';
import type { ChangeLog } from '../../src/stores/change-log.ts';
import { createFaults, type Fault, injectFaults } from '../../src/stores/memory/faults.ts';
import type { MemoryTargetLink, UpdateFate, Way } from '../../src/stores/memory/target-store.ts';
import { type SimProcess, within } from './process.ts';

/** How a link behaves, for each request by chance. Milliseconds; shares from 0 to 1. */
export interface Weather {
  /** The mean time of one way. */
  readonly delayMs: number;
  /** The share of ways that take up to {@link longMs}. */
  readonly long: number;
  readonly longMs: number;
  readonly refused: number;
  readonly lost: number;
  readonly hung: number;
}

/** A lightweight transaction that nobody heard of may still come after this many long ways. */
const LATEST = 6;

const calm: Weather = { delayMs: 0.7, long: 0.005, longMs: 60, refused: 0, lost: 0, hung: 0 };

/** By name, for plans and traces. */
export const weathers = {
  calm,
  slow: { ...calm, delayMs: 6, long: 0.1, longMs: 400 },
  lossy: { ...calm, long: 0.03, longMs: 700, refused: 0.03, lost: 0.06, hung: 0.04 },
  down: { ...calm, refused: 1 },
  silent: { ...calm, hung: 0.7, lost: 0.3 },
} as const satisfies Record<string, Weather>;

export type WeatherName = keyof typeof weathers;

/** The links between one process and one store. */
export class Link {
  readonly #process: SimProcess;
  readonly #clock: Clock;
  readonly #random: Random;
  weather: Weather = weathers.calm;

  /** `clock`: the world's, by which requests travel also when the process is stopped. */
  constructor(process: SimProcess, clock: Clock, random: Random) {
    this.#process = process;
    this.#clock = clock;
    this.#random = random;
  }

  /** A port through this link, as the process sees it. `untouched`: methods that bring their own ways. */
  port<Port extends object>(port: Port, role: 'authority' | 'follower', untouched: readonly string[] = []): Port {
    const faults = createFaults();
    faults.choose = (method) => (untouched.includes(method) ? null : this.#fault());
    return within(this.#process, injectFaults(port, { faults, clock: this.#clock, role }));
  }

  /** A change log, whose events travel too. */
  changeLog(changeLog: ChangeLog): ChangeLog {
    const stream: ChangeLog['stream'] = (position, signal) => this.#delayed(changeLog.stream(position, signal));
    return this.port({ ...changeLog, stream }, 'authority', ['stream']);
  }

  /** For the target's own writes, which are several requests each. */
  target(): MemoryTargetLink {
    return { clock: this.#process.clock, onUpdate: () => this.#fate(), onWay: (way) => this.way(way) };
  }

  /** One way of one request. Throws `unavailable` before anything was sent, `deadline_exceeded` when the answer is lost. */
  async way(way: Way, call?: Call): Promise<void> {
    const { refused, lost, hung } = this.weather;
    if (way === 'there' && this.#random.uniform() < refused + hung) throw unreachable();
    await this.#clock.sleep(this.#delayMs());
    if (way === 'there') return;
    if (call !== undefined && this.#random.uniform() < lost) {
      await this.#clock.sleep(Math.max(0, call.deadlineMs - this.#clock.monotonicMs()));
      await this.#process.awake();
      throw tooLate();
    }
    await this.#process.awake();
  }

  async *#delayed<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
    for await (const item of items) {
      if (this.#random.uniform() < this.weather.refused + this.weather.hung) throw unreachable();
      await this.#clock.sleep(this.#delayMs());
      yield item;
    }
  }

  #delayMs(): number {
    const { delayMs, long, longMs } = this.weather;
    const chance = this.#random.uniform();
    return chance < long ? (chance / long) * longMs : -Math.log(1 - this.#random.uniform()) * delayMs;
  }

  #fault(): Fault {
    const { refused, lost, hung } = this.weather;
    const chance = this.#random.uniform();
    const ways = { requestMs: this.#delayMs(), answerMs: this.#delayMs() };
    if (chance < refused) return { ...ways, fail: 'refused' };
    if (chance < refused + lost) return { ...ways, fail: 'lost' };
    return chance < refused + lost + hung ? { ...ways, fail: 'hung' } : ways;
  }

  #fate(): UpdateFate {
    const { lost, longMs } = this.weather;
    const chance = this.#random.uniform();
    if (chance >= 2 * lost) return 'apply';
    if (chance < lost / 2) return 'lose_answer';
    return chance < lost ? 'drop' : { delayMs: this.#random.uniform() ** 2 * LATEST * longMs };
  }
}

function unreachable(): DomainError {
  return new DomainError({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE', message: 'the link is down' });
}

function tooLate(): DomainError {
  return new DomainError({ kind: 'deadline_exceeded', reason: 'DEADLINE_EXCEEDED', message: 'the answer was lost' });
}
