import type { Clock, Random } from '../domain/clock.ts';
import type { KeyCodec } from '../domain/key.ts';
import type { Log } from '../domain/log.ts';
import { internalCall } from '../stores/call.ts';
import type { ChangeLog, Checkpoint, LogStop } from '../stores/change-log.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { JobStore } from '../stores/job-store.ts';
import type { MigrationMetrics } from '../telemetry/migration-metrics.ts';
import { Backoff } from './backoff.ts';
import { CaptureSession, type SessionEnd } from './capture-session.ts';
import type { CaptureSettings } from './capture-settings.ts';
import type { FoldOptions } from './fold.ts';
import type { HoldOutside } from './outside-writes.ts';
import type { Roles } from './roles.ts';
import { runTask, slept } from './task-lease.ts';

/** Why an attach can't be captured any more: it must be made anew. */
export interface CaptureGap {
  readonly epoch: number;
  readonly attach: number;
  /** The log's own reasons, and a checkpoint that is not there (any more). */
  readonly reason: LogStop | 'checkpoint_lost';
  /** Names the cause and the cure. */
  readonly message: string;
}

/** Capture as it is shown to operators; also kept as JSON beside the task's lease, for the other instances. */
export interface CaptureStatus {
  /** The attach that it captures, or has stopped at; 0: none. */
  readonly attach: number;
  /** Up to where everything is acknowledged by the follower; empty: not known. */
  readonly position: string;
  /** Time between commit and acknowledgement, in milliseconds, growing while nothing moves; null: not known yet. */
  readonly lagMs: number | null;
  /** Rows applied by this instance since it started. */
  readonly applied: number;
  /** Of these, records that an outside writer changed: touched, or held for a person. */
  readonly touched: number;
  /** When an outside writer's change was last met, in microseconds by the capturing instance's clock, as text; empty: never. */
  readonly outsideAtMicros: string;
  /** Why it holds its place for now; empty while it moves. */
  readonly held: string;
  /** Why it has stopped, with the cure; empty while it runs. */
  readonly stoppedReason: string;
}

/** What capture needs. */
export interface CaptureOptions {
  readonly resource: string;
  /** This life of this instance. */
  readonly owner: string;
  /** Who is what while a record holds. */
  readonly rolesOf: (control: ControlRecord) => Roles;
  readonly changeLog: ChangeLog;
  readonly keys: KeyCodec;
  readonly keyLength: number;
  readonly jobs: JobStore;
  /** The newest control record known, valid or not. */
  readonly control: () => ControlRecord | undefined;
  /** Called once for each gap, by the instance that met it. Must not throw. */
  readonly onGap: (gap: CaptureGap) => void;
  /** See `RecentAcknowledgements`. Default: nothing is known. */
  readonly alreadyAcknowledged?: FoldOptions['alreadyAcknowledged'];
  /** See {@link FoldOptions}. */
  readonly remembersRequests?: boolean;
  /** See `Barriers.noteMet`. Default: nobody is told. */
  readonly onBarriersMet?: (ids: readonly string[]) => void;
  /** Records outside changes for a person, where the settings ask for that. Default: nobody can, so they are touched. */
  readonly holdOutside?: (control: ControlRecord) => HoldOutside;
  readonly metrics: MigrationMetrics;
  readonly settings: CaptureSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How often the control record is looked at, in memory, and the task asked for while another instance has it. */
const LOOK_MS = 50;
const TASK_POLL_MS = 250;
/** How long a new attach may take to store its first checkpoint before that counts as a gap. */
const CHECKPOINT_GRACE_MS = 5000;
/** How long an instance may hold its place before it lets another try: perhaps only its own links are broken. */
const HELD_MS = 15_000;
/** Pauses before a session begins again after its link broke. */
const RESTART = { firstMs: 100, maxMs: 5000 };

/** Change capture of one resource (docs/protocol.md, section 2), by the one instance that has its task. */
export class Capture {
  readonly #options: CaptureOptions;
  #session: CaptureSession | null = null;
  #attach = 0;
  #heldSinceMs: number | null = null;
  #lagMs: number | null = null;
  #applied = 0;
  #touched = 0;
  #outsideAtMicros = 0n;
  #stopped: { readonly epoch: number; readonly attach: number; readonly message: string } | null = null;

  constructor(options: CaptureOptions) {
    this.#options = options;
  }

  /** Whether this instance captures now. */
  get running(): boolean {
    return this.#session !== null;
  }

