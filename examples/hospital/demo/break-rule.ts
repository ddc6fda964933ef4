import { DomainError } from '../../../src/domain/errors.ts';
import type { ResourceMigrationOptions } from '../../../src/migration/resource-migration.ts';
import type { Call } from '../../../src/stores/call.ts';
import type { LogEvent } from '../../../src/stores/change-log.ts';
import type { ControlRecord } from '../../../src/stores/control-store.ts';
import type { Change, Copy, FollowerStore, ReadableRecords, Written } from '../../../src/stores/record-store.ts';
import type { SabotageName } from './sabotages.ts';

type Parts = ResourceMigrationOptions;

/** One change in so many is passed over. */
const SKIP_EVERY = 7;
/** One update in so many is acknowledged without having been written. */
const LIE_EVERY = 50;
/** How long an ignored lease still is, once the target answers again. */
const IGNORED_MS = 5_000;
/** How long reads go on at the target after the flag was set back. */
const LATE_MS = 3_000;

/** Breaks one rule in the parts of a migration. */
export function breakRule(sabotage: SabotageName, parts: Parts): Parts {
  return breakers[sabotage](parts);
}

const breakers: Readonly<Record<SabotageName, (parts: Parts) => Parts>> = {
  'write-through-dropped': (parts) =>
    withApply(parts, (apply, copies, call) => (isRequest(call) ? done() : apply(copies, call))),
  'deletes-not-carried': (parts) =>
    withApply(parts, (apply, copies, call) => {
      const kept = copies.filter(({ row }) => row !== null);
      return kept.length === 0 ? done() : apply(kept, call);
    }),
  'capture-skips-events': (parts) => ({
    ...parts,
    changeLog: overriding(parts.changeLog, {
      stream: (position, signal) => skipping(parts.changeLog.stream(position, signal)),
    }),
  }),
  'lease-ignored': ignoringLease,
  'acknowledge-early': (parts) => ({
    ...parts,
    source: overriding(parts.source, { write: lying(parts) }),
  }),
  'no-fallback': (parts) => {
    const target = parts.reads?.target ?? parts.target;
    if (target === null) return parts;
    return { ...parts, reads: { source: parts.reads?.source ?? parts.source, target: withoutFallback(target) } };
  },
  'no-demotion': (parts) => ({
    ...parts,
    registers: overriding(parts.registers, {
      compareAndSet: (next, why, call) =>
        next.state === 'leaving' ? Promise.resolve(false) : parts.registers.compareAndSet(next, why, call),
    }),
  }),
  'late-flags': (parts) => {
    let lastMs = -Infinity;
    const readTarget: Parts['flags']['readTarget'] = (resource, subject) => {
      const wanted = parts.flags.readTarget(resource, subject);
      const nowMs = parts.clock.monotonicMs();
      if (wanted) lastMs = nowMs;
      return nowMs - lastMs < LATE_MS ? true : wanted;
    };
    return { ...parts, flags: overriding(parts.flags, { readTarget }) };
  },
  'source-not-followed': (parts) => {
    const { apply } = parts.copies?.source ?? parts.source;
    const dropping: FollowerStore['apply'] = (copies, call, guard) =>
      isRequest(call) ? done() : apply(copies, call, guard);
    const target = parts.copies?.target ?? parts.target;
    return { ...parts, copies: { source: { apply: dropping }, target } };
  },
  'outside-unnoticed': (parts) => {
    const isTargets = () => parts.lease.latest(parts.resource.id)?.authority === 'target';
    const stream: Parts['changeLog']['stream'] = (position, signal) =>
      withoutChanges(parts.changeLog.stream(position, signal), isTargets);
    return { ...parts, changeLog: overriding(parts.changeLog, { stream }) };
  },
  'writers-refused': (parts) => {
    const renewed: Parts['lease']['renewed'] = (resource, call) => {
      const { state } = parts.lease.latest(resource) ?? {};
      if (state !== 'handing_over' && state !== 'moved') return parts.lease.renewed(resource, call);
      const why = { kind: 'unavailable', reason: 'NO_LEASE', message: 'authority is moving' } as const;
      return Promise.reject(new DomainError(why));
    };
    return { ...parts, lease: overriding(parts.lease, { renewed }) };
  },
};

/**
 * Goes on trusting what once was `in_sync`, until the target has answered again for a while: then the controller, which asks
 * the same lease, may bring it back.
 */
