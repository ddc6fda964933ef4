/** FNV-1a's own numbers, for 32 bits. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * The bucket of a key, from 0 to below `buckets`: the same in every version of the service, as the rows of the target stand under it.
 * FNV-1a over the key's encoding, and murmur3's last mixing: without it the low bits of a number would say the bucket of keys
 * that come in even steps.
 *
 * @param id the key's encoding, one character a byte.
 */
export function bucketOf({ id }: { readonly id: string }, buckets: number): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % buckets;
}