  /** How old the oldest change is that the follower has not acknowledged, in milliseconds; 0: none, or not captured here. */
  backlogMs(): number {
    const sinceMicros = this.#session?.progress().waitingSinceMicros ?? null;
    return sinceMicros === null ? 0 : Math.max(0, Number(this.#options.clock.wallMicros() - sinceMicros) / 1000);
  }

  /** How it goes on this instance; the other instances' stands beside the task's lease. */
  status(): CaptureStatus {
    const progress = this.#session?.progress();
    const waitingMs = this.backlogMs();
    return {
      attach: this.#attach,
      position: progress?.position ?? '',
      lagMs: this.#lagMs === null && waitingMs === 0 ? null : Math.max(this.#lagMs ?? 0, waitingMs),
      applied: this.#applied,
      touched: this.#touched,
      outsideAtMicros: this.#outsideAtMicros === 0n ? '' : String(this.#outsideAtMicros),
      held: progress?.held ?? '',
      stoppedReason: this.#stopped?.message ?? '',
    };
  }

  /** Captures whenever the follower's state asks for it and the task is free, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, resource } = this.#options;
    const backoff = new Backoff(RESTART, this.#options);
    while (!signal.aborted) {
      if (this.#wanted() === null) {
        await slept(clock, LOOK_MS, signal);
        continue;
      }
      try {
        const had = await this.#reign(signal, backoff);
        if (!had) await slept(clock, TASK_POLL_MS, signal);
        // Long enough for another instance to take the task.
        else if (this.#heldSinceMs !== null) await slept(clock, 4 * TASK_POLL_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn('capture could not begin; trying again', { resource, error });
        await backoff.pause(signal).catch(() => {});
      }
    }
  }

  /** The control record whose attach is to be captured now; null: nothing is. */
  #wanted(): ControlRecord | null {
    const control = this.#options.control();
    if (control === undefined || control.attach === 0) return null;
    if (control.state === 'detached' || control.state === 'moved') return null;
    const { epoch, attach } = control;
    if (this.#stopped !== null && this.#stopped.epoch === epoch && this.#stopped.attach === attach) return null;
    this.#stopped = null;
    return control;
  }

  /** False: another instance has the task. */
  async #reign(signal: AbortSignal, backoff: Backoff): Promise<boolean> {
    const { resource, settings } = this.#options;
    const task = {
      ...this.#options,
      task: `capture/${resource}`,
      leaseMs: settings.taskLeaseMs,
      status: () => JSON.stringify(this.status()),
    };
    this.#heldSinceMs = null;
    await this.#learnFromPredecessor(task.task, signal);
    return await runTask(task, signal, async (owned) => {
      this.#lagMs = null;
      while (!owned.aborted) {
        const control = this.#wanted();
        if (control === null || this.#heldSinceMs !== null) return;
        this.#attach = control.attach;
        const end = await this.#capture(control, owned, backoff);
        if (owned.aborted) return;
        await this.#settle(control, end, owned, backoff);
      }
    });
  }

  /** What must outlive an instance: that an outside writer was seen holds a handover up. */
  async #learnFromPredecessor(task: string, signal: AbortSignal): Promise<void> {
    const { jobs, clock, settings } = this.#options;
    const found = await jobs.readTask(task, internalCall(clock, settings.callMs, signal));
    if (found === null || found.status === '') return;
    const { outsideAtMicros } = JSON.parse(found.status) as CaptureStatus;
    const micros = outsideAtMicros ? BigInt(outsideAtMicros) : 0n;
    if (micros > this.#outsideAtMicros) this.#outsideAtMicros = micros;
  }

  async #capture(control: ControlRecord, owned: AbortSignal, backoff: Backoff): Promise<SessionEnd | CaptureGap> {
    const found = await this.#findCheckpoint(control, owned);
    if (!('position' in found)) return found;
    const ended = new AbortController();
    const signal = AbortSignal.any([owned, ended.signal]);
    this.#session = this.#newSession(control, found, backoff);
    const watched = this.#endWithAttach(control, ended, signal);
    try {
      return await this.#session.run(signal);
    } finally {
      this.#session = null;
      ended.abort();
      await watched;
    }
  }

  #newSession(control: ControlRecord, checkpoint: Checkpoint, backoff: Backoff): CaptureSession {
    const { resource, metrics, alreadyAcknowledged, onBarriersMet, holdOutside, settings, clock } = this.#options;
    const holds = control.authority === 'target' && settings.outsideWrites === 'hold';
    const resumed = checkpoint.epoch !== control.epoch;
    return new CaptureSession({
      ...this.#options,
      ...this.#options.rolesOf(control),
      // That of an earlier epoch lies before this one's beginning, which the log shows.
      checkpoint: resumed ? { ...checkpoint, epoch: control.epoch, begun: false } : checkpoint,
      resumed,
      carriesOwn: control.authority === 'source',
      alreadyAcknowledged: alreadyAcknowledged ?? (() => false),
      remembersRequests: this.#options.remembersRequests,
      onBarriersMet: onBarriersMet ?? (() => {}),
      holdOutside: (holds && holdOutside?.(control)) || null,
      onAcknowledged: (applied, touched, lagMs) => {
        backoff.reset();
        this.#applied += applied;
        this.#touched += touched;
        if (touched > 0) this.#outsideAtMicros = clock.wallMicros();
        if (lagMs !== null) {
          this.#lagMs = lagMs;
          metrics.replicationLag(resource, lagMs);
        }
        metrics.captured(resource, applied, touched);
      },
    });
  }

