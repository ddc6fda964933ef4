import type { NamePart } from '../domain/resource.ts';

const COLLECTION = /^[a-z][a-zA-Z0-9]*$/;
const VARIABLE = /^\{([a-z][a-z0-9_]*)\}$/;

/**
 * The parts of a resource name pattern (AIP-122): collections and variables by turns. Undefined if it is not of this
 * form, or if a variable stands twice.
 */
export function parsePattern(pattern: string): readonly NamePart[] | undefined {
  const segments = pattern.split('/');
  const parts: NamePart[] = [];
  for (let i = 0; i < segments.length; i += 2) {
    const collection = segments[i] ?? '';
    const variable = VARIABLE.exec(segments[i + 1] ?? '')?.[1];
    if (!COLLECTION.test(collection) || variable === undefined) return undefined;
    if (parts.some((part) => part.variable === variable)) return undefined;
    parts.push({ collection, variable });
  }
  return parts;
}
