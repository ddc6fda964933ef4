/*
 * Unique values of an authority whose transactions span one record (docs/protocol.md, section 13). Two records can't be
 * compared in one step, so whoever gives a record K a value first takes the value's reservation, and every try takes it anew:
 *
 *   K is read ─> the reservation ─> somebody has the value? ─> another holder is fenced ─> taken for K ─> K is updated
 *
 * The update passes only if K is still as it was read, and taking only if nobody has taken since the reservation was read. So of two
 * writers the one that takes second has fenced the first one's record after that one took it: the first one's update either came
 * before, and its value is seen, or comes after, and does not pass.
 */
import { createIndexCodecs, type IndexCodec } from '../domain/index-entry.ts';
import type { Key } from '../domain/key.ts';
import type { Resource, Row } from '../domain/resource.ts';
import type { Call } from './call.ts';
import type { ConditionalEngine, Seen, UpdateOutcome } from './conditional-writes.ts';
import { atIndex } from './judge-change.ts';
import type { Guard, Written } from './record-store.ts';
import { uniqueKeyTaken } from './unique-key-taken.ts';

/** Who may give a record the values of one entry. */
export interface Reservation {
  /** Null: nobody has ever taken it. */
  readonly holder: Key | null;
  /** Other at every taking. */
  readonly attempt: Buffer | null;
}

/** The reservations of one resource's unique indexes. */
export interface ReservationTable {
  /** Reads linearizably. */
  look(codec: IndexCodec, entry: Buffer, call: Call): Promise<Reservation>;
  /** Whether another record is known to have the values, of those that had them before this epoch or got them in it. */
  isTaken(codec: IndexCodec, entry: Buffer, by: Key, call: Call): Promise<boolean>;
  /** Takes it, if `was` is still its attempt. Throws only when it is certain that nothing was done. */
  take(codec: IndexCodec, entry: Buffer, was: Buffer | null, next: Taken, call: Call): Promise<UpdateOutcome>;
}

/** A reservation that is held. */
export interface Taken {
  readonly holder: Key;
  readonly attempt: Buffer;
}

/** A record, and what an update makes of it. */
export interface Claimed {
  /** As this try has read it. */
  readonly current: Seen;
  /** Null: it will be deleted. */
  readonly row: Row | null;
}

/** The next states of records that one update changes together, for which their unique values are to be reserved. */
export interface Claim {
  readonly records: readonly Claimed[];
  /** The authority's clock as it was read with the records. */
  readonly nowMicros: bigint;
  readonly guard: Guard;
  /** Touches one record, under its own guard. */
  readonly touch: (key: Key, guard: Guard) => Promise<Written>;
}

/** What keeps the unique values of one resource unique. */
export interface Reservations {
  /** Of the unique indexes. */
  readonly codecs: readonly IndexCodec[];
  readonly table: ReservationTable;
}

/** The reservations of a resource in a table of an engine's; undefined: it has no unique index. */
export function createReservations(resource: Resource, table: ReservationTable): Reservations | undefined {
  const codecs = createIndexCodecs(resource).filter(({ index }) => index.unique);
  return codecs.length === 0 ? undefined : { codecs, table };
}

/**
 * For how long another holder is left alone, by the authority's clock: its update is on its way. Two writers that fence each
 * other at once would keep each other from ever writing.
 */
const GRACE_MICROS = 150_000n;
const CLOCK_BYTES = 8;
const RANDOM_BYTES = 8;

/**
 * Reserves the unique values that an update changes; false: its try must begin again. Throws `already_exists`/UNIQUE_KEY_TAKEN, with
 * the place of a batch's record: if another has the values, or gets them by the same update, or gives them up by it. That last could
 * be done here, but MySQL, which makes one change after the other, would do it in one order of them only.
 */
export async function reserveValues(engine: ConditionalEngine, claim: Claim, call: Call): Promise<boolean> {
  const { reservations } = engine;
  if (reservations === undefined) return true;
  const wanted = wantedOf(reservations, claim);
  let isCurrent = true;
  for (const one of wanted) {
    try {
      refuseWithin(one, wanted);
      const outcome = await reserveOne(engine, one, call);
      if (outcome === 'not_now') return false;
      // The next try finds this value its own, so the rest is reserved before it.
      if (outcome === 'outdated') isCurrent = false;
    } catch (error) {
      throw claim.records.length === 1 ? error : atIndex(error, one.place);
    }
  }
  return isCurrent;
}

