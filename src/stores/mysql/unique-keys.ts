import { type DomainError, isDomainError } from '../../domain/errors.ts';
import type { Resource } from '../../domain/resource.ts';
import { atIndex } from '../judge-change.ts';
import { uniqueKeyTaken } from '../unique-key-taken.ts';
import { DUPLICATE_ENTRY } from './errors.ts';

/**
 * Names the index whose unique key refused a statement: `already_exists`/UNIQUE_KEY_TAKEN. A key that no index of the resource stands
 * for stays a CONSTRAINT_VIOLATED.
 */
export function createDuplicateNaming(resource: Resource): <Answer>(work: Promise<Answer>) => Promise<Answer> {
  const unique = (resource.indexes ?? []).filter((index) => index.unique);
  if (unique.length === 0) return (work) => work;
  return async (work) => {
    try {
      return await work;
    } catch (error) {
      if (!isDomainError(error, 'failed_precondition')) throw error;
      if (error.metadata.mysqlErrno !== String(DUPLICATE_ENTRY)) throw error;
      const text = textOf(error);
      const index = unique.find(({ mysqlKeys }) => mysqlKeys.some((key) => names(text, key)));
      if (index === undefined) throw error;
      const { index: place } = error.metadata;
      const taken = uniqueKeyTaken(index, error);
      throw place === undefined ? taken : atIndex(taken, Number(place));
    }
  };
}

/** MySQL writes the key with its table, MariaDB without. */
function names(text: string, key: string): boolean {
  return text.endsWith(`.${key}'`) || text.endsWith(` '${key}'`);
}

function textOf({ cause }: DomainError): string {
  return cause instanceof Error ? cause.message : '';
}
