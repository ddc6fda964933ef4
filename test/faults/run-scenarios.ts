import { cp, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeMachine, loadAverage, type MachineState } from '../../bench/machine.ts';
import type { Cleanup } from '../../examples/hospital/demo/bring-up.ts';
import { type Judgement, judgeStores } from '../../examples/hospital/demo/judge.ts';
import { readKnownRecords } from '../../examples/hospital/demo/known-records.ts';
import { type Bar, bar } from '../../examples/hospital/demo/report.ts';
import type { Terminal } from '../../examples/hospital/demo/terminal.ts';
import { startTraffic, type Traffic } from '../../examples/hospital/demo/traffic.ts';
import type { PharmacyResult } from '../../examples/hospital/pharmacy/messages.ts';
import { type Bed, makeBed } from './bed.ts';
import { forgetDemotions } from './forget-demotions.ts';
import { untilHealed } from './moves.ts';
import type { FaultsOptions } from './options.ts';
import type { Done, Scenario } from './scenario.ts';
import { commonBars } from './verdict.ts';

/** One scenario's verdict. */
export interface ScenarioReport {
  readonly name: string;
  readonly ok: boolean;
  readonly bars: readonly Bar[];
  /** What this scenario measures. */
  readonly figures: object;
  readonly acknowledgedWrites: number;
  readonly unknownWrites: number;
  readonly reads: number;
  readonly staleReads: number;
  readonly lostWrites: number | null;
  readonly mismatches: number | null;
  readonly examples: readonly string[];
  readonly stages: PharmacyResult['stages'];
  readonly seconds: number;
  /** Why it was not run to its end. */
  readonly failure?: string;
}

/** Everything that a run measured, as `--report` writes it. */
export interface FaultsReport {
  readonly ok: boolean;
  readonly startedAt: string;
  readonly seconds: number;
  readonly quick: boolean;
  readonly seed: number;
  readonly writesPerSecond: number;
  readonly retryBudgetMs: number;
  readonly machine: MachineState;
  /** The machine's load average, which this run itself raises. */
  readonly load: { readonly before: number; readonly after: number };
  readonly scenarios: readonly ScenarioReport[];
  /** Scenarios that this machine has no memory for. */
  readonly skipped: readonly string[];
}

/** What runs are made with. */
export interface RunOptions {
  readonly options: FaultsOptions;
  readonly scenarios: readonly Scenario[];
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly cleanup: Cleanup;
}

/** Three nodes, MySQL, Unleash, two instances and the traffic, in memory with their data. */
const THREE_NODES_NEED_MIB = 7_000;

function freeMib(): number {
  // What Linux could give, its caches included.
  return Math.round(process.availableMemory() / 2 ** 20);
}

/** Loops: enough that the pace is kept while a write takes a fifth of a second. */
const WORKERS = 64;
/** They never rest. */
const NO_STAGE_END = Number.MAX_SAFE_INTEGER;
/** Unique values of one scenario. */
const NUMBERS_A_SCENARIO = 1_000_000;
const WARM_UP_MS = 3_000;
/** How often the stores are compared until they are the same: what is under way without an acknowledgement may take a moment. */
const COMPARISONS = 4;
const COMPARISON_PAUSE_MS = 2_000;

/** Runs scenarios one after the other, and tells each verdict as it comes. `nodes` of the bed are those of the first. */
export async function runScenarios(run: RunOptions): Promise<FaultsReport> {
  const { options, scenarios, terminal } = run;
  const startedAt = new Date();
  const before = loadAverage();
  const reports: ScenarioReport[] = [];
  const skipped: string[] = [];
  for (const nodes of [1, 3] as const) {
    const some = scenarios.filter((one) => one.nodes === nodes);
    if (nodes === 3 && some.length > 0 && freeMib() < THREE_NODES_NEED_MIB) {
      skipped.push(...some.map(({ name }) => name));
      terminal.say(
        `skipped: ${skipped.join(', ')} need ${THREE_NODES_NEED_MIB} MiB of free memory, there are ${freeMib()}`,
      );
    } else if (some.length > 0) reports.push(...(await runOnBed(run, nodes, some, reports.length)));
  }
  const ok = reports.length + skipped.length === scenarios.length && reports.every((one) => one.ok);
  terminal.say(ok ? 'all as promised' : 'NOT all as promised');
  return {
    ok,
    startedAt: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    quick: options.quick,
    seed: options.seed,
    writesPerSecond: options.rate,
    retryBudgetMs: options.retryBudgetMs,
    machine: describeMachine(),
    load: { before, after: loadAverage() },
    scenarios: reports,
    skipped,
  };
}

async function runOnBed(run: RunOptions, nodes: 1 | 3, scenarios: readonly Scenario[], first: number) {
  const { options, terminal, signal } = run;
  const stops: (() => Promise<void>)[] = [];
  const cleanup: Cleanup = (stop) => {
    stops.push(stop);
    run.cleanup(stop);
  };
  const { quick, seed, rate, retryBudgetMs } = options;
  const bed = await makeBed({ nodes, quick, seed, rate, retryBudgetMs, terminal, signal, cleanup });
  if (options.logs !== undefined) cleanup(() => keepLogs(bed, join(options.logs ?? '.', `${nodes}-node`)));
  const reports: ScenarioReport[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    terminal.say(`scenario ${scenario.name}: ${scenario.title}`);
    const report = await runScenario(bed, scenario, first + index, cleanup);
    showVerdict(report, terminal);
    reports.push(report);
    await forgetDemotions(bed.addresses);
  }
  // Nothing of this bed is needed any more, and the next one needs its memory.
  for (const stop of stops.toReversed()) await stop().catch(() => {});
  return reports;
}

