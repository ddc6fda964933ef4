import { type DescEnum, type DescField, ScalarType } from '@bufbuild/protobuf';

/** What a field's values are, whatever their encoding. */
export type FieldShape =
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float'
  | 'double'
  | 'string'
  | 'bytes'
  | 'strings'
  | 'enum'
  | 'timestamp'
  | 'duration';

const SCALARS: Readonly<Record<ScalarType, FieldShape>> = {
  [ScalarType.DOUBLE]: 'double',
  [ScalarType.FLOAT]: 'float',
  [ScalarType.INT64]: 'int64',
  [ScalarType.UINT64]: 'uint64',
  [ScalarType.INT32]: 'int32',
  [ScalarType.FIXED64]: 'uint64',
  [ScalarType.FIXED32]: 'uint32',
  [ScalarType.BOOL]: 'bool',
  [ScalarType.STRING]: 'string',
  [ScalarType.BYTES]: 'bytes',
  [ScalarType.UINT32]: 'uint32',
  [ScalarType.SFIXED32]: 'int32',
  [ScalarType.SFIXED64]: 'int64',
  [ScalarType.SINT32]: 'int32',
  [ScalarType.SINT64]: 'int64',
};

const MESSAGES: Readonly<Record<string, FieldShape>> = {
  'google.protobuf.Timestamp': 'timestamp',
  'google.protobuf.Duration': 'duration',
};

/** Undefined: no column can hold the field, whatever its type. */
export function shapeOf(field: DescField): FieldShape | undefined {
  switch (field.fieldKind) {
    case 'scalar':
      return SCALARS[field.scalar];
    case 'enum':
      return 'enum';
    case 'message':
      return field.delimitedEncoding ? undefined : MESSAGES[field.message.typeName];
    case 'list':
      return field.listKind === 'scalar' && field.scalar === ScalarType.STRING ? 'strings' : undefined;
    case 'map':
      return undefined;
  }
}

/** A field's type as its proto has it, for messages to people. */
export function typeNameOf(field: DescField): string {
  switch (field.fieldKind) {
    case 'scalar':
      return ScalarType[field.scalar].toLowerCase();
    case 'enum':
      return field.enum.typeName;
    case 'message':
      return field.message.typeName;
    case 'list':
      if (field.listKind === 'scalar') return `repeated ${ScalarType[field.scalar].toLowerCase()}`;
      return `repeated ${(field.listKind === 'enum' ? field.enum : field.message).typeName}`;
    case 'map':
      return 'map';
  }
}

const IMPLICIT = 2;
const LEGACY_REQUIRED = 3;

/** Whether "not set" differs from the type's zero (`optional`, messages), so that the field can show NULL. */
export function hasPresence(field: DescField): boolean {
  return field.presence !== IMPLICIT;
}

/** proto2's `required`. */
export function isLegacyRequired(field: DescField): boolean {
  return field.presence === LEGACY_REQUIRED;
}

/** The numbers of an ENUM column's labels in a proto enum, or what keeps the two from fitting. */
export interface EnumNumbers {
  readonly numbers: ReadonlyMap<string, number>;
  readonly mistakes: readonly string[];
}

/**
 * Pairs the labels of an ENUM column with the values of a proto enum: the label `on-hold` of `SampleState` is the value
 * `SAMPLE_STATE_ON_HOLD`. Each label needs its value, and each value but the zero one its label.
 */
export function enumNumbers(labels: readonly string[], desc: DescEnum): EnumNumbers {
  const mistakes: string[] = [];
  const numbers = new Map<string, number>();
  for (const label of labels) {
    const name = enumValueName(desc.name, label);
    const value = desc.values.find((each) => each.name === name);
    if (value === undefined) mistakes.push(`${desc.typeName} has no value ${name} for the label '${label}'`);
    else if ([...numbers.values()].includes(value.number)) mistakes.push(`two labels are ${name} in ${desc.typeName}`);
    else numbers.set(label, value.number);
  }
  for (const value of desc.values) {
    const used = [...numbers.values()].includes(value.number);
    if (!used && value.number !== 0)
      mistakes.push(`the value ${value.name} of ${desc.typeName} is no label of the column`);
  }
  return { numbers, mistakes };
}

/** The value of a proto enum that stands for a label: `SAMPLE_STATE_ON_HOLD`. */
export function enumValueName(enumName: string, label: string): string {
  return `${upperSnakeCase(enumName)}_${upperSnakeCase(label)}`;
}

function upperSnakeCase(text: string): string {
  return text
    .replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .toUpperCase();
}
