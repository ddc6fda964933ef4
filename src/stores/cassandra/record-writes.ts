/*
 * A write, when Cassandra is the authority (docs/protocol.md, section 5):
 *
 *   read at SERIAL, a node's clock  ┐
 *   ready?                          ┴─> ready? ─> outcome, version ─> UPDATE … IF crossfade_version = <as it was read>
 *
 * `ready` is asked again when the read is there: between the two the process may have stood still, while another instance
 * declared it dead, fenced its entries and closed them; the read would then see the fenced version, and the update would
 * pass without an entry. After the read, a fence changes the version, and the update does not pass.
 *
 * A write that is refused fences: whoever retries it may be told of a state that only this commit has made visible.
 */
import type { types } from 'cassandra-driver';
import { type Clock, type Random, systemClock, systemRandom } from '../../domain/clock.ts';
import { DomainError, isDomainError } from '../../domain/errors.ts';
import type { Key, KeyCodec } from '../../domain/key.ts';
import type { Resource, Row, Value } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import { judgeChange } from '../judge-change.ts';
import type { Change, ControlView, Guard, RecordStore, Written } from '../record-store.ts';
import { compilePartitionOf, forEachBounded } from './apply.ts';
import type { AuthorityStatements, Seen } from './authority-statements.ts';
import type { CassandraClient } from './client.ts';
import { microsOf, readNow } from './clocks.ts';
import { type ConditionalUpdates, createConditionalUpdates } from './conditional-update.ts';
import { outcomeUnknown, type Role, unavailable } from './errors.ts';
import { groupKeys } from './key-groups.ts';
import { MAX_CAS_PAUSE_MS, MAX_CAS_TRIES, TOUCH_BATCH, TOUCHES_IN_FLIGHT } from './limits.ts';
import type { DriverRow, Statements } from './statements.ts';
import { Turns } from './turns.ts';

/** What writes are made of. */
export interface RecordWritesOptions {
  readonly client: CassandraClient;
  readonly resource: Resource;
  readonly role: Role;
  readonly statements: AuthorityStatements;
  /** The key columns' values in a row. */
  readonly keyValues: Statements['keyValues'];
  readonly codec: KeyCodec;
  /** For deadlines and pauses; versions take a node's clock. Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the machine's. */
  readonly random?: Random;
}

/** Creates the writes of one resource as the authority. Writes of one partition take turns within this process. */
export function createRecordWrites(options: RecordWritesOptions): Pick<RecordStore, 'write' | 'touchMany'> {
  const { client, role, resource, clock = systemClock, random = systemRandom } = options;
  const partitionOf = compilePartitionOf(resource);
  const engine: Engine = { ...options, clock, random, updates: createConditionalUpdates(client, role, clock) };
  const turns = new Turns();
  const inTurn = <Result>(key: Key, call: Call, work: () => Promise<Result>): Promise<Result> =>
    turns.take(partitionOf({ key }), (turn) => client.within(role, call, () => turn), work);
  return {
    write: (change, guard, call) => inTurn(change.key, call, () => write(engine, change, guard, call)),
    touchMany: async (keys, guard, call) => {
      const distinct = [...new Map(keys.map((key) => [key.id, key])).values()];
      distinct.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
      const touched = new Map<string, Written>();
      let refused: Written | undefined;
      const groups = groupKeys(distinct, { resource, partitionOf, most: TOUCH_BATCH });
      await forEachBounded(groups, TOUCHES_IN_FLIGHT, async (group) => {
        if (refused !== undefined) return;
        for (const written of await inTurn(group[0] as Key, call, () => touch(engine, group, guard, call))) {
          touched.set(written.stored.key.id, written);
          if (written.outcome === 'control_changed') refused = written;
        }
      });
      if (refused === undefined) return keys.map((key) => touched.get(key.id) as Written);
      const { control } = refused;
      return keys.map((key) => controlChanged(key, control));
    },
  };
}

interface Engine extends RecordWritesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly updates: ConditionalUpdates;
}

/** What a try of a write comes to: an answer, or null if it must begin again. */
type Attempt<Answer> = (look: Look, doubt: () => void) => Promise<Answer | null>;

/** The records as they are, and the time. */
interface Look {
  readonly seen: readonly Seen[];
  readonly nowMicros: bigint;
}

