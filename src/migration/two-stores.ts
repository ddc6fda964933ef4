// What makes the two stores one: a decorator of the records port. Reads go where the flags say as far as the lease
// allows; writes go through write-through. The use cases above do not know that a migration exists, and the last step
// of a migration is to delete this decorator.

import type { Clock } from '../domain/clock.ts';
import { DomainError, isDomainError } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import type { Resource } from '../domain/resource.ts';
import type { Call } from '../stores/call.ts';
import type { ControlRecord, StoreName } from '../stores/control-store.ts';
import { isRefused } from '../stores/judge-change.ts';
import type { Change, ListQuery, LookupQuery, ReadableRecords, Records, Stored } from '../stores/record-store.ts';
import type { MigrationMetrics } from '../telemetry/migration-metrics.ts';
import { attributes } from '../telemetry/names.ts';
import type { Flags } from './flags.ts';
import { followerOf, type Lease } from './lease.ts';
import type { LiveTraffic } from './live-traffic.ts';
import { createLookupNames } from './lookup-name.ts';
import { chooseRoute, type RouteReason, subjectOf } from './routing.ts';
import type { ProtocolSettings } from './settings.ts';
import type { ShadowReads } from './shadow-read.ts';
import { atFloor, reaches, refuseFutureVersion, versionLost } from './versions.ts';
import { createWriteThrough, type WriteThroughOptions } from './write-through.ts';

/** The stores' reads as requests use them, batched where that is wanted. */
export interface StoreReads {
  readonly source: ReadableRecords;
  /** Null: the resource stays at the source. */
  readonly target: ReadableRecords | null;
}

/** What the decorator needs. */
export interface TwoStoresOptions extends Omit<WriteThroughOptions, 'resource'> {
  readonly resource: Resource;
  readonly reads: StoreReads;
  /** The most keys of one read. */
  readonly maxKeys: number;
  readonly lease: Lease;
  readonly flags: Flags;
  /** Null: the resource has no target. */
  readonly shadow: ShadowReads | null;
  /** Told of each request. */
  readonly traffic: LiveTraffic;
  readonly metrics: MigrationMetrics;
  /** Whether the follower may lack what it has acknowledged, whatever the record says. Default: never. */
  readonly isFollowerDoubtful?: (control: ControlRecord) => boolean;
  /** Whether the follower's indexes have all that its records have. Default: always. */
  readonly indexesAreReady?: (control: ControlRecord) => boolean;
  readonly settings: ProtocolSettings;
  readonly clock: Clock;
  /** The record's name, for the flags. */
  readonly nameOf: (key: Key) => string;
  /** The parent's name, for the flags. */
  readonly parentNameOf: (parent: ListQuery['parent']) => string;
}

/** One read, whatever its shape: how to ask a store, and what its answer says about the caller's version. */
interface Question {
  /** The record's name for the flags. */
  readonly name: () => string;
  ask(store: ReadableRecords, call: Call): Promise<readonly Stored[]>;
  /** Whether the follower has what the question is asked of. Default: it has. */
  followerHas?(control: ControlRecord): boolean;
  /** Whether the authority's answer is no older than the version that the caller has seen. */
  authorityReaches(answer: readonly Stored[], atLeast: bigint): boolean;
  /** Likewise for the follower. */
  followerReaches(answer: readonly Stored[], atLeast: bigint): boolean;
  /** Whether the follower's answer may be shown without a lease: P5's exception. */
  standsAlone(answer: readonly Stored[], atLeast: bigint): boolean;
}

interface Answer {
  readonly stored: readonly Stored[];
  readonly store: StoreName;
  readonly reason: RouteReason;
  readonly control: ControlRecord | undefined;
}

/** The part of a request's remaining time that the follower gets before the authority is asked. */
const FOLLOWER_SHARE = 0.5;
/** Pauses while a commit that somebody has seen is not visible yet: 310 ms in all. */
const FIRST_UNSEEN_PAUSE_MS = 10;
const UNSEEN_PAUSE_GROWTH = 2;
const LONGEST_UNSEEN_PAUSE_MS = 160;
/** How often a read begins again because its lease ended meanwhile. */
const MAX_TRIES = 10;

