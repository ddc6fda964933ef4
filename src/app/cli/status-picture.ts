// One migration as a person on a server sees it: the same picture as the dashboard's page, in lines.

import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import {
  type DashboardComparisons,
  type DashboardFlag,
  DashboardFlagState,
  type DashboardLatency,
  type DashboardStoreMeasures,
} from '../../gen/crossfade/v1alpha1/dashboard_pb.ts';
import {
  FollowerState,
  type Job,
  JobKind,
  JobState,
  type Migration,
  Phase,
  Store,
} from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { spelled, timeLeft } from './output.ts';
import { bar, cut, type Paint, pad, padStart, plain } from './terminal-text.ts';
import type { WatchedResource } from './watched-state.ts';

/** How a picture is drawn. */
export interface PictureOptions {
  readonly width: number;
  readonly paint: Paint;
}

const LABEL = 12;
const BAR = 20;
/** Narrower terminals get no bars: the figures matter more. */
const BARS_FROM = 90;
/** Narrower terminals get a store's reads and writes on a line of their own. */
const ONE_LINE_FROM = 150;
const SHOWN_MISMATCHES = 5;
const SHOWN_TRANSITIONS = 5;

/** A resource in lines, none wider than the terminal. */
export function pictureLines(resource: WatchedResource, { width, paint }: PictureOptions): string[] {
  const { migration } = resource;
  if (migration === undefined) return [paint('bold', resource.id), '  not read yet'];
  const line = (label: string, text: string): string => `  ${paint('dim', pad(label, LABEL))} ${text}`;
  const lines = [
    headLine(resource.id, migration, paint),
    ...storeLines(resource, migration, paint, width).map(([label, text]) => line(label, text)),
    line('flags', flagsText(resource)),
    ...migration.holds.map(({ reason, message }) => line('waits for', paint('yellow', `${reason}: ${plain(message)}`))),
    ...jobLines(migration, width).map(([label, text]) => line(label, text)),
    ...captureLines(migration, paint).map(([label, text]) => line(label, text)),
    ...latencyLines(resource, paint).map(([label, text]) => line(label, text)),
    ...comparisonLines(resource, paint).map(([label, text]) => line(label, text)),
    ...mismatchLines(resource, migration, paint).map(([label, text]) => line(label, text)),
    ...transitionLines(resource).map(([label, text]) => line(label, text)),
  ];
  return lines.map((one) => cut(one, width));
}

/** A resource in one line, for logs and pipes. */
export function summaryLine(resource: WatchedResource): string {
  const { id, migration } = resource;
  if (migration === undefined) return `${id}: not read yet`;
  const { source, target } = readRates(resource);
  const { backfill, verification, capture } = migration;
  const running = [backfill, verification].find((job) => job?.state === JobState.RUNNING);
  const parts = [
    `${spelled(Phase, migration.phase)}${wantedText(migration)}`,
    `follower ${spelled(FollowerState, migration.followerState)}`,
    `authority ${spelled(Store, migration.authority)}`,
    `reads/s ${rate(source)} source ${rate(target)} target`,
    `writes/s ${rate(perSecond(resource, (of) => of?.writes?.count))}`,
    ...(running === undefined ? [] : [`${jobName(running)} ${percentOf(running)} %, ${timeLeft(running)} left`]),
    ...(capture?.lag === undefined ? [] : [`lag ${Math.round(durationMs(capture.lag))} ms`]),
    `${migration.openMismatchCount} open mismatches`,
    ...(migration.holds.length === 0 ? [] : [`waits for ${migration.holds.map(({ reason }) => reason).join(', ')}`]),
  ];
  return `${id}: ${parts.join(', ')}`;
}

type Row = readonly [label: string, text: string];

function headLine(id: string, migration: Migration, paint: Paint): string {
  const place = `epoch ${migration.epoch}, attach ${migration.attachNumber}, generation ${migration.generation}`;
  return `${paint('bold', id)}  ${paint('cyan', spelled(Phase, migration.phase))}${wantedText(migration)}  ${paint('dim', place)}`;
}

function wantedText({ phase, wantedPhase }: Migration): string {
  if (wantedPhase === Phase.UNSPECIFIED) return ' (no phase is wanted: flag absent or off)';
  return wantedPhase === phase ? '' : ` -> ${spelled(Phase, wantedPhase)}`;
}

