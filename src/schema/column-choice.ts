import { type DescField, isFieldSet, type Message } from '@bufbuild/protobuf';
import { invalidField } from '../domain/errors.ts';
import type { Column, Resource } from '../domain/resource.ts';
import type { ResourceDefinition } from './definition.ts';
import { enumNumbers, hasPresence } from './field-shape.ts';

/** Which columns a request sets. All answers are indexes of {@link Resource.columns}, ascending, never of key columns. */
export interface ColumnChoice {
  /**
   * The columns that an update mask names (AIP-134). `*`: every column that an update may set. `etag` is let be, as clients
   * that name every field name it too.
   *
   * @throws DomainError INVALID_ARGUMENT for a path that is no field, is OUTPUT_ONLY, IMMUTABLE or the name.
   */
  ofMask(paths: readonly string[]): readonly number[];
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
  readonly isKey: boolean;
  readonly immutable: boolean;
  readonly required: boolean;
  /** Whether "not set" is no value of the column, though the field has no presence. */
  readonly emptyIsUnset: boolean;
}

/** @param path what stands before a field's name in errors: `medication.`, or nothing. */
export function createColumnChoice(definition: ResourceDefinition, resource: Resource, path: string): ColumnChoice {
  const choices = choicesOf(definition, resource);
  const byName = new Map(choices.map((choice) => [choice.field.name, choice]));
  const updatable = choices.filter((choice) => choice.column.writable && !choice.immutable);
  return {
    ofMask(paths) {
      const indexes = new Set<number>();
      for (const name of paths) {
        if (name === '*') for (const choice of updatable) indexes.add(choice.index);
        else if (name !== 'etag') indexes.add(indexOfPath(byName, name));
      }
      return [...indexes].sort((a, b) => a - b);
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
      isKey: index < resource.keyLength,
      immutable,
      required,
      emptyIsUnset: emptyIsUnset(field, column),
    };
  });
}

function indexOfPath(byName: ReadonlyMap<string, Choice>, name: string): number {
  const choice = byName.get(name);
  if (name === 'name') throw invalidField('update_mask', '"name" says which record it is: it can not be changed');
  if (choice === undefined) throw invalidField('update_mask', `"${printable(name)}" is not a field of the resource`);
  if (choice.isKey || choice.immutable) throw invalidField('update_mask', `"${name}" can not be changed`);
  if (!choice.column.writable) throw invalidField('update_mask', `"${name}" is output only`);
  return choice.index;
}

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
