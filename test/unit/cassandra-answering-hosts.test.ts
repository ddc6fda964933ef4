import { describe, expect, it } from 'vitest';
import { AnsweringHosts, answeringFirst } from '../../src/stores/cassandra/answering-hosts.ts';
import { SILENT_AFTER_MS } from '../../src/stores/cassandra/limits.ts';

type State = Parameters<AnsweringHosts['look']>[0];

function world() {
  let nowMs = 1_000;
  const inFlight = new Map<string, number>();
  const hosts = new AnsweringHosts({ monotonicMs: () => nowMs });
  const state = {
    getConnectedHosts: () => [...inFlight.keys()].map((address) => ({ address })),
    getInFlightQueries: ({ address }: { address: string }) => inFlight.get(address) ?? 0,
  } as unknown as State;
  return {
    hosts,
    inFlight,
    pass(ms: number): void {
      nowMs += ms;
      hosts.look(state);
    },
  };
}

describe('a node of Cassandra', () => {
  it('is silent once nothing was answered for a while, and no more when it answers', () => {
    const { hosts, inFlight, pass } = world();
    inFlight.set('one:9042', 3);
    pass(0);
    pass(SILENT_AFTER_MS);
    expect(hosts.isSilent('one:9042')).toBe(false);
    pass(1);
    expect(hosts.isSilent('one:9042')).toBe(true);
    hosts.noteAnswer('one:9042');
    expect(hosts.isSilent('one:9042')).toBe(false);
  });

  it('is not silent while nothing is asked of it, nor when what it owed has come', () => {
    const { hosts, inFlight, pass } = world();
    pass(10 * SILENT_AFTER_MS);
    expect(hosts.isSilent('one:9042')).toBe(false);
    inFlight.set('one:9042', 1);
    pass(0);
    pass(2 * SILENT_AFTER_MS);
    expect(hosts.isSilent('one:9042')).toBe(true);
    inFlight.set('one:9042', 0);
    pass(0);
    expect(hosts.isSilent('one:9042')).toBe(false);
  });

  it('that is silent is asked last', () => {
    const plan = ['one', 'two', 'three'][Symbol.iterator]();
    expect([...answeringFirst(plan, (node) => node === 'one')]).toEqual(['two', 'three', 'one']);
  });
});