function storeLines(resource: WatchedResource, migration: Migration, paint: Paint, width: number): Row[] {
  const { facts } = resource;
  const rates = readRates(resource);
  const all = rates.source + rates.target;
  const places = [facts?.source, facts?.target].map((store) => `${store?.engine ?? ''} ${store?.table ?? ''}`.trim());
  const placeWidth = Math.max(...places.map((place) => place.length));
  const one = (store: Store, place: string, reads: number): Row[] => {
    const share = all === 0 ? 0 : reads / all;
    const drawn = width < BARS_FROM ? '' : `${bar(share, BAR)} `;
    const shareText = all === 0 ? 'no reads' : `${padStart(String(Math.round(share * 100)), 3)} % of reads`;
    const role = roleOf(store, migration);
    const painted = pad(store === migration.authority ? paint('green', role) : role, ROLE_WIDTH);
    const where = `${pad(place, placeWidth)}  ${painted}`;
    const what = `${drawn}${shareText}, ${rate(reads)}/s  ${writesOf(store, migration, resource)}`;
    const label = spelled(Store, store);
    return width < ONE_LINE_FROM
      ? [
          [label, where],
          ['', what],
        ]
      : [[label, `${where}  ${what}`]];
  };
  return [
    ...one(Store.SOURCE, places[0] ?? '', rates.source),
    ...(facts?.target === undefined ? [] : one(Store.TARGET, places[1] ?? '', rates.target)),
  ];
}

const ROLE_WIDTH = 'follower handing-over'.length;

function roleOf(store: Store, { authority, followerState }: Migration): string {
  return store === authority ? 'AUTHORITY' : `follower ${spelled(FollowerState, followerState)}`;
}

/** Where writes go, by the state of the follower. */
function writesOf(store: Store, { authority, followerState }: Migration, resource: WatchedResource): string {
  if (store === authority) return `writes ${rate(perSecond(resource, (of) => of?.writes?.count))}/s`;
  switch (followerState) {
    case FollowerState.IN_SYNC:
    case FollowerState.JOINING:
      return 'writes too, before they are acknowledged';
    case FollowerState.SYNCING:
      return 'writes later, by capture';
    case FollowerState.HANDING_OVER:
    case FollowerState.LEAVING:
      return 'writes wait';
    default:
      return 'no writes';
  }
}

function flagsText({ flags }: WatchedResource): string {
  if (flags?.fetched !== true) return flags?.phase?.note || 'not known';
  return `read-target ${flagText(flags.readTarget)}, shadow-read ${flagText(flags.shadowRead)}`;
}

function flagText(flag: DashboardFlag | undefined): string {
  if (flag?.state === DashboardFlagState.ABSENT) return 'absent';
  if (flag?.state === DashboardFlagState.OFF) return 'off';
  return flag?.percent === undefined ? `on, ${plain(flag?.note ?? '')}` : `${flag.percent} %`;
}

function jobLines({ backfill, verification }: Migration, width: number): Row[] {
  return [backfill, verification].filter((job) => job !== undefined).map((job) => [jobName(job), jobText(job, width)]);
}

function jobName({ kind }: Job): string {
  return kind === JobKind.BACKFILL ? 'bulk copy' : 'verified';
}

function percentOf({ rowCount, expectedRowCount }: Job): number {
  return expectedRowCount === 0n ? 0 : Math.min(100, Math.round((Number(rowCount) * 100) / Number(expectedRowCount)));
}

function jobText(job: Job, width: number): string {
  const rows = `${grouped(job.rowCount)} of ${grouped(job.expectedRowCount)} rows`;
  const speed = `${grouped(BigInt(Math.round(job.rowsPerSecond)))} rows/s`;
  const found = job.mismatchCount > 0n ? `, ${job.mismatchCount} mismatches` : '';
  if (job.state === JobState.RUNNING) {
    const percent = percentOf(job);
    const drawn = width < BARS_FROM ? '' : `${bar(percent / 100, BAR)} `;
    return `${drawn}${padStart(String(percent), 3)} %  ${rows}, ${speed}, ${timeLeft(job)} left${found}`;
  }
  const ended = job.endTime === undefined ? '' : ` at ${timeOf(timestampMs(job.endTime))}`;
  const error = job.error === '' ? '' : `: ${plain(job.error)}`;
  return `${spelled(JobState, job.state)}${ended}, ${grouped(job.rowCount)} rows at ${speed}${found}${error}`;
}

function captureLines({ capture }: Migration, paint: Paint): Row[] {
  if (capture === undefined || (capture.instance === '' && capture.stoppedReason === '')) return [];
  if (capture.stoppedReason !== '') return [['capture', paint('red', `STOPPED: ${plain(capture.stoppedReason)}`)]];
  const lag = capture.lag === undefined ? 'unknown' : `${Math.round(durationMs(capture.lag))} ms`;
  return [['capture', `lag ${lag}, ${capture.appliedCount} applied, ${capture.touchedCount} touched`]];
}

const LATENCY_COLUMN = 8;