/** The records of one resource over two stores. Safe for concurrent use. */
export function createTwoStores(options: TwoStoresOptions): Records {
  const { resource, maxKeys, clock, metrics, traffic } = options;
  const through = createWriteThrough({ ...options, resource: resource.id });
  const lookupName = createLookupNames(resource);
  return {
    maxKeys,
    getMany: (keys, call) => answer(options, pointRead(options, keys), call),
    list: (query, call) => answer(options, listRead(options, query), call),
    lookup: (query, call) => answer(options, lookupRead(options, lookupName, query), call),
    write: async (change, call) => {
      const beganMs = clock.monotonicMs();
      traffic.began(beganMs);
      const written = await through.write(change, call);
      call.trace.set(attributes.writeOutcome, written.outcome);
      metrics.write(resource.id, written.outcome, clock.monotonicMs() - beganMs);
      return written;
    },
    writeMany: async (changes, call) => {
      const beganMs = clock.monotonicMs();
      traffic.began(beganMs);
      const written = await through.writeMany(changes, call);
      const refused = written.find(({ outcome }, i) => {
        return outcome !== 'withheld' && isRefused(changes[i] as Change, outcome);
      });
      const outcome = refused?.outcome ?? 'written';
      call.trace.set(attributes.writeOutcome, outcome);
      // One request, one write, whatever the number of its records.
      metrics.write(resource.id, outcome, clock.monotonicMs() - beganMs);
      return written;
    },
  };
}

function pointRead(options: TwoStoresOptions, keys: readonly Key[]): Question {
  const { clock, settings } = options;
  const allReach = (answer: readonly Stored[], atLeast: bigint) =>
    answer.every((stored) => reaches(stored, atLeast, clock, settings));
  return {
    name: () => (keys[0] === undefined ? '' : options.nameOf(keys[0])),
    ask: (store, call) => store.getMany(keys, call),
    authorityReaches: allReach,
    followerReaches: allReach,
    standsAlone: (answer, atLeast) => answer.every((stored) => stored.row !== null && stored.version >= atLeast),
  };
}

/**
 * A List has one version for its parent, the greatest of its records. The follower answers only if it shows that version
 * or a later one; the authority always does: its list is the truth.
 */
function listRead({ parentNameOf, resource }: TwoStoresOptions, query: ListQuery): Question {
  return readOfMany(
    // Without a parent it is named after the resource: what has no name, a flag server's rollout takes for nobody, even at 100 %.
    () => parentNameOf(query.parent) || resource.id,
    (store, call) => store.list(query, call),
  );
}

/** As a List's. */
function lookupRead(
  { indexesAreReady }: TwoStoresOptions,
  nameOf: (query: LookupQuery) => string,
  query: LookupQuery,
): Question {
  const question = readOfMany(
    () => nameOf(query),
    (store, call) => store.lookup(query, call),
  );
  // Without a lease nobody can say whether an index has all of its records.
  return { ...question, standsAlone: () => false, ...(indexesAreReady && { followerHas: indexesAreReady }) };
}

function readOfMany(name: Question['name'], ask: Question['ask']): Question {
  const shows = (answer: readonly Stored[], atLeast: bigint) => answer.some((stored) => stored.version >= atLeast);
  return {
    name,
    ask,
    authorityReaches: () => true,
    followerReaches: (answer, atLeast) => atLeast === 0n || shows(answer, atLeast),
    standsAlone: shows,
  };
}

async function answer(options: TwoStoresOptions, question: Question, call: Call): Promise<readonly Stored[]> {
  const { resource, clock, metrics, shadow, traffic } = options;
  const beganMs = clock.monotonicMs();
  traffic.began(beganMs);
  const shadowed = shadow !== null && wantsShadow(options, question, call);
  if (shadowed) call.trace.keep();
  const found = await read(options, question, call);
  const durationMs = clock.monotonicMs() - beganMs;
  metrics.read(resource.id, found.store, found.reason, durationMs);
  if (call.note !== undefined) call.note.servedBy = `${found.store}; reason=${found.reason}`;
  call.trace.set(attributes.store, found.store);
  call.trace.set(attributes.routeReason, found.reason);
  if (found.control !== undefined) call.trace.set(attributes.followerState, found.control.state);
  if (shadowed && found.control?.state === 'in_sync') {
    shadow.begin({ stored: found.stored, store: found.store, durationMs, trace: call.trace });
  }
  return found.stored;
}

/** Nothing is asked of the flag while there is nothing to compare with. */
function wantsShadow({ resource, lease, flags }: TwoStoresOptions, question: Question, call: Call): boolean {
  if (lease.latest(resource.id)?.state !== 'in_sync') return false;
  return flags.shadowRead(resource.id, subjectOf(call, question.name()));
}

async function read(options: TwoStoresOptions, question: Question, call: Call): Promise<Answer> {
  const { clock, settings, flags } = options;
  const control = await leaseOrNothing(options, call);
  if (control === undefined) return readWithoutLease(options, question, call);
  if (call.atLeast > 0n) refuseFutureVersion(call.atLeast, control, clock, settings);
  const route = chooseRoute(control, flags, call, question.name);
  if (route.store === control.authority) return readAuthority(options, question, route.reason, call);
  const asked = await askFollower(options, question, control, call);
  if ('stored' in asked) return { ...asked, ...route, control };
  return readAuthority(options, question, asked.reason, call);
}

