import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type Job, JobSchema } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import type { Operation } from '../gen/google/longrunning/operations_pb.ts';

/** The job of a migration's operation, with its progress. Throws a TypeError for an operation of another kind. */
export function jobOf({ name, metadata }: Operation): Job {
  const job = metadata && anyUnpack(metadata, JobSchema);
  if (job === undefined) throw new TypeError(`${name} is no operation of a migration`);
  return job;
}
