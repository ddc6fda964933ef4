import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A message that need not be right: its fields in the order in which they are written. */
export interface Tree {
  readonly desc: DescMessage;
  readonly fields: readonly (readonly [DescField, Value])[];
}

/** A field's value. Of a repeated field: a list. */
export type Value = string | number | bigint | boolean | Uint8Array | Tree | readonly Value[];

/** As wire bytes. */
export function toWire(tree: Tree): Uint8Array {
  const writer = new BinaryWriter();
  for (const [field, value] of tree.fields) {
    for (const each of Array.isArray(value) ? (value as Value[]) : [value as Value]) writeField(writer, field, each);
  }
  return writer.finish();
}

function writeField(writer: BinaryWriter, field: DescField, value: Value): void {
  if (isTree(value)) writer.tag(field.number, WireType.LengthDelimited).bytes(toWire(value));
  else if (value instanceof Uint8Array) writer.tag(field.number, WireType.LengthDelimited).bytes(value);
  else if (typeof value === 'string') writer.tag(field.number, WireType.LengthDelimited).string(value);
  else writeNumber(writer, field, value as number | bigint | boolean);
}

function writeNumber(writer: BinaryWriter, field: DescField, value: number | bigint | boolean): void {
  const scalar = field.fieldKind === 'scalar' ? field.scalar : ScalarType.INT64;
  if (scalar === ScalarType.DOUBLE) writer.tag(field.number, WireType.Bit64).double(Number(value));
  else if (scalar === ScalarType.FLOAT) writer.tag(field.number, WireType.Bit32).float(Math.fround(Number(value)));
  else writer.tag(field.number, WireType.Varint).int64(BigInt.asIntN(64, BigInt(value)));
}

/** As JSON text. Members stand as often as fields do: JSON.stringify could not say one twice. */
export function toJsonText(tree: Tree): string {
  const members = tree.fields.map(([field, value]) => `${JSON.stringify(field.jsonName)}:${jsonOf(value)}`);
  return `{${members.join(',')}}`;
}

function jsonOf(value: Value): string {
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(jsonOf).join(',')}]`;
  if (isTree(value as Value)) return wellKnownJson(value as Tree) ?? toJsonText(value as Tree);
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (typeof value === 'bigint') return `"${value}"`;
  return JSON.stringify(value);
}

/** Types that are a text in JSON. */
function wellKnownJson({ desc, fields }: Tree): string | undefined {
  if (desc.typeName === 'google.protobuf.FieldMask') {
    const paths = fields.flatMap(([, value]) => value as readonly string[]);
    return JSON.stringify(paths.join(','));
  }
  const [first = 0n] = fields.map(([, value]) => value);
  if (desc.typeName === 'google.protobuf.Duration') return JSON.stringify(`${String(first)}s`);
  if (desc.typeName !== 'google.protobuf.Timestamp') return undefined;
  return typeof first === 'bigint' && first % 2n === 0n ? '"2024-05-06T07:08:09Z"' : JSON.stringify(String(first));
}

/** Whether a value is a message. */
export function isTree(value: Value): value is Tree {
  return typeof value === 'object' && 'desc' in value;
}

/** A number that an enum has, or has not. */
export function enumNumbers(desc: DescEnum): readonly number[] {
  return [...desc.values.map(({ number }) => number), -1, 77, 2 ** 31 - 1];
}
