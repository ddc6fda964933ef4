import type { Bar } from '../../examples/hospital/demo/report.ts';
import type { Traffic } from '../../examples/hospital/demo/traffic.ts';
import type { PharmacyResult } from '../../examples/hospital/pharmacy/messages.ts';
import type { Bed } from './bed.ts';
import type { Allowance } from './verdict.ts';

/** What a scenario works with; traffic through both instances runs all the time. */
export interface ScenarioContext {
  readonly bed: Bed;
  readonly traffic: Traffic;
}

/** What a scenario has done, to be judged when the traffic has stopped. */
export interface Done {
  /** Failures that had to be expected. */
  readonly allowances: readonly Allowance[];
  /** What this scenario is for, on top of what all are held to. */
  judge(stages: PharmacyResult['stages']): { readonly bars: readonly Bar[]; readonly figures: object };
}

/** One named way to do harm. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Nodes of Cassandra. */
  readonly nodes: 1 | 3;
  /** Does the harm, waits until it is mended, and tells what is to be expected of what the traffic saw. */
  run(context: ScenarioContext): Promise<Done>;
}

/** A stage that must have been run. Throws if it was not. */
export function stageOf(stages: PharmacyResult['stages'], name: string): PharmacyResult['stages'][string] {
  const found = stages[name];
  if (found === undefined) throw new Error(`the stage ${name} was not run`);
  return found;
}
