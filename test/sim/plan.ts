import type { Phase } from '../../src/migration/flags.ts';
import { seededRandom } from '../support/virtual-clock.ts';
import type { WeatherName } from './links.ts';

/** Something that happens to an instance or to all. Milliseconds from the beginning. */
export type Event = { readonly atMs: number } & (
  | { readonly kind: 'phase'; readonly phase: Phase | undefined }
  | { readonly kind: 'confirm' }
  | {
      readonly kind: 'weather';
      readonly instance: number;
      readonly store: 'source' | 'target' | 'both';
      readonly weather: WeatherName;
      readonly forMs: number;
    }
  | { readonly kind: 'stop'; readonly instance: number; readonly forMs: number }
  | { readonly kind: 'kill'; readonly instance: number; readonly forMs: number }
  | { readonly kind: 'wall'; readonly instance: number; readonly byMicros: bigint; readonly forMs: number }
  | { readonly kind: 'outside'; readonly forMs: number }
  | { readonly kind: 'purge' }
);

/** Everything that a seed decides beforehand; the rest is decided on the way, by the same seed. */
export interface Plan {
  readonly seed: number;
  readonly instances: number;
  readonly clients: number;
  /** Whether the run begins where an attach has ended well. */
  readonly beginsInSync: boolean;
  /** Whether that is longer ago than markers of deleted records live. */
  readonly isOld: boolean;
  readonly offsetsMicros: readonly bigint[];
  readonly sourceOffsetMicros: bigint;
  readonly targetOffsetMicros: bigint;
  /** The share of slow steps of the source's transactions. */
  readonly slowSteps: number;
  /** The mean pause of a client, in milliseconds. */
  readonly thinkMs: number;
  /** The share of reads that the flags send to the target. */
  readonly targetShare: number;
  /** How long clients work. */
  readonly trafficMs: number;
  /** In the order of time. */
  readonly events: readonly Event[];
}

/** Half of the skew bound: two clocks, each off by this at most, keep it. */
const HALF_SKEW_MICROS = 25_000;
const TRAFFIC_MS = 7_000;
/** The share of runs in which the source drops its log at some moment. */
const PURGED_SHARE = 0.1;

/** Makes a seed's plan. */
export function createPlan(seed: number): Plan {
  const random = seededRandom(seed);
  const between = (least: number, most: number) => least + random.uniform() * (most - least);
  const chance = (share: number) => random.uniform() < share;
  const offset = () => BigInt(Math.round(between(-HALF_SKEW_MICROS, HALF_SKEW_MICROS)));
  // Every third run has its clocks as far apart as the bound allows: the target's behind, or ahead.
  const extreme = chance(0.33) ? (chance(0.7) ? -1 : 1) : 0;
  const targetOffsetMicros = extreme === 0 ? offset() : BigInt(extreme * HALF_SKEW_MICROS);
  const sourceOffsetMicros = extreme === 0 ? offset() : -targetOffsetMicros;
  const instances = chance(0.3) ? 3 : 2;
  const trafficMs = TRAFFIC_MS * between(0.7, 1.3);
  const dice: Dice = { between, chance, pick: (list) => list[Math.floor(random.uniform() * list.length)] as never };
  return {
    seed,
    instances,
    clients: 2 + Math.floor(random.uniform() * 3),
    beginsInSync: chance(0.8),
    isOld: chance(0.15),
    offsetsMicros: Array.from({ length: instances }, offset),
    sourceOffsetMicros,
    targetOffsetMicros,
    slowSteps: chance(0.5) ? 0 : between(0, 0.04),
    thinkMs: chance(0.3) ? between(60, 400) : between(5, 60),
    targetShare: between(0.2, 0.8),
    trafficMs,
    events: [...phaseEvents(dice, trafficMs), ...troubles(dice, instances, trafficMs)].sort((a, b) => a.atMs - b.atMs),
  };
}

interface Dice {
  between(least: number, most: number): number;
  chance(share: number): boolean;
  pick<Item>(list: readonly Item[]): Item;
}

/** Mostly to and fro between the authorities, as that is where most can go wrong. */
function phaseEvents({ between, chance, pick }: Dice, trafficMs: number): Event[] {
  const events: Event[] = [{ atMs: 0, kind: 'phase', phase: 'synchronize' }];
  let isAway = false;
  for (let atMs = between(0, 1_500); atMs < trafficMs; atMs += between(600, 2_800)) {
    const aside: readonly (Phase | undefined)[] = ['source-only', 'synchronize', 'target-only', undefined];
    isAway = !isAway;
    const phase = chance(0.15) ? pick(aside) : isAway ? 'target-authority' : 'synchronize';
    events.push({ atMs, kind: 'phase', phase });
    if (phase === 'target-only') events.push({ atMs: atMs + between(500, 3_000), kind: 'confirm' });
  }
  return events;
}

function troubles(dice: Dice, instances: number, trafficMs: number): Event[] {
  const { between, chance } = dice;
  const events: Event[] = [];
  if (chance(0.35)) events.push({ atMs: between(0, trafficMs), kind: 'outside', forMs: between(200, 1_500) });
  const everyMs = chance(0.2) ? Number.POSITIVE_INFINITY : between(400, 3_000);
  for (let atMs = between(0, everyMs); atMs < trafficMs; atMs += between(0.3, 1.7) * everyMs) {
    const instance = Math.floor(between(0, instances));
    const event = trouble(dice, instance);
    events.push({ atMs, ...event });
    // Whoever is ended or stopped in the middle of something leaves more behind.
    const isHalt = event.kind === 'kill' || event.kind === 'stop';
    if (isHalt && chance(0.6))
      events.push({ atMs: Math.max(0, atMs - between(20, 400)), ...badWeather(dice, instance) });
  }
  if (chance(PURGED_SHARE)) events.push({ atMs: between(0, trafficMs), kind: 'purge' });
  return events;
}

type WithoutTime<E> = E extends Event ? Omit<E, 'atMs'> : never;

function badWeather({ between, pick }: Dice, instance: number): WithoutTime<Event> {
  const store = pick(['source', 'target', 'target', 'both'] as const);
  const weather = pick(['slow', 'lossy', 'lossy', 'down', 'silent'] as const);
  return { kind: 'weather', instance, store, weather, forMs: between(100, 1_800) };
}

function trouble(dice: Dice, instance: number): WithoutTime<Event> {
  const { between, chance } = dice;
  if (chance(0.5)) return badWeather(dice, instance);
  if (chance(0.5)) return { kind: 'stop', instance, forMs: between(100, 2_200) };
  if (chance(0.85)) return { kind: 'kill', instance, forMs: between(50, 1_500) };
  const byMicros = BigInt(Math.round(between(-3_000_000, 3_000_000)));
  return { kind: 'wall', instance, byMicros, forMs: between(100, 2_000) };
}
