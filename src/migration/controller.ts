import type { Random } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ControlRecord, FollowerState } from '../stores/control-store.ts';
import type { JobStore } from '../stores/job-store.ts';
import type { MigrationMetrics } from '../telemetry/migration-metrics.ts';
import { confirmed } from './control-record.ts';
import type { Flags, Phase } from './flags.ts';
import { FollowerKeeper, type FollowerKeeperOptions } from './follower-keeper.ts';
import type { Handover } from './handover.ts';
import { type HandoverConditionsOptions, missingForHandover } from './handover-conditions.ts';
import type { Lease } from './lease.ts';
import { type ControllerStatus, type Hold, hold, phaseOf } from './phase.ts';
import { backoffMs } from './transition-backoff.ts';

/** What the controller needs. */
export interface ControllerOptions extends FollowerKeeperOptions, HandoverConditionsOptions {
  /** The resource's id. */
  readonly resource: string;
  readonly lease: Lease;
  readonly jobs: JobStore;
  /** Null: the target can't be the authority. */
  readonly handover: Handover | null;
  /** Why it can't, for people. Absent: the log of the start says it. */
  readonly whyTargetFollows?: string;
  readonly flags: Flags;
  readonly metrics: Pick<MigrationMetrics, 'holds' | 'openMismatches'>;
  readonly random: Random;
  readonly logger: Log;
}

/** How often the controlling instance looks. */
const TICK_MS = 250;
/** How often the others look whether the task has become free. */
const FOLLOWING_TICK_MS = 1_000;
/** How long an instance controls without renewing: another takes over after this. */
const TASK_LEASE_MS = 3_000;
/** How often the open mismatches are counted, for the metrics alone. */
const COUNT_MS = 15_000;
/** How long one call of a step may take. */
const STEP_TIMEOUT_MS = 5_000;

