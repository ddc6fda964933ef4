import { DomainError, invalidField } from '../domain/errors.ts';
import { createKeyCodec, type Key, type KeyValue } from '../domain/key.ts';
import type { ColumnType, NamePart, Resource } from '../domain/resource.ts';
import { checkBytes, checkDecimal, checkRange, checkString, checkUuid, integerCheck } from './canonical-values.ts';
import { EMPTY_SEGMENT, escapeSegment, unescapeSegment } from './name-escapes.ts';
import { isDate, parseDatetime, printDatetime } from './temporal-text.ts';

/**
 * Between resource names and keys (AIP-122), compiled for one resource. Each key value has one spelling. Integers are decimal
 * digits without leading zeros, decimals have all digits of their scale, binary values are lower-case hexadecimal, UUIDs 36
 * characters in lower case, dates and times as ISO 8601 has them, strings the text itself, with what a name can't hold escaped
 * (`name-escapes.ts`).
 */
export interface NameCodec {
  /**
   * The key of a name.
   *
   * @param field how errors name the name. Default `name`.
   * @throws DomainError INVALID_ARGUMENT
   */
  keyOf(name: string, field?: string): Key;
  /**
   * The values of the parent's key columns; none for an empty name where the resource has no parent.
   *
   * @param field default `parent`.
   * @throws DomainError INVALID_ARGUMENT, also for the wildcard `-` (AIP-159): a list has one parent.
   */
  parentOf(name: string, field?: string): readonly KeyValue[];
  /**
   * The key of a record to create.
   *
   * @param parent what {@link parentOf} answered.
   * @param field how errors name the id, `medication_id`.
   * @throws DomainError INVALID_ARGUMENT
   */
  keyWithId(parent: readonly KeyValue[], id: string, field: string): Key;
  /**
   * The value of one variable, written as in a name.
   *
   * @param index which variable of the pattern.
   * @param field how errors name the text.
   * @throws DomainError INVALID_ARGUMENT
   */
  valueOf(index: number, text: string, field: string): KeyValue;
  /**
   * The name of a key.
   *
   * @throws DomainError `internal`/UNREPRESENTABLE_VALUE for a stored key that no name can say.
   */
  nameOf(key: Key): string;
}

/** One part of a name, compiled. */
interface Part extends NamePart {
  /** What stands before the value: `/medications/`. */
  readonly prefix: string;
  readonly parse: (text: string, field: string) => KeyValue;
  readonly print: (value: KeyValue) => string;
}

const INTEGER = /^(?:0|-?[1-9]\d{0,19})$/;
const HEX = /^(?:[0-9a-f]{2})*$/;
/** Where MySQL pads with spaces to compare, these sort otherwise than in Cassandra, or are equal to others. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BELOW_SPACE = /[\u0000-\u001f]/;
/** Longer names are refused without being looked at; a key of MySQL has at most 3072 bytes. */
const MAX_NAME_LENGTH = 16_384;

/** The codec of one resource's names. */
export function createNameCodec(resource: Resource): NameCodec {
  const keys = createKeyCodec(resource);
  const parts = resource.name.map((part, index) => ({
    ...part,
    prefix: `${index === 0 ? '' : '/'}${part.collection}/`,
    ...escaped(compile(part, resource.columns[index]?.type), part, {
      isParent: index < resource.parentLength,
      // Cassandra has no empty partition key of one column.
      mayBeEmpty: resource.cassandra === undefined || resource.parentLength !== 1 || index > 0,
    }),
  }));
  const parents = parts.slice(0, resource.parentLength);
  const own = parts.at(-1);
  if (own === undefined) throw new TypeError(`${resource.typeName} has no name pattern`);
  return {
    keyOf: (name, field = 'name') => keys.fromValues(parseName(parts, name, field)),
    parentOf(name, field = 'parent') {
      if (parents.length === 0 && name === '') return [];
      if (name.split('/').includes('-'))
        throw invalidField(field, 'lists have one parent: the wildcard - is not offered');
      return parseName(parents, name, field);
    },
    keyWithId: (parent, id, field) => keys.fromValues([...parent, own.parse(id, field)]),
    valueOf: (index, text, field) => (parts[index] as Part).parse(text, field),
    nameOf(key) {
      let name = '';
      for (let i = 0; i < parts.length; i++) {
        const { prefix, print } = parts[i] as Part;
        name += prefix + print(key.values[i] as KeyValue);
      }
      return name;
    },
  };
}

function parseName(parts: readonly Part[], name: string, field: string): KeyValue[] {
  const form = (): DomainError => {
    const wanted = parts.map((part) => `${part.collection}/{${part.variable}}`).join('/');
    return invalidField(field, `not of the form ${wanted === '' ? '"" (the resource has no parent)' : wanted}`);
  };
  if (name.length > MAX_NAME_LENGTH) throw form();
  const segments = name.split('/');
  if (segments.length !== parts.length * 2) throw form();
  return parts.map((part, index) => {
    if (segments[index * 2] !== part.collection) throw form();
    return part.parse(segments[index * 2 + 1] ?? '', field);
  });
}

