import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { Clock } from '../domain/clock.ts';
import { DomainError, invalidField } from '../domain/errors.ts';
import type { Key } from '../domain/key.ts';
import type { JobSchema, Migrations } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import type { OperationSchema } from '../gen/google/longrunning/operations_pb.ts';
import type { ControllerStatus } from '../migration/phase.ts';
import type { Registers } from '../migration/registers.ts';
import { MAX_REPAIRED, type Repaired } from '../migration/repair.ts';
import type { Call } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Job, JobStore } from '../stores/job-store.ts';
import type { SourceFence } from '../stores/source-fence.ts';
import type { CallContext } from './call-context.ts';
import { JobOperations } from './job-operations.ts';
import { mismatchMessage, transitionMessage } from './migration-messages.ts';
import { createPages } from './migration-pages.ts';
import {
  findSubject,
  type MigrationFields,
  MigrationReader,
  migrationNotFound,
  parseStatus,
} from './migration-reader.ts';
import type { TypedHandlers } from './typed-service.ts';
import { PAUSE_NEIGHBOURS, writePauses } from './write-pause.ts';

/** One resource's migration, as the API needs it. */
export interface MigrationSubject {
  /** The resource's id. */
  readonly id: string;
  /** The record's name from its key's encoding. */
  readonly nameOfBytes: (key: Buffer) => string;
  /** The record's key. Throws `invalid_argument` that names the field `records`. */
  readonly keyOfName: (name: string) => Key;
  /** Repairs records; null: the first open mismatches. */
  readonly repair: (keys: readonly Key[] | null, call: Call) => Promise<Repaired>;
  /** Lets the controller end writing to the source. Throws `failed_precondition` unless the target is the authority. */
  readonly confirmDecommission: (call: Call) => Promise<void>;
  /** The fence of the source against outside writers. */
  readonly fence: SourceFence;
  /** What a decommission leaves to be dropped by hand, in the order in which to do it. */
  readonly leftovers: readonly MigrationLeftover[];
}

/** Something that stays behind when a migration has ended. */
export interface MigrationLeftover {
  /** What it is, and when it may go. */
  readonly description: string;
  /** SQL for MySQL that drops it; empty where it is not kept there. */
  readonly sql: string;
}

/** What the migration API needs. */
export interface MigrationServiceOptions {
  /** In the order of their ids. */
  readonly subjects: readonly MigrationSubject[];
  readonly registers: Registers;
  readonly jobs: JobStore;
  readonly clock: Clock;
  /** Protects page tokens; the same on all instances. */
  readonly pageTokenSecret: Uint8Array;
}

/** Bounds of pages, as the proto says. */
const PAGE = { default: 50, most: 1_000 };
const MIGRATIONS_PAGE = { default: 100, most: 100 };
const WATCH = { defaultMs: 1_000, leastMs: 200, mostMs: 60_000 };

/** The handlers of the migration API. */
export function createMigrationService(options: MigrationServiceOptions): TypedHandlers<typeof Migrations> {
  return new MigrationService(options).handlers();
}

class MigrationService {
  readonly #options: MigrationServiceOptions;
  readonly #subjects: ReadonlyMap<string, MigrationSubject>;
  readonly #operations: JobOperations;
  readonly #reader: MigrationReader;
  readonly #pages: ReturnType<typeof createPages>;

  constructor(options: MigrationServiceOptions) {
    this.#options = options;
    this.#subjects = new Map(options.subjects.map((subject) => [subject.id, subject]));
    this.#operations = new JobOperations(options);
    this.#reader = new MigrationReader({ ...options, operations: this.#operations });
    this.#pages = createPages(options.pageTokenSecret);
  }

