import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Dice } from './dice.ts';
import { CANARY } from './hostile-text.ts';

/** How often one message is bent. */
const MOST_BENDS = 6;
const DEEPEST = 4_000;
/** The first field's number of most requests. */
const FIRST_FIELD = 1;
const START_GROUP = 3;
const END_GROUP = 4;

/** Wire bytes of a good message, bent in a few places. */
export function bend(bytes: Uint8Array, dice: Dice): Buffer {
  let bent: Buffer = Buffer.from(bytes);
  for (let left = 1 + dice.int(MOST_BENDS); left > 0; left--) bent = bendOnce(bent, dice);
  return bent;
}

function bendOnce(bytes: Buffer, dice: Dice): Buffer {
  const at = dice.int(bytes.length + 1);
  const to = Math.min(bytes.length, at + dice.int(20));
  switch (dice.int(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), dice.bytes(1 + dice.int(8)), bytes.subarray(at)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 3:
      return Buffer.concat([bytes, bytes.subarray(at, to)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(to - at, 0xff), bytes.subarray(to)]);
    default: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << dice.int(8));
      return flipped;
    }
  }
}

/** Bytes that no encoder writes. */
export function garbage(dice: Dice): Buffer {
  return dice.pick(makers)(dice);
}

const makers: readonly ((dice: Dice) => Buffer)[] = [
  (dice) => dice.bytes(dice.int(200)),
  // Groups within groups, closed and not, and closed by another number.
  (dice) => Buffer.alloc(1 + dice.int(DEEPEST), tag(FIRST_FIELD, START_GROUP)),
  (dice) => groups(1 + dice.int(DEEPEST), FIRST_FIELD),
  (dice) => groups(1 + dice.int(10), 2),
  // A varint without an end, and one of more bits than there are.
  () => Buffer.from([tag(FIRST_FIELD, 0), ...Array<number>(40).fill(0xff)]),
  () => Buffer.from([tag(2, 0), ...Array<number>(9).fill(0xff), 0x7f]),
  // Field number 0, and the highest there is.
  () => Buffer.from([0x02, 0x01, 0x41]),
  () => Buffer.from([0xfa, 0xff, 0xff, 0xff, 0x0f, 0x01, 0x41]),
  // Wire types that do not exist.
  (dice) => Buffer.from([tag(FIRST_FIELD, 6 + dice.int(2)), 0x01]),
  // A length beyond the end, and beyond all ends.
  (dice) => Buffer.from([tag(FIRST_FIELD, 2), 100 + dice.int(27), 0x41]),
  () => Buffer.from([tag(FIRST_FIELD, 2), 0xff, 0xff, 0xff, 0xff, 0x07, 0x41]),
  () => Buffer.from([tag(FIRST_FIELD, 2), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
  // Texts that are not UTF-8.
  (dice) => text(Buffer.concat([Buffer.from(CANARY), Buffer.from([0xff, 0xfe, 0xc0, 0x80]), dice.bytes(4)])),
  () => text(Buffer.from([0xed, 0xa0, 0x80])),
  // Messages within messages.
  (dice) => nested(1 + dice.int(DEEPEST)),
  // Unknown fields, many of them.
  (dice) => unknownFields(1 + dice.int(2_000)),
  // One field a thousand times.
  (dice) => Buffer.concat(Array.from({ length: 1_000 }, () => text(dice.bytes(3)))),
];

function tag(field: number, type: number): number {
  return (field << 3) | type;
}

function groups(depth: number, closedBy: number): Buffer {
  return Buffer.concat([
    Buffer.alloc(depth, tag(FIRST_FIELD, START_GROUP)),
    Buffer.alloc(depth, tag(closedBy, END_GROUP)),
  ]);
}

function text(bytes: Uint8Array): Buffer {
  return Buffer.from(new BinaryWriter().tag(FIRST_FIELD, WireType.LengthDelimited).bytes(bytes).finish());
}

function nested(depth: number): Buffer {
  let inner: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth && inner.length < 60_000; level++) inner = text(inner);
  return inner;
}

function unknownFields(count: number): Buffer {
  const writer = new BinaryWriter();
  for (let field = 0; field < count; field++) {
    writer.tag(1_000 + field, WireType.LengthDelimited).string(CANARY);
  }
  return Buffer.from(writer.finish());
}
