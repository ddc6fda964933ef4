import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import type { Clock } from '../domain/clock.ts';
import { DomainError, type ErrorReason, invalidField } from '../domain/errors.ts';
import {
  JobSchema,
  StartBackfillResponseSchema,
  StartVerificationResponseSchema,
} from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import type { OperationSchema } from '../gen/google/longrunning/operations_pb.ts';
import { ErrorInfoSchema } from '../gen/google/rpc/error_details_pb.ts';
import type { Call } from '../stores/call.ts';
import type { Job, JobStore } from '../stores/job-store.ts';
import { ERROR_DOMAIN } from './errors.ts';
import { jobMessage, operationName } from './migration-messages.ts';
import { RowRates } from './row-rates.ts';

type JobMessage = MessageInitShape<typeof JobSchema>;
type OperationMessage = MessageInitShape<typeof OperationSchema>;

const OPERATION_NAME = /^migrations\/([a-z][a-z0-9_]*)\/operations\/([0-9a-f]{32})$/;

/** Jobs as operations (AIP-151): the same work, under the name by which callers know it. */
export class JobOperations {
  readonly #jobs: JobStore;
  readonly #rates: RowRates;

  constructor({ jobs, clock }: { readonly jobs: JobStore; readonly clock: Clock }) {
    this.#jobs = jobs;
    this.#rates = new RowRates(clock);
  }

  /** A job with its progress: an operation's metadata. */
  job(job: Job): JobMessage {
    return jobMessage(job, this.#rates.of(job));
  }

  /** A job as an operation. */
  operation(job: Job): OperationMessage {
    return {
      name: operationName(job),
      metadata: anyPack(JobSchema, create(JobSchema, this.job(job))),
      done: job.state !== 'running',
      result: resultOf(job),
    };
  }

  /** The job of an operation. Throws `invalid_argument` for a name that is none, `not_found` if there is none of it. */
  async find(name: string, field: string, call: Call): Promise<Job> {
    const [, resource, id] = OPERATION_NAME.exec(name) ?? [];
    if (id === undefined) {
      throw invalidField(field, 'must be of the form migrations/{resource id}/operations/{operation}');
    }
    const job = await this.#jobs.getJob(id, call);
    if (job !== null && job.resource === resource) return job;
    throw new DomainError({ kind: 'not_found', reason: 'MIGRATION_NOT_FOUND', message: 'there is no such operation' });
  }
}

function resultOf(job: Job): NonNullable<OperationMessage['result']> | { case: undefined } {
  switch (job.state) {
    case 'running':
      return { case: undefined };
    case 'succeeded':
      return { case: 'response', value: responseOf(job) };
    case 'failed':
      return failure(job, { code: Code.Internal, reason: 'JOB_FAILED', message: job.error });
    case 'cancelled':
      return failure(job, {
        code: Code.Canceled,
        reason: 'JOB_CANCELLED',
        message: 'cancelled by a person, or overtaken by a change of the migration; its history says which',
      });
  }
}

function responseOf(job: Job) {
  const rowCount = BigInt(job.rows);
  if (job.kind === 'backfill') {
    return anyPack(StartBackfillResponseSchema, create(StartBackfillResponseSchema, { rowCount }));
  }
  const mismatchCount = BigInt(job.mismatches);
  return anyPack(StartVerificationResponseSchema, create(StartVerificationResponseSchema, { rowCount, mismatchCount }));
}

function failure(
  { resource }: Job,
  { code, reason, message }: { readonly code: Code; readonly reason: ErrorReason; readonly message: string },
) {
  const info = create(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata: { resource } });
  return { case: 'error' as const, value: { code, message, details: [anyPack(ErrorInfoSchema, info)] } };
}