async function write(engine: Engine, change: Change, guard: Guard, call: Call): Promise<Written> {
  const control = controlOf(guard);
  const { key } = change;
  if (isHandedOver(guard, change.kind)) return controlChanged(key, control);
  const writeId = Buffer.from(engine.random.id(), 'hex');
  const answer = await untilSettled<Written>(
    engine,
    { keys: [key], guard, call },
    async ({ seen, nowMicros }, doubt) => {
      const [current] = seen as readonly [Seen];
      // An earlier try that was answered "not applied" was applied all the same: it would now be in its own way.
      if (current.writeId?.equals(writeId)) return asWritten(current, control);
      const version = nextVersion(current, control.floor, nowMicros);
      const outcome = judgeChange(change, current.row);
      if (outcome === 'written' && change.kind !== 'touch') {
        return replace(engine, { current, change, version, writeId, control, call });
      }
      const fenced = await engine.updates.update(engine.statements.fence(current, version), call);
      if (fenced === 'unknown') doubt();
      return fenced === 'applied' ? { outcome, stored: { key, row: current.row, version }, control } : null;
    },
  );
  return answer ?? controlChanged(key, control);
}

async function touch(engine: Engine, keys: readonly Key[], guard: Guard, call: Call): Promise<readonly Written[]> {
  const control = controlOf(guard);
  if (isHandedOver(guard, 'touch')) return keys.map((key) => controlChanged(key, control));
  const answer = await untilSettled(engine, { keys, guard, call }, async ({ seen, nowMicros }, doubt) => {
    const versions = seen.map((one) => nextVersion(one, control.floor, nowMicros));
    const fences = seen.flatMap((one, i) => engine.statements.fence(one, versions[i] as bigint));
    const fenced = await engine.updates.update(fences, call);
    if (fenced === 'unknown') doubt();
    if (fenced !== 'applied') return null;
    return seen.map(({ key, row }, i): Written => {
      return { outcome: 'written', stored: { key, row, version: versions[i] as bigint }, control };
    });
  });
  return answer ?? keys.map((key) => controlChanged(key, control));
}

/**
 * Begins again from the read until a try has an answer; null: the guard did not hold, and nothing was done. A fence of unknown
 * outcome is begun again too, as it may be repeated; but then nothing less than an answer is certain any more.
 */
async function untilSettled<Answer>(
  engine: Engine,
  what: { readonly keys: readonly Key[]; readonly guard: Guard; readonly call: Call },
  attempt: Attempt<Answer>,
): Promise<Answer | null> {
  const { clock, random, role } = engine;
  let doubtful = false;
  const doubt = (): void => {
    doubtful = true;
  };
  try {
    for (let tries = 1; tries <= MAX_CAS_TRIES; tries++) {
      if (tries > 1) await clock.sleep(random.uniform() * Math.min(2 ** tries, MAX_CAS_PAUSE_MS));
      const look = await lookAt(engine, what);
      if (look === null && doubtful) throw outcomeUnknown('the control record changed before it could be found out');
      if (look === null) return null;
      const answer = await attempt(look, doubt);
      if (answer !== null) return answer;
    }
    throw unavailable(role, 'other writers of the record were quicker every time');
  } catch (error) {
    if (!doubtful || isDomainError(error, 'unknown')) throw error;
    throw outcomeUnknown('an answer was lost, and what followed failed', error);
  }
}

/** Null: not ready. */
function lookAt(
  engine: Engine,
  { keys, guard, call }: { readonly keys: readonly Key[]; readonly guard: Guard; readonly call: Call },
): Promise<Look | null> {
  const { client, role } = engine;
  const { ready } = guard;
  return client.within(role, call, async () => {
    const [look, begun] = await Promise.all([see(engine, keys, call.deadlineMs), ready?.() ?? true]);
    if (!begun || (ready !== undefined && !(await ready()))) return null;
    return look;
  });
}

/** The records in the order of `keys`, which are of one partition, and the clock, for which an absent record has no row. */
async function see(engine: Engine, keys: readonly Key[], deadlineMs: number): Promise<Look> {
  const { client, statements, codec, keyValues } = engine;
  const [only] = keys;
  const statement = only !== undefined && keys.length === 1 ? statements.see(only) : statements.seeIn(keys);
  const rows = (await client.runSerial(statement, deadlineMs)).rows as unknown as readonly DriverRow[];
  const [first] = rows;
  if (first === undefined) {
    const seen = keys.map((key) => statements.seen(key, undefined));
    return { seen, nowMicros: await readNow(client, deadlineMs) };
  }
  const nowMicros = microsOf(first.crossfade_now as types.TimeUuid);
  if (keys.length === 1) return { seen: [statements.seen(only as Key, first)], nowMicros };
  const byId = new Map(rows.map((row) => [codec.fromValues(keyValues(row)).id, row]));
  return { seen: keys.map((key) => statements.seen(key, byId.get(key.id))), nowMicros };
}