/** What a segment of a name can't hold is escaped around what its type has to say. */
function escaped(
  codec: Pick<Part, 'parse' | 'print'>,
  part: NamePart,
  { isParent, mayBeEmpty }: { readonly isParent: boolean; readonly mayBeEmpty: boolean },
): Pick<Part, 'parse' | 'print'> {
  return {
    parse: (segment, field) => {
      const text = unescapeSegment(segment, isParent);
      if (text === '' && !mayBeEmpty)
        throw invalidField(field, `{${part.variable}} is empty: no partition of Cassandra is`);
      if (text !== undefined) return codec.parse(text, field);
      if (segment === '') throw invalidField(field, `{${part.variable}} is empty (${EMPTY_SEGMENT} is the empty text)`);
      throw invalidField(field, `{${part.variable}} is not escaped as names are: %2F, %25, … and nothing else`);
    },
    print: (value) => escapeSegment(codec.print(value), isParent),
  };
}

function compile(part: NamePart, type: ColumnType | undefined): Pick<Part, 'parse' | 'print'> {
  const wrong = (field: string, form: string): DomainError => invalidField(field, `{${part.variable}} is not ${form}`);
  const asIs = (value: KeyValue): string => value as string;
  switch (type?.kind) {
    case 'int':
      return { parse: integerParser(type, wrong), print: String };
    case 'uuid':
      return { parse: checkUuid, print: asIs };
    case 'bytes':
      return { parse: hexParser(type, wrong), print: printHex };
    case 'string':
      return { parse: textParser(type, wrong), print: textPrinter(type) };
    case 'date':
      return { parse: dateParser(wrong), print: asIs };
    case 'datetime':
      return { parse: timeParser(type, '', wrong), print: (value) => printDatetime(value as bigint, type.fsp) };
    case 'timestamp':
      return { parse: timeParser(type, 'Z', wrong), print: (value) => `${printDatetime(value as bigint, type.fsp)}Z` };
    case 'decimal':
      return { parse: decimalParser(type, wrong), print: asIs };
    default:
      throw new TypeError(`the variable ${part.variable} has no key type`);
  }
}

type Wrong = (field: string, form: string) => DomainError;

function integerParser(type: ColumnType & { kind: 'int' }, wrong: Wrong): Part['parse'] {
  const check = integerCheck(type);
  return (text, field) => {
    if (!INTEGER.test(text)) throw wrong(field, 'an integer in decimal digits without leading zeros');
    return check(BigInt(text), field);
  };
}

function hexParser(type: ColumnType & { kind: 'bytes' }, wrong: Wrong): Part['parse'] {
  return (text, field) => {
    if (!HEX.test(text)) throw wrong(field, 'bytes in lower-case hexadecimal digits');
    return checkBytes(type, Buffer.from(text, 'hex'), field);
  };
}

function printHex(value: KeyValue): string {
  const bytes = value as Uint8Array;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function dateParser(wrong: Wrong): Part['parse'] {
  return (text, field) => {
    if (!isDate(text)) throw wrong(field, 'a day of the calendar as YYYY-MM-DD');
    return text;
  };
}

function timeParser(type: ColumnType & { kind: 'datetime' | 'timestamp' }, zone: string, wrong: Wrong): Part['parse'] {
  const form = `a time as 2024-05-06T07:08:09${type.fsp === 0 ? '' : `.${'0'.repeat(type.fsp)}`}${zone}`;
  return (text, field) => {
    const micros = text.endsWith(zone) ? parseDatetime(text.slice(0, text.length - zone.length)) : undefined;
    // One spelling only: as many digits as the column has.
    if (micros === undefined || printDatetime(micros, type.fsp) + zone !== text) throw wrong(field, form);
    return checkRange(type, micros, field);
  };
}

function decimalParser(type: ColumnType & { kind: 'decimal' }, wrong: Wrong): Part['parse'] {
  return (text, field) => {
    const canonical = checkDecimal(type, text, field);
    if (canonical !== text) throw wrong(field, `spelled as ${canonical}`);
    return canonical;
  };
}

/** Exact where MySQL itself tells such texts apart, or where statements compare bytes. */
function textParser(type: ColumnType & { kind: 'string' }, wrong: Wrong): Part['parse'] {
  return (text, field) => {
    if (isMerged(type, text)) {
      throw wrong(field, 'free of spaces at its end and of control characters, which its column does not tell apart');
    }
    return checkString(type, text, field);
  };
}

function textPrinter(type: ColumnType & { kind: 'string' }): Part['print'] {
  return (value) => {
    const text = value as string;
    if (isMerged(type, text)) throw unnameable();
    return text;
  };
}

/** Whether MySQL may take a text for another one, or sort it otherwise than Cassandra, and statements don't know. */
function isMerged({ loose, padSpace }: ColumnType & { kind: 'string' }, text: string): boolean {
  return loose !== true && padSpace && (text.endsWith(' ') || BELOW_SPACE.test(text));
}

function unnameable(): DomainError {
  return new DomainError({
    kind: 'internal',
    reason: 'UNREPRESENTABLE_VALUE',
    message:
      'A stored key holds a control character or a space at its end, and its collation does not tell them apart.',
    metadata: { field: 'name' },
  });
}
