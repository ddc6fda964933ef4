/** The contract of the write-ahead log: what src/stores/write-ahead-log.ts and docs/protocol.md, section 5, promise. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/domain/clock.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import type { OpenEntry, WriteAheadLog } from '../../src/stores/write-ahead-log.ts';
import { testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';

/** How the contract gets at an engine. */
export interface WriteAheadLogHarness {
  /** The log of one instance, with its clock, and a TTL of 10 days. */
  open(clock: Clock): WriteAheadLog;
  /** The log of another instance that sees the same entries. Absent where one object serves all. */
  openOther?(clock: Clock): WriteAheadLog;
  close(): Promise<void>;
}

const DAY_MINUTES = 1_440;
const MINUTE_MICROS = 60_000_000n;

const codec = createKeyCodec(notesResource);

function note(id: string): Key {
  return codec.fromValues(['ann', id]);
}

/** A clock whose wall can be moved by minutes. */
function movableClock(): Clock & { move(minutes: number): void; minute(): number } {
  let ahead = 0;
  const wallMicros = (): bigint => systemClock.wallMicros() + BigInt(ahead) * MINUTE_MICROS;
  return {
    ...systemClock,
    wallMicros,
    move: (minutes) => {
      ahead += minutes;
    },
    minute: () => Number(wallMicros() / MINUTE_MICROS),
  };
}