/** One change of a record that was seen. */
interface Replacement {
  readonly current: Seen;
  readonly change: Change;
  readonly version: bigint;
  readonly writeId: Buffer;
  readonly control: ControlView;
  readonly call: Call;
}

/** Null: another writer was quicker. Throws `unknown`/OUTCOME_UNKNOWN when it could not be found out. */
async function replace(engine: Engine, replacement: Replacement): Promise<Written | null> {
  const { current, change, version, writeId, control, call } = replacement;
  const row = rowAfter(engine.resource, change, current.row);
  const statements = engine.statements.replace(current, { row, version, writeId });
  const outcome = await engine.updates.update(statements, call);
  switch (outcome) {
    case 'applied':
      return { outcome: 'written', stored: { key: change.key, row, version }, control };
    case 'not_applied':
      return null;
    case 'unknown':
      return await findOut(engine, replacement);
  }
}

/**
 * Ours is known by its write id, which a fence leaves as it is. A version that is still the old one may yet be replaced by the
 * update that is on its way; a record of somebody else's may have had ours in between.
 */
async function findOut(engine: Engine, { current, writeId, control, call }: Replacement): Promise<Written> {
  let found: Seen;
  try {
    const look = await engine.updates.resolve((deadlineMs) => see(engine, [current.key], deadlineMs), call);
    [found] = look.seen as [Seen];
  } catch (error) {
    throw outcomeUnknown('the answer was lost, and the record could not be read', error);
  }
  if (found.writeId?.equals(writeId)) return asWritten(found, control);
  const still = found.version === current.version;
  throw outcomeUnknown(
    `the answer was lost, and the record ${still ? 'is as it was' : 'was written by another since'}`,
  );
}

/** Of a record that carries the write's id: its content is the write's, its version that or a fence's. */
function asWritten({ key, row, version }: Seen, control: ControlView): Written {
  return { outcome: 'written', stored: { key, row, version: version ?? 0n }, control };
}

function controlOf(guard: Guard): ControlView {
  const { epoch, attach, state, floor, generation } = guard;
  if (state === undefined || floor === undefined || generation === undefined) {
    throw new DomainError({
      kind: 'internal',
      reason: 'INTERNAL',
      message: 'A write to Cassandra needs the state, the floor and the generation of the control record in its guard.',
    });
  }
  return { epoch, attach, state, floor, generation };
}

function isHandedOver({ state, fencing = false }: Guard, kind: Change['kind']): boolean {
  return state === 'moved' || (state === 'handing_over' && !(fencing && kind === 'touch'));
}

function controlChanged(key: Key, control: ControlView): Written {
  return { outcome: 'control_changed', stored: { key, row: null, version: 0n }, control };
}

/** Above what is stored, above the floor, and not behind the authority's clock (docs/protocol.md, section 1). */
function nextVersion({ version }: Seen, floor: bigint, nowMicros: bigint): bigint {
  const least = nowMicros > floor ? nowMicros : floor + 1n;
  return version !== null && version >= least ? version + 1n : least;
}

function rowAfter(resource: Resource, change: Change, current: Row | null): Row | null {
  if (change.kind === 'delete') return null;
  const row: Value[] = [...(current ?? resource.columns.map((_, i) => change.key.values[i] ?? null))];
  for (const i of change.columns) row[i] = change.row?.[i] ?? null;
  checkComplete(resource, row, current === null ? null : change.columns);
  return row;
}

/**
 * A column that a create leaves out is null. Where null is not allowed, MySQL would put a default there that it alone
 * knows, or refuse: a null would be a record that MySQL, as the follower, could never take. `set`: only these; null: all.
 */
function checkComplete(resource: Resource, row: Row, set: readonly number[] | null): void {
  const isMissing = (i: number): boolean => resource.columns[i]?.nullable === false && (row[i] ?? null) === null;
  const missing = resource.columns.find((_, i) => isMissing(i) && (set === null || set.includes(i)));
  if (missing === undefined) return;
  throw new DomainError({
    kind: 'failed_precondition',
    reason: 'CONSTRAINT_VIOLATED',
    message: `The column ${missing.cassandraName} must be set: it is NOT NULL, and its default is known to MySQL alone.`,
    metadata: { column: missing.cassandraName },
  });
}