  /** Ends the session when the control record shows that its attach is over, or when it was held for too long. */
  async #endWithAttach(control: ControlRecord, ended: AbortController, signal: AbortSignal): Promise<void> {
    while (await slept(this.#options.clock, LOOK_MS, signal)) {
      if (this.#heldTooLong()) ended.abort();
      const now = this.#options.control();
      if (now === undefined || now.generation < control.generation) continue;
      const same = now.epoch === control.epoch && now.attach === control.attach;
      if (!same || now.state === 'detached' || now.state === 'moved') ended.abort();
    }
  }

  #heldTooLong(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#session?.progress().held) this.#heldSinceMs ??= nowMs;
    else this.#heldSinceMs = null;
    return this.#heldSinceMs !== null && nowMs - this.#heldSinceMs > HELD_MS;
  }

  /** The checkpoint of this attach, waiting for it a while as it is stored just after the attach; or why there is none. */
  async #findCheckpoint(control: ControlRecord, signal: AbortSignal): Promise<Checkpoint | CaptureGap | SessionEnd> {
    const { changeLog, clock, settings } = this.#options;
    const { epoch, attach } = control;
    const untilMs = clock.monotonicMs() + CHECKPOINT_GRACE_MS;
    for (;;) {
      const checkpoint = await changeLog.readCheckpoint(internalCall(clock, settings.callMs, signal));
      if (checkpoint?.attach === attach && checkpoint.epoch <= epoch) {
        const hash = await changeLog.definitionHash(internalCall(clock, settings.callMs, signal));
        if (hash === checkpoint.definitionHash) return checkpoint;
        const message = 'the table was altered, or the definition got other indexes, while nobody captured';
        return { epoch, attach, reason: 'definition_changed', message };
      }
      const wanted = this.#wanted();
      if (wanted?.epoch !== epoch || wanted.attach !== attach) return { kind: 'superseded' };
      if (clock.monotonicMs() >= untilMs) {
        const message = 'there is no checkpoint of this attach; the follower is attached anew';
        return { epoch, attach, reason: 'checkpoint_lost', message };
      }
      await clock.sleep(LOOK_MS, signal);
    }
  }

  async #settle(
    control: ControlRecord,
    end: SessionEnd | CaptureGap,
    signal: AbortSignal,
    backoff: Backoff,
  ): Promise<void> {
    const { epoch, attach } = control;
    const gap = 'reason' in end ? { epoch, attach, reason: end.reason, message: withCure(end) } : null;
    if (gap !== null) {
      this.#stop(gap);
      this.#options.onGap(gap);
    } else if ('kind' in end && end.kind === 'refused') {
      const message = `${end.message.replace(/\.$/, '')}; the follower takes no more until this is mended and the service starts again, or until a new attach`;
      this.#stop({ epoch, attach, message });
    } else {
      if ('error' in end) {
        this.#options.log.warn('capture was interrupted; it goes on from its checkpoint', {
          resource: this.#options.resource,
          error: end.error,
        });
      }
      await backoff.pause(signal).catch(() => {});
    }
  }

  #stop(stopped: { readonly epoch: number; readonly attach: number; readonly message: string }): void {
    this.#stopped = stopped;
    this.#options.log.error('capture has stopped', { resource: this.#options.resource, why: stopped.message });
  }
}

const ANEW = 'then set the phase to source-only and back to synchronize';
/** What a person has to do where a new attach alone does not help. */
const CURES: Partial<Record<CaptureGap['reason'], string>> = {
  definition_changed: `start the service again, with its new definition if it needs one, ${ANEW}`,
  log_format: `mend the setting, ${ANEW}`,
};

function withCure({ reason, message }: Pick<CaptureGap, 'reason' | 'message'>): string {
  const cure = CURES[reason];
  return cure === undefined ? message : `${message}: ${cure}`;
}
