import type { Key } from '../../domain/key.ts';
import type { Resource } from '../../domain/resource.ts';

/**
 * Groups keys so that one statement can name each group: keys of one partition that differ in the last key column alone,
 * at most `most` of them. Where the key has more columns behind the partition's, each key is alone.
 */
export function groupKeys(
  keys: readonly Key[],
  how: {
    readonly resource: Resource;
    readonly partitionOf: (entry: { readonly key: Key }) => string;
    readonly most: number;
  },
): readonly (readonly Key[])[] {
  const { resource, partitionOf, most } = how;
  if (resource.keyLength - resource.parentLength !== 1) return keys.map((key) => [key]);
  const groups: Key[][] = [];
  const open = new Map<string, Key[]>();
  for (const key of keys) {
    const partition = partitionOf({ key });
    const current = open.get(partition);
    if (current !== undefined && current.length < most) {
      current.push(key);
      continue;
    }
    const group = [key];
    groups.push(group);
    open.set(partition, group);
  }
  return groups;
}
