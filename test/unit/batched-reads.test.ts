import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { DomainError, isDomainError } from '../../src/domain/errors.ts';
import { createKeyCodec, type Key } from '../../src/domain/key.ts';
import { createBatchedReads } from '../../src/stores/batched-reads.ts';
import type { Call } from '../../src/stores/call.ts';
import type { Stored } from '../../src/stores/record-store.ts';
import { noTrace, type TraceScope } from '../../src/telemetry/trace-scope.ts';
import { testCall } from '../support/calls.ts';
import { notesResource } from '../support/resources.ts';

const keys = createKeyCodec(notesResource);

interface Statement {
  readonly keys: readonly Key[];
  readonly call: Call;
  answer(): void;
  fail(error: unknown): void;
}

/** A store whose statements wait to be answered. */
function pausedStore(maxKeys = 100) {
  const statements: Statement[] = [];
  return {
    statements,
    /** Asserts that the nth statement was sent, with these keys. */
    notes: () => statements.map((statement) => statement.keys.map((key) => key.values[1])),
    maxKeys,
    getMany: (asked: readonly Key[], call: Call) =>
      new Promise<readonly Stored[]>((resolve, reject) => {
        const answer = () => resolve(asked.map((key) => ({ key, row: [...key.values], version: 1n })));
        statements.push({ keys: asked, call, answer, fail: reject });
      }),
    list: async () => [],
    lookup: async () => [],
  };
}

function key(note: string): Key {
  return keys.fromValues(['ann', note]);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function statement(store: ReturnType<typeof pausedStore>, index: number): Statement {
  return store.statements[index] as Statement;
}

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  return isDomainError(error) ? error.reason : String(error);
}

describe('reads that arrive together', () => {
  it('share one statement, each key once, and get their own records in their own order', async () => {
    const store = pausedStore();
    const reads = createBatchedReads(store, { clock: systemClock });
    const answers = [
      reads.getMany([key('b'), key('a')], testCall()),
      reads.getMany([key('a')], testCall()),
      reads.getMany([key('c'), key('b'), key('c')], testCall()),
      reads.getMany([], testCall()),
    ];
    await turn();
    expect(store.notes()).toEqual([['b', 'a', 'c']]);
    statement(store, 0).answer();
    const notes = (await Promise.all(answers)).map((records) => records.map((record) => record.key.values[1]));
    expect(notes).toEqual([['b', 'a'], ['a'], ['c', 'b', 'c'], []]);
  });

  it('never join a statement that was sent', async () => {
    const store = pausedStore();
    const reads = createBatchedReads(store, { clock: systemClock });
    const first = reads.getMany([key('a')], testCall());
    await turn();
    const second = reads.getMany([key('a')], testCall());
    await turn();
    expect(store.notes()).toEqual([['a'], ['a']]);
    statement(store, 1).answer();
    await second;
    statement(store, 0).answer();
    await first;
  });

  it('gather while the bound of statements is under way, and go out when one returns', async () => {
    const store = pausedStore();
    const reads = createBatchedReads(store, { clock: systemClock, maxStatements: 1 });
    const first = reads.getMany([key('a')], testCall());
    await turn();
    const rest = ['b', 'c', 'd'].map((note) => reads.getMany([key(note)], testCall()));
    await turn();
    expect(store.notes()).toEqual([['a']]);
    statement(store, 0).answer();
    await first;
    await turn();
    expect(store.notes()).toEqual([['a'], ['b', 'c', 'd']]);
    statement(store, 1).answer();
    await Promise.all(rest);
  });

  it('are split where the store takes no more keys', async () => {
    const store = pausedStore(3);
    const reads = createBatchedReads(store, { clock: systemClock });
    const answers = [['a', 'b'], ['c', 'd'], ['e']].map((notes) => reads.getMany(notes.map(key), testCall()));
    await turn();
    expect(store.notes()).toEqual([
      ['a', 'b'],
      ['c', 'd', 'e'],
    ]);
    for (const each of store.statements) each.answer();
    await Promise.all(answers);
  });

  it('fail together when the statement fails, and the next ones do not', async () => {
    const store = pausedStore();
    const reads = createBatchedReads(store, { clock: systemClock, maxStatements: 1 });
    const answers = ['a', 'b'].map((note) => reasonOf(reads.getMany([key(note)], testCall())));
    await turn();
    statement(store, 0).fail(
      new DomainError({ kind: 'unavailable', reason: 'AUTHORITY_UNAVAILABLE', message: 'down' }),
    );
    expect(await Promise.all(answers)).toEqual(['AUTHORITY_UNAVAILABLE', 'AUTHORITY_UNAVAILABLE']);
    const next = reads.getMany([key('c')], testCall());
    await turn();
    statement(store, 1).answer();
    expect(await next).toHaveLength(1);
  });
});

