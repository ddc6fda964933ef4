import { DomainError } from '../domain/errors.ts';

/** A copy is late by an attach or an epoch, or the follower was never told of one: it must not leave a trace. */
export function otherAttach(resource: string): DomainError {
  return new DomainError({
    kind: 'failed_precondition',
    reason: 'MIGRATION_STATE',
    message: `This copy of a record of ${resource} is meant for another attach than the follower is in.`,
  });
}
