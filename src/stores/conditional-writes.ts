/*
 * Writes by conditional updates, for an authority whose transactions can't span the control record and the record
 * (docs/protocol.md, section 5):
 *
 *   read, the authority's clock  ┐
 *   ready?                       ┴─> ready? ─> outcome, version ─> an update, if the version is still as it was read
 *
 * `ready` is asked again when the read is there: between the two the process may have stood still, while another instance
 * declared it dead, fenced its entries and closed them; the read would then see the fenced version, and the update would
 * pass without an entry. After the read, a fence changes the version, and the update does not pass.
 *
 * A write that is refused fences: whoever retries it may be told of a state that only this commit has made visible.
 */
import type { Clock, Random } from '../domain/clock.ts';
import { DomainError, isDomainError } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import type { Resource, Row, Value } from '../domain/resource.ts';
import type { Call } from './call.ts';
import { atIndex, isRefused, judgeChanges, requestsAfter } from './judge-change.ts';
import type { Change, ControlView, Guard, Stored, Written } from './record-store.ts';
import { type ServerValues, withDefaults, withUpdateTimes } from './server-values.ts';
import { type Reservations, reserveValues } from './unique-reservations.ts';

/**
 * How often a write begins again after another writer was quicker. Writers of one instance take turns, so rivals are other
 * instances, and each round has a winner.
 */
const MAX_TRIES = 30;

/** The longest pause before such a try, in milliseconds; the real one is random below it, so that rivals part. */
const MAX_PAUSE_MS = 20;

/** A record as a linearizable read saw it, with what a conditional update needs to know. */
export interface Seen {
  readonly key: Key;
  /** Null: there is none, or a marker. */
  readonly row: Row | null;
  /** The stored version; null: the record is absent, or was written by somebody else and never through the service. */
  readonly version: bigint | null;
  /** Which write made it; null: none that is known. */
  readonly writeId: Buffer | null;
  /** What it remembers of requests; absent: nothing, or the resource's records do not. */
  readonly requests?: Buffer | undefined;
}

/** A new state of a record. */
export interface Next {
  /** Null: a marker. */
  readonly row: Row | null;
  readonly version: bigint;
  readonly writeId: Buffer;
  /** Absent: it goes on remembering what it did. */
  readonly requests?: Buffer | undefined;
}

/** Records as they are, and the time. */
export interface Look {
  readonly seen: readonly Seen[];
  readonly nowMicros: bigint;
}

/** What became of a conditional update. `unknown`: it was applied, or not, or may be yet. */
export type UpdateOutcome = 'applied' | 'not_applied' | 'unknown';

/** What conditional writes ask of an engine. An update throws only when it is certain that nothing was applied. */
export interface ConditionalEngine {
  readonly resource: Resource;
  /** What the source puts into columns by itself. */
  readonly serverValues: ServerValues;
  /** For pauses; versions take the authority's clock. */
  readonly clock: Clock;
  readonly random: Random;
  /** Bounds a piece of work by the call's deadline and signal. */
  within<Result>(call: Call, work: () => Promise<Result>): Promise<Result>;
  /** The records in the order of `keys`, which are of one partition, read linearizably, and the authority's clock. */
  see(keys: readonly Key[], call: Call): Promise<Look>;
  /** As `see`, after an update of unknown outcome: in several tries, as the link may have to come back first. */
  seeAgain(keys: readonly Key[], call: Call): Promise<readonly Seen[]>;
  /** Replaces every column of each, all or none, if the records are still as they were seen. */
  replace(seen: readonly Seen[], next: readonly Next[], call: Call): Promise<UpdateOutcome>;
  /** Changes only the versions, or makes markers anew, all or none, if the records are still as they were seen. */
  fence(seen: readonly Seen[], versions: readonly bigint[], call: Call): Promise<UpdateOutcome>;
  /** Absent: the resource has no unique index. */
  readonly reservations?: Reservations;
  unavailable(why: string): DomainError;
  outcomeUnknown(why: string, cause?: unknown): DomainError;
}

