import type { Row } from '../../src/domain/resource.ts';
import { type BatchService, createBatchService } from '../../src/records/batch-service.ts';
import { createPageTokens } from '../../src/records/page-token.ts';
import { createRecordService, type RecordService } from '../../src/records/record-service.ts';
import type { Call } from '../../src/stores/call.ts';
import type { Records, Written } from '../../src/stores/record-store.ts';
import { resource } from './world.ts';

/** The same in every instance, or a token would be good in one alone. */
const SECRET = Buffer.alloc(32, 'simulation');
const written = new WeakMap<Call, readonly Written[]>();

/** The use cases of an instance, over its records. */
export function createSimService(records: Records): {
  readonly service: RecordService;
  readonly batches: BatchService;
} {
  const noted: Records = {
    ...records,
    write: async (change, call) => {
      const answer = await records.write(change, call);
      written.set(call, [answer]);
      return answer;
    },
    writeMany: async (changes, call) => {
      const answers = await records.writeMany(changes, call);
      written.set(call, answers);
      return answers;
    },
  };
  const pageTokens = createPageTokens({ resource, secret: SECRET });
  return {
    service: createRecordService({ records: noted, pageTokens, etagOf }),
    batches: createBatchService({ records: noted, etagOf }),
  };
}

/**
 * What the last write of a request came to, of a batch each of its records in order. The service tells its caller less: not what was
 * there when it refused, nor that the follower is detached.
 */
export function writtenUnder(call: Call): readonly [Written, ...Written[]] {
  const answer = written.get(call);
  if (answer === undefined) throw new Error('nothing was written under this call');
  return answer as [Written, ...Written[]];
}

/** Of the content alone. */
export function etagOf(row: Row): string {
  return `"${row.slice(resource.keyLength).join('/')}"`;
}
