import type { Key } from '../../domain/key.ts';
import type { Resource, Row, Value } from '../../domain/resource.ts';
import { internal } from './errors.ts';
import { type JsonCodec, jsonCodecOf } from './values.ts';

/** One sibling of a record as Riak has it; `row` null: a marker of a deleted one. */
export interface Version {
  readonly version: bigint;
  readonly row: Row | null;
  /** The value in Riak, byte for byte. */
  readonly body: Buffer;
}

/** Between rows and the JSON that Riak keeps, compiled once. */
export interface RecordFormat {
  /** `row` null: a marker. */
  encode(row: Row | null, version: bigint): Buffer;
  /** Throws `internal` for what nobody but another program can have written. */
  decode(key: Key, body: Buffer): Version;
}

/** The media type of a record's value. */
export const CONTENT_TYPE = 'application/json';

/**
 * A record is one JSON object, in UTF-8: `{"crossfade": {"version": "<digits>"}, "record": {"<column>": <value>, …}}`, its columns in the
 * resource's order by their names in the target; null where a value is null. A marker has `"deleted": true` beside its version, and no
 * record. docs/riak.md shows it for other programs.
 */
export function createRecordFormat(resource: Resource): RecordFormat {
  const columns = resource.columns.map(({ cassandraName: name, type }) => ({ name, codec: jsonCodecOf(type) }));
  const { keyLength } = resource;
  return {
    encode: (row, version) => {
      if (row === null) return Buffer.from(JSON.stringify({ crossfade: { version: String(version), deleted: true } }));
      const record: Record<string, unknown> = {};
      for (const [i, { name, codec }] of columns.entries()) record[name] = encodeOne(codec, row[i] ?? null);
      return Buffer.from(JSON.stringify({ crossfade: { version: String(version) }, record }));
    },
    decode: (key, body) => {
      const { crossfade, record } = parse(body);
      const version = crossfade?.version;
      if (typeof version !== 'string' || !/^\d{1,19}$/.test(version)) throw foreign();
      if (crossfade?.deleted === true) return { version: BigInt(version), row: null, body };
      if (typeof record !== 'object' || record === null) throw foreign();
      const values = columns.map(({ name, codec }, i) => {
        // The key is what the object's own key says.
        if (i < keyLength) return key.values[i] as Value;
        const value = (record as Record<string, unknown>)[name] ?? null;
        return value === null ? null : codec.decode(value);
      });
      return { version: BigInt(version), row: values, body };
    },
  };
}

function encodeOne(codec: JsonCodec, value: Value): unknown {
  return value === null ? null : codec.encode(value);
}

interface Parsed {
  readonly crossfade?: { readonly version?: unknown; readonly deleted?: unknown };
  readonly record?: unknown;
}

function parse(body: Buffer): Parsed {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null) return parsed as Parsed;
  } catch {
    // Refused below: the text is never shown.
  }
  throw foreign();
}

function foreign(): Error {
  return internal('An object in the bucket was not written by Crossfade: keep the bucket for the resource alone.');
}