/** A try of a write: an answer, or null if it must begin again. */
type Attempt<Answer> = (look: Look, doubt: () => void) => Promise<Answer | null>;

/** Commits changes of different keys of one partition, all or none. All have one version, and one write id. */
export async function writeConditionally(
  engine: ConditionalEngine,
  changes: readonly Change[],
  guard: Guard,
  call: Call,
): Promise<readonly Written[]> {
  const control = controlOf(guard);
  const keys = changes.map(({ key }) => key);
  const refused = (): readonly Written[] => keys.map((key) => controlChanged(key, control));
  if (changes.some(({ kind }) => isHandedOver(guard, kind))) return refused();
  const writeId = Buffer.from(engine.random.id(), 'hex');
  const answer = await untilSettled(engine, { keys, guard, call }, async ({ seen, nowMicros }, doubt) => {
    // An earlier try that was answered "not applied" was applied all the same: it would now be in its own way.
    if (seen.some((one) => one.writeId?.equals(writeId))) return asWritten(engine, seen, writeId, control);
    const version = newestOf(seen.map((one) => nextVersion(one, control.floor, nowMicros)));
    const outcomes = judgeChanges(changes, seen, version);
    const isMade = !changes.some((change, i) => isRefused(change, outcomes[i]));
    if (isMade && changes.some(({ kind }, i) => kind !== 'touch' && outcomes[i] !== 'repeated')) {
      return replace(engine, { seen, changes, outcomes, nowMicros, version, writeId, guard, control, call });
    }
    const fenced = await engine.fence(
      seen,
      seen.map(() => version),
      call,
    );
    if (fenced === 'unknown') doubt();
    if (fenced !== 'applied') return null;
    return seen.map(({ key, row, requests }, i): Written => {
      return { outcome: outcomes[i] as Written['outcome'], stored: stored(key, { row, version, requests }), control };
    });
  });
  return answer ?? refused();
}

/** Touches keys of one partition, all or none. */
export async function touchConditionally(
  engine: ConditionalEngine,
  keys: readonly Key[],
  guard: Guard,
  call: Call,
): Promise<readonly Written[]> {
  const control = controlOf(guard);
  if (isHandedOver(guard, 'touch')) return keys.map((key) => controlChanged(key, control));
  const answer = await untilSettled(engine, { keys, guard, call }, async ({ seen, nowMicros }, doubt) => {
    const versions = seen.map((one) => nextVersion(one, control.floor, nowMicros));
    const fenced = await engine.fence(seen, versions, call);
    if (fenced === 'unknown') doubt();
    if (fenced !== 'applied') return null;
    return seen.map(({ key, row, requests }, i): Written => {
      return { outcome: 'written', stored: stored(key, { row, version: versions[i] as bigint, requests }), control };
    });
  });
  return answer ?? keys.map((key) => controlChanged(key, control));
}

/**
 * Begins again from the read until a try has an answer; null: the guard did not hold, and nothing was done. A fence of unknown
 * outcome is begun again too, as it may be repeated; but then nothing less than an answer is certain any more.
 */
async function untilSettled<Answer>(
  engine: ConditionalEngine,
  what: { readonly keys: readonly Key[]; readonly guard: Guard; readonly call: Call },
  attempt: Attempt<Answer>,
): Promise<Answer | null> {
  const { clock, random } = engine;
  let doubtful = false;
  const doubt = (): void => {
    doubtful = true;
  };
  try {
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      if (tries > 1) await clock.sleep(random.uniform() * Math.min(2 ** tries, MAX_PAUSE_MS));
      const look = await lookAt(engine, what);
      if (look === null && doubtful)
        throw engine.outcomeUnknown('the control record changed before it could be found out');
      if (look === null) return null;
      const answer = await attempt(look, doubt);
      if (answer !== null) return answer;
    }
    throw engine.unavailable('other writers of the record were quicker every time');
  } catch (error) {
    if (!doubtful || isDomainError(error, 'unknown')) throw error;
    throw engine.outcomeUnknown('an answer was lost, and what followed failed', error);
  }
}

