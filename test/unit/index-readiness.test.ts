import { describe, expect, it } from 'vitest';
import { IndexReadiness } from '../../src/migration/index-readiness.ts';
import type { Checkpoint } from '../../src/stores/change-log.ts';
import type { ControlRecord } from '../../src/stores/control-store.ts';
import { peopleResource } from '../support/resources.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const record = { attach: 3, authority: 'source', state: 'in_sync' } as ControlRecord;
const checkpoint = { attach: 3, definitionHash: 'with the index' } as Checkpoint;

function open(found: Checkpoint | null, hash: string) {
  const clock = new VirtualClock();
  let looks = 0;
  const changeLog = {
    readCheckpoint: async () => {
      looks += 1;
      return found;
    },
    definitionHash: async () => hash,
  };
  const readiness = new IndexReadiness({ resource: peopleResource, changeLog, clock });
  const isReady = async (of: ControlRecord): Promise<boolean> => {
    const before = readiness.isReady(of);
    await clock.pass(2_000);
    return before || readiness.isReady(of);
  };
  return { isReady, looks: () => looks };
}

describe('the target’s indexes', () => {
  it('are ready where the follower was attached under this definition, which is asked once', async () => {
    const { isReady, looks } = open(checkpoint, 'with the index');
    for (let i = 0; i < 3; i++) expect(await isReady(record)).toBe(true);
    expect(looks()).toBe(1);
  });

  it('are not where it was attached under another one, or its checkpoint is of another attach', async () => {
    expect(await open(checkpoint, 'without it').isReady(record)).toBe(false);
    expect(await open({ ...checkpoint, attach: 2 }, 'with the index').isReady(record)).toBe(false);
    expect(await open(null, 'with the index').isReady(record)).toBe(false);
  });

  it('are ready while the target is the authority', async () => {
    expect(await open(null, '').isReady({ ...record, authority: 'target' })).toBe(true);
  });
});
