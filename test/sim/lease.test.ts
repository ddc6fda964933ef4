import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noLog } from '../../src/domain/log.ts';
import { Lease } from '../../src/migration/lease.ts';
import { Registers } from '../../src/migration/registers.ts';
import { defaultProtocolSettings } from '../../src/migration/settings.ts';
import { internalCall } from '../../src/stores/call.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createFaults, injectFaults } from '../../src/stores/memory/faults.ts';
import { seededRandom, VirtualClock } from '../support/virtual-clock.ts';

const { leaseMs, roundMs } = defaultProtocolSettings;

describe('a read without a valid lease', () => {
  let clock: VirtualClock;
  let lease: Lease;
  let stop: AbortController;
  let ended: Promise<void>;
  const faults = createFaults();

  beforeEach(async () => {
    clock = new VirtualClock();
    const random = seededRandom(1);
    const control = createMemoryControlStore(new MemoryDatabase({ clock, random }));
    await control.ensure(['notes'], internalCall(clock, 1_000));
    lease = new Lease({
      registers: new Registers(injectFaults(control, { faults, clock, role: 'authority' }), null),
      instance: 'one',
      settings: defaultProtocolSettings,
      clock,
      random,
      log: noLog,
      onChange: () => {},
    });
    stop = new AbortController();
    ended = lease.run(stop.signal);
    await clock.pass(10 * roundMs);
  });

  afterEach(async () => {
    faults.lift();
    stop.abort();
    await clock.until(ended);
  });

  /** How long a read waits that begins when the lease has just lapsed, and what it gets. */
  async function read(): Promise<{ waitedMs: number; got: string }> {
    while (lease.current('notes') !== undefined) await clock.pass(10);
    const beganMs = clock.monotonicMs();
    const asked = lease.valid('notes', internalCall(clock, 30_000));
    const got = await clock.until(
      asked.then(
        ({ state }) => state,
        ({ reason }: { reason: string }) => reason,
      ),
    );
    return { waitedMs: clock.monotonicMs() - beganMs, got };
  }

  it('waits longer than one lease while rounds are slow but do not fail', async () => {
    faults.add({ method: 'poll', answerMs: leaseMs - 50 });
    faults.add({ method: 'beat', answerMs: leaseMs - 50 });
    // The round after it brings a lease that is good for the rest of one.
    faults.add({ method: 'poll', answerMs: leaseMs / 2 });
    const { waitedMs, got } = await read();
    expect(got).toBe('detached');
    expect(waitedMs).toBeGreaterThan(leaseMs);
    expect(waitedMs).toBeLessThanOrEqual(3 * leaseMs);
  });

  it('fails after one lease when the authority does not answer', async () => {
    faults.add({ method: 'poll', fail: 'hung', times: Number.POSITIVE_INFINITY });
    const { waitedMs, got } = await read();
    expect(got).toBe('NO_LEASE');
    expect(waitedMs).toBeLessThanOrEqual(1.1 * leaseMs);
  });

  it('fails after three leases at the latest', async () => {
    faults.add({ method: 'poll', answerMs: leaseMs - 50, times: Number.POSITIVE_INFINITY });
    faults.add({ method: 'beat', answerMs: leaseMs - 50, times: Number.POSITIVE_INFINITY });
    const { waitedMs, got } = await read();
    expect(got).toBe('NO_LEASE');
    expect(waitedMs).toBeLessThanOrEqual(3.1 * leaseMs);
  });
});