/** Null: not ready. */
function lookAt(
  engine: ConditionalEngine,
  { keys, guard, call }: { readonly keys: readonly Key[]; readonly guard: Guard; readonly call: Call },
): Promise<Look | null> {
  const { ready } = guard;
  return engine.within(call, async () => {
    const [look, begun] = await Promise.all([engine.see(keys, call), ready?.() ?? true]);
    if (!begun || (ready !== undefined && !(await ready()))) return null;
    return look;
  });
}

/** Changes of records that were seen. */
interface Replacement {
  readonly seen: readonly Seen[];
  readonly changes: readonly Change[];
  readonly outcomes: readonly Written['outcome'][];
  readonly nowMicros: bigint;
  readonly version: bigint;
  readonly writeId: Buffer;
  readonly guard: Guard;
  readonly control: ControlView;
  readonly call: Call;
}

/** Null: another writer was quicker. Throws `unknown`/OUTCOME_UNKNOWN when it could not be found out. */
async function replace(engine: ConditionalEngine, replacement: Replacement): Promise<readonly Written[] | null> {
  const { seen, changes, outcomes, version, writeId, control, call } = replacement;
  const next = changes.map((change, i): Next => {
    const before = seen[i]?.requests;
    const requests = change.request && requestsAfter(change, outcomes[i] as Written['outcome'], before, version);
    return { row: rowOf(engine, replacement, i), version, writeId, requests };
  });
  if (!(await reserve(engine, replacement, next))) return null;
  const outcome = await engine.replace(seen, next, call);
  switch (outcome) {
    case 'applied':
      return seen.map(({ key, requests: before }, i): Written => {
        const { row, requests = before } = next[i] as Next;
        return { outcome: outcomes[i] as Written['outcome'], stored: stored(key, { row, version, requests }), control };
      });
    case 'not_applied':
      return null;
    case 'unknown':
      return await findOut(engine, replacement);
  }
}

/** Reserves the unique values that the changes bring; false: another writer has one for now. */
function reserve(
  engine: ConditionalEngine,
  { seen, nowMicros, guard, call }: Replacement,
  next: readonly Next[],
): Promise<boolean> {
  const touch = async (key: Key, under: Guard) => (await touchConditionally(engine, [key], under, call))[0] as Written;
  const records = seen.map((current, i) => ({ current, row: next[i]?.row ?? null }));
  return reserveValues(engine, { records, nowMicros, guard, touch }, call);
}

/** What a change makes of its record. What can never be stored names the change's place in a batch. */
function rowOf(
  engine: ConditionalEngine,
  { seen, changes, outcomes, nowMicros }: Replacement,
  index: number,
): Row | null {
  const row = seen[index]?.row ?? null;
  if (outcomes[index] === 'repeated') return row;
  try {
    return rowAfter(engine, changes[index] as Change, row, nowMicros);
  } catch (error) {
    throw changes.length === 1 ? error : atIndex(error, index);
  }
}

/**
 * Ours is known by its write id, which a fence leaves as it is. A version that is still the old one may yet be replaced by the
 * update that is on its way; a record of somebody else's may have had ours in between.
 */
async function findOut(
  engine: ConditionalEngine,
  { seen, writeId, control, call }: Replacement,
): Promise<readonly Written[]> {
  let found: readonly Seen[];
  try {
    found = await engine.seeAgain(
      seen.map(({ key }) => key),
      call,
    );
  } catch (error) {
    throw engine.outcomeUnknown('the answer was lost, and the record could not be read', error);
  }
  if (found.some((one) => one.writeId?.equals(writeId))) return asWritten(engine, found, writeId, control);
  const still = found.every((one, i) => one.version === seen[i]?.version);
  throw engine.outcomeUnknown(
    `the answer was lost, and the record ${still ? 'is as it was' : 'was written by another since'}`,
  );
}

