import { errors, types } from 'cassandra-driver';
import { DomainError } from '../../domain/errors.ts';
import type { Diagnosis } from '../server-findings.ts';

/** What an error of a client says about the cluster. */
export function diagnose(error: unknown): Diagnosis {
  const cause = error instanceof DomainError ? error.cause : error;
  const causes = [cause, ...innerErrors(cause)];
  if (causes.some(isRefusal)) {
    return {
      found: 'it refuses the user or the password',
      cure: 'check stores.cassandra.user and stores.cassandra.passwordEnv',
    };
  }
  const wrongDataCenter = causes.find((one) => one instanceof errors.ArgumentError);
  if (wrongDataCenter !== undefined) {
    return {
      found: 'it has no such data centre',
      cure: 'set stores.cassandra.localDataCenter to what `SELECT data_center FROM system.local` says',
    };
  }
  return {
    found: error instanceof DomainError ? error.message : 'the driver failed',
    cure: 'check stores.cassandra.contactPoints and stores.cassandra.port, that the nodes run, and firewalls in between',
  };
}

function innerErrors(error: unknown): readonly unknown[] {
  return error instanceof errors.NoHostAvailableError ? Object.values(error.innerErrors ?? {}) : [];
}

function isRefusal(error: unknown): boolean {
  if (error instanceof errors.AuthenticationError) return true;
  return error instanceof errors.ResponseError && error.code === types.responseErrorCodes.badCredentials;
}
