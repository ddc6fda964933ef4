import type { Call } from '../../src/stores/call.ts';
import { noTrace } from '../../src/telemetry/trace-scope.ts';

/** Long enough for a loaded machine. */
const PATIENCE_MS = 20_000;

/** A call that nobody traces, with 20 seconds to go unless told otherwise. */
export function testCall(change: Partial<Call> = {}): Call {
  return {
    deadlineMs: performance.now() + PATIENCE_MS,
    atLeast: 0n,
    consistency: 'latency',
    caller: 'test',
    user: '',
    trace: noTrace,
    ...change,
  };
}

/** Everything that an iteration hands out. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
