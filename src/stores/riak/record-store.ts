import { type Clock, systemClock } from '../../domain/clock.ts';
import { isDomainError } from '../../domain/errors.ts';
import { createKeyCodec, type Key, type KeyCodec } from '../../domain/key.ts';
import type { Resource } from '../../domain/resource.ts';
import type { Call } from '../call.ts';
import { forEachBounded } from '../for-each-bounded.ts';
import type { Copy, FollowerStore, ListQuery, LookupQuery, Stored, WalkPage, WalkRange } from '../record-store.ts';
import type { RiakClient } from './client.ts';
import { readSlowestClock } from './clocks.ts';
import { cancelled, deadlineExceeded, unavailable } from './errors.ts';
import {
  ALL_INDEX,
  behind,
  createIndexTerms,
  FIRST,
  type IndexTerms,
  keyName,
  LAST,
  type TermRange,
} from './index-terms.ts';
import {
  DEFAULT_MARKER_TTL_SECONDS,
  LIST_SLACK,
  MAX_INDEX_PAGE,
  MAX_KEYS,
  MAX_PAGE,
  MAX_RANGES,
  REAPS_IN_FLIGHT,
  REQUESTS_IN_FLIGHT,
} from './limits.ts';
import { createRiakObjects, type RiakObjects, type RiakPlace } from './objects.ts';
import { createRecordFormat, type RecordFormat, type Version } from './record-format.ts';
import { newestOf } from './resolve.ts';
import { SiblingResolver } from './sibling-resolver.ts';

