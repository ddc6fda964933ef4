import { hash } from 'node:crypto';
import type { Resource, Row } from '../domain/resource.ts';
import type { ResourceDefinition } from './definition.ts';
import { type FieldEncoder, fieldEncoderOf } from './field-encoder.ts';
import { tagOf, varintSize, WIRE, WireWriter, writeVarint } from './wire-writer.ts';

/** Encodes records straight from rows, without ever making a message. */
export interface RecordEncoder {
  /** See `MessageCodec.toWire`. */
  toWire(name: string, row: Row, etag?: string): Uint8Array;
  /** See `MessageCodec.etagOf`. */
  etagOf(row: Row): string;
}

/** Characters of an etag: 128 bits in base64. */
const ETAG_DIGITS = 22;

/** A stored field, compiled. */
interface StoredField {
  readonly index: number;
  readonly encode: FieldEncoder;
}

/** One of the two fields that no column holds, and the stored fields with lower numbers, down to the one before it. */
interface Stretch {
  readonly fields: readonly StoredField[];
  readonly closing: { readonly tag: number; readonly is: 'name' | 'etag' } | undefined;
}

/** A text of `name` or `etag` and where it goes into the stored fields' bytes. */
interface Insertion {
  readonly at: number;
  readonly tag: number;
  readonly text: string;
  readonly size: number;
}

/**
 * The stored fields go into one buffer that all records share; their hash is the etag. The name and the etag are put
 * between them, where their numbers belong, when the answer is copied out.
 */
export function createRecordEncoder(definition: ResourceDefinition, resource: Resource): RecordEncoder {
  const stretches = stretchesOf(definition, resource);
  const writer = new WireWriter();

  const encodeStored = (row: Row, ends: number[]): void => {
    writer.reset();
    for (const { fields } of stretches) {
      for (let i = 0; i < fields.length; i++) {
        const { index, encode } = fields[i] as StoredField;
        const value = row[index];
        if (value !== null && value !== undefined) encode(writer, value);
      }
      ends.push(writer.length);
    }
  };
  const etagOfStored = (): string => `"${hash('sha256', writer.view(), 'base64url').slice(0, ETAG_DIGITS)}"`;

  return {
    etagOf(row) {
      encodeStored(row, []);
      return etagOfStored();
    },
    toWire(name, row, etag) {
      const ends: number[] = [];
      encodeStored(row, ends);
      const insertions: Insertion[] = [];
      for (let i = 0; i < stretches.length; i++) {
        const closing = (stretches[i] as Stretch).closing;
        if (closing === undefined) continue;
        const text = closing.is === 'name' ? name : (etag ?? etagOfStored());
        if (text !== '')
          insertions.push({ at: ends[i] as number, tag: closing.tag, text, size: Buffer.byteLength(text) });
      }
      return assemble(writer, insertions);
    },
  };
}

function stretchesOf(definition: ResourceDefinition, resource: Resource): readonly Stretch[] {
  const { nameField, etagField, fields } = definition;
  const specials = [nameField, ...(etagField === undefined ? [] : [etagField])].sort((a, b) => a.number - b.number);
  const stored = fields.flatMap(({ field }) => {
    const index = resource.columns.findIndex((column) => column.field === field.name);
    const column = resource.columns[index];
    if (column === undefined) throw new TypeError(`${definition.typeName}.${field.name} has no column`);
    return [{ number: field.number, index, encode: fieldEncoderOf(field, column.type) }];
  });
  const upTo = [...specials, undefined];
  return upTo.map((special, position) => {
    const from = upTo[position - 1]?.number ?? 0;
    const to = special?.number ?? Number.POSITIVE_INFINITY;
    return {
      fields: stored.filter(({ number }) => number > from && number < to),
      closing: special && {
        tag: tagOf(special.number, WIRE.lengthDelimited),
        is: special === nameField ? 'name' : 'etag',
      },
    };
  });
}

function assemble(writer: WireWriter, insertions: readonly Insertion[]): Uint8Array {
  let size = writer.length;
  for (const insertion of insertions) size += varintSize(insertion.tag) + varintSize(insertion.size) + insertion.size;
  const target = Buffer.allocUnsafe(size);
  let at = 0;
  let copied = 0;
  for (const insertion of insertions) {
    at = writer.copyTo(target, at, copied, insertion.at);
    copied = insertion.at;
    at = writeVarint(target, writeVarint(target, at, insertion.tag), insertion.size);
    at += target.write(insertion.text, at, 'utf8');
  }
  writer.copyTo(target, at, copied, writer.length);
  return target;
}
