import type { Key } from '../domain/key.ts';
import type { Call } from '../stores/call.ts';
import type { FollowerStore, Stored } from '../stores/record-store.ts';

/** How many `getMany` of one call run at once: enough to keep a store busy, few enough to leave room for its users. */
const MAX_AT_ONCE = 4;

/** Like `getMany` for any number of keys, in slices of the store's bound. */
export async function getAll(
  store: Pick<FollowerStore, 'getMany' | 'maxKeys'>,
  keys: readonly Key[],
  call: Call,
): Promise<readonly Stored[]> {
  const slices: (readonly Key[])[] = [];
  for (let from = 0; from < keys.length; from += store.maxKeys) slices.push(keys.slice(from, from + store.maxKeys));
  const found: (readonly Stored[])[] = new Array(slices.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < slices.length; index = next++) {
      found[index] = await store.getMany(slices[index] ?? [], call);
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_AT_ONCE, slices.length) }, worker));
  return found.flat();
}
