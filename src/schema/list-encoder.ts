import type { DescField } from '@bufbuild/protobuf';
import type { StandardMethods } from './definition.ts';
import { tagOf, varintSize, WIRE, writeVarint } from './wire-writer.ts';

/** Encodes a List method's response from messages that are on the wire already. */
export type ListEncoder = (items: readonly Uint8Array[], nextPageToken: string) => Uint8Array;

/** The encoder of the responses of one method that answers pages. */
export function createListEncoder(list: NonNullable<StandardMethods['list' | 'lookup']>): ListEncoder {
  const itemTag = tagOf(list.items.number, WIRE.lengthDelimited);
  const tokenField = list.output.fields.find((field) => field.name === 'next_page_token');
  if (tokenField === undefined) throw new TypeError(`${list.output.typeName} has no next_page_token`);
  const tokenTag = tagOf(tokenField.number, WIRE.lengthDelimited);
  const tokenFirst = tokenField.number < list.items.number;
  return (items, nextPageToken) => {
    const token = nextPageToken === '' ? [] : [Buffer.from(nextPageToken)];
    const target = Buffer.allocUnsafe(sizeOf(itemTag, items) + sizeOf(tokenTag, token));
    const at = tokenFirst ? write(target, 0, tokenTag, token) : write(target, 0, itemTag, items);
    if (tokenFirst) write(target, at, itemTag, items);
    else write(target, at, tokenTag, token);
    return target;
  };
}

/** The encoder of responses that hold nothing but messages that are on the wire already, in this field. */
export function createItemsEncoder(field: DescField): (items: readonly Uint8Array[]) => Uint8Array {
  const tag = tagOf(field.number, WIRE.lengthDelimited);
  return (items) => {
    const target = Buffer.allocUnsafe(sizeOf(tag, items));
    write(target, 0, tag, items);
    return target;
  };
}

function sizeOf(tag: number, parts: readonly Uint8Array[]): number {
  let size = 0;
  for (const part of parts) size += varintSize(tag) + varintSize(part.length) + part.length;
  return size;
}

function write(target: Uint8Array, start: number, tag: number, parts: readonly Uint8Array[]): number {
  let at = start;
  for (const part of parts) {
    at = writeVarint(target, writeVarint(target, at, tag), part.length);
    target.set(part, at);
    at += part.length;
  }
  return at;
}