  handlers(): TypedHandlers<typeof Migrations> {
    const { jobs } = this.#options;
    return {
      getMigration: async (request, call) => this.#reader.one(this.#subject(request.name, 'name'), call),
      listMigrations: async (request, call) => {
        const pages = this.#pages({ ...request, list: ['migrations'] }, MIGRATIONS_PAGE);
        const page = this.#options.subjects.filter(({ id }) => id > pages.after).slice(0, pages.size + 1);
        const { shown, nextPageToken } = pages.cut(page, ({ id }) => id);
        const shared = await this.#reader.shared(call);
        return { migrations: await Promise.all(shown.map((one) => this.#reader.of(one, shared, call))), nextPageToken };
      },
      watchMigration: (request, call) => {
        const intervalMs = request.interval === undefined ? WATCH.defaultMs : durationMs(request.interval);
        return this.#watch(this.#subject(request.name, 'name'), intervalMs, call);
      },
      listTransitions: async (request, call) =>
        this.#transitions(this.#subject(request.parent, 'parent'), request, call),
      startBackfill: async (request, call) => {
        const { rowsPerSecondLimit } = request;
        const asked = { kind: 'backfill', compareWithItself: false, rowsPerSecondLimit } as const;
        return await this.#start(this.#subject(request.name, 'name'), asked, call);
      },
      startVerification: async (request, call) => {
        const { compareWithItself, rowsPerSecondLimit } = request;
        const asked = { kind: 'verification', compareWithItself, rowsPerSecondLimit } as const;
        return await this.#start(this.#subject(request.name, 'name'), asked, call);
      },
      throttleOperation: async (request, call) => await this.#throttle(request, call),
      listMismatches: async (request, call) => {
        const { id, nameOfBytes } = this.#subject(request.parent, 'parent');
        const pages = this.#pages({ ...request, list: ['mismatches', id, String(request.showClosed)] }, PAGE);
        const query = { after: pages.afterNumber ?? 0, limit: pages.size + 1, openOnly: !request.showClosed };
        const found = await jobs.listMismatches(id, query, call);
        const { shown, nextPageToken } = pages.cut(found, (mismatch) => String(mismatch.id));
        return { mismatches: shown.map((one) => mismatchMessage(one, nameOfBytes(one.key))), nextPageToken };
      },
      repairMismatches: async (request, call) =>
        this.#repair(this.#subject(request.parent, 'parent'), request.records, call),
      decommissionMigration: async (request, call) =>
        this.#decommission(this.#subject(request.name, 'name'), request.confirmation, call),
      fenceSource: async (request, call) => {
        const subject = this.#subject(request.name, 'name');
        await subject.fence.install(call);
        return this.#reader.one(subject, call);
      },
      unfenceSource: async (request, call) => {
        const subject = this.#subject(request.name, 'name');
        await subject.fence.remove(call);
        return this.#reader.one(subject, call);
      },
    };
  }

  #subject(name: string, field: string): MigrationSubject {
    return findSubject(this.#subjects, name, field);
  }

  /** A few transitions around the page are read too: the ends of a pause may be on pages of their own. */
  async #transitions(
    { id }: MigrationSubject,
    { pageToken, pageSize }: { readonly pageToken: string; readonly pageSize: number },
    call: Call,
  ) {
    const pages = this.#pages({ pageToken, pageSize, list: ['transitions', id] }, PAGE);
    const { afterNumber: after } = pages;
    const before = after === null ? null : after + PAUSE_NEIGHBOURS;
    const around = await this.#options.registers.transitions(id, before, pages.size + 1 + 2 * PAUSE_NEIGHBOURS, call);
    const pauses = writePauses(around);
    const found = around.filter(({ generation }) => after === null || generation < after);
    const { shown, nextPageToken } = pages.cut(found, ({ generation }) => String(generation));
    return { transitions: shown.map((one) => transitionMessage(one, pauses.get(one.generation))), nextPageToken };
  }

  async *#watch(
    subject: MigrationSubject,
    intervalMs: number,
    call: CallContext,
  ): AsyncIterable<{ migration: MigrationFields }> {
    const { clock } = this.#options;
    const pauseMs = Math.min(Math.max(intervalMs, WATCH.leastMs), WATCH.mostMs);
    while (!call.signal.aborted) {
      yield { migration: await this.#reader.one(subject, { ...call, deadlineMs: clock.monotonicMs() + WATCH.mostMs }) };
      await clock.sleep(pauseMs, call.signal).catch(() => {});
    }
  }

  async #start(
    { id }: MigrationSubject,
    asked: Pick<Job, 'kind' | 'compareWithItself'> & { readonly rowsPerSecondLimit: bigint },
    call: Call,
  ): Promise<MessageInitShape<typeof OperationSchema>> {
    const { registers, jobs } = this.#options;
    const rowsPerSecondLimit = Number(asked.rowsPerSecondLimit);
    const record = (await registers.poll(call)).find((one) => one.resource === id);
    if (record === undefined) throw migrationNotFound(`${id} has no control record`);
    refuseJob(asked.kind, record);
    const { attach } = record;
    return this.#operations.operation(
      await jobs.createJob({ ...asked, resource: id, attach, rowsPerSecondLimit }, call),
    );
  }

  async #throttle(
    { name, rowsPerSecondLimit }: { readonly name: string; readonly rowsPerSecondLimit: bigint },
    call: Call,
  ): Promise<{ job: MessageInitShape<typeof JobSchema> }> {
    const { jobs } = this.#options;
    const change = { rowsPerSecondLimit: Number(rowsPerSecondLimit) };
    const job = await this.#operations.find(name, 'name', call);
    if (!(await jobs.updateJob(job.id, change, call))) throw wrongState('the job is not running any more');
    return { job: this.#operations.job((await jobs.getJob(job.id, call)) ?? job) };
  }

  async #repair(subject: MigrationSubject, records: readonly string[], call: Call) {
    if (records.length > MAX_REPAIRED) {
      throw invalidField('records', `must not name more than ${MAX_REPAIRED} records`);
    }
    const keys = records.length === 0 ? null : records.map(subject.keyOfName);
    const { repaired, open } = await subject.repair(keys, call);
    return { repairedCount: BigInt(repaired), openCount: BigInt(open) };
  }

  async #decommission(subject: MigrationSubject, confirmation: string, call: Call): Promise<MigrationFields> {
    const { registers, jobs } = this.#options;
    const { id } = subject;
    if (confirmation !== id) throw invalidField('confirmation', `must be the resource's id, ${id}, letter by letter`);
    const [records, controller] = await Promise.all([registers.poll(call), jobs.readTask(`controller/${id}`, call)]);
    refuseDecommission(
      records.find((one) => one.resource === id),
      parseStatus<ControllerStatus>(controller?.status),
    );
    await subject.confirmDecommission(call);
    return this.#reader.one(subject, call);
  }
}

function refuseDecommission(record: ControlRecord | undefined, status: ControllerStatus | undefined): void {
  if (record?.authority !== 'target') {
    throw wrongState('the target is not the authority: enable the phase target-authority, and wait for the handover');
  }
  if (status?.wanted !== 'target-only') {
    throw wrongState('the phase flag does not ask for target-only: enable that phase first, then confirm');
  }
}

function refuseJob(kind: Job['kind'], record: ControlRecord): void {
  if (kind === 'verification' && record.state !== 'in_sync') {
    throw wrongState(`a verification compares stores that are in sync; the follower is ${record.state}`);
  }
  if (kind === 'backfill' && record.state !== 'syncing') {
    throw wrongState(
      `a bulk copy fills a follower that is syncing; it is ${record.state}: enable the phase synchronize`,
    );
  }
}

function wrongState(message: string): DomainError {
  return new DomainError({ kind: 'failed_precondition', reason: 'MIGRATION_STATE', message });
}
