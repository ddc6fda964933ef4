import { createHash } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import type { Resource } from '../domain/resource.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { StoreName } from '../stores/control-store.ts';
import type { JobStore } from '../stores/job-store.ts';
import type { ReadableRecords, Stored } from '../stores/record-store.ts';
import type { ComparisonOutcome, MigrationMetrics } from '../telemetry/migration-metrics.ts';
import { attributes, spanNames } from '../telemetry/names.ts';
import type { TraceScope } from '../telemetry/trace-scope.ts';
import { compareRecords, type Difference } from './compare.ts';

/** What shadow reads need. */
export interface ShadowReadOptions {
  readonly resource: Resource;
  readonly source: ReadableRecords;
  readonly target: ReadableRecords;
  readonly jobs: JobStore;
  /** Resolves when everything committed before the call has reached the follower. */
  readonly barrier: (call: Call) => Promise<void>;
  /** Who the authority is now; undefined: the follower can't be compared now. */
  readonly authority: () => StoreName | undefined;
  readonly metrics: MigrationMetrics;
  readonly clock: Clock;
}

/** An answer that has gone out and is now compared with the other store's. */
export interface Answered {
  readonly stored: readonly Stored[];
  readonly store: StoreName;
  readonly durationMs: number;
  readonly trace: TraceScope;
}

/** The most shadow reads under way: more are dropped and counted, so that a slow store costs no memory. */
const MAX_UNDER_WAY = 64;
/** A shadow read's own deadline, with the barrier that tells a race from a mismatch. */
const SHADOW_TIMEOUT_MS = 5_000;

/** Repeats reads on the other store after the answer has gone out, and compares (docs/protocol.md, section 8). */
export class ShadowReads {
  readonly #options: ShadowReadOptions;
  #underWay = 0;

  constructor(options: ShadowReadOptions) {
    this.#options = options;
  }

  /** Begins a shadow read on the next turn of the event loop; never throws, never waits. */
  begin(answered: Answered): void {
    const { resource, metrics } = this.#options;
    if (this.#underWay >= MAX_UNDER_WAY) {
      metrics.compared(resource.id, 'shadow_read', 'dropped');
      return;
    }
    this.#underWay += 1;
    const span = answered.trace.child(spanNames.shadowRead);
    setImmediate(() => {
      void this.#run(answered, span).finally(() => {
        this.#underWay -= 1;
        span.end();
      });
    });
  }

  async #run(answered: Answered, span: TraceScope): Promise<void> {
    const { resource, metrics, clock, source, target } = this.#options;
    const other = answered.store === 'source' ? 'target' : 'source';
    const call = { ...internalCall(clock, SHADOW_TIMEOUT_MS), trace: span };
    const beganMs = clock.monotonicMs();
    try {
      const keys = answered.stored.map((stored) => stored.key);
      const repeated = await (other === 'source' ? source : target).getMany(keys, call);
      const otherMs = clock.monotonicMs() - beganMs;
      metrics.shadowLatency(resource.id, other, otherMs);
      metrics.shadowLatency(resource.id, answered.store, answered.durationMs);
      if (span.recording) describeLatency(span, answered, otherMs);
      const found: Found[] = [];
      for (const [index, stored] of answered.stored.entries()) {
        const one = await this.#judge(stored, repeated[index] as Stored, answered.store, call);
        metrics.compared(resource.id, 'shadow_read', one.outcome);
        found.push(one);
      }
      describe(worstOf(found), span);
    } catch {
      metrics.compared(resource.id, 'shadow_read', 'error');
      span.set(attributes.shadowOutcome, 'error');
    }
  }

  async #judge(stored: Stored, repeated: Stored, store: StoreName, call: Call): Promise<Found> {
    const authority = this.#options.authority();
    if (authority === undefined) return { outcome: 'raced' };
    const [first, second] = store === authority ? [stored, repeated] : [repeated, stored];
    let difference = compareRecords(this.#options.resource, first, second);
    if (difference.comparison === 'match') return { outcome: 'match' };
    difference = await this.#lookAgain(stored, authority, call);
    if (difference.comparison === 'match') return { outcome: 'raced' };
    await this.#record(stored, difference, call);
    const outcome = difference.comparison === 'different' ? 'mismatch' : difference.comparison;
    return { outcome, fieldPaths: difference.fieldPaths, key: stored.key.bytes };
  }

  /** A difference counts only if it is still there past a barrier. */
  async #lookAgain(stored: Stored, authority: StoreName, call: Call): Promise<Difference> {
    const { source, target, resource, barrier } = this.#options;
    await barrier(call);
    // The authority first: what it says is in the follower already, or raced in between and is looked at once more.
    for (let look = 0; ; look++) {
      const [authorities, followers] = authority === 'source' ? [source, target] : [target, source];
      const [first] = await authorities.getMany([stored.key], call);
      const [second] = await followers.getMany([stored.key], call);
      const difference = compareRecords(resource, first as Stored, second as Stored);
      if (difference.comparison === 'match' || look === MAX_LOOKS) return difference;
      await barrier(call);
    }
  }

  async #record(stored: Stored, { comparison, fieldPaths }: Difference, call: Call): Promise<void> {
    const { jobs, resource } = this.#options;
    if (comparison === 'match') return;
    const key = stored.key.bytes;
    await jobs.recordMismatch(
      { resource: resource.id, key, kind: comparison, fieldPaths, foundBy: 'shadow_read' },
      call,
    );
  }
}

/** What one record's comparison has shown; paths and key where it differs. */
interface Found {
  readonly outcome: ComparisonOutcome;
  readonly fieldPaths?: readonly string[];
  readonly key?: Buffer;
}

/** Both stores' times on one span, and which was the slower: one search compares the two. */
function describeLatency(span: TraceScope, { store, durationMs }: Answered, otherMs: number): void {
  const [first, second] = [withoutNoise(durationMs), withoutNoise(otherMs)];
  const [sourceMs, targetMs] = store === 'source' ? [first, second] : [second, first];
  span.set(attributes.shadowSourceMs, sourceMs);
  span.set(attributes.shadowTargetMs, targetMs);
  span.set(attributes.shadowSlowerStore, targetMs > sourceMs ? 'target' : 'source');
  const fasterMs = Math.max(Math.min(sourceMs, targetMs), SHORTEST_MS);
  span.set(attributes.shadowSlowdown, Math.round((Math.max(sourceMs, targetMs) / fasterMs) * 100) / 100);
}

/** Milliseconds to the microsecond: no clock here is more exact, and people read them. */
function withoutNoise(durationMs: number): number {
  return Math.round(durationMs * 1_000) / 1_000;
}

/** Shorter reads count as this long where one is divided by: a clock's step is no slowdown without end. */
const SHORTEST_MS = 0.01;

/** A list's span tells of its worst record, so that one search finds every mismatch. */
function worstOf(found: readonly Found[]): Found {
  const differing = found.find((one) => one.key !== undefined);
  return differing ?? found.find((one) => one.outcome === 'raced') ?? { outcome: 'match' };
}

function describe({ outcome, fieldPaths, key }: Found, span: TraceScope): void {
  span.set(attributes.shadowOutcome, outcome);
  if (fieldPaths !== undefined) span.set(attributes.shadowFieldPaths, fieldPaths.join(','));
  if (key !== undefined) span.set(attributes.keyHash, keyHash(key));
}

/** How often a difference is looked at again: writers of the same record may race with each look. */
const MAX_LOOKS = 2;

/** A hash that finds a record again in the store without naming it in a trace. */
export function keyHash(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 16);
}
