/** Where reads and writes go, as plain values: what the picture draws. */
import { durationMs } from '@bufbuild/protobuf/wkt';
import { DashboardFlagState, type DashboardFlags } from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import { FollowerState, type Job, JobState, type Migration, Store } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import { milliseconds, percent, rate } from './format.ts';
import { type Rates, type ResourceState, ratesOf } from './model.ts';
import { type StoreNames, storeNames } from './words.ts';

/** How writes reach a store. */
export type WriteWay = 'none' | 'direct' | 'waiting';

/** One store in the picture. */
export interface StoreFlow {
  readonly name: string;
  readonly role: 'Source' | 'Target';
  readonly table: string;
  readonly isAuthority: boolean;
  /** What it is now: `decides`, `follows, in sync`. */
  readonly standing: string;
  /** The part of reads that it answers, from 0 to 1. */
  readonly readPart: number;
  /** `25 %, 31/s`; empty: it is not read. */
  readonly reads: string;
  readonly writes: WriteWay;
  /** Whether something goes there at this moment. */
  readonly readsFlow: boolean;
}

/** What goes from the authority to the follower besides the callers' own writes. */
export interface CopyFlow {
  readonly kind: 'none' | 'copy' | 'capture';
  readonly label: string;
}

/** The whole picture. */
export interface Flow {
  readonly source: StoreFlow;
  /** Undefined: the resource has no target. */
  readonly target: StoreFlow | undefined;
  readonly copy: CopyFlow;
  /** `31 reads/s, 4.2 writes/s`. */
  readonly callers: string;
  readonly writesFlow: boolean;
}

/**
 * The part of reads that should come from the target, in percent: what the flag says, or where it says nothing, all or none by the
 * authority. Undefined: that can't be told from the flag alone.
 */
export function wantedReadShare(
  flags: DashboardFlags | undefined,
  migration: Migration | undefined,
): number | undefined {
  const flag = flags?.readTarget;
  if (flag === undefined) return undefined;
  if (flag.state === DashboardFlagState.ON) return flag.percent;
  return migration?.authority === Store.TARGET ? 100 : 0;
}

/** The flow of a resource; undefined as long as its migration is not known. */
export function flowOf(resource: ResourceState): Flow | undefined {
  const { migration, facts } = resource;
  if (migration === undefined) return undefined;
  const names = storeNames(facts);
  const rates = ratesOf(resource.samples);
  const wanted = wantedReadShare(resource.flags, migration);
  const targetIsAuthority = migration.authority === Store.TARGET;
  const targetShare = readableShare(migration, rates, wanted);
  const shared = { migration, rates };
  return {
    source: storeFlow('Source', { ...shared, names, table: facts?.source?.table ?? '', share: 100 - targetShare }),
    target:
      facts !== undefined && facts.target === undefined && !targetIsAuthority
        ? undefined
        : storeFlow('Target', { ...shared, names, table: facts?.target?.table ?? '', share: targetShare }),
    copy: copyFlow(migration),
    callers: `${rate(rates.sourceReads + rates.targetReads)} reads · ${rate(rates.writes)} writes`,
    writesFlow: rates.writes > 0,
  };
}

/** What the target answers now, in percent: as measured, or what is to be expected while nobody reads. */
function readableShare(migration: Migration, rates: Rates, wanted: number | undefined): number {
  if (rates.targetShare !== undefined) return rates.targetShare;
  const targetIsAuthority = migration.authority === Store.TARGET;
  if (migration.followerState !== FollowerState.IN_SYNC) return targetIsAuthority ? 100 : 0;
  return wanted ?? (targetIsAuthority ? 100 : 0);
}

interface StoreFacts {
  readonly names: StoreNames;
  readonly table: string;
  readonly migration: Migration;
  readonly rates: Rates;
  readonly share: number;
}

function storeFlow(role: StoreFlow['role'], { names, table, migration, rates, share }: StoreFacts): StoreFlow {
  const isTarget = role === 'Target';
  const isAuthority = (migration.authority === Store.TARGET) === isTarget;
  const perSecond = isTarget ? rates.targetReads : rates.sourceReads;
  return {
    name: isTarget ? names.target : names.source,
    role,
    table,
    isAuthority,
    standing: isAuthority ? 'decides' : standing(migration.followerState),
    readPart: share / 100,
    reads: share > 0 ? `${percent(share)}, ${rate(perSecond)}` : '',
    writes: writeWay(migration.followerState, isAuthority),
    readsFlow: perSecond > 0,
  };
}

function standing(state: FollowerState): string {
  switch (state) {
    case FollowerState.DETACHED:
      return 'not in use';
    case FollowerState.SYNCING:
      return 'being filled';
    case FollowerState.JOINING:
      return 'joining';
    case FollowerState.IN_SYNC:
      return 'follows, in sync';
    case FollowerState.LEAVING:
      return 'being left';
    case FollowerState.HANDING_OVER:
    case FollowerState.MOVED:
      return 'takes over';
    default:
      return 'not known';
  }
}

function writeWay(state: FollowerState, isAuthority: boolean): WriteWay {
  switch (state) {
    case FollowerState.JOINING:
    case FollowerState.IN_SYNC:
      return 'direct';
    case FollowerState.LEAVING:
    case FollowerState.HANDING_OVER:
    case FollowerState.MOVED:
      return 'waiting';
    default:
      return isAuthority ? 'direct' : 'none';
  }
}

function copyFlow({ followerState, backfill, capture }: Migration): CopyFlow {
  const lag = capture?.lag === undefined ? '' : `lag ${milliseconds(durationMs(capture.lag))}`;
  if (followerState === FollowerState.SYNCING) {
    const part = backfill?.state === JobState.RUNNING ? `copy ${percent(progressOf(backfill) * 100)}` : 'changes';
    return { kind: 'copy', label: lag === '' ? part : `${part}, ${lag}` };
  }
  if (followerState === FollowerState.JOINING)
    return { kind: 'capture', label: lag === '' ? 'catching up' : `catching up, ${lag}` };
  if (followerState === FollowerState.IN_SYNC && lag !== '') return { kind: 'capture', label: `changes, ${lag}` };
  return { kind: 'none', label: '' };
}

/** How far a job is, from 0 to 1: by rows, and by chunks where no row count was expected. */
export function progressOf(job: Job): number {
  if (job.state === JobState.SUCCEEDED) return 1;
  if (job.expectedRowCount > 0n) return Math.min(1, Number(job.rowCount) / Number(job.expectedRowCount));
  return job.chunkCount > 0n ? Math.min(1, Number(job.doneChunkCount) / Number(job.chunkCount)) : 0;
}
