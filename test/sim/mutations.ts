/*
 * Rules of the protocol, each left out of the code by itself, to know that the simulation can fail. None of them is known to
 * the code: a mutation wraps the ports and parts of every instance.
 */

import { DomainError, isDomainError } from '../../src/domain/errors.ts';
import { type Call, internalCall } from '../../src/stores/call.ts';
import type { LogEvent } from '../../src/stores/change-log.ts';
import type { ControlRecord, ControlStore, FollowerState, Heartbeat } from '../../src/stores/control-store.ts';
import type { Copy, FollowerStore, RecordStore, Written } from '../../src/stores/record-store.ts';
import type { Mutation, MutationScope } from './mutation.ts';
import { resource } from './world.ts';

const stateOf = ({ lease }: MutationScope): FollowerState | undefined => lease?.latest(resource.id)?.state;

/** A wait for the leases of others that is left out in one state. */
function noLeaseWait(name: string, state: FollowerState, what: string): Mutation {
  return {
    name,
    what,
    change: () => ({
      lease: (lease) => {
        const wait = lease.waitOneLease.bind(lease);
        lease.waitOneLease = (record, signal) =>
          record.state === state ? Promise.resolve(true) : wait(record, signal);
      },
    }),
  };
}

/** Barriers that count as met at once in one state. */
function noBarrier(name: string, state: FollowerState, what: string): Mutation {
  return {
    name,
    what,
    change: ({ changeLog, writeAheadLog }, scope) => ({
      changeLog: {
        ...changeLog,
        isBarrierMet: async (id, call) => stateOf(scope) === state || (await changeLog.isBarrierMet(id, call)),
      },
      writeAheadLog: {
        ...writeAheadLog,
        openEntries: async (query, call) =>
          stateOf(scope) === state && scope.lease?.latest(resource.id)?.authority === 'target'
            ? { entries: [], next: null, tooOld: false }
            : writeAheadLog.openEntries(query, call),
      },
    }),
  };
}

/** Each change of a control record, as it is about to be made. */
function rewrite(control: ControlStore, change: (next: ControlRecord) => ControlRecord): ControlStore {
  return { ...control, compareAndSet: (next, why, call) => control.compareAndSet(change(next), why, call) };
}

/** Drops changes whose key no bump of the same transaction named. */
async function* withoutOutside(batches: AsyncIterable<readonly LogEvent[]>): AsyncGenerator<readonly LogEvent[]> {
  const bumped = new Set<string>();
  for await (const events of batches) {
    yield events.filter((event) => {
      if (event.type === 'bump') bumped.add(event.key.id);
      if (event.type === 'commit') bumped.clear();
      return event.type !== 'change' || bumped.has(event.key.id);
    });
  }
}

/** Shows the control event of the attach under way before everything else. */
async function* begunBefore(
  batches: AsyncIterable<readonly LogEvent[]>,
  { lease }: MutationScope,
): AsyncGenerator<readonly LogEvent[]> {
  const { epoch = 0, attach = 0, generation = 0 } = lease?.latest(resource.id) ?? {};
  yield [{ type: 'control', epoch, attach, generation }];
  yield* batches;
}

function mapFences(store: RecordStore, fence: RecordStore['touchMany']): RecordStore {
  return {
    ...store,
    touchMany: (keys, guard, call) => (guard.fencing ? fence(keys, guard, call) : store.touchMany(keys, guard, call)),
  };
}

