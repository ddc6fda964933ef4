// What a foreign key's action has done to records is not in the log, only the parent's change is. The records are found
// by what the change says: under the old values in the follower, which still has them, and under the new ones in the
// authority. Asked for when everything before the change is in the follower, so a record that was there is found.

import type { Key, KeyCodec } from '../domain/key.ts';
import type { Call } from '../stores/call.ts';
import type { Cascade, ChangeLog } from '../stores/change-log.ts';
import type { FollowerStore, Stored } from '../stores/record-store.ts';

/** Records of a parent that are asked for at once. */
const PAGE = 200;

/** What finding them needs. */
export interface CascadedKeysOptions {
  readonly keys: KeyCodec;
  readonly keyLength: number;
  readonly follower: Pick<FollowerStore, 'list'>;
  readonly changeLog: Pick<ChangeLog, 'findCascaded'>;
  /** Runs one call of a store until it answers. */
  readonly ask: <Answer>(attempt: (call: Call) => Promise<Answer>) => Promise<Answer>;
}

/** The keys of all records that a cascade may have changed, page by page; some that it has not may be among them. */
export async function* cascadedKeys(
  cascade: Pick<Cascade, 'former' | 'present'>,
  options: CascadedKeysOptions,
): AsyncGenerator<readonly Key[]> {
  if (cascade.former !== null) yield* formerKeys(cascade.former, options);
  if (cascade.present !== null) yield* presentKeys(cascade.present, options);
}

async function* formerKeys(
  former: NonNullable<Cascade['former']>,
  { keys, keyLength, follower, ask }: CascadedKeysOptions,
): AsyncGenerator<readonly Key[]> {
  if (former.length === keyLength) {
    yield [keys.fromValues(former)];
    return;
  }
  for (let after: Key | null = null; ; ) {
    const from: Key | null = after;
    const page: readonly Stored[] = await ask((call) =>
      follower.list({ parent: former, after: from, limit: PAGE }, call),
    );
    if (page.length > 0) yield page.map(({ key }) => key);
    if (page.length < PAGE) return;
    after = page.at(-1)?.key ?? null;
  }
}

async function* presentKeys(
  present: NonNullable<Cascade['present']>,
  { changeLog, ask }: CascadedKeysOptions,
): AsyncGenerator<readonly Key[]> {
  for (let after: Key | null = null; ; ) {
    const from: Key | null = after;
    const page: readonly Key[] = await ask(async (call) => (await changeLog.findCascaded?.(present, from, call)) ?? []);
    if (page.length === 0) return;
    yield page;
    after = page.at(-1) ?? null;
  }
}
