/** What the page knows: the stream's messages put together, bounded. */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type {
  DashboardFacts,
  DashboardFlags,
  DashboardInstance,
  DashboardMeasures,
  DashboardMismatch,
  DashboardResource,
  DashboardViewer,
  WatchDashboardResponse,
} from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import type { Migration, Transition } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import { type Field, Samples } from './samples.ts';

/** Everything that is known of one resource. What was never told is undefined. */
export interface ResourceState {
  /** `migrations/{id}`. */
  readonly name: string;
  readonly id: string;
  facts?: DashboardFacts;
  flags?: DashboardFlags;
  migration?: Migration;
  readonly samples: Samples;
  latest?: DashboardMeasures;
  transitions: readonly Transition[];
  mismatches: readonly DashboardMismatch[];
}

/** The whole page's state, as one stream has told it. */
export interface DashboardState {
  readonly instance: DashboardInstance;
  readonly viewer: DashboardViewer | undefined;
  /** In the order of their ids. */
  readonly resources: Map<string, ResourceState>;
  /** The instance's time of the last message. */
  readTimeMs: number;
  /** Why the migrations can't be read now; empty: they can. */
  trouble: string;
  /** When the migrations were last read; undefined: never. */
  stateTimeMs: number | undefined;
  /** Whether every resource of the stream has been told of. */
  complete: boolean;
}

/** More samples than any instance says that it keeps: what it says is believed up to here. */
const MAX_SAMPLES = 2_000;
/** More resources than one page could show. */
const MAX_RESOURCES = 500;

/**
 * Takes a message in, and returns the state: a new one when the message begins a stream, else the same, changed.
 * Undefined: the stream has not begun.
 */
export function take(state: DashboardState | undefined, message: WatchDashboardResponse): DashboardState | undefined {
  const next = message.instance === undefined ? state : begin(message.instance, message.viewer);
  if (next === undefined) return undefined;
  for (const resource of message.resources) takeResource(next, resource);
  next.readTimeMs = message.readTime === undefined ? next.readTimeMs : timestampMs(message.readTime);
  next.trouble = message.trouble;
  next.stateTimeMs = message.stateTime === undefined ? next.stateTimeMs : timestampMs(message.stateTime);
  next.complete ||= next.resources.size >= Math.min(message.resourceCount, MAX_RESOURCES);
  return next;
}

function begin(instance: DashboardInstance, viewer: DashboardViewer | undefined): DashboardState {
  return {
    instance,
    viewer,
    resources: new Map(),
    readTimeMs: 0,
    trouble: '',
    stateTimeMs: undefined,
    complete: false,
  };
}

function takeResource(state: DashboardState, message: DashboardResource): void {
  let known = state.resources.get(message.name);
  if (known === undefined) {
    if (state.resources.size >= MAX_RESOURCES) return;
    known = {
      name: message.name,
      id: idOf(message.name),
      samples: new Samples(sampleLimit(state)),
      transitions: [],
      mismatches: [],
    };
    state.resources.set(message.name, known);
  }
  if (message.facts !== undefined) known.facts = message.facts;
  if (message.flags !== undefined) known.flags = message.flags;
  if (message.migration !== undefined) known.migration = message.migration;
  if (message.latest !== undefined) known.latest = message.latest;
  if (message.transitions !== undefined) known.transitions = message.transitions.transitions;
  if (message.mismatches !== undefined) known.mismatches = message.mismatches.mismatches;
  for (const sample of message.samples) known.samples.add(sample);
}

function sampleLimit({ instance }: DashboardState): number {
  return Math.min(instance.sampleLimit || MAX_SAMPLES, MAX_SAMPLES);
}

/** `medications` of `migrations/medications`. */
export function idOf(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

/** Counts per second by kind over the last samples: what the picture and the tiles show. */
export interface Rates {
  readonly sourceReads: number;
  readonly targetReads: number;
  readonly writes: number;
  readonly refusedWrites: number;
  /** The part of reads that the target answered, in percent; undefined: there were none. */
  readonly targetShare: number | undefined;
}

/** Long enough not to flicker, short enough that a flag's effect is seen at once. */
const RATE_SECONDS = 10;

/** Rates over the last ten seconds of samples. */
export function ratesOf(samples: Samples): Rates {
  let seconds = 0;
  let from = samples.length;
  while (from > 0 && seconds < RATE_SECONDS) seconds += samples.seconds[--from] ?? 0;
  const count = (field: Field) =>
    samples
      .column(field)
      .subarray(from)
      .reduce((sum, value) => sum + value, 0);
  const perSecond = (value: number) => (seconds > 0 ? value / seconds : 0);
  const [sourceReads, targetReads] = [count('sourceReads'), count('targetReads')];
  const reads = sourceReads + targetReads;
  return {
    sourceReads: perSecond(sourceReads),
    targetReads: perSecond(targetReads),
    writes: perSecond(count('writes')),
    refusedWrites: perSecond(count('refusedWrites')),
    targetShare: reads > 0 ? (100 * targetReads) / reads : undefined,
  };
}
