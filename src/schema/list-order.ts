import { invalidField } from '../domain/errors.ts';
import type { Resource } from '../domain/resource.ts';
import type { ResourceDefinition } from './definition.ts';

/** How a List's records are ordered. */
export interface ListOrder {
  readonly descending: boolean;
}

const ASCENDING: ListOrder = { descending: false };
const DESCENDING: ListOrder = { descending: true };

/**
 * Reads the `order_by` of one resource's List (AIP-132). What both stores can serve is the key's order and its reverse: `name`, the
 * last variable of the name pattern, or the field that shows it, each perhaps with ` desc`. Empty: the key's order.
 *
 * @returns what reads a text. Throws INVALID_ARGUMENT that says what may be asked for.
 */
export function createOrderReader(definition: ResourceDefinition, resource: Resource): (text: string) => ListOrder {
  const names = new Set(['name']);
  const variable = definition.name.at(-1)?.variable ?? '';
  const shown = resource.columns[resource.keyLength - 1]?.field ?? null;
  if (shown !== null) names.add(shown);
  // A field of the variable's name that another column holds is not the key.
  if (!definition.fields.some(({ field }) => field.name === variable)) names.add(variable);
  return (text) => {
    const [name, direction, ...more] = text.trim().split(/\s+/);
    if (name === undefined || name === '') return ASCENDING;
    if (names.has(name) && more.length === 0) {
      if (direction === undefined) return ASCENDING;
      if (direction === 'desc') return DESCENDING;
    }
    throw invalidField('order_by', `must be one of ${[...names].join(', ')}, or one of them with " desc"`);
  };
}
