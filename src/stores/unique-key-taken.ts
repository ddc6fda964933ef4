import { DomainError } from '../domain/errors.ts';
import type { Index } from '../domain/resource.ts';

/** Another record has the values of a unique index. */
export function uniqueKeyTaken({ name }: Index, cause?: unknown): DomainError {
  return new DomainError({
    kind: 'already_exists',
    reason: 'UNIQUE_KEY_TAKEN',
    message: `another record has the same values in the unique index "${name}": give this one others, or look the other one up`,
    metadata: { unique_index: name },
    ...(cause !== undefined && { cause }),
  });
}
