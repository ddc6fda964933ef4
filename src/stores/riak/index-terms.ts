import { createIndexCodecs, type IndexCodec } from '../../domain/index-entry.ts';
import { createKeyCodec, type Key } from '../../domain/key.ts';
import type { Resource, Row } from '../../domain/resource.ts';

/** A part of an index, both ends inclusive ("HTTP Secondary Indexes", "Range Query"). */
export interface TermRange {
  readonly index: string;
  readonly from: string;
  readonly to: string;
}

/** Every record and every marker, in key order: for walks. */
export const ALL_INDEX = 'crossfade_all_bin';
/** Records alone, in key order. */
const UP_INDEX = 'crossfade_up_bin';
/** Records alone, in the reverse of it: an index is read forwards only. */
const DOWN_INDEX = 'crossfade_down_bin';

/** Before and behind everything in hexadecimal. */
export const FIRST = '0';
export const LAST = 'g';

/** Ends the entry of a lookup: below every digit. */
const ENTRY_END = '.';

/** The secondary indexes ("2i") of one resource's records, compiled once. Terms are hexadecimal: safe in URLs and headers, and in byte order. */
export interface IndexTerms {
  /** The headers that a value is stored with; `row` null: a marker's. */
  headersOf(key: Key, row: Row | null): Record<string, string>;
  /** The records of a parent behind a key. */
  listRange(parent: readonly Key['values'][number][], after: Key | null, descending: boolean): TermRange;
  /** The records of an index's entry behind a key. */
  lookupRange(codec: IndexCodec, entry: Buffer, after: Key | null): TermRange;
  readonly codecs: readonly IndexCodec[];
}

/** Compiles a resource's index entries. */
export function createIndexTerms(resource: Resource): IndexTerms {
  const codecs = createIndexCodecs(resource);
  const parents = createKeyCodec({ columns: resource.columns, keyLength: resource.parentLength });
  return {
    codecs,
    headersOf: (key, row) => {
      const term = keyName(key);
      if (row === null) return { [header(ALL_INDEX)]: term };
      const headers: Record<string, string> = {
        [header(ALL_INDEX)]: term,
        [header(UP_INDEX)]: term,
        [header(DOWN_INDEX)]: reversed(key.bytes),
      };
      for (const codec of codecs) {
        const entry = codec.entryOf(row);
        if (entry !== null) headers[header(lookupIndex(codec))] = `${entry.toString('hex')}${ENTRY_END}${term}`;
      }
      return headers;
    },
    listRange: (parent, after, descending) => {
      const termOf = descending ? reversed : (bytes: Buffer): string => bytes.toString('hex');
      const prefix = termOf(parents.fromValues(parent).bytes);
      return {
        index: descending ? DOWN_INDEX : UP_INDEX,
        from: after === null ? prefix + FIRST : behind(termOf(after.bytes)),
        to: prefix + LAST,
      };
    },
    lookupRange: (codec, entry, after) => {
      const prefix = `${entry.toString('hex')}${ENTRY_END}`;
      return {
        index: lookupIndex(codec),
        from: prefix + (after === null ? FIRST : behind(keyName(after))),
        to: prefix + LAST,
      };
    },
  };
}

/** The name of a record's object. */
export function keyName(key: Key): string {
  return key.bytes.toString('hex');
}

/** The first possible term behind one. No key's encoding begins with another's, so nothing that is there is passed over. */
export function behind(term: string): string {
  return term + LAST;
}

function lookupIndex({ index }: IndexCodec): string {
  return `crossfade_by_${index.name}_bin`;
}

function header(index: string): string {
  return `x-riak-index-${index}`;
}

/** Sorts the other way round, as no key's encoding begins with another's. */
function reversed(bytes: Buffer): string {
  return Buffer.from(bytes.map((byte) => 0xff - byte)).toString('hex');
}
