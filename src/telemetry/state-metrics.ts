import type { Instrument, Instruments, NumberCell } from './instruments.ts';
import type { MigrationMetrics } from './migration-metrics.ts';
import { labels, metricNames } from './names.ts';

/** The phase's label where the flag says none. */
const NO_PHASE = 'none';

/** The states of a follower that a resource can come into (docs/protocol.md). */
const COUNTED_STATES = ['detached', 'syncing', 'joining', 'in_sync', 'leaving', 'handing_over', 'moved'];

type StateMetrics = Pick<
  MigrationMetrics,
  'announce' | 'followerState' | 'wanted' | 'lease' | 'holds' | 'openMismatches'
>;

/** Where each migration stands, and where it should: gauges of 0 and 1 with a label for each possibility that was seen. */
export function createStateMetrics(instruments: Instruments): StateMetrics {
  const { resource, state, store, phase, reason } = labels;
  const gauge = (name: string, help: string, ...by: [string] | [string, string]) =>
    instruments.gauge({ name, help, labels: by });
  const states = gauge(metricNames.followerState, '1 for the state the follower is in.', resource, state);
  const changes = instruments.counter({
    name: metricNames.stateChanges,
    help: 'How often the follower came into a state, as this instance learnt of it.',
    labels: [resource, state],
  });
  const authorities = gauge(metricNames.authority, '1 for the store that is the authority.', resource, store);
  const phases = gauge(metricNames.wantedPhase, '1 for the phase that the flag asks for.', resource, phase);
  const held = gauge(metricNames.hold, '1 for each condition that the controller waits for.', resource, reason);
  const leases = gauge(metricNames.lease, '1 where this instance may trust the control record.', resource);
  const mismatches = gauge(metricNames.openMismatches, 'Records known to differ.', resource);
  const setState = oneOf(states);
  const setAuthority = oneOf(authorities);
  const setPhase = oneOf(phases);
  const setHolds = someOf(held);
  return {
    announce: (id) => {
      for (const one of COUNTED_STATES) changes.at(id, one);
    },
    followerState: (id, now) => {
      const before = setState(id, now);
      if (before !== undefined && before !== now) changes.at(id, now).value += 1;
    },
    wanted: (id, authority, wanted) => {
      setAuthority(id, authority);
      setPhase(id, wanted ?? NO_PHASE);
    },
    lease: (id, valid) => {
      leases.at(id).value = valid ? 1 : 0;
    },
    holds: setHolds,
    openMismatches: (id, open) => {
      mismatches.at(id).value = open;
    },
  };
}

/** Sets one value of the second label to 1 and the one before to 0; returns the one before. */
function oneOf(gauge: Instrument<NumberCell>): (id: string, now: string) => string | undefined {
  const current = new Map<string, string>();
  return (id, now) => {
    const before = current.get(id);
    if (before === now) return before;
    if (before !== undefined) gauge.at(id, before).value = 0;
    gauge.at(id, now).value = 1;
    current.set(id, now);
    return before;
  };
}

/** Sets these values of the second label to 1 and the others that were to 0. */
function someOf(gauge: Instrument<NumberCell>): (id: string, now: readonly string[]) => void {
  const current = new Map<string, readonly string[]>();
  return (id, now) => {
    for (const before of current.get(id) ?? []) gauge.at(id, before).value = 0;
    for (const one of now) gauge.at(id, one).value = 1;
    current.set(id, now);
  };
}
