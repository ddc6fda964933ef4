import type { DescField, DescMethod } from '@bufbuild/protobuf';
import type { IndexDefinition, IndexedField } from './definition.ts';
import { hasPresence, shapeOf, typeNameOf } from './field-shape.ts';

/** What looking at a request for a lookup needs. */
export interface LookupInspection {
  readonly method: DescMethod;
  readonly indexes: readonly IndexDefinition[];
  /** Fields of the request that were asked for; this adds to it. */
  readonly known: Set<string>;
  readonly report: (text: string) => void;
}

/** Every field of the indexes once, by name. */
export function fieldsOfIndexes(indexes: readonly IndexDefinition[]): readonly IndexedField[] {
  return [...new Map(indexes.flatMap(({ fields }) => fields).map((field) => [field.name, field])).values()];
}

/**
 * The fields of a lookup's request that say values: for each indexed field one of the same name and type that can be absent, as
 * those that are set say which index is meant.
 */
export function inspectLookupFields({ method, indexes, known, report }: LookupInspection): readonly DescField[] {
  if (indexes.length === 0) report('the resource has no index: name one in storage.index');
  return fieldsOfIndexes(indexes).flatMap((indexed) => {
    const found = method.input.fields.find(({ name }) => name === indexed.name);
    const wanted = indexed.field === null ? 'string' : typeNameOf(indexed.field);
    if (found === undefined) {
      report(`its request has no field "optional ${wanted} ${indexed.name}", which an index has`);
      return [];
    }
    known.add(indexed.name);
    if (!isSameType(found, indexed) || !hasPresence(found) || found.oneof !== undefined) {
      report(`its request's field "${indexed.name}" is not "optional ${wanted}"`);
    }
    return [found];
  });
}

function isSameType(found: DescField, { field }: IndexedField): boolean {
  if (field === null) return shapeOf(found) === 'string';
  if (shapeOf(found) !== shapeOf(field)) return false;
  if (found.fieldKind === 'enum' && field.fieldKind === 'enum') return found.enum.typeName === field.enum.typeName;
  return true;
}
