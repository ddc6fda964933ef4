import { DomainError, invalidField } from '../domain/errors.ts';
import { createKeyCodec, type Key, type KeyValue } from '../domain/key.ts';
import type { ColumnType, NamePart, Resource } from '../domain/resource.ts';
import { checkBytes, checkString, checkUuid, integerCheck } from './canonical-values.ts';

/**
 * Between resource names and keys (AIP-122), compiled for one resource. Names are not escaped: each key value has one
 * spelling. Integers are decimal digits without leading zeros, binary values lower-case hexadecimal, UUIDs 36 characters in
 * lower case, strings the text itself, which therefore has no `/` and is not empty.
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
const HEX = /^(?:[0-9a-f]{2})+$/;
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
    ...compile(part, resource.columns[index]?.type),
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

function compile(part: NamePart, type: ColumnType | undefined): Pick<Part, 'parse' | 'print'> {
  const wrong = (field: string, form: string): DomainError => invalidField(field, `{${part.variable}} is not ${form}`);
  switch (type?.kind) {
    case 'int':
      return { parse: integerParser(type, wrong), print: String };
    case 'uuid':
      return { parse: checkUuid, print: (value) => value as string };
    case 'bytes':
      return { parse: hexParser(type, wrong), print: printHex };
    case 'string':
      return { parse: textParser(type, part.variable, wrong), print: textPrinter(type) };
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
  if (bytes.length === 0) throw unnameable();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function textParser(type: ColumnType & { kind: 'string' }, variable: string, wrong: Wrong): Part['parse'] {
  return (text, field) => {
    if (text === '') throw invalidField(field, `{${variable}} is empty`);
    if (type.padSpace && (text.endsWith(' ') || BELOW_SPACE.test(text))) {
      throw wrong(field, 'free of spaces at its end and of control characters, which its column does not tell apart');
    }
    if (text.includes('/')) throw wrong(field, 'free of slashes');
    return checkString(type, text, field);
  };
}

function textPrinter(type: ColumnType & { kind: 'string' }): Part['print'] {
  return (value) => {
    const text = value as string;
    const nameable = text !== '' && !text.includes('/');
    if (!nameable || (type.padSpace && (text.endsWith(' ') || BELOW_SPACE.test(text)))) throw unnameable();
    return text;
  };
}

function unnameable(): DomainError {
  return new DomainError({
    kind: 'internal',
    reason: 'UNREPRESENTABLE_VALUE',
    message: 'A stored key is empty, holds a slash, a control character or a space at its end: no name can say it.',
    metadata: { field: 'name' },
  });
}
