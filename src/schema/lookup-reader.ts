import { type DescField, isFieldSet, type Message } from '@bufbuild/protobuf';
import { invalidField } from '../domain/errors.ts';
import type { Index, Resource, Value } from '../domain/resource.ts';
import type { ResourceDefinition } from './definition.ts';
import { fieldReaderOf } from './field-reader.ts';
import type { NameCodec } from './name-codec.ts';

/** What a lookup asks for: the values of an index's columns, in its order. */
export interface Lookup {
  readonly index: Index;
  readonly values: readonly Value[];
}

/**
 * Reads a lookup's request. The fields that are set say which index is meant.
 *
 * @throws DomainError INVALID_ARGUMENT where they are those of no index, or a value does not fit its column.
 */
export type LookupReader = (request: Message) => Lookup;

/** A field of the request, compiled. */
interface CompiledField {
  readonly field: DescField;
  readonly column: number;
  readonly read: (value: unknown) => Value;
}

/** Compiles the reader. Throws a TypeError if the resource has no Lookup method. */
export function createLookupReader(definition: ResourceDefinition, resource: Resource, names: NameCodec): LookupReader {
  const { lookup } = definition.methods;
  if (lookup === undefined) throw new TypeError(`${resource.typeName} has no Lookup method`);
  const fields = lookup.fields.map((field) => compileField(definition, resource, names, field));
  const bySet = new Map((resource.indexes ?? []).map((index) => [setOf(index.columns), index]));
  const all = lookup.fields.map(({ name }) => name).join();
  const choices = definition.indexes.map((index) => index.fields.map(({ name }) => name).join(' and ')).join('; ');
  return (request) => {
    const set = fields.filter(({ field }) => isFieldSet(request, field));
    const index = bySet.get(setOf(set.map(({ column }) => column)));
    if (index === undefined) throw invalidField(all, `set those of exactly one index: ${choices}`);
    const values = new Map(
      set.map(({ field, column, read }) => [
        column,
        read((request as unknown as Record<string, unknown>)[field.localName]),
      ]),
    );
    return { index, values: index.columns.map((column) => values.get(column) ?? null) };
  };
}

function setOf(columns: readonly number[]): string {
  return columns.toSorted((a, b) => a - b).join();
}

function compileField(
  definition: ResourceDefinition,
  resource: Resource,
  names: NameCodec,
  field: DescField,
): CompiledField {
  const stored = definition.fields.find((each) => each.field.name === field.name);
  const key = definition.key.findIndex(({ variable }) => stored === undefined && variable === field.name);
  const column =
    stored === undefined ? key : resource.columns.findIndex(({ mysqlName }) => mysqlName === stored.mysqlColumn);
  const type = resource.columns[column]?.type;
  if (type === undefined) throw new TypeError(`${resource.typeName} has no column for ${field.name}`);
  if (stored === undefined) {
    return { field, column, read: (value) => names.valueOf(key, value as string, field.name) };
  }
  const read = fieldReaderOf(field, type);
  return { field, column, read: (value) => read(value, field.name) };
}