/** Both stores side by side. Nothing where nothing was called within the last half minute. */
function latencyLines({ latest }: WatchedResource, paint: Paint): Row[] {
  const kinds: readonly (readonly [
    string,
    (of: DashboardStoreMeasures | undefined) => DashboardLatency | undefined,
  ])[] = [
    ['  reads', (of) => of?.reads],
    ['  writes', (of) => of?.writes],
    ['  shadowed', (of) => of?.shadowedReads],
  ];
  const rows = kinds
    .map(([label, pick]) => [label, pick(latest?.source), pick(latest?.target)] as const)
    .filter(([, source, target]) => source !== undefined || target !== undefined);
  if (rows.length === 0) return [];
  const columns = ['p50', 'p95', 'p99'].map((name) => padStart(name, LATENCY_COLUMN)).join('');
  const head = `${pad(`source${columns}`, 'source'.length + 3 * LATENCY_COLUMN)}   target${columns}   ms`;
  return [
    ['latency', paint('dim', head)],
    ...rows.map(
      ([label, source, target]): Row => [label, `      ${latencyText(source)}         ${latencyText(target)}`],
    ),
  ];
}

function latencyText(of: DashboardLatency | undefined): string {
  const figures =
    of === undefined ? ['-', '-', '-'] : [of.p50Ms, of.p95Ms, of.p99Ms].map((ms) => ms.toFixed(ms < 100 ? 2 : 0));
  return figures.map((text) => padStart(text, LATENCY_COLUMN)).join('');
}

function comparisonLines({ latest }: WatchedResource, paint: Paint): Row[] {
  const one = (label: string, counts: DashboardComparisons | undefined): Row[] =>
    counts === undefined ? [] : [[label, comparisonText(counts, paint)]];
  return [...one('shadow reads', latest?.shadowReads), ...one('  verifying', latest?.verifications)];
}

function comparisonText(counts: DashboardComparisons, paint: Paint): string {
  const wrong = counts.mismatchCount + counts.missingCount + counts.extraCount + counts.missingInIndexCount;
  const differing = `${wrong} different`;
  const rest = [
    counts.racedCount > 0 ? `, ${counts.racedCount} raced` : '',
    counts.errorCount > 0 ? `, ${counts.errorCount} not compared` : '',
    counts.droppedCount > 0 ? `, ${counts.droppedCount} dropped` : '',
  ].join('');
  return `${counts.matchCount} equal, ${wrong > 0 ? paint('red', differing) : differing}${rest}, within half a minute`;
}

function mismatchLines({ mismatches }: WatchedResource, migration: Migration, paint: Paint): Row[] {
  const count = migration.openMismatchCount;
  const text = `${count} open`;
  const shown = (mismatches?.mismatches ?? []).slice(0, SHOWN_MISMATCHES);
  return [
    ['mismatches', count > 0n ? paint('red', text) : text],
    ...shown.map(({ mismatch }): Row => {
      const paths = mismatch?.fieldPaths.join(', ') ?? '';
      return ['', `${plain(mismatch?.record ?? '')}  ${plain(paths)}  by ${plain(mismatch?.foundBy ?? '')}`];
    }),
  ];
}

function transitionLines({ transitions }: WatchedResource): Row[] {
  const shown = (transitions?.transitions ?? []).slice(0, SHOWN_TRANSITIONS);
  return shown.map((one, index): Row => {
    const at = one.createTime === undefined ? '' : timeOf(timestampMs(one.createTime));
    const change = `${spelled(FollowerState, one.fromState)} -> ${spelled(FollowerState, one.toState)}`;
    const paused = one.writePause === undefined ? '' : `, writes paused ${Math.round(durationMs(one.writePause))} ms`;
    return [index === 0 ? 'history' : '', `${at}  ${change}${paused}: ${plain(one.reason)}`];
  });
}

function readRates(resource: WatchedResource): { source: number; target: number } {
  return {
    source: perSecond(resource, (of) => of?.source?.answeredReadCount),
    target: perSecond(resource, (of) => of?.target?.answeredReadCount),
  };
}

/** A rate over the newest samples. */
function perSecond(
  { samples }: WatchedResource,
  count: (measures: WatchedResource['latest']) => number | undefined,
): number {
  const seconds = samples.reduce((sum, sample) => sum + sample.seconds, 0);
  const all = samples.reduce((sum, { measures }) => sum + (count(measures) ?? 0), 0);
  return seconds === 0 ? 0 : all / seconds;
}

function rate(perSecondNow: number): string {
  return perSecondNow.toFixed(perSecondNow < 10 && perSecondNow > 0 ? 1 : 0);
}

function grouped(count: bigint): string {
  return count.toLocaleString('en-US');
}

/** UTC, as in the service's log. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').slice(0, 'YYYY-MM-DD hh:mm:ss'.length);
}
