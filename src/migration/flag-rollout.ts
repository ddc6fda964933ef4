/** A flag's definition, as far as it says for which requests the flag is on. It is another server's JSON: what is empty may be null. */
export interface FlagDefinition {
  readonly enabled: boolean;
  readonly project?: string;
  readonly strategies?: readonly FlagStrategy[] | null;
  readonly dependencies?: readonly unknown[] | null;
}

/** One strategy: the flag is on for a request if any of its strategies is. */
export interface FlagStrategy {
  readonly name: string;
  readonly parameters?: Readonly<Record<string, unknown>> | null;
  readonly constraints?: readonly unknown[] | null;
  readonly segments?: readonly unknown[] | null;
}

/** For which part of requests a flag is on; `percent` null: that can't be told from the flag alone, and `note` says why. */
export interface Rollout {
  readonly percent: number | null;
  readonly note: string;
}

/** What requests always have: the others go by who calls, which the flag alone does not tell. */
const ALWAYS_STICKY: ReadonlySet<string> = new Set(['default', 'random', 'recordKey']);

/** For which part of requests a flag that is switched on is on. */
export function rolloutOf(definition: FlagDefinition): Rollout {
  const strategies = definition.strategies ?? [];
  if (isFilled(definition.dependencies)) return unknown('it depends on another flag');
  // Unleash: without strategies a flag that is switched on is on for all.
  if (strategies.length === 0) return { percent: 100, note: '' };
  const known = strategies.map((strategy) => ({ strategy, ...ofStrategy(strategy) }));
  if (known.some(({ percent }) => percent === 100)) return { percent: 100, note: '' };
  const untold = known.find(({ percent }) => percent === null);
  if (untold !== undefined) return unknown(untold.note);
  const open = known.filter(({ percent }) => percent !== 0);
  const groups = new Set(open.map(({ strategy }) => groupOf(strategy)));
  if (groups.size > 1 || [...groups].some((group) => open.length > 1 && group.startsWith('random'))) {
    return unknown('several strategies share it out, each in its own way');
  }
  return { percent: Math.max(0, ...open.map(({ percent }) => percent ?? 0)), note: '' };
}

function isFilled(list: readonly unknown[] | null | undefined): boolean {
  return list !== undefined && list !== null && list.length > 0;
}

function ofStrategy({ name, parameters, constraints, segments }: FlagStrategy): Rollout {
  if (isFilled(constraints) || isFilled(segments))
    return unknown('a strategy has constraints: it depends on the request');
  if (name === 'default') return { percent: 100, note: '' };
  if (name !== 'flexibleRollout') return unknown(`it has a strategy of the kind ${name}`);
  const percent = Number(parameters?.rollout);
  if (!(percent >= 0 && percent <= 100)) return unknown('a strategy has no rollout between 0 and 100');
  const stickiness = String(parameters?.stickiness || 'default');
  if (percent > 0 && !ALWAYS_STICKY.has(stickiness))
    return unknown(`it is sticky by ${stickiness}: it depends on the caller`);
  return { percent, note: '' };
}

/** Strategies of one group share out the same requests: the wider one holds all of the narrower one's. */
function groupOf({ parameters }: FlagStrategy): string {
  return `${String(parameters?.stickiness || 'default')}/${String(parameters?.groupId ?? '')}`;
}

function unknown(note: string): Rollout {
  return { percent: null, note };
}
