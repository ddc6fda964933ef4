import { forEachBounded } from '../for-each-bounded.ts';
import type { Stored } from '../record-store.ts';
import { BUCKETS_IN_FLIGHT, MIN_BUCKET_PAGE } from './limits.ts';

/** Reads the next page of one partition, in key order and without markers; `rows`: at most so many, markers counted. */
export type ReadPage = (rows: number) => Promise<{ readonly records: readonly Stored[]; readonly ended: boolean }>;

/** One bucket of a list, as far as it was read. */
interface Source {
  readonly readPage: ReadPage;
  /** Records that were read and are not in the list yet. */
  waiting: readonly Stored[];
  ended: boolean;
}

/** What is asked of the buckets. */
export interface MergedList {
  /** How many there are. */
  readonly buckets: number;
  readonly limit: number;
  /** Whether the greatest key comes first, in each of them too. */
  readonly descending: boolean;
}

/**
 * The first records of all buckets together, in key order. Each bucket is asked for twice its share of the page, which nearly
 * always is enough; one that runs dry before the page is full is asked for more.
 *
 * @param open begins to read one bucket.
 */
export async function mergeBuckets(
  { buckets, limit, descending }: MergedList,
  open: (bucket: number) => ReadPage,
): Promise<readonly Stored[]> {
  const sources = Array.from({ length: buckets }, (_, bucket): Source => {
    return { readPage: open(bucket), waiting: [], ended: false };
  });
  const share = buckets === 1 ? limit : Math.max(MIN_BUCKET_PAGE, Math.ceil((2 * limit) / buckets));
  const found: Stored[] = [];
  // Each round but the last empties a bucket that goes on.
  while (found.length < limit) {
    await forEachBounded(sources.filter(isDry), BUCKETS_IN_FLIGHT, (source) => refill(source, share));
    found.push(...takeSettled(sources, descending));
    if (sources.every((source) => source.ended)) break;
  }
  return found.slice(0, limit);
}

function isDry({ waiting, ended }: Source): boolean {
  return waiting.length === 0 && !ended;
}

/** Reads on behind markers, until there is a record or the bucket ends. A long run of markers is bounded by the deadline. */
async function refill(source: Source, rows: number): Promise<void> {
  for (let asked = rows; isDry(source); asked *= 2) {
    const { records, ended } = await source.readPage(asked);
    Object.assign(source, { waiting: records, ended });
  }
}

/** Takes what nothing that is still to be read can stand before, in the list's order. */
function takeSettled(sources: readonly Source[], descending: boolean): readonly Stored[] {
  const isBefore = (a: string, b: string): boolean => (descending ? a > b : a < b);
  const open = sources.filter((source) => !source.ended).map((source) => source.waiting.at(-1)?.key.id ?? '');
  const horizon = open.length === 0 ? null : open.reduce((first, id) => (isBefore(id, first) ? id : first));
  const isSettled = ({ key }: Stored): boolean => horizon === null || !isBefore(horizon, key.id);
  const settled: Stored[] = [];
  for (const source of sources) {
    settled.push(...source.waiting.filter(isSettled));
    source.waiting = source.waiting.filter((record) => !isSettled(record));
  }
  return settled.sort((a, b) => (isBefore(a.key.id, b.key.id) ? -1 : 1));
}