/** What the store of one resource in Riak is made of. */
export interface RiakRecordStoreOptions {
  readonly client: RiakClient;
  readonly resource: Resource;
  /** A bucket of its own, of a type with `allow_mult`. */
  readonly place: RiakPlace;
  /** Whether the bucket was found as it must be: until then every call is `unavailable`. Default: it was. */
  readonly isFit?: () => boolean;
  /**
   * The floor of the present attach: a record below it is left over from an earlier one, and is not shown. Default: 0, nothing is. See
   * docs/riak.md, "What is left over".
   */
  readonly floor?: () => bigint;
  /** How long markers stay, in seconds. Default: 20 days. */
  readonly markerTtlSeconds?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * The store port on Riak KV over HTTP, as a follower: Riak has no write that is conditional on what is there, so it can't be the
 * authority. A record is one object; copies that meet leave siblings, of which every reader takes the newest version. A copy is
 * acknowledged when all replicas have it, so a read of a majority sees it, and so does an index, whose answer comes from one replica
 * of each record ("Secondary Indexes", "How It Works"). docs/riak.md says why nothing is stale or lost.
 */
export function createRiakRecordStore(options: RiakRecordStoreOptions): FollowerStore {
  const { client, resource, place, isFit = () => true, floor = () => 0n, clock = systemClock } = options;
  const engine: Engine = {
    objects: createRiakObjects(client, place),
    format: createRecordFormat(resource),
    terms: createIndexTerms(resource),
    codec: createKeyCodec(resource),
    resolver: new SiblingResolver(clock),
    isFit,
    floor,
    clock,
    markerTtlMicros: BigInt(options.markerTtlSeconds ?? DEFAULT_MARKER_TTL_SECONDS) * 1_000_000n,
  };
  return {
    engine: 'riak',
    maxKeys: MAX_KEYS,
    getMany: (keys, call) => within(engine, call, () => getMany(engine, keys, call)),
    list: (query, call) => within(engine, call, () => list(engine, query, call)),
    lookup: (query, call) => within(engine, call, () => lookup(engine, query, call)),
    apply: (copies, call) => within(engine, call, () => apply(engine, copies, call)),
    split: (chunkRows, call) => split(engine, chunkRows, call),
    walk: (range, after, limit, call) => within(engine, call, () => walk(engine, { range, after, limit }, call)),
    clock: (call) => within(engine, call, () => readSlowestClock(client, call)),
  };
}

interface Engine {
  readonly objects: RiakObjects;
  readonly format: RecordFormat;
  readonly terms: IndexTerms;
  readonly codec: KeyCodec;
  readonly resolver: SiblingResolver;
  readonly isFit: () => boolean;
  readonly floor: () => bigint;
  readonly clock: Clock;
  readonly markerTtlMicros: bigint;
}

/** Also of work that asks for nothing. */
async function within<Result>({ clock, isFit }: Engine, call: Call, work: () => Promise<Result>): Promise<Result> {
  if (call.signal?.aborted) throw cancelled();
  if (call.deadlineMs <= clock.monotonicMs()) throw deadlineExceeded();
  if (!isFit()) throw unavailable('its buckets were not checked yet, or are not as they must be: the log says which');
  return await work();
}

/** A record as Riak has it, with what replaces it. */
interface Seen {
  readonly newest: Version | undefined;
  readonly siblings: number;
  readonly context: string | null;
}

async function see({ objects, format }: Engine, key: Key, call: Limits): Promise<Seen> {
  const { values, context } = await objects.fetch(keyName(key), call);
  return { newest: newestOf(values.map((body) => format.decode(key, body))), siblings: values.length, context };
}

type Limits = Pick<Call, 'deadlineMs' | 'signal'>;

/** What is there, and whoever waits for nothing resolves its siblings. */
async function read(engine: Engine, key: Key, call: Call): Promise<Stored> {
  const { newest, siblings } = await see(engine, key, call);
  if (siblings > 1) resolveLater(engine, key);
  return { key, row: newest?.row ?? null, version: newest?.version ?? 0n };
}

function resolveLater(engine: Engine, key: Key): void {
  engine.resolver.offer(keyName(key), async (deadlineMs) => {
    const { newest, siblings, context } = await see(engine, key, { deadlineMs });
    if (newest === undefined || siblings < 2) return false;
    await put(engine, key, { ...newest, context }, { deadlineMs });
    return true;
  });
}

async function put(
  { objects, terms }: Engine,
  key: Key,
  { row, body, context }: Pick<Version, 'row' | 'body'> & Pick<Seen, 'context'>,
  call: Limits,
): Promise<void> {
  await objects.store(keyName(key), { body, context, headers: terms.headersOf(key, row) }, call);
}

/** Of several copies of one record the newest alone: sent side by side they would be siblings. */
async function apply(engine: Engine, copies: readonly Copy[], call: Call): Promise<void> {
  const newest = new Map<string, Copy>();
  for (const copy of copies) {
    const known = newest.get(copy.key.id);
    if (known === undefined || known.version < copy.version) newest.set(copy.key.id, copy);
  }
  await forEachBounded([...newest.values()], REQUESTS_IN_FLIGHT, (copy) => applyOne(engine, copy, call));
}

/**
 * Puts the newest of what is there and the copy in the place of what is there. Never less than that: a newer one that is found may
 * be on one replica only, of a copy that failed, and whoever waits for this one would be shown an older record by the others.
 */
async function applyOne(engine: Engine, { key, row, version }: Copy, call: Call): Promise<void> {
  const { newest, context } = await see(engine, key, call);
  const copy: Version = { row, version, body: engine.format.encode(row, version) };
  const winner = newestOf(newest === undefined ? [copy] : [newest, copy]) ?? copy;
  await put(engine, key, { ...winner, context }, call);
}

async function getMany(engine: Engine, keys: readonly Key[], call: Call): Promise<readonly Stored[]> {
  const found = await readAll(engine, keys, call);
  const floor = engine.floor();
  return found.map((stored) => (isLeftOver(stored, floor) ? { key: stored.key, row: null, version: 0n } : stored));
}

function isLeftOver({ row, version }: Stored, floor: bigint): boolean {
  return row !== null && version < floor;
}

async function readAll(engine: Engine, keys: readonly Key[], call: Call): Promise<readonly Stored[]> {
  const found = new Map<string, Stored>();
  const wanted = [...new Map(keys.map((key) => [key.id, key])).values()];
  await forEachBounded(wanted, REQUESTS_IN_FLIGHT, async (key) => {
    found.set(key.id, await read(engine, key, call));
  });
  return keys.map((key) => found.get(key.id) ?? { key, row: null, version: 0n });
}

function list(engine: Engine, { parent, after, descending, limit }: ListQuery, call: Call): Promise<readonly Stored[]> {
  const rangeAfter = (last: Key | null): TermRange => engine.terms.listRange(parent, last, descending ?? false);
  return readRange(engine, { rangeAfter, after, limit, accepts: () => true }, call);
}

async function lookup(engine: Engine, query: LookupQuery, call: Call): Promise<readonly Stored[]> {
  const { index, values, after, limit } = query;
  const codec = engine.terms.codecs.find((one) => one.index.name === index.name);
  if (codec === undefined) throw new TypeError(`there is no index ${index.name}`);
  const entry = codec.entryOfValues(values);
  const rangeAfter = (last: Key | null): TermRange => engine.terms.lookupRange(codec, entry, last);
  return readRange(engine, { rangeAfter, after, limit, accepts: ({ row }) => codec.has(row ?? [], values) }, call);
}

interface RangeRead {
  readonly rangeAfter: (last: Key | null) => TermRange;
  readonly after: Key | null;
  readonly limit: number;
  readonly accepts: (stored: Stored) => boolean;
}

/** Pages past entries that have no record, or another one, until it has enough or the range ends; bounded by the deadline. */
async function readRange(
  engine: Engine,
  { rangeAfter, after, limit, accepts }: RangeRead,
  call: Call,
): Promise<readonly Stored[]> {
  const found: Stored[] = [];
  for (let last = after; ; ) {
    const most = Math.min(limit - found.length + LIST_SLACK, MAX_PAGE);
    const { names, ended } = await engine.objects.names(rangeAfter(last), most, call);
    const keys = names.map((name) => keyOf(engine, name));
    const live = (await getMany(engine, keys, call)).filter((stored) => stored.row !== null && accepts(stored));
    found.push(...live);
    if (ended || found.length >= limit) return found.slice(0, limit);
    last = keys.at(-1) ?? last;
  }
}

function keyOf({ codec }: Engine, name: string): Key {
  return codec.fromBytes(Buffer.from(name, 'hex'));
}

/**
 * Ranges of the index of everything, cut as its names are read, many at once: the first begins before, the last ends behind whatever
 * may come.
 */
async function* split(engine: Engine, chunkRows: number, call: Call): AsyncGenerator<WalkRange> {
  let from = FIRST;
  let rows = 0;
  let ranges = 0;
  for (let at = FIRST, ended = false; !ended; ) {
    const rest = { index: ALL_INDEX, from: at, to: LAST };
    const page = await within(engine, call, () => engine.objects.names(rest, MAX_INDEX_PAGE, call));
    for (const name of page.names) {
      // Not before the next name is known: the last range takes what is behind it.
      if (rows >= chunkRows && ranges < MAX_RANGES) {
        yield { range: `${from}-${at}`, expectedRows: rows };
        from = at;
        rows = 0;
        ranges += 1;
      }
      rows += 1;
      at = behind(name);
    }
    ended = page.ended || page.names.length === 0;
  }
  yield { range: `${from}-${LAST}`, expectedRows: rows };
}

interface WalkStep {
  readonly range: string;
  readonly after: string | null;
  readonly limit: number;
}

const TERM = /^[0-9a-f]*g?$/;

/** Shows what is left over too, so that a bulk copy puts markers there. */
async function walk(engine: Engine, { range, after, limit }: WalkStep, call: Call): Promise<WalkPage> {
  const [from = '', to = '', ...more] = range.split('-');
  if (![from, to, after ?? ''].every((term) => TERM.test(term)) || more.length > 0 || to === '') {
    throw new RangeError('this is no range of a walk of Riak');
  }
  const page = { index: ALL_INDEX, from: after ?? from, to };
  const { names, ended } = await engine.objects.names(page, Math.min(limit, MAX_PAGE), call);
  const keys = names.map((name) => keyOf(engine, name));
  const found = (await readAll(engine, keys, call)).filter(({ row, version }) => row !== null || version > 0n);
  await reapExpired(engine, found, call);
  const last = names.at(-1);
  return { records: found, next: ended || last === undefined ? null : behind(last) };
}

/**
 * Takes away markers whose time is over. Only exactly what was seen is replaced: a record that comes meanwhile stays, beside the
 * tombstone. One that can't be taken away is met again by the next walk.
 */
async function reapExpired(engine: Engine, found: readonly Stored[], call: Call): Promise<void> {
  const before = engine.clock.wallMicros() - engine.markerTtlMicros;
  const expired = found.filter(({ row, version }) => row === null && version < before);
  await forEachBounded(expired, REAPS_IN_FLIGHT, async ({ key }) => {
    try {
      const { newest, context } = await see(engine, key, call);
      if (newest?.row !== null || newest.version >= before || context === null) return;
      await engine.objects.remove(keyName(key), context, call);
    } catch (error) {
      if (!isDomainError(error, 'unavailable', 'deadline_exceeded')) throw error;
    }
  });
}
