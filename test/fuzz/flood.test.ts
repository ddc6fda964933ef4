import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type Bed, makeBed } from './bed.ts';
import { probe } from './probe.ts';

/** Small, so that a flood of some hundred megabytes is more than it has. */
const HEAP_MIB = 256;
/** Connections of the flood, messages begun on each, and how much of each comes: 1.6 GiB in all. */
const FLOOD = { connections: 8, messages: 200, bytes: 1024 * 1024 };
const FLOOD_MS = 6_000;
/** It goes on until the instance has shed: on a busy machine it takes a while to send so much. */
const LONGEST_MS = 60_000;
const PROBE_PAUSE_MS = 100;
/** Beside V8's heap: its young generation, code, and what the allocator keeps. */
const BESIDES_MIB = 450;
const TIMEOUT_MS = 120_000;

let bed: Bed;

beforeAll(async () => {
  bed = await makeBed({ mysql: inject('mysql'), heapMib: HEAP_MIB, say: () => {} });
}, TIMEOUT_MS);

afterAll(() => bed.close());

/** Begins messages, and sends all of each but its end. What is refused is begun again. */
function flood(port: number, until: AbortSignal): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  const part = Buffer.alloc(FLOOD.bytes);
  part.writeUInt32BE(3 * FLOOD.bytes, 1);
  const begin = (): void => {
    if (until.aborted || session.destroyed) return;
    const headers = { ':method': 'POST', ':path': '/hospital.v1.Medications/GetMedication' };
    const stream = session.request({ ...headers, 'content-type': 'application/grpc', te: 'trailers' });
    stream.on('error', () => {});
    stream.on('response', () => stream.close(constants.NGHTTP2_CANCEL));
    stream.on('close', () => setTimeout(begin, 50));
    stream.write(part);
  };
  for (let left = FLOOD.messages; left > 0; left--) begin();
  return session;
}

it(
  'a flood of messages that never end neither grows an instance nor keeps good callers out',
  async () => {
    const { program, wires } = bed;
    const over = new AbortController();
    const sessions = Array.from({ length: FLOOD.connections }, () => flood(program.grpcPort, over.signal));
    const residentMib: number[] = [];
    const failures: string[] = [];
    let rounds = 0;
    const startedMs = performance.now();
    let hasShed = false;
    const goesOn = (ms: number): boolean => ms < FLOOD_MS || (!hasShed && ms < LONGEST_MS);
    for (; goesOn(performance.now() - startedMs); rounds++) {
      const wrong = await probe(wires, rounds);
      if (wrong !== undefined) failures.push(wrong);
      residentMib.push(await program.residentMib());
      hasShed = (await program.log()).includes('memory is short');
      await sleep(PROBE_PAUSE_MS);
    }
    over.abort();
    for (const session of sessions) session.destroy();
    console.log(
      `${rounds} rounds of good requests, ${failures.length} failed; ${Math.max(...residentMib).toFixed(0)} MiB at most`,
    );
    expect(program.ended()).toBeUndefined();
    expect(failures).toEqual([]);
    expect(rounds).toBeGreaterThan(3);
    expect(Math.max(...residentMib)).toBeLessThan(HEAP_MIB + BESIDES_MIB);
    expect(hasShed).toBe(true);
    await expect.poll(() => probe(wires, rounds)).toBeUndefined();
  },
  TIMEOUT_MS,
);
