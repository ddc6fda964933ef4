/*
 * What all viewers are shown, read once for all of them, and only while there is one. What has changed is a new object and what has
 * not is the same one, so that each viewer knows by comparing references what it has sent already.
 */
import { clone, create, equals } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { Clock } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import {
  type DashboardFlags,
  DashboardFlagsSchema,
  type DashboardMeasures,
  type DashboardMismatches,
  DashboardMismatchesSchema,
  type DashboardTransitions,
  DashboardTransitionsSchema,
} from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import { type Migration, MigrationSchema } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import type { Registers } from '../migration/registers.ts';
import { type Call, internalCall } from '../stores/call.ts';
import { forEachBounded } from '../stores/for-each-bounded.ts';
import type { JobStore } from '../stores/job-store.ts';
import { flagsMessage, measuresMessage, openMismatchMessage } from './dashboard-messages.ts';
import type { DashboardLinks, DashboardSubject, FlagsView } from './dashboard-subject.ts';
import { JobOperations } from './job-operations.ts';
import { transitionMessage } from './migration-messages.ts';
import { MigrationReader, type SharedState } from './migration-reader.ts';
import { PAUSE_NEIGHBOURS, writePauses } from './write-pause.ts';

/** What the feed reads from. */
export interface DashboardFeedOptions {
  readonly subjects: readonly DashboardSubject[];
  readonly registers: Registers;
  readonly jobs: JobStore;
  /** Null: there is no flag server. */
  readonly flags: FlagsView | null;
  readonly links: DashboardLinks;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is shown of one resource now; null: it could not be read yet. */
export interface Shown {
  readonly migration: Migration | null;
  readonly transitions: DashboardTransitions | null;
  readonly mismatches: DashboardMismatches | null;
  readonly flags: DashboardFlags;
  readonly latest: DashboardMeasures;
}

/** How often everything is read while somebody watches. */
const READ_EVERY_MS = 1_000;
const READ_TIMEOUT_MS = 5_000;
/** Resources that are read at once: the control connections are for the migrations first. */
const READERS = 4;
/** Rounds after which lists are read again though nothing seems to have changed: a store may have been away. */
const RELIST_ROUNDS = 15;
const SHOWN_TRANSITIONS = 20;
const SHOWN_MISMATCHES = 50;

const NOTHING_MEASURED = measuresMessage(null);

/** Reads for all viewers. Safe for concurrent use. */
export class DashboardFeed {
  readonly #options: DashboardFeedOptions;
  readonly #reader: MigrationReader;
  readonly #shown = new Map<string, Shown>();
  #watching = 0;
  #running = false;
  /** Aborts when the last viewer leaves. */
  #idle = new AbortController();
  #round = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #waiting: (() => void)[] = [];
  #trouble = '';
  #stateMicros: bigint | null = null;

  constructor(options: DashboardFeedOptions) {
    this.#options = options;
    this.#reader = new MigrationReader({ ...options, operations: new JobOperations(options) });
  }

  /** Why the state can't be read now; empty: it can. */
  get trouble(): string {
    return this.#trouble;
  }

  /** When the state was last read; null: never. */
  get stateMicros(): bigint | null {
    return this.#stateMicros;
  }

  /** What is shown of a resource. */
  of({ migration: { id } }: DashboardSubject): Shown {
    const known = this.#shown.get(id);
    if (known !== undefined) return known;
    const { flags, links } = this.#options;
    const none = { migration: null, transitions: null, mismatches: null, latest: NOTHING_MEASURED };
    const shown = { ...none, flags: flagsMessage(id, flags, links) };
    this.#shown.set(id, shown);
    return shown;
  }