/**
 * The authority's answer counts if the lease is still the one under which it was asked: the read then happened
 * while this store was the authority. A version below the caller's: one new lease, and again; then a few times more, as
 * MySQL's log, and so the follower, may show a commit a moment before MySQL itself does.
 */
async function readAuthority(
  options: TwoStoresOptions,
  question: Question,
  reason: RouteReason,
  call: Call,
): Promise<Answer> {
  const { resource, lease } = options;
  let control = await lease.valid(resource.id, call);
  let renewed = false;
  let pauseMs = FIRST_UNSEEN_PAUSE_MS;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const stored = await askStore(options, question, control.authority, control, call);
    if (!holdsStill(options, control)) {
      control = await lease.valid(resource.id, call);
    } else if (question.authorityReaches(stored, call.atLeast)) {
      return { stored, store: control.authority, reason, control };
    } else if (pauseMs > LONGEST_UNSEEN_PAUSE_MS) {
      throw versionLost();
    } else if (renewed) {
      await options.clock.sleep(pauseMs, call.signal).catch(() => {});
      pauseMs *= UNSEEN_PAUSE_GROWTH;
    } else {
      control = await lease.renewed(resource.id, call);
      renewed = true;
    }
  }
  throw new DomainError({
    kind: 'unavailable',
    reason: 'NO_LEASE',
    message: 'the control record changed again and again while the record was read; retry',
  });
}

/** A store's answer, with the versions that its records have under this control record. */
async function askStore(
  { reads }: TwoStoresOptions,
  question: Question,
  store: StoreName,
  { floor }: ControlRecord,
  call: Call,
): Promise<readonly Stored[]> {
  const asked = reads[store];
  if (asked === null) throw new RangeError('there is no target to be read');
  return (await question.ask(asked, call)).map((one) => atFloor(one, floor));
}

function holdsStill(options: TwoStoresOptions, control: ControlRecord): boolean {
  return options.lease.current(options.resource.id)?.generation === control.generation;
}

/** The follower's answer, or why the authority must be asked instead: the follower never makes a read fail. */
async function askFollower(
  options: TwoStoresOptions,
  question: Question,
  control: ControlRecord,
  call: Call,
): Promise<{ stored: readonly Stored[] } | { reason: RouteReason }> {
  const { clock, settings } = options;
  if (question.followerHas?.(control) === false) return { reason: 'not_in_sync' };
  const nowMs = clock.monotonicMs();
  const budgetMs = Math.min(settings.followerReadBudgetMs, (call.deadlineMs - nowMs) * FOLLOWER_SHARE);
  try {
    const within = { ...call, deadlineMs: nowMs + budgetMs };
    const stored = await askStore(options, question, followerOf(control), control, within);
    if (!holdsStill(options, control) || options.isFollowerDoubtful?.(control)) return { reason: 'not_in_sync' };
    return question.followerReaches(stored, call.atLeast) ? { stored } : { reason: 'version_behind' };
  } catch (error) {
    if (isDomainError(error, 'invalid_argument', 'cancelled')) throw error;
    return { reason: 'follower_failed' };
  }
}

async function leaseOrNothing(options: TwoStoresOptions, call: Call): Promise<ControlRecord | undefined> {
  const { lease, resource } = options;
  const control = lease.current(resource.id);
  if (control !== undefined) return control;
  try {
    return await lease.valid(resource.id, call);
  } catch (error) {
    if (call.consistency === 'at-least' && call.atLeast > 0n && isDomainError(error, 'unavailable')) return undefined;
    throw error;
  }
}

/**
 * P5's exception: nobody can say who the authority is, but the caller accepts a state no older than the version it
 * names. Only stored versions count, and an absent record says nothing.
 */
async function readWithoutLease(options: TwoStoresOptions, question: Question, call: Call): Promise<Answer> {
  const store = storeWithoutAuthority(options);
  const asked = options.reads[store];
  if (asked !== null) {
    const stored = await question.ask(asked, call);
    if (question.standsAlone(stored, call.atLeast)) {
      return { stored, store, reason: 'authority_unreachable', control: undefined };
    }
  }
  throw new DomainError({
    kind: 'unavailable',
    reason: 'AUTHORITY_UNAVAILABLE',
    message: 'the authority cannot be reached, and no other store has a state as new as the version named; retry',
  });
}

/** The store to ask when the authority, as last known, can't be. */
function storeWithoutAuthority({ lease, resource }: TwoStoresOptions): StoreName {
  const record = lease.latest(resource.id);
  return record === undefined ? 'target' : followerOf(record);
}