/**
 * Brings one resource's migration to the wanted phase, one safe step at a time. Runs in every instance; the one that holds
 * the task `controller/<resource>` acts. It keeps no state that another instance would miss.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #owner: () => string;
  readonly #follower: FollowerKeeper;
  #status: ControllerStatus = { wanted: null, holds: [] };
  /** The status that stands beside the task's lease, and until when neither needs to be written again. */
  #told = { status: '', untilMs: 0 };
  #countedAtMs = Number.NEGATIVE_INFINITY;

  /** `owner`: this life of the instance. */
  constructor(options: ControllerOptions, owner: () => string) {
    this.#options = options;
    this.#owner = owner;
    this.#follower = new FollowerKeeper(options);
  }

  /** Runs until the signal aborts, then gives the task back. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, jobs, resource, logger } = this.#options;
    while (!signal.aborted) {
      let leads = true;
      try {
        leads = await this.#leads();
        if (leads) this.#publish(await this.#advance(signal));
      } catch (error) {
        if (!signal.aborted) {
          logger.warn('a step of the migration failed; it is tried again', { resource, error });
          this.#publish([hold('step_failed', 'the last step failed: see the log; it is tried again')]);
        }
      }
      this.#measure(leads);
      // A handover whose instance died holds all writers up: whoever can takes it over as soon as the task is free.
      const isUrgent = leads || this.#options.lease.latest(resource)?.state === 'handing_over';
      await clock.sleep(isUrgent ? TICK_MS : FOLLOWING_TICK_MS, signal).catch(() => {});
    }
    await jobs.releaseTask(taskName(resource), this.#owner(), this.#call()).catch(() => {});
  }

  #call(): Call {
    return internalCall(this.#options.clock, STEP_TIMEOUT_MS);
  }

  async #leads(): Promise<boolean> {
    const { jobs, resource, clock } = this.#options;
    const status = JSON.stringify(this.#status);
    const nowMs = clock.monotonicMs();
    if (status === this.#told.status && nowMs < this.#told.untilMs) return true;
    this.#told = { status: '', untilMs: 0 };
    if (!(await jobs.leaseTask(taskName(resource), this.#owner(), TASK_LEASE_MS, status, this.#call()))) return false;
    this.#told = { status, untilMs: nowMs + TASK_LEASE_MS / 3 };
    return true;
  }

  /** What only the controlling instance shows: the sum over all instances is then the truth. Nothing waits for the count. */
  #measure(leads: boolean): void {
    const { metrics, resource, clock } = this.#options;
    metrics.holds(resource, leads ? this.#status.holds.map(({ reason }) => reason) : []);
    if (!leads) {
      metrics.openMismatches(resource, 0);
      this.#countedAtMs = Number.NEGATIVE_INFINITY;
    } else if (clock.monotonicMs() - this.#countedAtMs >= COUNT_MS) {
      this.#countedAtMs = clock.monotonicMs();
      void this.#countMismatches();
    }
  }

  /** Never two at a time: a count's time-out is shorter than the pause between two. */
  async #countMismatches(): Promise<void> {
    const { metrics, jobs, resource } = this.#options;
    const open = await jobs.countOpenMismatches(resource, this.#call()).catch(() => null);
    // The instance may no longer control.
    if (open !== null && this.#countedAtMs !== Number.NEGATIVE_INFINITY) metrics.openMismatches(resource, open);
  }

  #publish(holds: readonly Hold[]): void {
    const { flags, resource, logger } = this.#options;
    const before = this.#status.holds.map((one) => one.reason).join();
    this.#status = { wanted: flags.wantedPhase(resource) ?? null, holds };
    const now = holds.map((one) => one.reason).join();
    if (now !== before && now !== '') logger.info('the migration waits', { resource, holds: now });
  }

  /** One step; returns what keeps it from the next. */
  async #advance(signal: AbortSignal): Promise<readonly Hold[]> {
    const { lease, flags, resource } = this.#options;
    const record = lease.current(resource);
    if (record === undefined)
      return [hold('no_lease', 'the control record cannot be read: the authority is unreachable')];
    // What was begun is brought to its end, either way: writers wait.
    if (record.state === 'handing_over') return this.#finishHandover(record, signal);
    // Absent, off or unreadable flags move nothing: what has been reached is kept up.
    const wanted: Phase = flags.wantedPhase(resource) ?? phaseOf(record);
    if (isAuthorityOf(wanted, record)) return this.#keepAuthority(record, wanted, signal);
    const holds = await this.#follower.follow(record, signal);
    if (holds.length > 0 || record.state !== 'in_sync') return holds;
    return this.#handOver(record, wanted, signal);
  }

  #keepAuthority(record: ControlRecord, wanted: Phase, signal: AbortSignal): Promise<readonly Hold[]> {
    switch (wanted) {
      case 'source-only':
        return this.#follower.detach(record, 'the phase flag asks for source-only');
      case 'target-only':
        return this.#decommission(record, signal);
      case 'synchronize':
      case 'target-authority':
        return this.#follower.follow(record, signal);
    }
  }

  async #handOver(record: ControlRecord, wanted: Phase, signal: AbortSignal): Promise<readonly Hold[]> {
    const { handover, random, captureStopped, whyTargetFollows } = this.#options;
    if (handover === null) {
      const why = whyTargetFollows ?? 'the target can’t be the authority here: see the log of the start';
      return [hold('target_authority_not_offered', why)];
    }
    const missing = await missingForHandover(this.#options, record, this.#call());
    if (missing !== null) return [missing];
    const waitMs = await backoffMs(this.#options, record, isUndone, this.#call());
    if (waitMs > 0) {
      return [hold('handover_backoff', `a handover was undone lately; next try in ${Math.ceil(waitMs / 1000)} s`)];
    }
    const stopped = await captureStopped(this.#call());
    if (stopped !== null) return [hold('capture_stopped', stopped)];
    try {
      await handover.makeReady(record, signal);
    } catch {
      return [hold('catching_up', 'capture has not caught up yet, or the source is slow')];
    }
    // The stores change roles: what compares them now would take one for the other.
    await this.#follower.cancelJobs(record);
    const begun = await handover.begin(record, random.id(), `the phase flag asks for ${wanted}`);
    return begun === null ? [] : this.#finishHandover(begun, signal);
  }

  async #finishHandover(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    const { handover } = this.#options;
    if (handover === null) return [hold('target_authority_not_offered', 'another instance hands authority over')];
    if (await handover.finish(record, signal)) return [];
    return [hold('handover_backoff', 'the handover was undone: see the log and the history')];
  }

  /** Writing to the source ends: only after a person has typed the resource's name, and a last verification. */
  async #decommission(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    if (record.state !== 'in_sync' && record.state !== 'joining') {
      if (record.state === 'detached') return [];
      return record.attempt === DECOMMISSION
        ? this.#follower.detach(record, 'decommissioned')
        : this.#follower.follow(record, signal);
    }
    const holds = await this.#follower.follow(record, signal);
    if (holds.length > 0) return holds;
    const missing = await missingForHandover(this.#options, record, this.#call());
    if (missing !== null) return [missing];
    if (record.attempt !== DECOMMISSION) {
      return [hold('confirmation_missing', `confirm with \`crossfade decommission ${record.resource}\``)];
    }
    return this.#follower.detach(record, 'a person has confirmed that writing to the source ends');
  }

  /**
   * Keeps a person's word that writing to the source may end. Throws `failed_precondition`/MIGRATION_STATE unless the target is
   * the authority and the follower in sync.
   */
  async confirmDecommission(call: Call): Promise<void> {
    const { lease, resource, registers, instance } = this.#options;
    const record = await lease.valid(resource, call);
    if (record.authority !== 'target' || record.state !== 'in_sync') {
      throw new DomainError({
        kind: 'failed_precondition',
        reason: 'MIGRATION_STATE',
        message: 'the target must be the authority, and the source in sync, before writing to the source can end',
      });
    }
    const next = confirmed(record, DECOMMISSION);
    const reason = 'a person has confirmed the decommission of the source';
    if (await registers.compareAndSet(next, { instance, reason }, call)) return;
    throw new DomainError({
      kind: 'unavailable',
      reason: 'TRANSITION_UNDER_WAY',
      message: 'the control record has just changed; try again',
    });
  }
}

function taskName(resource: string): string {
  return `controller/${resource}`;
}

/** Whether the phase's authority is the record's. */
function isAuthorityOf(phase: Phase, { authority }: ControlRecord): boolean {
  return authority === (phase === 'source-only' || phase === 'synchronize' ? 'source' : 'target');
}

function isUndone(from: FollowerState, to: FollowerState): boolean {
  return from === 'handing_over' && to === 'in_sync';
}

/** The attempt of a control record whose follower a person has given up. */
const DECOMMISSION = 'decommission';