/**
 * Of records of which some carry the write's id, so that it was made: the content of those that do is the write's, their version that
 * or a fence's. What another writer has made of the rest is not what this one is to be told.
 */
function asWritten(
  engine: ConditionalEngine,
  found: readonly Seen[],
  writeId: Buffer,
  control: ControlView,
): readonly Written[] {
  if (!found.every((one) => one.writeId?.equals(writeId))) {
    throw engine.outcomeUnknown('the answer was lost, and one of the records was written by another since');
  }
  return found.map(({ key, row, version, requests }): Written => {
    return { outcome: 'written', stored: stored(key, { row, version: version ?? 0n, requests }), control };
  });
}

/** A record, with what it remembers where that was read. */
function stored(key: Key, { requests, ...rest }: Pick<Next, 'row' | 'version' | 'requests'>): Stored {
  return requests === undefined ? { key, ...rest } : { key, ...rest, requests };
}

function controlOf(guard: Guard): ControlView {
  const { epoch, attach, state, floor, generation } = guard;
  if (state === undefined || floor === undefined || generation === undefined) {
    throw new DomainError({
      kind: 'internal',
      reason: 'INTERNAL',
      message: 'The guard of a conditional write needs the state, the floor and the generation of the control record.',
    });
  }
  return { epoch, attach, state, floor, generation };
}

function isHandedOver({ state, fencing = false }: Guard, kind: Change['kind']): boolean {
  return state === 'moved' || (state === 'handing_over' && !(fencing && kind === 'touch'));
}

/** Nothing was done. */
export function controlChanged(key: Key, control: ControlView): Written {
  return { outcome: 'control_changed', stored: { key, row: null, version: 0n }, control };
}

/** Above what is stored, above the floor, and not behind the authority's clock (docs/protocol.md, section 1). */
function nextVersion({ version }: Seen, floor: bigint, nowMicros: bigint): bigint {
  const least = nowMicros > floor ? nowMicros : floor + 1n;
  return version !== null && version >= least ? version + 1n : least;
}

function newestOf(versions: readonly bigint[]): bigint {
  return versions.reduce((a, b) => (a > b ? a : b));
}

function rowAfter(
  { resource, serverValues }: ConditionalEngine,
  change: Change,
  current: Row | null,
  nowMicros: bigint,
): Row | null {
  if (change.kind === 'delete') return null;
  if (change.kind === 'touch') return current;
  const given = new Map<number, Value>(change.columns.map((i) => [i, change.row?.[i] ?? null]));
  if (current === null) {
    for (const [i, value] of change.key.values.entries()) given.set(i, value);
    return complete(resource, withDefaults(resource, serverValues, given, nowMicros));
  }
  const after = complete(
    resource,
    current.map((value, i) => (given.has(i) ? given.get(i) : value)),
    change.columns,
  );
  return withUpdateTimes(resource, serverValues, { before: current, after, set: change.columns }, nowMicros);
}

/**
 * Refuses what MySQL would refuse: a record without a value that it must have could never be copied to it. `set`: only these
 * columns are looked at. Default: all.
 */
function complete(resource: Resource, row: readonly (Value | undefined)[], set?: readonly number[]): Row {
  const looked = set ?? row.map((_, i) => i);
  const missing = looked.find(
    (i) => row[i] === undefined || (row[i] === null && resource.columns[i]?.nullable === false),
  );
  if (missing === undefined) return row as Row;
  const name = resource.columns[missing]?.cassandraName ?? '';
  throw new DomainError({
    kind: 'failed_precondition',
    reason: 'CONSTRAINT_VIOLATED',
    message: `The column ${name} must be set: it is NOT NULL and has no default.`,
    metadata: { column: name },
  });
}