async function runScenario(bed: Bed, scenario: Scenario, index: number, cleanup: Cleanup): Promise<ScenarioReport> {
  const beganMs = performance.now();
  const traffic = await beginTraffic(bed, index);
  cleanup(() => traffic.kill());
  let done: Done | undefined;
  let failure: string | undefined;
  try {
    await traffic.beginStage('warm-up');
    await sleep(WARM_UP_MS, undefined, { signal: bed.signal });
    done = await scenario.run({ bed, traffic });
  } catch (error) {
    bed.signal.throwIfAborted();
    failure = textOf(error);
  }
  const healed = await heal(bed);
  failure ??= healed;
  const result = await traffic.stop();
  const judgement = await judgeAtRest(bed, result).catch((error: unknown) => {
    failure ??= textOf(error);
    return null;
  });
  return reportOf(scenario, { done, failure, result, judgement, beganMs });
}

function beginTraffic(bed: Bed, index: number): Promise<Traffic> {
  const { instances, folder, seed, rate, signal } = bed;
  const [a, b] = instances;
  const options = {
    instances: [a.grpc, b.grpc] as const,
    workers: WORKERS,
    seed: seed + index,
    stageWrites: NO_STAGE_END,
    retries: 0,
    unknownIsExpected: false,
    writesPerSecond: rate,
    firstNumber: (index + 1) * NUMBERS_A_SCENARIO,
  };
  return readKnownRecords(bed.addresses.mysql).then((records) =>
    startTraffic(options, records, join(folder, `pharmacy-${index}.log`), signal),
  );
}

/** What is wrong; undefined: everything is up, and the follower in sync. */
async function heal(bed: Bed): Promise<string | undefined> {
  try {
    await bed.mend();
    await untilHealed(bed);
    return undefined;
  } catch (error) {
    bed.signal.throwIfAborted();
    return textOf(error);
  }
}

/** The traffic has stopped: the stores must come to hold the same by themselves. */
async function judgeAtRest({ addresses, signal }: Bed, { finals }: PharmacyResult): Promise<Judgement> {
  for (let look = 1; ; look++) {
    const judgement = await judgeStores(addresses, finals);
    if (look === COMPARISONS || judgement.mismatches + judgement.lostWrites === 0) return judgement;
    await sleep(COMPARISON_PAUSE_MS, undefined, { signal });
  }
}

/** Before the servers end, and their folder with them. */
async function keepLogs({ stack, folder }: Bed, into: string): Promise<void> {
  await mkdir(into, { recursive: true });
  for (const from of [stack.root, folder]) {
    for (const name of await readdir(from)) {
      if (name.endsWith('.log')) await cp(join(from, name), join(into, name));
    }
  }
}

interface Ran {
  readonly done: Done | undefined;
  readonly failure: string | undefined;
  readonly result: PharmacyResult;
  readonly judgement: Judgement | null;
  readonly beganMs: number;
}

function reportOf({ name }: Scenario, { done, failure, result, judgement, beganMs }: Ran): ScenarioReport {
  const judged = done?.judge(result.stages) ?? { bars: [], figures: {} };
  const bars = [
    bar('run to its end, and healed by itself', failure === undefined, failure ?? 'yes'),
    ...commonBars(result, judgement, done?.allowances ?? []),
    ...judged.bars,
  ];
  const unknown = Object.values(result.stages).map(({ all }) => all.unknownWrites);
  return {
    name,
    ok: bars.every(({ ok }) => ok),
    bars,
    figures: judged.figures,
    acknowledgedWrites: result.acknowledgedWrites + result.acknowledgedDeletes,
    unknownWrites: unknown.reduce((total, count) => total + count, 0),
    reads: result.reads,
    staleReads: result.staleReads,
    lostWrites: judgement?.lostWrites ?? null,
    mismatches: judgement?.mismatches ?? null,
    examples: [...result.staleExamples, ...(judgement?.examples ?? [])],
    stages: result.stages,
    seconds: Math.round((performance.now() - beganMs) / 1000),
    ...(failure !== undefined && { failure }),
  };
}

function showVerdict(report: ScenarioReport, terminal: Terminal): void {
  terminal.say(`  ${report.ok ? 'as promised' : 'BROKEN'}: ${report.name}, ${report.seconds} s`);
  for (const { name, ok, found } of report.bars) terminal.print(`    ${ok ? 'ok    ' : 'BROKEN'}  ${name}: ${found}`);
  for (const [stage, { all }] of Object.entries(report.stages)) {
    const { writes, reads, writeMs, longestGapMs, longestWriteMs, unknownWrites } = all;
    terminal.print(
      `      ${stage.padEnd(40)} ${writes} writes, ${reads} reads, p50 ${writeMs.p50.toFixed(0)} p99 ${writeMs.p99.toFixed(0)} ms, ` +
        `longest ${longestWriteMs} ms, gap ${longestGapMs} ms, unknown ${unknownWrites}${failuresOf(all)}`,
    );
  }
  for (const example of report.examples) terminal.print(`      ${example}`);
  terminal.print(`      ${JSON.stringify(report.figures)}`);
}

function failuresOf({ failedWrites, failedReads }: PharmacyResult['stages'][string]['all']): string {
  const list = (what: string, counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([kind, count]) => `${count} ${what} ${kind}`);
  const all = [...list('writes', failedWrites), ...list('reads', failedReads)];
  return all.length === 0 ? '' : `; ${all.join('; ')}`;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? `${error.message} (${cause.message})` : error.message;
}
