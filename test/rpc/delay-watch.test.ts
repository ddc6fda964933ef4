import type { DescMethod } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createDelayWatch } from '../../src/rpc/delay-watch.ts';
import { allCallers, detailTypes, grpcCaller, methodsOf } from '../support/rpc-clients.ts';
import { loadMedications, memoryRecords, startServers } from '../support/rpc-fixture.ts';
import { keepLog } from '../support/secure-rpc.ts';

const NAME = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1';
const [NOT_FOUND, RESOURCE_EXHAUSTED] = [5, 8];
/** So many go on while the instance is behind. */
const ADMITTED = 64;

describe('an instance', () => {
  it('is behind above its bound, until it is well below, and the log says so each time', async () => {
    const log = keepLog();
    let delayMs = 10;
    const watch = createDelayWatch({ maxMs: 500, log, meanDelayMs: () => delayMs, lookMs: 2 });
    const becomes = async (next: number, isBehind: boolean) => {
      delayMs = next;
      await expect.poll(() => watch.isBehind).toBe(isBehind);
    };
    await becomes(501, true);
    delayMs = 300;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(watch.isBehind).toBe(true);
    await becomes(200, false);
    watch.close();
    expect(log.lines.map((line) => line.delayMs)).toEqual([501, 200]);
  });

  it('is behind as Node measures it, and never with a bound of 0', async () => {
    const log = keepLog();
    const watch = createDelayWatch({ maxMs: 50, log, lookMs: 100 });
    const never = createDelayWatch({ maxMs: 0, log, meanDelayMs: () => 1e6, lookMs: 2 });
    const busy = setInterval(() => {
      for (const endMs = performance.now() + 150; performance.now() < endMs; );
    }, 1);
    await expect.poll(() => watch.isBehind).toBe(true);
    clearInterval(busy);
    await expect.poll(() => watch.isBehind).toBe(false);
    expect(never.isBehind).toBe(false);
    watch.close();
  });

  it('that is behind lets some requests go on, and refuses the others with a pause', async () => {
    const medications = await loadMedications();
    const method = methodsOf(medications.registry, 'hospital.v1.Medications').GetMedication as DescMethod;
    const records = memoryRecords(medications.resource);
    const release = Promise.withResolvers<void>();
    let reading = 0;
    const getMany: typeof records.getMany = async (keys, call) => {
      reading++;
      await release.promise;
      return records.getMany(keys, call);
    };
    const servers = await startServers({ medications, delay: { isBehind: true }, records: { ...records, getMany } });
    const first = grpcCaller(servers.grpcPort);
    const callers = allCallers(servers);
    try {
      const admitted = Array.from({ length: ADMITTED }, () => first.call(method, { name: NAME }));
      await expect.poll(() => reading).toBe(ADMITTED);
      for (const caller of callers) {
        const refused = await caller.call(method, { name: NAME });
        expect(refused).toMatchObject({ code: RESOURCE_EXHAUSTED, reason: 'TOO_MANY_REQUESTS' });
        expect(refused.details).toContain(detailTypes.retryInfo);
      }
      release.resolve();
      for (const outcome of await Promise.all(admitted)) expect(outcome.code).toBe(NOT_FOUND);
    } finally {
      for (const caller of [first, ...callers]) caller.close();
      await servers.stop();
    }
  });
});
