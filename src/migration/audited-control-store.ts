import type { Log } from '../domain/log.ts';
import type { ControlRecord, ControlStore } from '../stores/control-store.ts';

/**
 * A control store that leaves an audit line for each change that this instance has made: who asked (the caller, where it
 * was one and not the service itself), from which state to which, and why. `fromState` is left out where this instance
 * has not seen the record before it.
 */
export function auditedControlStore(store: ControlStore, log: Log): ControlStore {
  const seen = new Map<string, Pick<ControlRecord, 'generation' | 'state'>>();
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
      if (!(await store.compareAndSet(next, why, call))) return false;
      const { resource, state, authority, epoch, attach, generation } = next;
      log.info('the state of a migration was changed', {
        audit: true,
        resource,
        ...(before !== undefined && before.generation < generation && { fromState: before.state }),
        toState: state,
        authority,
        epoch,
        attach,
        generation,
        reason: why.reason,
        ...(call.caller !== '' && { caller: call.caller }),
        ...(call.user !== '' && { user: call.user }),
      });
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