/** Runs the contract against an engine. */
export function describeWriteAheadLog(name: string, createHarness: () => Promise<WriteAheadLogHarness>): void {
  describe(name, () => {
    let harness: WriteAheadLogHarness;
    beforeAll(async () => {
      harness = await createHarness();
    });
    afterAll(() => harness?.close());

    const open = () => {
      const clock = movableClock();
      const log = harness.open(clock);
      return { clock, log, other: harness.openOther?.(clock) ?? log, incarnation: randomUUID().replaceAll('-', '') };
    };
    const request = (incarnation: string, ...keys: Key[]) => ({ incarnation, resource: 'notes', keys });

    async function readAll(log: WriteAheadLog, incarnation: string, closedUpTo: number, limit = 100) {
      const entries: OpenEntry[] = [];
      let after: string | null = null;
      let tooOld = false;
      do {
        const page = await log.openEntries(
          { incarnation, closedUpTo, after: after && String(after), limit },
          testCall(),
        );
        expect(page.entries.length).toBeLessThanOrEqual(limit);
        entries.push(...page.entries);
        tooOld ||= page.tooOld;
        after = page.next;
      } while (after !== null);
      return { entries, tooOld };
    }

    it('shows an entry, with all its keys, from its append to its close', async () => {
      const { clock, log, other, incarnation } = open();
      const closedUpTo = log.closedUpTo(incarnation);
      expect(await readAll(other, incarnation, closedUpTo)).toEqual({ entries: [], tooOld: false });
      const keys = [note('a'), note('b'), note('')];
      const entry = await log.append(request(incarnation, ...keys), testCall());
      expect(entry).toMatchObject({
        incarnation,
        minute: expect.any(Number),
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
      });
      expect([clock.minute(), clock.minute() - 1]).toContain(entry.minute);
      const { entries } = await readAll(other, incarnation, closedUpTo);
      expect(entries).toEqual([{ ...entry, resource: 'notes', keys: keys.map((key) => key.bytes), tooOld: false }]);
      expect(codec.fromBytes(entries[0]?.keys[1] ?? Buffer.of()).values).toEqual(['ann', 'b']);
      await log.close(entry, testCall());
      await log.close(entry, testCall());
      expect((await readAll(other, incarnation, closedUpTo)).entries).toEqual([]);
    });

    it('keeps the entries of incarnations apart, and lets another instance close them', async () => {
      const { log, other, incarnation } = open();
      const another = randomUUID().replaceAll('-', '');
      const closedUpTo = log.closedUpTo(incarnation);
      const mine = await log.append(request(incarnation, note('a')), testCall());
      await log.append(request(another, note('b')), testCall());
      expect((await readAll(other, incarnation, closedUpTo)).entries.map(({ id }) => id)).toEqual([mine.id]);
      await other.close(mine, testCall());
      expect((await readAll(log, incarnation, closedUpTo)).entries).toEqual([]);
      expect((await readAll(log, another, closedUpTo)).entries).toHaveLength(1);
    });

    it('takes many appends and closes at once, each an entry of its own, and pages through what is open', async () => {
      const { log, other, incarnation } = open();
      const closedUpTo = log.closedUpTo(incarnation);
      const appended = await Promise.all(
        Array.from({ length: 330 }, (_, i) => log.append(request(incarnation, note(`${i}`)), testCall())),
      );
      expect(new Set(appended.map(({ id }) => id)).size).toBe(330);
      const [closed, left] = [appended.slice(0, 130), appended.slice(130)];
      await Promise.all(closed.map((entry) => log.close(entry, testCall())));
      const ids = left.map(({ id }) => id).toSorted();
      for (const limit of [7, 100, 1_000]) {
        const { entries } = await readAll(other, incarnation, closedUpTo, limit);
        expect(entries.map(({ id }) => id).toSorted()).toEqual(ids);
      }
    });

    it('finds what is open over hours, in the order of minutes', async () => {
      const { clock, log, other, incarnation } = open();
      const closedUpTo = log.closedUpTo(incarnation);
      const appended: string[] = [];
      for (const minutes of [0, 1, 70, 600]) {
        clock.move(minutes);
        appended.push((await log.append(request(incarnation, note(`${minutes}`)), testCall())).id);
      }
      for (const limit of [1, 3, 50]) {
        const { entries } = await readAll(other, incarnation, closedUpTo, limit);
        expect(entries.map(({ id }) => id)).toEqual(appended);
      }
    });

    it('does not call a minute closed in which something was left open, until that is carried', async () => {
      const { clock, log, other, incarnation } = open();
      const one = await log.append(request(incarnation, note('a')), testCall());
      const two = await log.append(request(incarnation, note('b')), testCall());
      for (const entry of [one, two]) log.leave(entry);
      clock.move(5);
      expect(log.closedUpTo(incarnation)).toBe(one.minute - 1);
      expect((await readAll(other, incarnation, one.minute - 1)).entries).toHaveLength(2);
      log.carried([{ incarnation, minute: one.minute, count: 1 }]);
      expect(log.closedUpTo(incarnation)).toBe(two.minute - 1);
      log.carried([{ incarnation, minute: two.minute, count: 1 }]);
      expect(log.closedUpTo(incarnation)).toBeGreaterThan(two.minute);
    });

    it('says up to which minute all is closed, which never falls, and appends behind it only', async () => {
      const { clock, log, incarnation } = open();
      const begin = clock.minute();
      expect(log.closedUpTo(incarnation)).toBeGreaterThanOrEqual(begin - 1);
      const first = await log.append(request(incarnation, note('a')), testCall());
      clock.move(3);
      const second = await log.append(request(incarnation, note('b')), testCall());
      expect(log.closedUpTo(incarnation)).toBe(first.minute - 1);
      await log.close(second, testCall());
      expect(log.closedUpTo(incarnation)).toBe(first.minute - 1);
      await log.close(first, testCall());
      const closed = log.closedUpTo(incarnation);
      expect(closed).toBeGreaterThanOrEqual(second.minute - 1);
      clock.move(-10);
      expect(log.closedUpTo(incarnation)).toBe(closed);
      const late = await log.append(request(incarnation, note('c')), testCall());
      expect(late.minute).toBe(closed + 1);
      expect((await readAll(log, incarnation, closed)).entries).toMatchObject([{ id: late.id }]);
    });

    it('finds the entries of an instance whose clock is somewhat ahead', async () => {
      const { clock, log, incarnation } = open();
      const reader = harness.openOther?.(systemClock) ?? log;
      const closedUpTo = log.closedUpTo(incarnation);
      clock.move(1);
      const entry = await log.append(request(incarnation, note('a')), testCall());
      expect((await readAll(reader, incarnation, closedUpTo)).entries).toMatchObject([{ id: entry.id }]);
    });

    // Cassandra reads each of 7,200 minutes several times over.
    it('calls an open entry too old after half its time, and a log that was not closed for so long', {
      timeout: 120_000,
    }, async () => {
      const { clock, log, incarnation } = open();
      expect(log.ttlSeconds).toBe(10 * 86_400);
      const closedUpTo = log.closedUpTo(incarnation);
      const entry = await log.append(request(incarnation, note('a')), testCall());
      clock.move(5 * DAY_MINUTES - 2);
      expect(await readAll(log, incarnation, closedUpTo)).toMatchObject({
        entries: [{ tooOld: false }],
        tooOld: false,
      });
      clock.move(4);
      expect(await readAll(log, incarnation, closedUpTo)).toMatchObject({
        entries: [{ id: entry.id, tooOld: true }],
        tooOld: true,
      });
      await log.close(entry, testCall());
      expect(await readAll(log, incarnation, closedUpTo)).toEqual({ entries: [], tooOld: true });
      expect((await readAll(log, incarnation, log.closedUpTo(incarnation))).tooOld).toBe(false);
    });

    it('refuses calls past their deadline, and whose caller has gone', async () => {
      const { log, incarnation } = open();
      const late = testCall({ deadlineMs: performance.now() - 1 });
      const gone = testCall({ signal: AbortSignal.abort() });
      await expect(log.append(request(incarnation, note('a')), late)).rejects.toMatchObject({
        kind: 'deadline_exceeded',
      });
      await expect(log.append(request(incarnation, note('a')), gone)).rejects.toMatchObject({ kind: 'cancelled' });
    });
  });
}
