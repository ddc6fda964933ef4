import { type DescField, isFieldSet, type Message } from '@bufbuild/protobuf';
import { invalidField } from '../domain/errors.ts';
import type { Column, Resource } from '../domain/resource.ts';
import type { ResourceDefinition } from './definition.ts';
import { enumNumbers, hasPresence } from './field-shape.ts';

/** Which columns a request sets. All answers are indexes of {@link Resource.columns}, ascending, never of key columns. */
export interface ColumnChoice {
  /**
   * The columns that an update mask names (AIP-134). `*`: every column that an update may set. What an update can't set is let be, as
   * clients that name every field name it too (AIP-161): the name, the etag, OUTPUT_ONLY fields; for IMMUTABLE ones see {@link fixed}.
   *
   * @throws DomainError INVALID_ARGUMENT for a path that is no field.
   */
  ofMask(paths: readonly string[]): readonly number[];
  /**
   * The IMMUTABLE columns that an update speaks of: the record must have these values already (AIP-203). Without a path, or with `*`, those
   * of the fields that the message has set, else those that are named.
   */
  fixed(message: Message, paths: readonly string[]): readonly number[];
  /** The columns of the fields that a message has set, for an update without a mask: those that are not zero or absent. */
  ofPopulated(message: Message): readonly number[];
  /**
   * The columns that a create sets: the others take the column's default. A field without presence counts as set, unless
   * it is empty and its type has no such value, as a date or an enum.
   *
   * @throws DomainError INVALID_ARGUMENT for a field that is not set and REQUIRED, or whose column has no default.
   */
  ofCreate(message: Message): readonly number[];
}

/** A field with its column. */
interface Choice {
  readonly index: number;
  readonly field: DescField;
  readonly column: Column;
  readonly immutable: boolean;
  readonly required: boolean;
  /** Whether "not set" is no value of the column, though the field has no presence. */
  readonly emptyIsUnset: boolean;
}

/** @param path what stands before a field's name in errors: `medication.`, or nothing. */
export function createColumnChoice(definition: ResourceDefinition, resource: Resource, path: string): ColumnChoice {
  const choices = choicesOf(definition, resource);
  const byName = new Map(choices.map((choice) => [choice.field.name, choice]));
  const writable = choices.filter(({ column }) => column.writable);
  const updatable = writable.filter(({ immutable }) => !immutable);
  const fixed = writable.filter(({ immutable }) => immutable);
  return {
    ofMask(paths) {
      const indexes = new Set<number>();
      for (const name of paths) {
        if (name === '*') for (const choice of updatable) indexes.add(choice.index);
        else if (!UNSTORED.has(name)) {
          const { column, immutable, index } = choiceOfPath(byName, name);
          if (column.writable && !immutable) indexes.add(index);
        }
      }
      return [...indexes].sort((a, b) => a - b);
    },
    fixed(message, paths) {
      const isEach = paths.length === 0 || paths.includes('*');
      const isAsked = ({ field }: Choice): boolean =>
        paths.includes(field.name) || (isEach && isFieldSet(message, field));
      return fixed.filter(isAsked).map(({ index }) => index);
    },
    ofPopulated: (message) => updatable.filter(({ field }) => isFieldSet(message, field)).map(({ index }) => index),
    ofCreate: (message) => choices.filter((choice) => isGiven(choice, message, path)).map(({ index }) => index),
  };
}

function choicesOf(definition: ResourceDefinition, resource: Resource): readonly Choice[] {
  return resource.columns.flatMap((column, index) => {
    const found = definition.fields.find(({ field }) => field.name === column.field);
    if (found === undefined) return [];
    const { field, immutable, required } = found;
    return {
      index,
      field,
      column,
      immutable,
      required,
      emptyIsUnset: emptyIsUnset(field, column),
    };
  });
}

function choiceOfPath(byName: ReadonlyMap<string, Choice>, name: string): Choice {
  const choice = byName.get(name);
  if (choice === undefined) throw invalidField('update_mask', `"${printable(name)}" is not a field of the resource`);
  return choice;
}

/** Fields that no column holds: an update says by them which record it means, and in which state. */
const UNSTORED: ReadonlySet<string> = new Set(['name', 'etag']);
const MAX_PRINTED_PATH = 100;

function printable(name: string): string {
  return name.slice(0, MAX_PRINTED_PATH).replace(/[^\w.*-]/g, '?');
}

function isGiven({ field, column, required, emptyIsUnset }: Choice, message: Message, path: string): boolean {
  if (!column.writable) return false;
  if (isFieldSet(message, field)) return true;
  if (required) throw invalidField(path + field.name, 'must be set');
  if (!hasPresence(field) && !emptyIsUnset) return true;
  if (column.required) throw invalidField(path + field.name, 'must be set');
  return false;
}

function emptyIsUnset(field: DescField, { type }: Column): boolean {
  if (hasPresence(field)) return false;
  switch (type.kind) {
    case 'decimal':
    case 'uuid':
    case 'date':
    case 'date_text':
    case 'time':
    case 'datetime':
    case 'json':
      return true;
    case 'bytes':
      return type.fixed;
    case 'string':
      return type.json === true;
    case 'enum':
      if (field.fieldKind !== 'enum') return !type.values.includes('');
      return ![...enumNumbers(type.values, field.enum).numbers.values()].includes(0);
    default:
      return false;
  }
}
