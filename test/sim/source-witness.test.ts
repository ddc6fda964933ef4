import { beforeEach, describe, expect, it } from 'vitest';
import { noLog } from '../../src/domain/log.ts';
import { SourceWitness } from '../../src/migration/source-witness.ts';
import { type ControlRecord, firstControlRecord, type Heartbeat } from '../../src/stores/control-store.ts';
import type { SourceState } from '../../src/stores/source-state.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const clockOf = () => new VirtualClock();

/** A source whose position is a number, and one resource that follows, or is followed by, it. */
function world(authority: ControlRecord['authority'] = 'target') {
  const clock = clockOf();
  const rows: Heartbeat[] = [];
  const lost: number[] = [];
  let isKnown = true;
  let record: ControlRecord = { ...firstControlRecord('notes'), authority, state: 'in_sync', attach: 3 };
  let now: SourceState | Error = { server: 'one', position: '100' };
  const stop = new AbortController();
  const start = () => {
    const witness = new SourceWitness({
      states: {
        read: async () => {
          if (now instanceof Error) throw now;
          return now;
        },
        covers: (later, earlier) => Number(later.position) >= Number(earlier.position),
      },
      kept: { heartbeats: async () => rows },
      lease: { latest: () => (isKnown ? record : undefined) },
      resources: ['notes'],
      onLost: ({ attach }) => lost.push(attach),
      clock,
      log: noLog,
    });
    const running = witness.run(stop.signal);
    return { witness, running };
  };
  return {
    clock,
    rows,
    lost,
    start,
    record: () => record,
    becomes: (state: SourceState | Error) => {
      now = state;
    },
    knows: (it: boolean) => {
      isKnown = it;
    },
    attachAnew: () => {
      record = { ...record, attach: record.attach + 1 };
    },
    end: (running: Promise<void>) => {
      stop.abort();
      return clock.until(running);
    },
  };
}

describe('whether the source still has what it had', () => {
  let there: ReturnType<typeof world>;
  beforeEach(() => {
    there = world();
  });

  it('is doubted until it was asked, and again when a connection broke', async () => {
    const { witness, running } = there.start();
    expect(witness.isDoubtful(there.record())).toBe(true);
    await there.clock.pass(1_000);
    expect(witness.isDoubtful(there.record())).toBe(false);
    there.becomes(new Error('it is away'));
    witness.doubt();
    await there.clock.pass(5_000);
    expect(witness.isDoubtful(there.record())).toBe(true);
    there.becomes({ server: 'one', position: '101' });
    await there.clock.pass(200);
    expect(witness.isDoubtful(there.record())).toBe(false);
    expect(there.lost).toEqual([]);
    await there.end(running);
  });

  it('is doubted as long as no control record is known that it could be compared under', async () => {
    there.knows(false);
    const seen = { server: 'one', position: '150', attaches: { notes: 3 } };
    there.rows.push({
      incarnation: 'a',
      instance: 'gone',
      beat: 1n,
      seen: {},
      dead: true,
      sourceSeen: JSON.stringify(seen),
    });
    const { witness, running } = there.start();
    await there.clock.pass(2_000);
    expect(witness.isDoubtful(there.record())).toBe(true);
    there.knows(true);
    await there.clock.pass(200);
    expect(there.lost).toEqual([3]);
    expect(witness.isDoubtful(there.record())).toBe(true);
    await there.end(running);
  });

  it.each<[string, SourceState]>([
    ['restored from a backup', { server: 'one', position: '40' }],
    ['another server, though it seems to have everything', { server: 'two', position: '200' }],
  ])('it is lost when it is %s, once for each attach, and until it is attached anew', async (_, state) => {
    const { witness, running } = there.start();
    await there.clock.pass(1_000);
    there.becomes(state);
    await there.clock.pass(3_000);
    expect(there.lost).toEqual([3]);
    expect(witness.isDoubtful(there.record())).toBe(true);
    expect(JSON.parse(witness.text ?? '')).toMatchObject({ position: '100', attaches: { notes: 3 } });
    there.attachAnew();
    await there.clock.pass(1_000);
    expect(witness.isDoubtful(there.record())).toBe(false);
    expect(there.lost).toEqual([3]);
    expect(JSON.parse(witness.text ?? '')).toMatchObject({ ...state, attaches: { notes: 4 } });
    await there.end(running);
  });

  it('another server is as good while the source is the authority, if it has everything', async () => {
    there = world('source');
    const { running } = there.start();
    await there.clock.pass(1_000);
    there.becomes({ server: 'two', position: '100' });
    await there.clock.pass(1_000);
    expect(there.lost).toEqual([]);
    there.becomes({ server: 'two', position: '99' });
    await there.clock.pass(1_000);
    expect(there.lost).toEqual([3]);
    await there.end(running);
  });

  it('is known from what instances before this one have kept in the target', async () => {
    const seen = { server: 'one', position: '150', attaches: { notes: 3 } };
    const row = { instance: 'gone', beat: 1n, seen: {}, dead: true };
    there.rows.push({ ...row, incarnation: 'a', sourceSeen: JSON.stringify(seen) }, { ...row, incarnation: 'b' });
    const { witness, running } = there.start();
    await there.clock.pass(1_000);
    expect(there.lost).toEqual([3]);
    there.attachAnew();
    await there.clock.pass(1_000);
    expect(witness.isDoubtful(there.record())).toBe(false);
    await there.end(running);
  });
});
