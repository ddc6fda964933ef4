// The dashboard's values as messages. One way only.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type DashboardComparisonsSchema,
  type DashboardFlagSchema,
  DashboardFlagState,
  type DashboardFlags,
  DashboardFlagsSchema,
  type DashboardLatencySchema,
  type DashboardMeasures,
  DashboardMeasuresSchema,
  type DashboardMismatchSchema,
  type DashboardSample,
  DashboardSampleSchema,
  type DashboardStoreMeasuresSchema,
} from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import { rolloutOf } from '../migration/flag-rollout.ts';
import { keyHash } from '../migration/shadow-read.ts';
import { flagNames } from '../migration/unleash-flags.ts';
import type { Mismatch } from '../stores/job-store.ts';
import type { LatencySummary } from '../telemetry/latency-buckets.ts';
import { attributes } from '../telemetry/names.ts';
import type {
  Comparisons,
  LatencyDistribution,
  Measures,
  Sample,
  StoreMeasures,
} from '../telemetry/recent-measures.ts';
import { type DashboardLinks, type FlagsView, fillIn } from './dashboard-subject.ts';
import { mismatchMessage, phaseMessage, timestampOf } from './migration-messages.ts';

type AnyLatency = LatencySummary | LatencyDistribution;

/** The project of a flag that does not say: the one that every Unleash server has. */
const DEFAULT_PROJECT = 'default';

/** One step of time. */
export function sampleMessage({ endMicros, seconds, measures }: Sample): DashboardSample {
  return create(DashboardSampleSchema, {
    endTime: timestampOf(endMicros),
    seconds,
    ...(measures !== null && { measures: measuresMessage(measures) }),
  });
}

/** What was measured; null: nothing. */
export function measuresMessage(measures: Measures<AnyLatency> | null): DashboardMeasures {
  if (measures === null) return create(DashboardMeasuresSchema, {});
  const { source, target, divertedReads, writes, refusedWrites, shadowReads, verifications, lagMs } = measures;
  return create(DashboardMeasuresSchema, {
    source: storeMeasures(source),
    target: storeMeasures(target),
    divertedReadCount: divertedReads,
    ...(writes !== null && { writes: latency(writes) }),
    refusedWriteCount: refusedWrites,
    ...comparisons('shadowReads', shadowReads),
    ...comparisons('verifications', verifications),
    ...(lagMs !== null && { lagMs }),
  });
}

function storeMeasures(of: StoreMeasures<AnyLatency>): MessageInitShape<typeof DashboardStoreMeasuresSchema> {
  return {
    answeredReadCount: of.answeredReads,
    failedCallCount: of.failedCalls,
    ...(of.reads !== null && { reads: latency(of.reads) }),
    ...(of.writes !== null && { writes: latency(of.writes) }),
    ...(of.shadowedReads !== null && { shadowedReads: latency(of.shadowedReads) }),
  };
}

function latency(of: AnyLatency): MessageInitShape<typeof DashboardLatencySchema> {
  const { count, p50Ms, p95Ms, p99Ms } = of;
  return { count, p50Ms, p95Ms, p99Ms, ...('histogram' in of && { histogram: [...of.histogram] }) };
}

/** Nothing where nothing was compared: most samples are like this. */
function comparisons<Name extends string>(
  name: Name,
  counts: Comparisons,
): { [Key in Name]?: MessageInitShape<typeof DashboardComparisonsSchema> } {
  if (Object.values(counts).every((count) => count === 0)) return {};
  const message = {
    matchCount: counts.match,
    racedCount: counts.raced,
    mismatchCount: counts.mismatch,
    missingCount: counts.missing_in_follower,
    extraCount: counts.extra_in_follower,
    missingInIndexCount: counts.missing_in_index,
    errorCount: counts.error,
    droppedCount: counts.dropped,
  };
  return { [name]: message } as { [Key in Name]?: typeof message };
}

/** The flags of a resource. `flags` null: there is no flag server. */
export function flagsMessage(resource: string, flags: FlagsView | null, links: DashboardLinks): DashboardFlags {
  const names = flagNames(resource);
  const one = (name: string) => flagMessage(name, flags, links);
  return create(DashboardFlagsSchema, {
    fetched: flags?.fetched() ?? false,
    phase: {
      ...one(names.phase),
      percent: undefined,
      note: '',
      phase: phaseMessage(flags?.wantedPhase(resource) ?? null),
    },
    readTarget: one(names.readTarget),
    shadowRead: one(names.shadowRead),
  });
}

type FlagFields = Exclude<MessageInitShape<typeof DashboardFlagSchema>, { $typeName: string }>;

function flagMessage(name: string, flags: FlagsView | null, links: DashboardLinks): FlagFields {
  if (flags === null) return { name, note: 'the config names no flag server' };
  const definition = flags.definition(name);
  const url = fillIn(links.flag, { project: definition?.project ?? DEFAULT_PROJECT, flag: name });
  if (!flags.fetched()) return { name, url, note: 'the flag server has not answered yet' };
  if (definition === undefined) {
    return {
      name,
      url,
      state: DashboardFlagState.ABSENT,
      note: 'there is no such flag: `crossfade flags create` makes it',
    };
  }
  if (!definition.enabled) return { name, url, state: DashboardFlagState.OFF, note: 'switched off as a whole' };
  const { percent, note } = rolloutOf(definition);
  return { name, url, state: DashboardFlagState.ON, note, ...(percent !== null && { percent }) };
}

/** An open mismatch. */
export function openMismatchMessage(
  mismatch: Mismatch,
  nameOfBytes: (key: Buffer) => string,
  { traceSearch }: DashboardLinks,
): MessageInitShape<typeof DashboardMismatchSchema> {
  // Verifications and capture are traced by no request.
  const isTraced = mismatch.foundBy === 'shadow_read';
  return {
    mismatch: mismatchMessage(mismatch, nameOfBytes(mismatch.key)),
    tracesUrl: isTraced ? fillIn(traceSearch, { attribute: attributes.keyHash, value: keyHash(mismatch.key) }) : '',
  };
}

/** Where the traces of all shadow reads that found a mismatch are searched for. */
export function mismatchTracesUrl({ traceSearch }: DashboardLinks): string {
  return fillIn(traceSearch, { attribute: attributes.shadowOutcome, value: 'mismatch' });
}
