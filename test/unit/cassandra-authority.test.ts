/** The parts of Cassandra as the authority that need no server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errors, types } from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import type { DomainError } from '../../src/domain/errors.ts';
import type { CassandraClient } from '../../src/stores/cassandra/client.ts';
import { createConditionalUpdates } from '../../src/stores/cassandra/conditional-update.ts';
import { deadlineExceeded, mayHaveApplied, translateError } from '../../src/stores/cassandra/errors.ts';
import { Turns } from '../../src/stores/cassandra/turns.ts';
import { testCall } from '../support/calls.ts';

const { responseErrorCodes: codes } = types;

describe('turns', () => {
  const patient = (turn: Promise<void>): Promise<void> => turn;

  it('let work on one thing go one after the other, in order, and on two things side by side', async () => {
    const turns = new Turns();
    const log: string[] = [];
    const work = (id: string, name: string, ms: number) =>
      turns.take(id, patient, async () => {
        log.push(`${name} begins`);
        await sleep(ms);
        log.push(`${name} ends`);
        return name;
      });
    expect(await Promise.all([work('x', 'a', 20), work('x', 'b', 0), work('y', 'c', 40)])).toEqual(['a', 'b', 'c']);
    expect(log).toEqual(['a begins', 'c begins', 'a ends', 'b begins', 'b ends', 'c ends']);
  });

  it('go on after work that failed, and after one who gave up waiting, but not before it was its turn', async () => {
    const turns = new Turns();
    const log: string[] = [];
    const work = (name: string, wait = patient, ms = 0) =>
      turns.take('x', wait, async () => {
        log.push(`${name} begins`);
        await sleep(ms);
        if (name === 'fails') throw new Error(name);
        log.push(`${name} ends`);
      });
    const long = work('long', patient, 40);
    const impatient = work('impatient', () => Promise.reject(new Error('late')));
    const fails = work('fails');
    await expect(impatient).rejects.toThrow('late');
    // It comes while the first still works, and the one before it has given up.
    const last = work('last');
    await expect(fails).rejects.toThrow('fails');
    await Promise.all([long, last]);
    expect(log).toEqual(['long begins', 'long ends', 'fails begins', 'last begins', 'last ends']);
  });
});

describe('a conditional update that failed', () => {
  const response = (code: number): DomainError => translateError(new errors.ResponseError(code, 'x'), 'authority');

  it('may have been applied, after a time-out of any kind, a broken link, and errors of a later round', () => {
    for (const code of [codes.writeTimeout, codes.readTimeout, codes.writeFailure, codes.unavailableException]) {
      expect(mayHaveApplied(response(code))).toBe(true);
    }
    for (const code of [codes.serverError, codes.overloaded, codes.readFailure, 0x1700]) {
      expect(mayHaveApplied(response(code))).toBe(true);
    }
    expect(mayHaveApplied(translateError(new errors.OperationTimedOutError('x'), 'authority'))).toBe(true);
    const broken = Object.assign(new Error('x'), { isSocketError: true });
    expect(mayHaveApplied(translateError(broken, 'authority'))).toBe(true);
    expect(mayHaveApplied(deadlineExceeded())).toBe(true);
  });

  it('was not, if no node has begun it', () => {
    for (const code of [codes.invalid, codes.syntaxError, codes.unauthorized, codes.isBootstrapping]) {
      expect(mayHaveApplied(response(code))).toBe(false);
    }
    expect(mayHaveApplied(translateError(new errors.NoHostAvailableError({}, 'x'), 'authority'))).toBe(false);
  });

  const updatesOver = (compareAndSet: () => Promise<boolean>) => {
    const within = (_role: unknown, call: { deadlineMs: number }, work: () => Promise<unknown>) =>
      call.deadlineMs <= performance.now() ? Promise.reject(deadlineExceeded()) : work();
    const client = { within, compareAndSet } as unknown as CassandraClient;
    return createConditionalUpdates(client, 'authority', systemClock);
  };

  it('is unknown only if it was sent', async () => {
    const statement = { query: '', params: [] };
    const lost = updatesOver(() => Promise.reject(new errors.OperationTimedOutError('x')));
    expect(await lost.update([statement], testCall())).toBe('unknown');
    const late = testCall({ deadlineMs: performance.now() - 1 });
    await expect(lost.update([statement], late)).rejects.toMatchObject({ kind: 'deadline_exceeded' });
    const refused = updatesOver(() => Promise.reject(response(codes.invalid)));
    await expect(refused.update([statement], testCall())).rejects.toMatchObject({ kind: 'failed_precondition' });
  });

  it('is looked for several times, within the deadline', async () => {
    const updates = updatesOver(async () => true);
    let reads = 0;
    const read = async (): Promise<string> => {
      if (++reads < 3) throw new Error('not yet');
      return 'found';
    };
    expect(await updates.resolve(read, testCall())).toBe('found');
    reads = Number.NEGATIVE_INFINITY;
    const began = performance.now();
    await expect(updates.resolve(read, testCall({ deadlineMs: began + 400 }))).rejects.toThrow('not yet');
    expect(performance.now() - began).toBeLessThan(400);
  });
});