  /** Reads as long as somebody watches. Returns what a viewer calls when it leaves. */
  enter(): () => void {
    this.#watching += 1;
    if (this.#idle.signal.aborted) this.#idle = new AbortController();
    if (!this.#running) void this.#run();
    return () => {
      this.#watching -= 1;
      if (this.#watching === 0) this.#idle.abort();
    };
  }

  /** Resolves when what is shown is of now, give or take a round. */
  fresh(): Promise<void> {
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#readAtMs < 2 * READ_EVERY_MS) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    this.#running = true;
    while (this.#watching > 0) {
      await this.#readAll();
      this.#readAtMs = clock.monotonicMs();
      for (const wake of this.#waiting.splice(0)) wake();
      await clock.sleep(READ_EVERY_MS, this.#idle.signal).catch(() => {});
    }
    this.#running = false;
  }

  /** Never rejects: whatever fails here must not end the reading for everybody, nor the process. */
  async #readAll(): Promise<void> {
    const { subjects, clock } = this.#options;
    const call = internalCall(clock, READ_TIMEOUT_MS);
    this.#round += 1;
    let shared: SharedState | null = null;
    let failure: unknown = null;
    try {
      const state = await this.#reader.shared(call);
      shared = state;
      await forEachBounded(subjects, READERS, (subject) => this.#read(subject, state, call));
    } catch (error) {
      failure = error;
    }
    try {
      for (const subject of subjects) this.#refresh(subject, failure === null ? null : shared);
    } catch (error) {
      failure ??= error;
    }
    this.#tell(failure);
  }

  /** `error` null: all was read. */
  #tell(error: unknown): void {
    const { clock, log } = this.#options;
    const before = this.#trouble;
    this.#trouble = troubleOf(error);
    if (error === null) this.#stateMicros = clock.wallMicros();
    else if (this.#trouble !== before) log.warn('the dashboard cannot read the migrations', { error });
  }

  async #read(subject: DashboardSubject, shared: SharedState, call: Call): Promise<void> {
    const before = this.of(subject);
    const migration = create(MigrationSchema, await this.#reader.of(subject.migration, shared, call));
    const { lag, appliedCount } = migration.capture ?? {};
    // Whoever captures measures; the others learn of it here.
    if (lag !== undefined && appliedCount !== before.migration?.capture?.appliedCount) {
      subject.measures.sawLag(durationMs(lag));
    }
    const transitions = await this.#transitions(subject, before, migration, call);
    const mismatches = await this.#mismatches(subject, before, migration, call);
    const isSame = before.migration !== null && equals(MigrationSchema, before.migration, migration);
    this.#shown.set(subject.migration.id, {
      ...this.of(subject),
      migration: isSame ? before.migration : migration,
      transitions,
      mismatches,
    });
  }

  /** A list is read again when the state says that it changed, and now and then. */
  #mayHaveChanged(before: Shown, now: Migration, count: (migration: Migration) => bigint): boolean {
    return before.migration === null || count(before.migration) !== count(now) || this.#round % RELIST_ROUNDS === 0;
  }

  async #transitions(
    { migration: { id } }: DashboardSubject,
    before: Shown,
    now: Migration,
    call: Call,
  ): Promise<DashboardTransitions> {
    const { transitions: known } = before;
    if (known !== null && !this.#mayHaveChanged(before, now, ({ generation }) => generation)) return known;
    const around = await this.#options.registers.transitions(id, null, SHOWN_TRANSITIONS + PAUSE_NEIGHBOURS, call);
    const pauses = writePauses(around);
    const shown = around.slice(0, SHOWN_TRANSITIONS);
    const list = create(DashboardTransitionsSchema, {
      transitions: shown.map((one) => transitionMessage(one, pauses.get(one.generation))),
    });
    return known !== null && equals(DashboardTransitionsSchema, known, list) ? known : list;
  }

  async #mismatches(
    { migration: { id, nameOfBytes } }: DashboardSubject,
    before: Shown,
    now: Migration,
    call: Call,
  ): Promise<DashboardMismatches> {
    const { jobs, links } = this.#options;
    const { mismatches: known } = before;
    if (known !== null && !this.#mayHaveChanged(before, now, ({ openMismatchCount }) => openMismatchCount))
      return known;
    const query = { after: 0, limit: SHOWN_MISMATCHES, openOnly: true, newestFirst: true };
    const open = now.openMismatchCount === 0n ? [] : await jobs.listMismatches(id, query, call);
    const list = create(DashboardMismatchesSchema, {
      mismatches: open.map((one) => openMismatchMessage(one, nameOfBytes, links)),
    });
    return known !== null && equals(DashboardMismatchesSchema, known, list) ? known : list;
  }

  /** What needs no store, and, where the jobs could not be read, what the control records say. */
  #refresh(subject: DashboardSubject, controlOnly: SharedState | null): void {
    const { flags, links } = this.#options;
    const { id } = subject.migration;
    const before = this.of(subject);
    const nowFlags = flagsMessage(id, flags, links);
    const measures = subject.measures.latest();
    this.#shown.set(id, {
      ...before,
      migration: controlOnly === null ? before.migration : this.#withControl(id, before.migration, controlOnly),
      flags: equals(DashboardFlagsSchema, before.flags, nowFlags) ? before.flags : nowFlags,
      latest: measures === null ? NOTHING_MEASURED : measuresMessage(measures),
    });
  }

  #withControl(id: string, before: Migration | null, shared: SharedState): Migration | null {
    if (before === null || !shared.records.some(({ resource }) => resource === id)) return before;
    const control = create(MigrationSchema, this.#reader.control(id, shared));
    const { phase, authority, followerState, epoch, attachNumber, generation, floor, instances } = control;
    const told = { phase, authority, followerState, epoch, attachNumber, generation, floor, instances };
    const now = Object.assign(clone(MigrationSchema, before), told);
    return equals(MigrationSchema, before, now) ? before : now;
  }
}

function troubleOf(error: unknown): string {
  if (error === null) return '';
  return isDomainError(error) ? error.message : 'a fault of the service; its log holds the cause';
}
