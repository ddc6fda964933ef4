import type { MessageInitShape } from '@bufbuild/protobuf';
import { DomainError, invalidField } from '../domain/errors.ts';
import type { MigrationSchema } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import type { CaptureStatus } from '../migration/capture.ts';
import { type ControllerStatus, phaseOf } from '../migration/phase.ts';
import type { Registers } from '../migration/registers.ts';
import type { Call } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { JobStore } from '../stores/job-store.ts';
import type { JobOperations } from './job-operations.ts';
import {
  durationOf,
  followerStateMessage,
  holdMessage,
  instanceMessage,
  phaseMessage,
  storeMessage,
} from './migration-messages.ts';
import type { MigrationSubject } from './migration-service.ts';

/** A migration's fields, without the message's own type. */
export type MigrationFields = Exclude<MessageInitShape<typeof MigrationSchema>, { $typeName: string }>;

/** What a migration's state is put together from. */
export interface MigrationReaderOptions {
  readonly registers: Registers;
  readonly jobs: JobStore;
  readonly operations: JobOperations;
}

/** The control records and heartbeats of all resources, read at once. */
export interface SharedState {
  readonly records: readonly ControlRecord[];
  readonly heartbeats: Awaited<ReturnType<Registers['heartbeats']>>;
}

/** Reads migrations as the API shows them. Safe for concurrent use. */
export class MigrationReader {
  readonly #options: MigrationReaderOptions;

  constructor(options: MigrationReaderOptions) {
    this.#options = options;
  }

  /** One migration. Throws `not_found` if it has no control record. */
  async one(subject: MigrationSubject, call: Call): Promise<MigrationFields> {
    return this.#migration(subject, this.shared(call), call);
  }

  /** One of several migrations, beside what is read for all of them together. */
  async of(subject: MigrationSubject, shared: SharedState, call: Call): Promise<MigrationFields> {
    return this.#migration(subject, Promise.resolve(shared), call);
  }

  /** What all migrations share. */
  async shared(call: Call): Promise<SharedState> {
    const { registers } = this.#options;
    const [records, heartbeats] = await Promise.all([registers.poll(call), registers.heartbeats(call)]);
    return { records, heartbeats };
  }

  /** What can be told of a migration while its jobs can't be read. Throws `not_found` if it has no control record. */
  control(id: string, { records, heartbeats }: SharedState): MigrationFields {
    const record = records.find((one) => one.resource === id);
    if (record === undefined) throw migrationNotFound(`${id} has no control record`);
    return {
      name: `migrations/${record.resource}`,
      phase: phaseMessage(phaseOf(record)),
      authority: storeMessage(record.authority),
      followerState: followerStateMessage(record.state),
      epoch: BigInt(record.epoch),
      attachNumber: BigInt(record.attach),
      generation: BigInt(record.generation),
      floor: record.floor,
      instances: heartbeats[record.authority].map((heartbeat) => instanceMessage(heartbeat, id)),
    };
  }

  async #migration(subject: MigrationSubject, sharing: Promise<SharedState>, call: Call): Promise<MigrationFields> {
    const { jobs, operations } = this.#options;
    const { id } = subject;
    const [shared, controller, capture, backfill, verification, openMismatches, sourceFenced] = await Promise.all([
      sharing,
      jobs.readTask(`controller/${id}`, call),
      jobs.readTask(`capture/${id}`, call),
      jobs.newestJob(id, 'backfill', call),
      jobs.newestJob(id, 'verification', call),
      jobs.countOpenMismatches(id, call),
      subject.fence.isInstalled(call),
    ]);
    const control = this.control(id, shared);
    const status = parseStatus<ControllerStatus>(controller?.status);
    return {
      ...control,
      wantedPhase: phaseMessage(status?.wanted ?? null),
      holds: (status?.holds ?? []).map(holdMessage),
      ...(capture !== null && { capture: captureMessage(capture.owner, parseStatus<CaptureStatus>(capture.status)) }),
      ...(backfill !== null && { backfill: operations.job(backfill) }),
      ...(verification !== null && { verification: operations.job(verification) }),
      openMismatchCount: BigInt(openMismatches),
      sourceFenced,
      leftovers: control.authority === storeMessage('target') ? [...subject.leftovers] : [],
    };
  }
}

function captureMessage(owner: string | null, status: CaptureStatus | undefined) {
  return {
    instance: owner ?? '',
    position: status?.position ?? '',
    ...(status?.lagMs != null && { lag: durationOf(status.lagMs) }),
    appliedCount: BigInt(status?.applied ?? 0),
    touchedCount: BigInt(status?.touched ?? 0),
    stoppedReason: status?.stoppedReason ?? '',
  };
}

/** The status of a task, which is JSON of its own making. */
export function parseStatus<T>(status: string | undefined): T | undefined {
  return status === undefined || status === '' ? undefined : (JSON.parse(status) as T);
}

/** The error for a migration that is not there. */
export function migrationNotFound(message: string): DomainError {
  return new DomainError({ kind: 'not_found', reason: 'MIGRATION_NOT_FOUND', message });
}

/** The migration that a request names. Throws `invalid_argument`, `not_found`. */
export function findSubject<Subject>(subjects: ReadonlyMap<string, Subject>, name: string, field: string): Subject {
  const id = /^migrations\/([a-z][a-z0-9_]*)$/.exec(name)?.[1];
  if (id === undefined) throw invalidField(field, 'must be of the form migrations/{resource id}');
  const subject = subjects.get(id);
  if (subject !== undefined) return subject;
  throw migrationNotFound(`there is no such migration; the service has: ${[...subjects.keys()].join(', ')}`);
}
