import { isDomainError } from '../domain/errors.ts';
import type { Log, LogFields } from '../domain/log.ts';
import type { Call } from '../stores/call.ts';
import type { ControlRecord, ControlStore } from '../stores/control-store.ts';

type Seen = Pick<ControlRecord, 'generation' | 'state'>;

/**
 * A control store that leaves an audit line for each change that this instance has made: who asked (the caller, where it
 * was one and not the service itself), from which state to which, and why. `fromState` is left out where this instance
 * has not seen the record before it.
 */
export function auditedControlStore(store: ControlStore, log: Log): ControlStore {
  const seen = new Map<string, Seen>();
  const see = ({ resource, generation, state }: ControlRecord): void => {
    if (generation > (seen.get(resource)?.generation ?? 0)) seen.set(resource, { generation, state });
  };
  return {
    ensure: (resources, call) => store.ensure(resources, call),
    poll: async (call) => {
      const records = await store.poll(call);
      for (const record of records) see(record);
      return records;
    },
    compareAndSet: async (next, why, call) => {
      const before = seen.get(next.resource);
      const fields = { ...fieldsOf(next, before), reason: why.reason, ...askerOf(call) };
      try {
        if (!(await store.compareAndSet(next, why, call))) return false;
      } catch (error) {
        if (isDomainError(error, 'unknown')) log.warn('the state of a migration may have been changed', fields);
        throw error;
      }
      log.info('the state of a migration was changed', fields);
      see(next);
      return true;
    },
    beat: (heartbeat, call) => store.beat(heartbeat, call),
    heartbeats: (call) => store.heartbeats(call),
    declareDead: (incarnation, beat, call) => store.declareDead(incarnation, beat, call),
    removeHeartbeat: (incarnation, call) => store.removeHeartbeat(incarnation, call),
    transitions: (resource, before, limit, call) => store.transitions(resource, before, limit, call),
    clock: (call) => store.clock(call),
  };
}

function fieldsOf(next: ControlRecord, before: Seen | undefined): LogFields {
  const { resource, state: toState, authority, epoch, attach, generation } = next;
  const from = before !== undefined && before.generation < generation && { fromState: before.state };
  return { audit: true, resource, ...from, toState, authority, epoch, attach, generation };
}

function askerOf({ caller, user }: Call): LogFields {
  return { ...(caller !== '' && { caller }), ...(user !== '' && { user }) };
}