export const mutations: readonly Mutation[] = [
  noLeaseWait('no_wait_in_leaving', 'leaving', '`leaving` becomes `syncing` without waiting one lease'),
  noLeaseWait(
    'no_lease_wait_in_joining',
    'joining',
    'with the target as the authority, `joining` takes the open entries at once',
  ),
  noLeaseWait(
    'no_lease_wait_in_handing_over',
    'handing_over',
    'the way back takes the open entries without waiting one lease',
  ),
  noBarrier('joining_without_barrier', 'joining', 'the follower is in sync without a barrier'),
  noBarrier('syncing_without_barrier', 'syncing', 'the bulk copy and the joining begin without a barrier'),
  noBarrier('handover_without_barrier', 'handing_over', 'authority moves before everything is in the other store'),
  {
    name: 'acknowledge_without_follower',
    what: 'a write is acknowledged without the follower, its entry closed',
    change: () => {
      const nobody = { apply: async () => {} };
      return { copies: { source: nobody, target: nobody } };
    },
  },
  {
    name: 'no_demotion',
    what: 'whoever missed the follower acknowledges although it is still read',
    change: () => ({
      lease: (lease) => {
        const hidden = <R extends ControlRecord | undefined>(record: R): R =>
          record?.state === 'in_sync' || record?.state === 'leaving' ? { ...record, state: 'syncing' } : record;
        const renewed = lease.renewed.bind(lease);
        lease.renewed = async (id, call) => hidden(await renewed(id, call));
        const fresh = lease.fresh.bind(lease);
        lease.fresh = async (id) => hidden(await fresh(id));
      },
    }),
  },
  {
    name: 'no_touch',
    what: 'outside changes are ignored',
    change: ({ changeLog }) => ({
      changeLog: {
        ...changeLog,
        stream: (position, signal) => withoutOutside(changeLog.stream(position, signal)),
      },
    }),
  },
  {
    name: 'touch_reads_a_snapshot',
    what: 'a touch reads the record without its lock',
    change: ({ source }) => ({
      source: {
        ...source,
        touchMany: async (keys, guard, call) => {
          const before = await source.getMany(keys, call);
          const touched = await source.touchMany(keys, guard, call);
          return touched.map((one, i) => ({ ...one, stored: { ...one.stored, row: before[i]?.row ?? null } }));
        },
      },
    }),
  },
  {
    name: 'no_bump_for_refusals',
    what: 'ALREADY_EXISTS is answered from what is read, without a bump and without the follower',
    change: ({ source }, { world }) => ({
      source: {
        ...source,
        write: async (change, guard, call): Promise<Written> => {
          const [stored] = change.kind === 'create' ? await source.getMany([change.key], call) : [];
          const control = world.database.control.get(resource.id);
          if (stored?.row && control?.epoch === guard.epoch && control.attach === guard.attach) {
            return { outcome: 'already_exists', stored, control: { ...control, state: 'syncing' } };
          }
          return source.write(change, guard, call);
        },
      },
    }),
  },
  {
    name: 'writes_ignore_handing_over',
    what: 'a write that meets `handing_over` is made all the same',
    change: ({ source }, { world }) => ({
      source: {
        ...source,
        write: async (change, guard, call): Promise<Written> => {
          const control = world.database.control.get(resource.id);
          if (control?.state !== 'handing_over' || change.kind === 'delete' || change.row === null) {
            return source.write(change, guard, call);
          }
          const version =
            world.database.clock.wallMicros() > control.floor ? world.database.clock.wallMicros() : control.floor + 1n;
          await world.source.apply([{ key: change.key, row: change.row, version }], call);
          const [stored] = await world.source.getMany([change.key], call);
          return { outcome: 'written', stored: stored as Copy, control: { ...control, state: 'in_sync' } };
        },
      },
    }),
  },
  {
    name: 'no_fence',
    what: 'entries are carried without a fence of their keys',
    change: ({ targetAuthority }) => ({
      targetAuthority: mapFences(targetAuthority, async (keys, guard, call) => {
        const found = await targetAuthority.getMany(keys, call);
        const { epoch, attach, state = 'in_sync', floor = 0n, generation = 0 } = guard;
        const control = { epoch, attach, state, floor, generation };
        return found.map((stored) => ({
          outcome: 'written',
          stored: stored.version > 0n ? stored : { ...stored, version: floor + 1n },
          control,
        }));
      }),
    }),
  },
  {
    name: 'entries_closed_early',
    what: 'an entry is closed before the follower has its write',
    change: ({ writeAheadLog }) => ({
      writeAheadLog: {
        ...writeAheadLog,
        append: async (request, call) => {
          const entry = await writeAheadLog.append(request, call);
          await writeAheadLog.close(entry, call);
          return entry;
        },
      },
    }),
  },
  {
    name: 'no_takeover',
    what: 'the entries of the dead are not looked at',
    change: ({ targetControl }) => ({
      targetControl: {
        ...targetControl,
        heartbeats: async (call) => (await targetControl.heartbeats(call)).filter((row) => !row.dead),
      },
    }),
  },
  {
    name: 'unknown_is_not_done',
    what: 'a lightweight transaction of unknown outcome counts as not done',
    change: ({ targetAuthority }) => ({
      targetAuthority: {
        ...targetAuthority,
        write: (change, guard, call) =>
          targetAuthority.write(change, guard, call).catch((error: unknown) => {
            if (!isDomainError(error, 'unknown')) throw error;
            throw new DomainError({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE', message: 'mutated' });
          }),
      },
    }),
  },
  {
    name: 'lease_not_asked_before_update',
    what: 'a write to the target does not ask whether its lease is unbroken',
    change: ({ targetAuthority }) => ({
      targetAuthority: {
        ...targetAuthority,
        write: (change, guard, call) => {
          const ready = async (): Promise<boolean> => {
            await guard.ready?.();
            return true;
          };
          return targetAuthority.write(change, { ...guard, ready }, call);
        },
      },
    }),
  },
  {
    name: 'no_clock_wait',
    what: 'authority moves to the target without waiting for its clock',
    change: ({ targetAuthority }) => ({
      targetAuthority: {
        ...targetAuthority,
        clock: async (call) => (await targetAuthority.clock(call)) + 10_000_000n,
      },
    }),
  },
  {
    name: 'floor_not_raised_on_the_way_back',
    what: 'the floor stays as it was when authority goes back to MySQL',
    change: ({ control, targetControl }) => {
      let floor = 0n;
      const keep = (next: ControlRecord): ControlRecord => {
        if (next.authority === 'target') floor = next.floor;
        return next.authority === 'source' && next.epoch > 1 && floor > 0n ? { ...next, floor } : next;
      };
      return { control: rewrite(control, keep), targetControl: rewrite(targetControl, keep) };
    },
  },
  {
    name: 'floor_not_raised_at_attach',
    what: 'an attach keeps the floor',
    change: ({ control, targetControl }) => {
      const floors = new Map<number, bigint>();
      const keep = (next: ControlRecord): ControlRecord => {
        const known = floors.get(next.epoch);
        floors.set(next.epoch, known ?? next.floor);
        return next.state === 'syncing' && known !== undefined ? { ...next, floor: known } : next;
      };
      return { control: rewrite(control, keep), targetControl: rewrite(targetControl, keep) };
    },
  },
  {
    name: 'install_over_higher_epoch',
    what: 'the new authority’s record is installed whatever is there',
    change: () => ({
      registers: (registers) => {
        const named = registers.named.bind(registers);
        registers.named = (store) => {
          const control = named(store);
          const poll: ControlStore['poll'] = async (call) =>
            (await control.poll(call)).map((record) => ({ ...record, epoch: 0 }));
          return { ...control, poll };
        };
      },
    }),
  },
  {
    name: 'heartbeat_before_old_lease_is_dropped',
    what: 'the heartbeat shows the new generation while reads still trust the old one',
    change: ({ control, targetControl }, scope) => ({
      control: beatsFirst(control, scope),
      targetControl: beatsFirst(targetControl, scope),
    }),
  },
  {
    name: 'late_poll_answers_count',
    what: 'a lease counts from after the poll: its answer may be a round old',
    change: ({ control, targetControl }) => ({ control: pollsOld(control), targetControl: pollsOld(targetControl) }),
  },
  {
    name: 'reads_without_lease',
    what: 'a read trusts the newest record that is known, lease or not',
    change: () => ({
      lease: (lease) => {
        lease.current = (id) => {
          const record = lease.latest(id);
          return record?.state === 'moved' ? undefined : record;
        };
      },
    }),
  },
  {
    name: 'version_not_compared',
    what: 'a read does not compare the caller’s version',
    change: () => ({}),
    ignoresVersions: true,
  },
  {
    name: 'capture_keeps_what_was_before',
    what: 'capture does not drop what is before its own control event',
    change: ({ changeLog }, scope) => ({
      changeLog: { ...changeLog, stream: (position, signal) => begunBefore(changeLog.stream(position, signal), scope) },
    }),
  },
  {
    name: 'real_delete',
    what: 'a deleted record leaves no marker in the target',
    change: ({ target }, { world }) => ({
      target: {
        ...target,
        apply: async (copies, call) => {
          await target.apply(copies, call);
          for (const { key, row, version } of copies) {
            const [now] = row === null ? await world.target.getMany([key], call) : [];
            if (now?.version === version) world.target.outsideWrite(key, null);
          }
        },
      },
    }),
  },
  {
    name: 'attach_number_not_compared',
    what: 'MySQL takes copies of any epoch and attach',
    change: ({ source }) => ({
      source: { ...source, apply: (copies, call) => source.apply(copies, call) },
    }),
  },
  {
    name: 'etag_not_compared',
    what: 'a write under an etag is made whatever the record is',
    change: ({ source, targetAuthority }) => ({
      source: { ...source, write: withoutEtag(source) },
      targetAuthority: { ...targetAuthority, write: withoutEtag(targetAuthority) },
    }),
  },
  {
    name: 'etag_compared_before_the_write',
    what: 'the etag is compared with the record as it was read before the write, not under its lock',
    change: ({ source, targetAuthority }) => ({
      source: { ...source, write: comparingBefore(source) },
      targetAuthority: { ...targetAuthority, write: comparingBefore(targetAuthority) },
    }),
  },
  {
    name: 'batch_one_by_one',
    what: 'a batch is made one record after the other, up to the first that refuses',
    change: ({ source, targetAuthority }) => ({
      source: { ...source, writeMany: oneByOne(source) },
      targetAuthority: { ...targetAuthority, writeMany: oneByOne(targetAuthority) },
    }),
  },
  {
    name: 'batch_entry_names_one_key',
    what: 'the entry of a batch names its first record alone',
    change: ({ writeAheadLog }) => ({
      writeAheadLog: {
        ...writeAheadLog,
        append: (request, call) => writeAheadLog.append({ ...request, keys: request.keys.slice(0, 1) }, call),
      },
    }),
  },
  {
    name: 'requests_not_remembered',
    what: 'a request that is sent again is done again',
    change: ({ source, targetAuthority }) => ({
      source: { ...source, write: withoutRequest(source) },
      targetAuthority: { ...targetAuthority, write: withoutRequest(targetAuthority) },
    }),
  },
  {
    name: 'requests_not_copied',
    what: 'what records remember of requests stays in the store that was written',
    change: ({ source, target }) => ({
      source: { ...source, apply: withoutMemory(source) },
      target: { ...target, apply: withoutMemory(target) },
    }),
  },
  {
    name: 'deleted_records_not_walked',
    what: 'a bulk copy leaves out the traces of deleted records',
    change: ({ source, targetAuthority }) => ({
      source: { ...source, walk: withoutTraces(source) },
      targetAuthority: { ...targetAuthority, walk: withoutTraces(targetAuthority) },
    }),
  },
];

function withoutEtag(store: RecordStore): RecordStore['write'] {
  return ({ accepts: _, ...change }, guard, call) => store.write(change, guard, call);
}

function comparingBefore(store: RecordStore): RecordStore['write'] {
  const blindly = withoutEtag(store);
  return async (change, guard, call) => {
    const [before] = change.accepts ? await store.getMany([change.key], call) : [];
    const isAccepted = before?.row ? change.accepts?.(before.row) : false;
    return isAccepted ? blindly(change, guard, call) : store.write(change, guard, call);
  };
}

function withoutRequest(store: RecordStore): RecordStore['write'] {
  return ({ request: _, ...change }, guard, call) => store.write(change, guard, call);
}

function withoutMemory(store: FollowerStore): FollowerStore['apply'] {
  return (copies, call, guard) =>
    store.apply(
      copies.map(({ requests: _, ...copy }) => copy),
      call,
      guard,
    );
}

function oneByOne(store: RecordStore): RecordStore['writeMany'] {
  return async (changes, guard, call) => {
    const written: Written[] = [];
    for (const change of changes) {
      const one = await store.write(change, guard, call);
      written.push(one);
      if (one.outcome === 'control_changed')
        return changes.map(({ key }) => ({ ...one, stored: { ...one.stored, key } }));
      if (one.outcome !== 'written' && !(one.outcome === 'not_found' && change.allowsMissing)) break;
    }
    const refused = written.find(({ outcome }) => outcome !== 'written');
    if (refused === undefined) return written;
    return changes.map(({ key }, i): Written => {
      const one = written[i] ?? { ...refused, stored: { key, row: null, version: 0n } };
      return one.outcome === 'written' || i >= written.length ? { ...one, outcome: 'withheld' } : one;
    });
  };
}

function withoutTraces(store: RecordStore): RecordStore['walk'] {
  return async (range, after, limit, call) => {
    const page = await store.walk(range, after, limit, call);
    return { ...page, records: page.records.filter(({ row }) => row !== null) };
  };
}

function beatsFirst(control: ControlStore, { process, random }: MutationScope): ControlStore {
  let last: Omit<Heartbeat, 'dead'> | undefined;
  let known = 0;
  return {
    ...control,
    beat: (heartbeat, call: Call) => {
      last = heartbeat;
      return control.beat(heartbeat, call);
    },
    poll: async (call) => {
      const records = await control.poll(call);
      const [record] = records;
      if (record === undefined || last === undefined || record.generation <= known) return records;
      known = record.generation;
      const beat = { ...last, seen: { ...last.seen, [record.resource]: record.generation } };
      await control.beat(beat, internalCall(process.clock, 1_000)).catch(() => false);
      await process.clock.sleep(random.uniform() * 200);
      return records;
    },
  };
}

/** Each answer is that of the poll before. */
function pollsOld(control: ControlStore): ControlStore {
  let before: Promise<readonly ControlRecord[]> | undefined;
  return {
    ...control,
    poll: async (call) => {
      const now = control.poll(call);
      now.catch(() => {});
      const answer = await (before ?? now).catch(() => now);
      before = now;
      return answer;
    },
  };
}
