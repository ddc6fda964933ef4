/** The same calls with the same answers, whichever store is the authority and whether anything follows it. */
import { afterEach, describe, expect, it } from 'vitest';
import { type DomainError, isDomainError } from '../../src/domain/errors.ts';
import type { Key } from '../../src/domain/key.ts';
import type { Row } from '../../src/domain/resource.ts';
import type { Phase } from '../../src/migration/flags.ts';
import { createPageTokens } from '../../src/records/page-token.ts';
import { createRecordService, type RecordService } from '../../src/records/record-service.ts';
import { createVirtualWorld, noteKey, resource, type VirtualWorld } from '../support/virtual-instances.ts';

let world: VirtualWorld;
let turn = 0;
afterEach(() => world.end());

const pageTokens = createPageTokens({ resource, secret: Buffer.from('a secret of the test') });
const etagOf = (row: Row): string => `"${row.slice(2).join('|')}"`;
const ALL = [2, 3, 4];
const rowOf = (key: Key, title: string, stars = 5): Row => [...key.values, title, '1.00', stars];

/** The next instance's service: every call goes to another one. */
function service(): RecordService {
  const instance = world.instances[turn++ % world.instances.length];
  if (instance === undefined) throw new Error('no instance');
  return createRecordService({ records: instance.migration.records, pageTokens, etagOf });
}

async function answer<T>(ask: (of: RecordService) => Promise<T>): Promise<T> {
  return await world.clock.until(ask(service()));
}

async function refusal(ask: (of: RecordService) => Promise<unknown>): Promise<DomainError> {
  const error: unknown = await answer((of) =>
    ask(of).then(
      () => null,
      (reason: unknown) => reason,
    ),
  );
  if (!isDomainError(error)) throw new Error('it was not refused', { cause: error });
  return error;
}

const create = (note: string, title: string) => (of: RecordService) =>
  of.create({ key: noteKey(note), row: rowOf(noteKey(note), title), columns: ALL }, world.call());
const update =
  (note: string, title: string, etag = '', columns = [2]) =>
  (of: RecordService) =>
    of.update(
      { key: noteKey(note), row: rowOf(noteKey(note), title, 1), columns, etag, ifMissing: null },
      world.call(),
    );
const get = (note: string) => (of: RecordService) => of.get(noteKey(note), world.call());
const remove =
  (note: string, more: { etag?: string; allowMissing?: boolean } = {}) =>
  (of: RecordService) =>
    of.delete({ key: noteKey(note), etag: '', allowMissing: false, ...more }, world.call());
const list =
  (pageSize: number, pageToken = '') =>
  (of: RecordService) =>
    of.list({ parent: ['owner'], pageSize, pageToken }, world.call());

async function reach(phase: Phase): Promise<void> {
  world.setAll({ phase });
  if (phase === 'source-only') return world.becomes('source', 'detached');
  if (phase === 'synchronize') return world.becomes('source', 'in_sync');
  if (phase === 'target-authority') return world.becomes('target', 'in_sync');
  await world.holdBecomes('confirmation_missing');
  await world.clock.until(world.instances[0]?.migration.confirmDecommission(world.call()) ?? Promise.reject());
  return world.becomes('target', 'detached');
}

describe.each([
  ['source-only', undefined],
  ['synchronize', undefined],
  ['synchronize', true],
  ['target-authority', undefined],
  ['target-authority', false],
  ['target-only', undefined],
] as const)('in %s, reads sent to the target: %s,', (phase, target) => {
  it('every call answers as in every other phase', async () => {
    world = await createVirtualWorld();
    await reach(phase);
    world.setAll({ target });
    // With nobody to follow, MySQL leaves versions as they are: the next attach raises the floor above all of them.
    const isLater = (a: bigint, b: bigint) => expect(phase === 'source-only' ? a >= b : a > b).toBe(true);
    const created = await answer(create('a', 'first'));
    expect(created.row).toEqual(rowOf(noteKey('a'), 'first'));
    isLater(created.version, 0n);
    expect(await answer(get('a'))).toMatchObject({ row: created.row, version: created.version });

    const exists = await refusal(create('a', 'second'));
    expect(exists).toMatchObject({ kind: 'already_exists', reason: 'RECORD_ALREADY_EXISTS' });
    expect(BigInt(exists.metadata.version ?? 0)).toBeGreaterThanOrEqual(created.version);

    const changed = await answer(update('a', 'second', etagOf(created.row)));
    expect(changed.row).toEqual(rowOf(noteKey('a'), 'second'));
    isLater(changed.version, created.version);
    const stale = await refusal(update('a', 'third', etagOf(created.row)));
    expect(stale).toMatchObject({ kind: 'aborted', reason: 'ETAG_MISMATCH' });
    expect((await answer(get('a'))).row).toEqual(changed.row);
    const same = await answer(update('a', 'second'));
    expect(same.row).toEqual(changed.row);
    expect(same.version).toBeGreaterThanOrEqual(changed.version);

    expect(await refusal(update('b', 'x'))).toMatchObject({ kind: 'not_found', reason: 'RECORD_NOT_FOUND' });
    expect(await refusal(get('b'))).toMatchObject({ kind: 'not_found', reason: 'RECORD_NOT_FOUND' });
    expect(await refusal(remove('b'))).toMatchObject({ kind: 'not_found', reason: 'RECORD_NOT_FOUND' });
    isLater(await answer(remove('b', { allowMissing: true })), 0n);

    expect(await refusal(remove('a', { etag: '"x"' }))).toMatchObject({ reason: 'ETAG_MISMATCH' });
    const gone = await answer(remove('a', { etag: etagOf(changed.row) }));
    isLater(gone, same.version);
    const absent = await refusal(get('a'));
    expect(absent.reason).toBe('RECORD_NOT_FOUND');
    expect(BigInt(absent.metadata.version ?? 0)).toBeGreaterThanOrEqual(gone);
    const again = await answer(create('a', 'again'));
    isLater(again.version, gone);

    for (const note of ['e', 'c', 'd', 'b']) await answer(create(note, note));
    const first = await answer(list(2));
    const second = await answer(list(2, first.nextPageToken));
    const third = await answer(list(2, second.nextPageToken));
    const notes = [first, second, third].map(({ records }) => records.map(({ key }) => key.values[1]));
    expect(notes).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(third.nextPageToken).toBe('');
    const versions = second.records.map(({ version }) => version);
    expect(second.version).toBe(versions.reduce((a, b) => (a > b ? a : b)));
  });
});

it('a listing begun in one phase goes on in the next ones, and versions and etags hold', async () => {
  world = await createVirtualWorld();
  const notes = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const note of notes) await answer(create(note, note));
  let before = await answer(get('b'));
  let { nextPageToken } = await answer(list(1));
  const listed: unknown[] = ['a'];
  const path = ['synchronize', 'target-authority', 'target-only', 'target-authority', 'source-only'] as const;
  for (const phase of path) {
    await reach(phase);
    const page = await answer(list(1, nextPageToken));
    listed.push(...page.records.map(({ key }) => key.values[1]));
    nextPageToken = page.nextPageToken || nextPageToken;
    // What was said before the move is honoured after it: the version is reached, the etag is the record's.
    const seen = { ...world.call(), atLeast: before.version };
    const found = await answer((of) => of.get(noteKey('b'), seen));
    expect(etagOf(found.row)).toBe(etagOf(before.row));
    expect(found.version).toBeGreaterThanOrEqual(before.version);
    before = await answer(update('b', `in ${phase}`, etagOf(found.row)));
    expect(before.version).toBeGreaterThanOrEqual(found.version);
  }
  expect(listed).toEqual(notes);
});
