import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { JobState } from '../../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import type { StackAddresses } from '../../../stack/stack.ts';
import type { PharmacyProgress } from '../pharmacy/messages.ts';
import { bringUp, type Cleanup, MOVED_RESOURCE, setUpFlags } from './bring-up.ts';
import { decommission } from './handover-stage.ts';
import { type Instance, startInstance } from './instances.ts';
import { judgeStores } from './judge.ts';
import { KillRunner, planKills } from './kill-plan.ts';
import { readKnownRecords } from './known-records.ts';
import { createMigrationWatch, jobProgress } from './migration-watch.ts';
import type { DemoOptions } from './options.ts';
import { type Outside, startOutside } from './outside.ts';
import { type Aims, createReport, type DemoReport, fullAims, quickAims } from './report.ts';
import type { Place } from './report-text.ts';
import { ShadowCounter, type ShadowCounts, shadowsSince } from './shadow-counts.ts';
import { type StageContext, stages } from './stages.ts';
import { grouped, type Terminal } from './terminal.ts';
import { startTraffic, type Traffic } from './traffic.ts';
import { createFlagSwitches } from './unleash-admin.ts';

/** A finished run, still up. */
export interface FinishedDemo {
  readonly report: DemoReport;
  readonly places: readonly Place[];
  /** What is left to be dropped by hand. */
  readonly leftovers: readonly string[];
}

const WORKERS = 32;
const QUICK_ROWS = 12_000;
/** A flag needs so long to reach both instances; a stage is not over before. */
const STAGE_LASTS_AT_LEAST_MS = 3_000;
/** How often a call that failed is sent again where instances are killed; elsewhere every failure counts. */
const RETRIES_WITH_KILLS = 6;

/** The whole demo. Everything that it starts is given to `cleanup`. */
export async function runDemo(
  options: DemoOptions,
  terminal: Terminal,
  signal: AbortSignal,
  cleanup: Cleanup,
): Promise<FinishedDemo> {
  const clock = new Stopwatch();
  const aims = options.quick ? quickAims : fullAims;
  const stack = await bringUp(options.quick ? { rows: QUICK_ROWS } : {}, terminal, signal, cleanup);
  clock.lap('stack and data');
  const addresses = stack.addresses as Required<StackAddresses>;
  const folder = join(stack.root, 'demo');
  await mkdir(folder, { recursive: true });
  await setUpFlags(addresses, terminal, signal);
  const surroundings = { options, aims, addresses, folder, terminal, signal, cleanup };
  const instances = await startInstances(surroundings);
  clock.lap('instances');
  const run = await startWriters(surroundings, instances);
  const context: StageContext = {
    stack,
    terminal,
    signal,
    quick: options.quick,
    flags: createFlagSwitches(addresses.unleash, MOVED_RESOURCE, signal),
    watch: createMigrationWatch(
      instances.map(({ http }) => http),
      MOVED_RESOURCE,
      signal,
    ),
    shadows: new ShadowCounter(instances),
    traffic: run.traffic,
    outside: run.outside,
    measured: {
      bulk: { rows: 0, rowsPerSecond: 0 },
      rollbackMs: null,
      handovers: [],
      stuck: null,
      outside: null,
      outsideDetected: false,
    },
  };
  const plan = planKills(options.kills, options.seed, stages.length * aims.stageWrites);
  const kills = new KillRunner(instances, plan, terminal, signal);
  const staged = await runStages(context, run.traffic, kills, aims.stageWrites, clock);
  const traffic = await run.traffic.stop();
  const outside = context.measured.outside ?? (await run.outside.stop());
  terminal.say('the writers have stopped; every record is verified both ways');
  const job = await context.watch.verify((now) => terminal.status(jobProgress('  verification', now)));
  clock.lap('verification');
  terminal.say('the demo reads both stores by itself and compares');
  const judgement = await judgeStores(addresses, [...traffic.finals, ...outside.finals]);
  clock.lap('own comparison');
  const leftovers = await decommission(context);
  clock.lap('decommission');
  const verification = {
    rows: Number(job.rowCount),
    mismatches: Number(job.mismatchCount),
    succeeded: job.state === JobState.SUCCEEDED,
  };
  const { bulk, handovers, outsideDetected } = context.measured;
  const twoStoreStages = stages.filter(({ twoStores }) => twoStores).map(({ id }) => id);
  const findings = {
    traffic,
    outside,
    judgement,
    verification,
    bulk,
    twoStoreStages,
    handovers,
    outsideDetected,
    decommissioned: leftovers !== null,
    ...staged,
  };
  const report = createReport({ ...findings, kills: kills.done, durations: clock.seconds() }, aims);
  return { report, places: placesOf(addresses, instances), leftovers: leftovers ?? [] };
}

/** What the demo's processes are started with. */
interface Surroundings {
  readonly options: DemoOptions;
  readonly aims: Aims;
  readonly addresses: Required<StackAddresses>;
  /** For configs and logs. */
  readonly folder: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly cleanup: Cleanup;
}