describe('a read in a batch', () => {
  it('keeps its own deadline, while the statement has the latest of all', async () => {
    const store = pausedStore();
    const reads = createBatchedReads(store, { clock: systemClock });
    const soon = performance.now() + 30;
    const late = performance.now() + 10_000;
    const hasty = reads.getMany([key('a')], testCall({ deadlineMs: soon }));
    const patient = reads.getMany([key('b')], testCall({ deadlineMs: late }));
    await turn();
    expect(statement(store, 0).call.deadlineMs).toBe(late);
    expect(await reasonOf(hasty)).toBe('DEADLINE_EXCEEDED');
    expect(performance.now()).toBeGreaterThanOrEqual(soon);
    statement(store, 0).answer();
    expect(await patient).toHaveLength(1);
  });

  it('keeps its deadline also while it waits behind statements that hang', async () => {
    const store = pausedStore();
    const reads = createBatchedReads(store, { clock: systemClock, maxStatements: 1 });
    const hanging = reads.getMany([key('a')], testCall());
    await turn();
    const waiting = reads.getMany([key('b')], testCall({ deadlineMs: performance.now() + 30 }));
    expect(await reasonOf(waiting)).toBe('DEADLINE_EXCEEDED');
    statement(store, 0).answer();
    await hanging;
    await turn();
    expect(store.notes()).toEqual([['a']]);
  });

  it('is not sent when its deadline has passed, its caller is gone or its lease has run out', async () => {
    const store = pausedStore();
    const reads = createBatchedReads(store, { clock: systemClock });
    let valid = true;
    const answers = [
      reasonOf(reads.getMany([key('a')], testCall({ deadlineMs: performance.now() - 1 }))),
      reasonOf(reads.getMany([key('b')], testCall({ signal: AbortSignal.abort() }))),
      reasonOf(reads.getMany([key('c')], testCall(), () => valid)),
    ];
    const kept = reads.getMany([key('d')], testCall(), () => true);
    valid = false;
    expect(await Promise.all(answers)).toEqual(['DEADLINE_EXCEEDED', 'CANCELLED', 'NO_LEASE']);
    expect(store.notes()).toEqual([['d']]);
    statement(store, 0).answer();
    expect(await kept).toHaveLength(1);
  });

  it('passes its call through when it has the statement to itself', async () => {
    const store = pausedStore();
    const reads = createBatchedReads(store, { clock: systemClock });
    const call = testCall({ caller: 'ward', atLeast: 7n });
    const alone = reads.getMany([key('a')], call);
    await turn();
    expect(statement(store, 0).call).toBe(call);
    statement(store, 0).answer();
    await alone;
  });

  it('shows the shared statement in the trace of every request that records', async () => {
    const store = pausedStore();
    const reads = createBatchedReads(store, { clock: systemClock });
    const said: string[] = [];
    const scope = (name: string): TraceScope => ({
      ...noTrace,
      recording: true,
      traceId: name,
      child: (child) => {
        said.push(`${name}: ${child}`);
        return scope(`${name}/${child}`);
      },
      end: () => said.push(`${name} ended`),
    });
    const answers = [
      reads.getMany([key('a')], testCall({ trace: scope('one') })),
      reads.getMany([key('b')], testCall()),
      reads.getMany([key('c')], testCall({ trace: scope('two') })),
    ];
    await turn();
    statement(store, 0).call.trace.child('select').end();
    expect(said).toEqual(['one: select', 'two: select', 'one/select ended', 'two/select ended']);
    statement(store, 0).answer();
    await Promise.all(answers);
  });
});
