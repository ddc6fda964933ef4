import type { DescMethod } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { createMemoryWatch } from '../../src/rpc/memory-watch.ts';
import { allCallers, detailTypes, methodsOf } from '../support/rpc-clients.ts';
import { loadMedications, memoryRecords, startServers } from '../support/rpc-fixture.ts';
import { keepLog } from '../support/secure-rpc.ts';

const NAME = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1';
const [NOT_FOUND, RESOURCE_EXHAUSTED] = [5, 8];
/** So many go on while memory is short. */
const ADMITTED = 16;

describe('memory', () => {
  it('is short above its share, until it is well below, and the log says so each time', async () => {
    const log = keepLog();
    let share = 0.5;
    const watch = createMemoryWatch({ maxShare: 0.8, log, shareInUse: () => share, lookMs: 2 });
    const becomes = async (next: number, isShort: boolean) => {
      share = next;
      await expect.poll(() => watch.isShort).toBe(isShort);
    };
    await becomes(0.81, true);
    share = 0.78;
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(watch.isShort).toBe(true);
    await becomes(0.74, false);
    watch.close();
    expect(log.lines.map((line) => line.share)).toEqual([0.81, 0.74]);
  });

  it('is measured as V8 knows it, and never short with a share of 1', async () => {
    const log = keepLog();
    const always = createMemoryWatch({ maxShare: 0.000_001, log, lookMs: 2 });
    await expect.poll(() => always.isShort).toBe(true);
    always.close();
    const never = createMemoryWatch({ maxShare: 1, log, shareInUse: () => 2, lookMs: 2 });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(never.isShort).toBe(false);
  });

  it('that is short lets a few requests go on, and refuses the others with a pause', async () => {
    const medications = await loadMedications();
    const method = methodsOf(medications.registry, 'hospital.v1.Medications').GetMedication as DescMethod;
    const records = memoryRecords(medications.resource);
    const release = Promise.withResolvers<void>();
    let reading = 0;
    const servers = await startServers({
      medications,
      memory: { isShort: true },
      records: {
        ...records,
        getMany: async (keys, call) => {
          reading++;
          await release.promise;
          return records.getMany(keys, call);
        },
      },
    });
    const callers = allCallers(servers);
    try {
      const [first] = callers;
      const admitted = Array.from({ length: ADMITTED }, () => first?.call(method, { name: NAME }));
      await expect.poll(() => reading).toBe(ADMITTED);
      for (const caller of callers) {
        const refused = await caller.call(method, { name: NAME });
        expect(refused).toMatchObject({ code: RESOURCE_EXHAUSTED, reason: 'TOO_MANY_REQUESTS' });
        expect(refused.details).toContain(detailTypes.retryInfo);
      }
      release.resolve();
      for (const outcome of await Promise.all(admitted)) expect(outcome?.code).toBe(NOT_FOUND);
    } finally {
      for (const caller of callers) caller.close();
      await servers.stop();
    }
  });
});