async function startInstances(surroundings: Surroundings): Promise<readonly [Instance, Instance]> {
  const { options, addresses, folder, terminal, signal, cleanup } = surroundings;
  const { sabotage } = options;
  const onEnded = (name: string, tail: string) =>
    terminal.say(`instance ${name} ended by itself; the end of its log:\n${tail}`);
  const start = async (name: string): Promise<Instance> => {
    const instance = await startInstance(name, { addresses, folder, sabotage, signal, onEnded });
    cleanup(() => instance.stop());
    terminal.say(`instance ${name} ready: gRPC ${instance.grpc}, HTTP ${instance.http}`);
    return instance;
  };
  const [a, b] = await Promise.allSettled([start('a'), start('b')]);
  if (a.status === 'rejected') throw a.reason;
  if (b.status === 'rejected') throw b.reason;
  return [a.value, b.value];
}

async function startWriters(
  { options, aims, addresses, folder, signal, cleanup }: Surroundings,
  [a, b]: readonly [Instance, Instance],
): Promise<{ traffic: Traffic; outside: Outside }> {
  const { mysql } = addresses;
  const records = await readKnownRecords(mysql);
  const outside = startOutside(mysql, options.seed, join(folder, 'outside-program.log'));
  cleanup(() => outside.kill());
  const withKills = options.kills > 0;
  const pharmacy = {
    instances: [a.grpc, b.grpc] as const,
    workers: WORKERS,
    seed: options.seed,
    stageWrites: aims.stageWrites,
    retries: withKills ? RETRIES_WITH_KILLS : 0,
    unknownIsExpected: withKills,
  };
  const traffic = await startTraffic(pharmacy, records, join(folder, 'pharmacy.log'), signal);
  cleanup(() => traffic.kill());
  return { traffic, outside };
}

interface Staged {
  readonly shadowByStage: Readonly<Record<string, ShadowCounts>>;
  readonly rollbackMs: number | null;
}

async function runStages(
  context: StageContext,
  traffic: Traffic,
  kills: KillRunner,
  writes: number,
  clock: Stopwatch,
): Promise<Staged> {
  const { terminal, shadows, measured, signal } = context;
  const shadowByStage: Record<string, ShadowCounts> = {};
  for (const [index, stage] of stages.entries()) {
    terminal.say(`stage ${index + 1} of ${stages.length}: ${stage.title}`);
    const before = await shadows.look();
    await traffic.beginStage(stage.id);
    const killer = setInterval(() => lookForKills(kills, traffic, context), KILL_LOOK_MS);
    try {
      const lasted = sleep(STAGE_LASTS_AT_LEAST_MS, undefined, { signal });
      await Promise.all([stage.begin(context), lasted]);
      await traffic.untilWrites(writes, (progress) => terminal.status(`  ${progressText(progress)}`));
    } finally {
      clearInterval(killer);
    }
    await kills.settle();
    if (stage.twoStores) await untilCompared(shadows, before, signal);
    shadowByStage[stage.id] = shadowsSince(await shadows.look(), before);
    terminal.say(`  ${progressText(traffic.progress)}, ${shadowText(shadowByStage[stage.id])}`);
    clock.lap(stage.id);
  }
  return { shadowByStage, rollbackMs: measured.rollbackMs };
}

/** A stage of two stores is not over before some reads were compared: it may have ended just when they agreed again. */
async function untilCompared(shadows: ShadowCounter, before: ShadowCounts, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + COMPARED_WITHIN_MS;
  while (shadowsSince(await shadows.look(), before).match === 0 && performance.now() < untilMs) {
    await sleep(COMPARED_LOOK_MS, undefined, { signal });
  }
}

const COMPARED_WITHIN_MS = 10_000;
const COMPARED_LOOK_MS = 200;
const KILL_LOOK_MS = 50;

/** A failure is told when the stage ends. */
function lookForKills(kills: KillRunner, traffic: Traffic, { signal }: StageContext): void {
  if (!signal.aborted) kills.look(traffic.progress.writes);
}

function progressText({ stageWrites, reads, problems }: PharmacyProgress): string {
  const kinds = Object.entries(problems).map(([kind, count]) => `${grouped(count)} × ${kind}`);
  const trouble = kinds.length === 0 ? 'no problem' : `PROBLEMS: ${kinds.join('; ')}`;
  return `${grouped(stageWrites)} writes acknowledged in this stage, ${grouped(reads)} reads in all, ${trouble}`;
}

function shadowText(counts: ShadowCounts | undefined): string {
  if (counts === undefined) return '';
  const { match, raced, mismatch, other } = counts;
  return `compared: ${match} match, ${raced} raced, ${mismatch} mismatch, ${other} without an answer`;
}

function placesOf(addresses: Required<StackAddresses>, instances: readonly Instance[]): Place[] {
  const { unleash, zipkin } = addresses;
  return [
    { what: 'Unleash’s UI', address: `${unleash.url}/projects/default (${unleash.user} / ${unleash.password})` },
    { what: 'traces (Zipkin)', address: `${zipkin.url}/zipkin/` },
    ...instances.flatMap(({ name, grpc, http }) => [
      { what: `instance ${name}`, address: `gRPC ${grpc}, HTTP ${http}, metrics ${http}/metrics` },
    ]),
  ];
}

/** Seconds by part. */
class Stopwatch {
  readonly #startedMs = performance.now();
  readonly #seconds: Record<string, number> = {};
  #lastMs = this.#startedMs;

  lap(part: string): void {
    const nowMs = performance.now();
    this.#seconds[part] = Math.round((nowMs - this.#lastMs) / 100) / 10;
    this.#lastMs = nowMs;
  }

  seconds(): Record<string, number> {
    return { ...this.#seconds, total: Math.round((performance.now() - this.#startedMs) / 100) / 10 };
  }
}
