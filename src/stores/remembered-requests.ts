/*
 * What a record remembers of the requests that have written it (AIP-155): the last few, so that one that is sent again after
 * an unknown outcome has no second effect. It is kept with the record and travels with its copies, so it is there whichever store is
 * the authority. An entry is the request's id, a hash of its content, and the version that it has written.
 */

/** Names a write, so that sending it again is recognised. */
export interface WriteRequest {
  /** The caller's UUID: 16 bytes. */
  readonly id: Uint8Array;
  /** Of the request's method and content: 8 bytes. */
  readonly hash: Uint8Array;
}

/**
 * The most requests that one record remembers; the oldest are forgotten first. A client sends again within seconds, so a record may
 * have some ten named writes a second. An entry has 32 bytes, and only records that are written so have any.
 */
export const MAX_REMEMBERED = 32;
/** How long a request is remembered, in microseconds of the versions' clock: an hour, far longer than a client retries. */
export const REMEMBERED_MICROS = 3_600_000_000n;

const ID_BYTES = 16;
const HASH_BYTES = 8;
const ENTRY_BYTES = ID_BYTES + HASH_BYTES + 8;

/** A record that remembers nothing. */
export const NO_REQUESTS = Buffer.alloc(0);

/**
 * What is known of a request: `new`: nothing. `repeated`: it has been done. `reused`: another one with this id has.
 *
 * @param version the version that the write would have, which also says the time.
 */
export function recall(
  remembered: Uint8Array | undefined,
  request: WriteRequest,
  version: bigint,
): 'new' | 'repeated' | 'reused' {
  for (const entry of entriesOf(remembered, version)) {
    if (Buffer.compare(entry.subarray(0, ID_BYTES), request.id) !== 0) continue;
    const hash = entry.subarray(ID_BYTES, ID_BYTES + HASH_BYTES);
    return Buffer.compare(hash, request.hash) === 0 ? 'repeated' : 'reused';
  }
  return 'new';
}

/** What the record remembers once the request has written this version. */
export function remember(remembered: Uint8Array | undefined, request: WriteRequest, version: bigint): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  entry.set(request.id, 0);
  entry.set(request.hash, ID_BYTES);
  entry.writeBigUInt64BE(version, ID_BYTES + HASH_BYTES);
  return Buffer.concat([entry, ...entriesOf(remembered, version).slice(0, MAX_REMEMBERED - 1)]);
}

/** The newest first; without those whose time is over. */
function entriesOf(remembered: Uint8Array | undefined, version: bigint): readonly Buffer[] {
  if (remembered === undefined || remembered.length === 0) return [];
  const bytes = Buffer.from(remembered.buffer, remembered.byteOffset, remembered.length);
  const entries: Buffer[] = [];
  for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    const entry = bytes.subarray(at, at + ENTRY_BYTES);
    if (version - entry.readBigUInt64BE(ID_BYTES + HASH_BYTES) <= REMEMBERED_MICROS) entries.push(entry);
  }
  return entries;
}
