import type { Instance } from './instances.ts';

/** Shadow reads by outcome. */
export interface ShadowCounts {
  readonly match: number;
  readonly raced: number;
  readonly mismatch: number;
  /** The other store failed, was late, or too many comparisons were under way. */
  readonly other: number;
}

/** No comparison at all. */
export const noShadows: ShadowCounts = { match: 0, raced: 0, mismatch: 0, other: 0 };

const SCRAPE_TIMEOUT_MS = 5_000;
const COMPARISON = /^crossfade_comparisons_total\{([^}]*)\} ([0-9.e+]+)/gm;
const MISMATCHES = new Set(['mismatch', 'missing_in_follower', 'extra_in_follower']);

/**
 * Adds up the shadow reads of both instances from their metrics. An instance that was killed counts from 0 again, so what it
 * counted until the last look is kept.
 */
export class ShadowCounter {
  readonly #instances: readonly Instance[];
  readonly #latest = new Map<string, ShadowCounts>();
  #before = noShadows;

  constructor(instances: readonly Instance[]) {
    this.#instances = instances;
  }

  /** The sum now. An instance that does not answer counts as it did last. */
  async look(): Promise<ShadowCounts> {
    for (const { name, http } of this.#instances) {
      const counts = await scrape(http);
      if (counts === undefined) continue;
      const known = this.#latest.get(name);
      if (known !== undefined && counts.match < known.match) this.#before = plus(this.#before, known);
      this.#latest.set(name, counts);
    }
    return [...this.#latest.values()].reduce(plus, this.#before);
  }
}

/** What came since. */
export function shadowsSince(now: ShadowCounts, before: ShadowCounts): ShadowCounts {
  return {
    match: now.match - before.match,
    raced: now.raced - before.raced,
    mismatch: now.mismatch - before.mismatch,
    other: now.other - before.other,
  };
}

function plus(a: ShadowCounts, b: ShadowCounts): ShadowCounts {
  return {
    match: a.match + b.match,
    raced: a.raced + b.raced,
    mismatch: a.mismatch + b.mismatch,
    other: a.other + b.other,
  };
}

async function scrape(http: string): Promise<ShadowCounts | undefined> {
  const signal = AbortSignal.timeout(SCRAPE_TIMEOUT_MS);
  const text = await fetch(`${http}/metrics`, { signal }).then(
    (answer) => answer.text(),
    () => undefined,
  );
  if (text === undefined) return undefined;
  const counts = { match: 0, raced: 0, mismatch: 0, other: 0 };
  for (const [, labels = '', value = '0'] of text.matchAll(COMPARISON)) {
    if (!labels.includes('by="shadow_read"')) continue;
    const outcome = /outcome="([a-z_]+)"/.exec(labels)?.[1] ?? '';
    const kind = MISMATCHES.has(outcome) ? 'mismatch' : outcome === 'match' || outcome === 'raced' ? outcome : 'other';
    counts[kind] += Number(value);
  }
  return counts;
}
