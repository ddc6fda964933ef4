import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { DomainError, isDomainError } from '../../src/domain/errors.ts';
import { createKeyCodec } from '../../src/domain/key.ts';
import { createBatchedCopies } from '../../src/stores/batched-copies.ts';
import type { Call } from '../../src/stores/call.ts';
import type { Copy, FollowerGuard } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';

const keys = createKeyCodec(notesResource);

interface Sent {
  readonly notes: readonly unknown[];
  readonly guard: FollowerGuard | undefined;
  answer(): void;
  fail(error: unknown): void;
}

/** A follower whose calls wait to be answered. */
function pausedFollower() {
  const sent: Sent[] = [];
  return {
    sent,
    apply: (copies: readonly Copy[], _: Call, guard?: FollowerGuard) =>
      new Promise<void>((answer, fail) => {
        sent.push({ notes: copies.map(({ key }) => key.values[1]), guard, answer, fail });
      }),
  };
}

function copyOf(note: string, version = 1n): Copy {
  return { key: keys.fromValues(['ann', note]), row: null, version };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function outcomeOf(promise: Promise<void>): Promise<string> {
  return promise.then(
    () => 'applied',
    (error: unknown) => (isDomainError(error) ? error.reason : String(error)),
  );
}

const refusal = new DomainError({ kind: 'failed_precondition', reason: 'CONSTRAINT_VIOLATED', message: 'never' });
const away = new DomainError({ kind: 'unavailable', reason: 'FOLLOWER_UNAVAILABLE', message: 'down' });

describe('copies of writes that are under way together', () => {
  it('share one call, each with its own version, and are acknowledged when it is', async () => {
    const follower = pausedFollower();
    const copies = createBatchedCopies(follower, { clock: systemClock });
    const outcomes = [copyOf('a', 1n), copyOf('a', 2n), copyOf('b')].map((copy) =>
      outcomeOf(copies.apply([copy], testCall())),
    );
    await turn();
    expect(follower.sent.map(({ notes }) => notes)).toEqual([['a', 'a', 'b']]);
    follower.sent[0]?.answer();
    expect(await Promise.all(outcomes)).toEqual(['applied', 'applied', 'applied']);
  });

  it('never join a call that was sent, and gather while as many as may be are under way', async () => {
    const follower = pausedFollower();
    const copies = createBatchedCopies(follower, { clock: systemClock, maxStatements: 1 });
    const first = outcomeOf(copies.apply([copyOf('a')], testCall()));
    await turn();
    const later = [
      outcomeOf(copies.apply([copyOf('b')], testCall())),
      outcomeOf(copies.apply([copyOf('c')], testCall())),
    ];
    await turn();
    expect(follower.sent.map(({ notes }) => notes)).toEqual([['a']]);
    follower.sent[0]?.answer();
    expect(await first).toBe('applied');
    await turn();
    expect(follower.sent[1]?.notes).toEqual(['b', 'c']);
    follower.sent[1]?.answer();
    expect(await Promise.all(later)).toEqual(['applied', 'applied']);
  });

  it('fail together when the follower is away', async () => {
    const follower = pausedFollower();
    const copies = createBatchedCopies(follower, { clock: systemClock });
    const outcomes = ['a', 'b'].map((note) => outcomeOf(copies.apply([copyOf(note)], testCall())));
    await turn();
    follower.sent[0]?.fail(away);
    expect(await Promise.all(outcomes)).toEqual(['FOLLOWER_UNAVAILABLE', 'FOLLOWER_UNAVAILABLE']);
  });

  it('are sent again one by one when the follower refuses one of them for ever', async () => {
    const follower = pausedFollower();
    const copies = createBatchedCopies(follower, { clock: systemClock });
    const outcomes = ['good', 'bad'].map((note) => outcomeOf(copies.apply([copyOf(note)], testCall())));
    await turn();
    follower.sent[0]?.fail(refusal);
    await turn();
    expect(follower.sent.slice(1).map(({ notes }) => notes)).toEqual([['good'], ['bad']]);
    follower.sent[1]?.answer();
    follower.sent[2]?.fail(refusal);
    expect(await Promise.all(outcomes)).toEqual(['applied', 'CONSTRAINT_VIOLATED']);
  });

  it('go apart when they are meant for different attaches, each with its guard', async () => {
    const follower = pausedFollower();
    const copies = createBatchedCopies(follower, { clock: systemClock });
    const [older, newer] = [
      { epoch: 1, attach: 1 },
      { epoch: 1, attach: 2 },
    ];
    const guards = [older, newer, undefined, { ...older }, newer];
    const outcomes = guards.map((guard, i) => outcomeOf(copies.apply([copyOf(String(i))], testCall(), guard)));
    await turn();
    expect(follower.sent.map(({ notes, guard }) => ({ notes, guard }))).toEqual([
      { notes: ['0', '3'], guard: older },
      { notes: ['1', '4'], guard: newer },
      { notes: ['2'], guard: undefined },
    ]);
    follower.sent[0]?.fail(away);
    follower.sent[1]?.answer();
    follower.sent[2]?.answer();
    const failed = 'FOLLOWER_UNAVAILABLE';
    expect(await Promise.all(outcomes)).toEqual([failed, 'applied', 'applied', failed, 'applied']);
  });

  it('keep their own deadlines', async () => {
    const follower = pausedFollower();
    const copies = createBatchedCopies(follower, { clock: systemClock });
    const hasty = outcomeOf(copies.apply([copyOf('a')], testCall({ deadlineMs: performance.now() + 30 })));
    const patient = outcomeOf(copies.apply([copyOf('b')], testCall()));
    await turn();
    expect(await hasty).toBe('DEADLINE_EXCEEDED');
    follower.sent[0]?.answer();
    expect(await patient).toBe('applied');
  });
});
