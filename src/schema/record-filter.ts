import type { DescField } from '@bufbuild/protobuf';
import type { Resource, Row } from '../domain/resource.ts';
import type { ResourceDefinition } from './definition.ts';
import { type FilterNode, invalidFilter, parseFilter } from './filter-syntax.ts';
import { valueTestOf } from './filter-value.ts';

/** Whether a record is one of those that were asked for. */
export type RowPredicate = (row: Row) => boolean;

/** A stored field that a filter may name. */
interface Filterable {
  readonly index: number;
  readonly field: DescField;
}

/**
 * Compiles List filters of one resource (docs/api.md has the grammar). The predicate looks at rows in canonical form, so that it
 * says the same of a record whichever store it was read from. A field that is not set satisfies no comparison, `!=` neither.
 *
 * @returns what turns a filter's text into its predicate; null for an empty text: all records. Throws
 *   INVALID_ARGUMENT/INVALID_FILTER with the position of the mistake.
 */
export function createFilterCompiler(
  definition: ResourceDefinition,
  resource: Resource,
): (text: string) => RowPredicate | null {
  const fields = new Map<string, Filterable>();
  for (const { field } of definition.fields) {
    const index = resource.columns.findIndex((column) => column.field === field.name);
    if (index >= 0) fields.set(field.name, { index, field });
  }
  return (text) => (text.trim() === '' ? null : compile(parseFilter(text), fields, resource));
}

function compile(node: FilterNode, fields: ReadonlyMap<string, Filterable>, resource: Resource): RowPredicate {
  switch (node.kind) {
    case 'and': {
      const operands = node.operands.map((operand) => compile(operand, fields, resource));
      return (row) => operands.every((holds) => holds(row));
    }
    case 'or': {
      const operands = node.operands.map((operand) => compile(operand, fields, resource));
      return (row) => operands.some((holds) => holds(row));
    }
    case 'not': {
      const holds = compile(node.operand, fields, resource);
      return (row) => !holds(row);
    }
    case 'comparison':
      return compileComparison(node, fields, resource);
  }
}

const MAX_PRINTED_NAME = 100;

function compileComparison(
  comparison: FilterNode & { readonly kind: 'comparison' },
  fields: ReadonlyMap<string, Filterable>,
  resource: Resource,
): RowPredicate {
  const found = fields.get(comparison.field);
  const column = found && resource.columns[found.index];
  if (found === undefined || column === undefined) {
    const name = comparison.field.slice(0, MAX_PRINTED_NAME);
    throw invalidFilter(`"${name}" is not a stored field of the resource`, comparison.position);
  }
  const { index, field } = found;
  const test = valueTestOf(field, column.type, comparison);
  return (row) => {
    const value = row[index];
    return value !== null && value !== undefined && test(value);
  };
}