/** One value that is to be reserved. */
interface Wanted {
  readonly table: ReservationTable;
  readonly codec: IndexCodec;
  readonly entry: Buffer;
  readonly claim: Claim;
  /** Of its record in the claim. */
  readonly place: number;
  readonly key: Key;
}

/** In the order of the keys, so that two updates of the same records do not each hold what the other one wants. */
function wantedOf({ codecs, table }: Reservations, claim: Claim): readonly Wanted[] {
  const places = [...claim.records.entries()].sort(([, a], [, b]) =>
    Buffer.compare(a.current.key.bytes, b.current.key.bytes),
  );
  return places.flatMap(([place, { current, row }]) =>
    codecs.flatMap((codec): Wanted[] => {
      const entry = row === null ? null : codec.entryOf(row);
      const before = current.row === null ? null : codec.entryOf(current.row);
      // What the record has already nobody else can get while it is as it was read.
      if (entry === null || before?.equals(entry)) return [];
      return [{ table, codec, entry, claim, place, key: current.key }];
    }),
  );
}

function refuseWithin({ codec, entry, key }: Wanted, wanted: readonly Wanted[]): void {
  const isRival = (one: Wanted) => one.codec === codec && one.key.id !== key.id && one.entry.equals(entry);
  if (wanted.some(isRival)) throw uniqueKeyTaken(codec.index);
}

/** `outdated`: it is reserved, and the fence has changed a record of the claim. */
async function reserveOne(
  engine: ConditionalEngine,
  wanted: Wanted,
  call: Call,
): Promise<'reserved' | 'outdated' | 'not_now'> {
  const { table, codec, entry, claim, key } = wanted;
  const { holder, attempt } = await table.look(codec, entry, call);
  if (await table.isTaken(codec, entry, key, call)) throw uniqueKeyTaken(codec.index);
  const isOther = holder !== null && holder.id !== key.id;
  if (isOther && !(await fenceOther(engine, wanted, { holder, attempt }, call))) return 'not_now';
  const next = { holder: key, attempt: newAttempt(engine, claim.nowMicros) };
  // Of unknown outcome it may be ours or not: the next try takes it all the same.
  if ((await table.take(codec, entry, attempt, next, call)) !== 'applied') return 'not_now';
  const isOurs = isOther && claim.records.some(({ current }) => current.key.id === holder.id);
  return isOurs ? 'outdated' : 'reserved';
}

/** Makes sure that the holder has not the value and can't get it under this reservation; false: not now. Throws if it has. */
async function fenceOther(
  engine: ConditionalEngine,
  { codec, entry, claim }: Wanted,
  { holder, attempt }: { readonly holder: Key; readonly attempt: Buffer | null },
  call: Call,
): Promise<boolean> {
  const refuseIfHad = (row: Row | null): void => {
    if (row !== null && codec.entryOf(row)?.equals(entry)) throw uniqueKeyTaken(codec.index);
  };
  const { seen } = await engine.within(call, () => engine.see([holder], call));
  refuseIfHad(seen[0]?.row ?? null);
  const ageMicros = claim.nowMicros - (attempt?.readBigUInt64BE(0) ?? 0n);
  if (ageMicros < GRACE_MICROS) {
    await engine.clock.sleep(Number((GRACE_MICROS - maxOfZero(ageMicros)) / 1000n), call.signal).catch(() => {});
    return false;
  }
  const fenced = await fenceAnnounced(claim, holder);
  if (fenced.outcome === 'control_changed') return false;
  refuseIfHad(fenced.stored.row);
  return true;
}

/**
 * A fence is a conditional update of another record, so it is announced as its own write is: a handover must be able to
 * fence it in turn. It changes no content, so once it is known the follower needs nothing of it.
 */
async function fenceAnnounced({ guard, touch }: Claim, key: Key): Promise<Written> {
  const announced = guard.announce?.([key]);
  if (announced === undefined) return touch(key, guard);
  let isKnown = false;
  try {
    const written = await touch(key, announced.guard);
    isKnown = true;
    return written;
  } finally {
    if (isKnown) announced.entry.carried();
    else announced.entry.left();
  }
}

/** The authority's clock, then what no other try has. */
function newAttempt({ random }: ConditionalEngine, nowMicros: bigint): Buffer {
  const attempt = Buffer.alloc(CLOCK_BYTES + RANDOM_BYTES);
  attempt.writeBigUInt64BE(nowMicros);
  attempt.write(random.id(), CLOCK_BYTES, RANDOM_BYTES, 'hex');
  return attempt;
}

function maxOfZero(micros: bigint): bigint {
  return micros > 0n ? micros : 0n;
}
