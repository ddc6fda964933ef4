import type { Call } from '../call.ts';
import type { WalkRange } from '../record-store.ts';
import { MAX_RANGES, SAMPLE_ROWS, SAMPLES } from './limits.ts';

/** The token ring of Murmur3Partitioner. No row has the first token. */
const RING_START = -(2n ** 63n);
const RING_END = 2n ** 63n - 1n;
const RING = 2n ** 64n;

/** Reads the tokens of at most `limit` rows, in the ring's order, from a token on. */
export type ReadTokens = (from: bigint, limit: number, call: Call) => Promise<readonly bigint[]>;

/**
 * Divides the token ring into even ranges, as many as the number of rows asks for, which is estimated from how dense the
 * rows are at some places of the ring: exact numbers are not to be had, and the server's own estimates are minutes old.
 */
export async function* splitRing(chunkRows: number, readTokens: ReadTokens, call: Call): AsyncGenerator<WalkRange> {
  const rows = await estimateRows(readTokens, call);
  const wanted = Math.ceil(rows / chunkRows);
  const count = Math.min(Math.max(1, wanted), MAX_RANGES);
  const expectedRows = Math.ceil(rows / count);
  let from = RING_START;
  for (let i = 1; i <= count; i++) {
    const to = i === count ? RING_END : RING_START + (RING * BigInt(i)) / BigInt(count);
    yield { range: `${from}:${to}`, expectedRows };
    from = to;
  }
}

/** One range for each bucket: a few partitions say nothing of how dense the ring is. @param countRows counts those of one bucket. */
export async function* splitBuckets(
  buckets: number,
  countRows: (bucket: number) => Promise<number>,
): AsyncGenerator<WalkRange> {
  // The keys' hash makes them alike.
  const expectedRows = await countRows(0);
  for (let bucket = 0; bucket < buckets; bucket++) yield { range: `b${bucket}`, expectedRows };
}

/** The bucket of a range; undefined: it is one of tokens. */
export function parseBucket(range: string): number | undefined {
  const bucket = /^b(\d+)$/.exec(range)?.[1];
  return bucket === undefined ? undefined : Number(bucket);
}

async function estimateRows(readTokens: ReadTokens, call: Call): Promise<number> {
  let rows = 0;
  let span = 0n;
  for (let i = 0; i < SAMPLES; i++) {
    const from = RING_START + (RING * BigInt(i)) / BigInt(SAMPLES);
    const tokens = await readTokens(from, SAMPLE_ROWS, call);
    const end = tokens.length < SAMPLE_ROWS ? RING_END : (tokens.at(-1) ?? RING_END);
    rows += tokens.length;
    span += end - from;
    // The sample has seen the rest of the ring: what follows would be counted twice.
    if (end === RING_END) {
      if (i === 0) return rows;
      break;
    }
  }
  return Math.ceil((rows * Number(RING)) / Math.max(1, Number(span)));
}

/** The tokens of a range: the first exclusive, the last inclusive. Throws a RangeError if it is none. */
export function parseRange(range: string): { readonly from: bigint; readonly to: bigint } {
  const match = /^(-?\d+):(-?\d+)$/.exec(range);
  if (match === null) throw new RangeError('this is no range of a walk of Cassandra');
  return { from: BigInt(match[1] ?? ''), to: BigInt(match[2] ?? '') };
}
