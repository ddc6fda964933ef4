import { bucketOf } from '../../domain/bucket.ts';
import { hasIntKey } from '../../domain/key.ts';
import type { Resource } from '../../domain/resource.ts';
import type { Copy } from '../record-store.ts';
import { BATCH_BYTES, BATCH_ROWS, MIXED_BYTES, MIXED_PARTITIONS } from './limits.ts';

/** Compiles what names the partition of a key: keys with the same parent, or in the same bucket, have the same. */
export function compilePartitionOf(resource: Resource): (copy: { readonly key: { readonly id: string } }) => string {
  const buckets = resource.cassandra?.buckets ?? 0;
  if (buckets > 0) return ({ key }) => String(bucketOf(key, buckets));
  const parts = resource.columns.slice(0, resource.parentLength).map((column) => hasIntKey(column.type));
  return ({ key: { id } }) => {
    let end = 0;
    for (const isInt of parts) end = isInt ? end + INT_LENGTH : id.indexOf('\0\0', end) + 2;
    return id.slice(0, end);
  };
}

/** How long an integer, and what ends everything else, is in a key's encoding (`domain/key.ts`). */
const INT_LENGTH = 9;

/**
 * Puts the copies of each partition together, in batches of bounded rows and bytes. The order of copies does not matter:
 * each carries its own timestamp.
 */
export function groupIntoBatches(
  copies: readonly Copy[],
  how: { readonly partitionOf: (copy: Copy) => string; readonly sizeOf: (copy: Copy) => number },
): readonly (readonly Copy[])[] {
  const batches: Copy[][] = [];
  const open = new Map<string, { batch: Copy[]; bytes: number }>();
  for (const copy of copies) {
    const partition = how.partitionOf(copy);
    const bytes = how.sizeOf(copy);
    const current = open.get(partition);
    if (current !== undefined && current.batch.length < BATCH_ROWS && current.bytes + bytes <= BATCH_BYTES) {
      current.batch.push(copy);
      current.bytes += bytes;
    } else {
      const batch = [copy];
      batches.push(batch);
      open.set(partition, { batch, bytes });
    }
  }
  return batches;
}

/**
 * Puts small batches of one partition together into unlogged batches of a few. Only where the node that gets one has all
 * its partitions itself: elsewhere it would pass most of them on. Half the processor time of single statements, here and there.
 */
export function mixSmallBatches(
  batches: readonly (readonly Copy[])[],
  sizeOf: (copy: Copy) => number,
): readonly (readonly Copy[])[] {
  const mixed: (readonly Copy[])[] = [];
  let open: Copy[] = [];
  let partitions = 0;
  let bytes = 0;
  for (const batch of batches) {
    let size = 0;
    for (const copy of batch) size += sizeOf(copy);
    if (size > MIXED_BYTES / 2) {
      mixed.push(batch);
      continue;
    }
    if (partitions === MIXED_PARTITIONS || bytes + size > MIXED_BYTES) {
      mixed.push(open);
      open = [];
      partitions = 0;
      bytes = 0;
    }
    open.push(...batch);
    partitions += 1;
    bytes += size;
  }
  if (open.length > 0) mixed.push(open);
  return mixed;
}
