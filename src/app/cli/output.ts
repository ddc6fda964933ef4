import { toJson } from '@bufbuild/protobuf';
import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { Presets, SingleBar } from 'cli-progress';
import {
  FollowerState,
  type Job,
  JobKind,
  JobSchema,
  JobState,
  type Migration,
  MigrationSchema,
  Phase,
  Store,
  type Transition,
  TransitionSchema,
} from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { plainLines } from './terminal-text.ts';

/** Where a command writes. Nothing in a line steers the terminal: names of records can hold any character. */
export interface Output {
  /** One line to standard output. */
  line(text: string): void;
  /** Whether a person is watching a terminal. */
  readonly terminal: boolean;
  /** Whether JSON was asked for: one value a line, nothing else. */
  readonly json: boolean;
}

/** The process's standard output. */
export function createOutput(json: boolean): Output {
  return {
    line: (text) => process.stdout.write(`${json ? text : plainLines(text)}\n`),
    terminal: process.stdout.isTTY === true && !json,
    json,
  };
}

/** A value of one of the API's enums for people: `target-authority`. */
export function spelled(values: Readonly<Record<string, number>>, value: number): string {
  const name = Object.keys(values).find((one) => values[one] === value);
  return (name ?? `unknown ${value}`).toLowerCase().replaceAll('_', '-');
}

/** A migration as JSON. */
export function migrationJson(migration: Migration): string {
  return JSON.stringify(toJson(MigrationSchema, migration));
}

/** A migration as lines that a person reads. */
export function migrationLines(migration: Migration): string[] {
  const wanted =
    migration.wantedPhase === Phase.UNSPECIFIED
      ? 'nothing (flag absent or off)'
      : spelled(Phase, migration.wantedPhase);
  const lines = [
    migration.name.slice('migrations/'.length),
    `  phase       ${spelled(Phase, migration.phase)}, the flag asks for ${wanted}`,
    `  authority   ${spelled(Store, migration.authority)}, epoch ${migration.epoch}`,
    `  follower    ${spelled(FollowerState, migration.followerState)}, attach ${migration.attachNumber}, generation ${migration.generation}`,
  ];
  for (const hold of migration.holds) lines.push(`  waits for   ${hold.reason}: ${hold.message}`);
  const { capture, backfill, verification } = migration;
  if (capture !== undefined && capture.instance !== '') {
    const lag = capture.lag === undefined ? 'unknown' : `${Math.round(durationMs(capture.lag))} ms`;
    lines.push(`  capture     lag ${lag}, ${capture.appliedCount} applied, ${capture.touchedCount} touched`);
  }
  if (capture !== undefined && capture.stoppedReason !== '')
    lines.push(`  capture     STOPPED: ${capture.stoppedReason}`);
  if (backfill !== undefined) lines.push(`  bulk copy   ${jobLine(backfill)}`);
  if (verification !== undefined) lines.push(`  verified    ${jobLine(verification)}`);
  lines.push(`  mismatches  ${migration.openMismatchCount} open`);
  if (migration.sourceFenced) {
    lines.push('  fence       the source refuses other writers while authority leaves it, and while it is away');
  }
  const alive = migration.instances.filter((instance) => !instance.dead);
  lines.push(`  instances   ${alive.map((instance) => instance.id.split('/')[0]).join(', ') || 'none'}`);
  return lines;
}

/** A change of the control record in one line: when, what, who, how long writes paused, why. */
export function transitionLine(transition: Transition): string {
  const { createTime, fromState, toState, epoch, authority, instance, writePause, reason } = transition;
  const at = createTime === undefined ? 'unknown' : new Date(timestampMs(createTime)).toISOString();
  const change = `${spelled(FollowerState, fromState)} -> ${spelled(FollowerState, toState)}`;
  const paused = writePause === undefined ? '' : `, writes paused ${Math.round(durationMs(writePause))} ms`;
  return `${at}  ${change.padEnd(HISTORY_COLUMN)}  epoch ${epoch}, ${spelled(Store, authority)}  by ${instance}${paused}: ${reason}`;
}

/** As wide as the longest change of state that the protocol knows. */
const HISTORY_COLUMN = 'handing-over -> in-sync'.length;

/** A change of the control record as JSON. */
export function transitionJson(transition: Transition): string {
  return JSON.stringify(toJson(TransitionSchema, transition));
}

/** A job in one line. */
export function jobLine(job: Job): string {
  const rows = `${job.rowCount} of ${job.expectedRowCount} rows`;
  const rate = `${Math.round(job.rowsPerSecond)} rows/s`;
  const mismatches = job.kind === JobKind.VERIFICATION ? `, ${job.mismatchCount} mismatches` : '';
  const error = job.error === '' ? '' : `: ${job.error}`;
  const ended = job.endTime === undefined ? '' : `, ended ${new Date(timestampMs(job.endTime)).toISOString()}`;
  return `${spelled(JobState, job.state)}, ${rows}, ${rate}${mismatches}${ended}${error}`;
}

/** A job as JSON. */
export function jobJson(job: Job): string {
  return JSON.stringify(toJson(JobSchema, job));
}

/** Shows a job's progress until it ends: a bar on a terminal, a line every few seconds elsewhere. */
export class JobProgress {
  readonly #output: Output;
  readonly #bar: SingleBar | undefined;
  #shownAtMs = 0;

  constructor(output: Output, title: string) {
    this.#output = output;
    if (!output.terminal) return;
    const format = `${title} {bar} {percentage}% | {value}/{total} rows | {rate} rows/s | {left} left | {stage}`;
    this.#bar = new SingleBar({ format, hideCursor: true }, Presets.shades_classic);
    this.#bar.start(1, 0, { rate: 0, left: '-', stage: '' });
  }

  /** Shows the job as it is now. */
  update(job: Job): void {
    const total = Math.max(Number(job.expectedRowCount), Number(job.rowCount), 1);
    if (this.#bar !== undefined) {
      this.#bar.setTotal(total);
      const rate = Math.round(job.rowsPerSecond);
      this.#bar.update(Number(job.rowCount), { rate, left: timeLeft(job), stage: job.stage });
    } else if (performance.now() - this.#shownAtMs >= LINE_EVERY_MS) {
      this.#shownAtMs = performance.now();
      this.#output.line(this.#output.json ? jobJson(job) : `${job.stage}: ${jobLine(job)}, ${timeLeft(job)} left`);
    }
  }

  /** Ends the bar. */
  stop(): void {
    this.#bar?.stop();
  }
}

const LINE_EVERY_MS = 2_000;

/** How long a job will go on at its rate, for people. */
export function timeLeft(job: Job): string {
  const rows = Number(job.expectedRowCount - job.rowCount);
  if (rows <= 0 || job.rowsPerSecond <= 0) return '-';
  const seconds = Math.ceil(rows / job.rowsPerSecond);
  return seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
