import { durationMs } from '@bufbuild/protobuf/wkt';
import type { Clock } from '../domain/clock.ts';
import { DomainError, invalidField } from '../domain/errors.ts';
import type { Operations } from '../gen/google/longrunning/operations_pb.ts';
import type { Call } from '../stores/call.ts';
import type { Job, JobStore } from '../stores/job-store.ts';
import type { CallContext } from './call-context.ts';
import { JobOperations } from './job-operations.ts';
import { createPages } from './migration-pages.ts';
import type { TypedHandlers } from './typed-service.ts';

/** What the operations of migrations need. */
export interface OperationsServiceOptions {
  /** The ids of the resources that are served. */
  readonly resources: readonly string[];
  readonly jobs: JobStore;
  readonly clock: Clock;
  /** Protects page tokens; the same in all instances. */
  readonly pageTokenSecret: Uint8Array;
}

const PAGE = { default: 50, most: 1_000 };
/** Waits at once, in one instance: they last, and must not take the room of requests. Who comes later gets the state at once. */
const MAX_WAITING = 100;
/** How often a job is looked at while somebody waits for its end. */
const WAIT_POLL_MS = 500;
/** A wait ends this long before its request's deadline, so that the state is answered and not a time-out. */
const WAIT_MARGIN_MS = 250;

/** The handlers of `google.longrunning.Operations` over the jobs of migrations (AIP-151). */
export function createOperationsService(options: OperationsServiceOptions): TypedHandlers<typeof Operations> {
  const { jobs } = options;
  const operations = new JobOperations(options);
  const openPage = createPages(options.pageTokenSecret);
  let waiting = 0;
  return {
    getOperation: async ({ name }, call) => operations.operation(await operations.find(name, 'name', call)),
    listOperations: async (request, call) => {
      const resource = resourceOf(request.name, options.resources);
      refuseUnoffered(request);
      const pages = openPage({ ...request, list: ['operations', resource] }, PAGE);
      const found = await jobs.listJobs(resource, pages.after === '' ? null : pages.after, pages.size + 1, call);
      const { shown, nextPageToken } = pages.cut(found, (job) => job.id);
      return { operations: shown.map((job) => operations.operation(job)), nextPageToken };
    },
    cancelOperation: async ({ name }, call) => {
      const job = await operations.find(name, 'name', call);
      // Of one that has ended there is nothing to cancel: a retry of this request must not fail.
      await jobs.updateJob(job.id, { state: 'cancelled' }, call);
      return {};
    },
    waitOperation: async ({ name, timeout }, call) => {
      const timeoutMs = timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(timeout);
      const found = () => operations.find(name, 'name', call);
      if (waiting >= MAX_WAITING) return operations.operation(await found());
      waiting++;
      try {
        return operations.operation(await untilEnded(options.clock, found, timeoutMs, call));
      } finally {
        waiting--;
      }
    },
    deleteOperation: async () => {
      throw notOffered('operations are not deleted: they are the record of what was copied and compared');
    },
  };
}

function resourceOf(name: string, resources: readonly string[]): string {
  const id = /^migrations\/([a-z][a-z0-9_]*)$/.exec(name)?.[1];
  if (id === undefined) throw invalidField('name', 'must be of the form migrations/{resource id}');
  if (resources.includes(id)) return id;
  const message = `there is no such migration; the service has: ${resources.join(', ')}`;
  throw new DomainError({ kind: 'not_found', reason: 'MIGRATION_NOT_FOUND', message });
}

function refuseUnoffered(request: { readonly filter: string; readonly returnPartialSuccess: boolean }): void {
  if (request.filter !== '') throw notOffered('filter: operations are listed newest first, all of them');
  if (request.returnPartialSuccess) throw notOffered('return_partial_success: one migration is listed at a time');
}

async function untilEnded(
  clock: Clock,
  find: () => Promise<Job>,
  timeoutMs: number,
  call: CallContext & Call,
): Promise<Job> {
  const untilMs = Math.min(clock.monotonicMs() + timeoutMs, call.deadlineMs - WAIT_MARGIN_MS);
  for (;;) {
    const job = await find();
    const leftMs = untilMs - clock.monotonicMs();
    if (job.state !== 'running' || leftMs <= 0) return job;
    await clock.sleep(Math.min(WAIT_POLL_MS, leftMs), call.signal);
  }
}

function notOffered(message: string): DomainError {
  return new DomainError({ kind: 'unimplemented', reason: 'NOT_OFFERED', message });
}