function ignoringLease(parts: Parts): Parts {
  const { lease, clock, resource } = parts;
  const target = parts.reads?.target ?? parts.target;
  if (target === null) return parts;
  let trusted: ControlRecord | undefined;
  let answersSinceMs = Infinity;
  const current = (id: string): ControlRecord | undefined => {
    const record = lease.current(id);
    if (record?.state === 'in_sync') {
      trusted = record;
      answersSinceMs = Infinity;
    }
    return clock.monotonicMs() - answersSinceMs > IGNORED_MS ? record : (trusted ?? record);
  };
  const noting = async <T>(read: Promise<T>): Promise<T> => {
    const answer = await read;
    if (lease.latest(resource.id)?.state !== 'in_sync') answersSinceMs = Math.min(answersSinceMs, clock.monotonicMs());
    return answer;
  };
  return {
    ...parts,
    lease: overriding(lease, { current }),
    reads: {
      source: parts.reads?.source ?? parts.source,
      target: {
        getMany: (keys, call) => noting(target.getMany(keys, call)),
        list: (query, call) => noting(target.list(query, call)),
        lookup: (query, call) => noting(target.lookup(query, call)),
      },
    },
  };
}

/** The same object with some methods replaced; all others, also those of a class, go to the original. */
function overriding<T extends object>(original: T, methods: Partial<T>): T {
  return new Proxy(original, {
    get: (target, property) => {
      if (Object.hasOwn(methods, property)) return methods[property as keyof T];
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Requests name their caller; what the service does for itself has none. */
function isRequest(call: Call): boolean {
  return call.caller !== '';
}

function done(): Promise<void> {
  return Promise.resolve();
}

function withApply(
  parts: Parts,
  replacement: (apply: FollowerStore['apply'], copies: readonly Copy[], call: Call) => Promise<void>,
): Parts {
  const { source, target, copies } = parts;
  if (target === null) return parts;
  const replaced = (original: Pick<FollowerStore, 'apply'>): Pick<FollowerStore, 'apply'> => ({
    apply: (copies, call) => replacement((some, by) => original.apply(some, by), copies, call),
  });
  return {
    ...parts,
    target: overriding(target, replaced(target)),
    copies: { source: copies?.source ?? source, target: replaced(copies?.target ?? target) },
  };
}

async function* withoutChanges(
  events: AsyncIterable<readonly LogEvent[]>,
  isOff: () => boolean,
): AsyncGenerator<readonly LogEvent[]> {
  for await (const some of events) yield isOff() ? some.filter(({ type }) => type !== 'change') : some;
}

async function* skipping(events: AsyncIterable<readonly LogEvent[]>): AsyncGenerator<readonly LogEvent[]> {
  let changes = 0;
  for await (const some of events) {
    yield some.filter((event) => event.type !== 'change' || ++changes % SKIP_EVERY !== 0);
  }
}

/** Answers an update now and then as if it had been committed. */
function lying({ source, lease, resource }: Parts): (...args: Parameters<typeof source.write>) => Promise<Written> {
  let updates = 0;
  return async (change, guard, call) => {
    const control = lease.latest(resource.id);
    if (change.kind !== 'update' || control === undefined || ++updates % LIE_EVERY !== 0) {
      return source.write(change, guard, call);
    }
    const [current] = await source.getMany([change.key], call);
    if (current === undefined || current.row === null) return source.write(change, guard, call);
    const row = changed(current.row, change);
    return { outcome: 'written', stored: { key: change.key, row, version: current.version + 1n }, control };
  };
}

function changed(row: NonNullable<Copy['row']>, change: Change): NonNullable<Copy['row']> {
  return row.map((value, index) => (change.columns.includes(index) ? (change.row?.[index] ?? null) : value));
}

/** The caller gets the follower's failure: only a cancelled read is not repeated on the authority. */
function withoutFallback(target: ReadableRecords): ReadableRecords {
  const failing = async <T>(read: Promise<T>): Promise<T> => {
    try {
      return await read;
    } catch (cause) {
      throw new DomainError({ kind: 'cancelled', reason: 'CANCELLED', message: 'the follower failed', cause });
    }
  };
  return {
    getMany: (keys, call) => failing(target.getMany(keys, call)),
    list: (query, call) => failing(target.list(query, call)),
    lookup: (query, call) => failing(target.lookup(query, call)),
  };
}
