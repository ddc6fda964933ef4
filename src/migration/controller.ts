import type { Clock, Random } from '../domain/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ControlRecord, Transition } from '../stores/control-store.ts';
import type { Job, JobStore } from '../stores/job-store.ts';
import { type AttachOptions, attachFollower, tellSource } from './attach-follower.ts';
import { confirmed, copied, needsCopy, step } from './control-record.ts';
import type { Demotion } from './demotion.ts';
import type { Flags, Phase } from './flags.ts';
import type { Handover } from './handover.ts';
import { type HandoverConditionsOptions, lastJoined, missingForHandover } from './handover-conditions.ts';
import type { Lease } from './lease.ts';
import { type ControllerStatus, type Hold, type HoldReason, phaseOf } from './phase.ts';
import { probeFollower } from './probe-follower.ts';
import type { ProtocolSettings } from './settings.ts';

/** What the controller needs. */
export interface ControllerOptions extends AttachOptions, HandoverConditionsOptions {
  /** The resource's id. */
  readonly resource: string;
  /** Whether the resource has a target. */
  readonly hasTarget: boolean;
  readonly lease: Lease;
  readonly jobs: JobStore;
  /** Null: the target can't be the authority. */
  readonly handover: Handover | null;
  /** Whether a part of the write-ahead log may have expired before it was carried. */
  readonly logIsTooOld: () => boolean;
  readonly random: Random;
  readonly flags: Flags;
  readonly demotion: Demotion;
  /** Resolves when everything committed before the call has reached the follower. */
  readonly barrier: (call: Call) => Promise<void>;
  /** The reason for which capture has stopped, with the cure; null while it runs. */
  readonly captureStopped: (call: Call) => Promise<string | null>;
  readonly settings: ProtocolSettings & ControllerSettings;
  readonly clock: Clock;
  readonly logger: Log;
}

/** The controller's own times. Milliseconds. */
export interface ControllerSettings {
  /** How long an earlier attach's writes to the follower may still arrive: the stores' request time-outs. Default 5000. */
  readonly settleMs: number;
  /** How old the newest verification may become before another is started. Default 24 h. */
  readonly verificationIntervalMs: number;
  /** Rows a second that a bulk copy or verification started by the controller may walk; 0: no limit. Default 0. */
  readonly rowsPerSecondLimit: number;
}

/** How often the controlling instance looks. */
const TICK_MS = 250;
/** How often the others look whether the task has become free. */
const FOLLOWING_TICK_MS = 1_000;
/** How often it is looked whether a verification is due. */
const VERIFICATION_LOOK_MS = 2_000;
/** How long an instance controls without renewing: another takes over after this. */
const TASK_LEASE_MS = 3_000;
/** How long one call of a step may take. */
const STEP_TIMEOUT_MS = 5_000;
/** How long catching up may take before the controller looks again at what is wanted. */
const CATCH_UP_TIMEOUT_MS = 30_000;
/** How long the barrier of `joining` may take before the follower is sent back. */
const JOINING_TIMEOUT_MS = 10_000;
/** How long the first wait after a demotion is; it doubles with each further one. */
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 60_000;
/** Demotions longer ago than this no longer lengthen the wait. */
const BACKOFF_MEMORY_MICROS = 600_000_000n;
/** How many transitions are read to count them: more would not lengthen the wait. */
const BACKOFF_TRANSITIONS = 60;

/**
 * Brings one resource's migration to the wanted phase, one safe step at a time. Runs in every instance; the one that holds
 * the task `controller/<resource>` acts. It keeps no state that another instance would miss.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #owner: () => string;
  /** When this instance first saw the attach under way, for the settling time. */
  #attachSeen: { attach: number; atMs: number } | undefined;
  #status: ControllerStatus = { wanted: null, holds: [] };
  /** The status that stands beside the task's lease, and until when neither needs to be written again. */
  #told = { status: '', untilMs: 0 };
  #verificationLookedAtMs = Number.NEGATIVE_INFINITY;

  /** `owner`: this life of the instance. */
  constructor(options: ControllerOptions, owner: () => string) {
    this.#options = options;
    this.#owner = owner;
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
      // A handover whose instance died holds all writers up: whoever can takes it over as soon as the task is free.
      const isUrgent = leads || this.#options.lease.latest(resource)?.state === 'handing_over';
      await clock.sleep(isUrgent ? TICK_MS : FOLLOWING_TICK_MS, signal).catch(() => {});
    }
    await jobs.releaseTask(taskName(resource), this.#owner(), this.#call()).catch(() => {});
  }

  #call(timeoutMs = STEP_TIMEOUT_MS, signal?: AbortSignal): Call {
    return internalCall(this.#options.clock, timeoutMs, signal);
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
    const holds = await this.#follow(record, signal);
    if (holds.length > 0 || record.state !== 'in_sync') return holds;
    return this.#handOver(record, wanted, signal);
  }

  #keepAuthority(record: ControlRecord, wanted: Phase, signal: AbortSignal): Promise<readonly Hold[]> {
    switch (wanted) {
      case 'source-only':
        return this.#detach(record, 'the phase flag asks for source-only');
      case 'target-only':
        return this.#decommission(record, signal);
      case 'synchronize':
      case 'target-authority':
        return this.#follow(record, signal);
    }
  }

  async #handOver(record: ControlRecord, wanted: Phase, signal: AbortSignal): Promise<readonly Hold[]> {
    const { handover, random } = this.#options;
    if (handover === null) {
      return [hold('target_authority_not_offered', 'the target can’t be the authority here: see the log of the start')];
    }
    const missing = await missingForHandover(this.#options, record, this.#call());
    if (missing !== null) return [missing];
    const waitMs = await this.#handoverBackoffMs(record);
    if (waitMs > 0) {
      return [hold('handover_backoff', `a handover was undone lately; next try in ${Math.ceil(waitMs / 1000)} s`)];
    }
    // The stores change roles: what compares them now would take one for the other.
    await this.#cancelJobs();
    const begun = await handover.begin(record, random.id(), `the phase flag asks for ${wanted}`);
    return begun === null ? [] : this.#finishHandover(begun, signal);
  }

  async #finishHandover(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    const { handover } = this.#options;
    if (handover === null) return [hold('target_authority_not_offered', 'another instance hands authority over')];
    if (await handover.finish(record, signal)) return [];
    return [hold('handover_backoff', 'the handover was undone: see the log and the history')];
  }

  async #handoverBackoffMs(record: ControlRecord): Promise<number> {
    const recent = await this.#recentTransitions();
    const undone = recent.filter((one) => one.fromState === 'handing_over' && one.toState === 'in_sync');
    return this.#backoffOf(record, undone);
  }

  /** Writing to the source ends: only after a person has typed the resource's name, and a last verification. */
  async #decommission(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    if (record.state !== 'in_sync' && record.state !== 'joining') {
      if (record.state === 'detached') return [];
      return record.attempt === DECOMMISSION ? this.#detach(record, 'decommissioned') : this.#follow(record, signal);
    }
    const holds = await this.#follow(record, signal);
    if (holds.length > 0) return holds;
    const missing = await missingForHandover(this.#options, record, this.#call());
    if (missing !== null) return [missing];
    if (record.attempt !== DECOMMISSION) {
      return [hold('confirmation_missing', `confirm with \`crossfade decommission ${record.resource}\``)];
    }
    return this.#detach(record, 'a person has confirmed that writing to the source ends');
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

  async #detach(record: ControlRecord, reason: string): Promise<readonly Hold[]> {
    switch (record.state) {
      case 'syncing':
        await this.#compareAndSet(step(record, 'detached'), reason);
        await this.#cancelJobs();
        return [];
      case 'joining':
      case 'in_sync':
        await this.#options.demotion.demote(record, reason);
        return [];
      case 'leaving':
        return [hold('leaving', 'waiting until no instance reads the follower any more')];
      case 'detached':
      case 'handing_over':
      case 'moved':
        return [];
    }
  }

  /** Brings the follower to `in_sync` and keeps it there. */
  async #follow(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    switch (record.state) {
      case 'detached':
        return this.#attach(record, 'the phase flag asks for two stores');
      case 'syncing':
        return this.#sync(record, signal);
      case 'joining':
        return this.#join(record, signal);
      case 'in_sync':
        await this.#verifyWhenDue(record);
        return [];
      case 'leaving':
        return [hold('leaving', 'waiting until no instance reads the follower any more')];
      case 'handing_over':
      case 'moved':
        return [];
    }
  }

  async #attach(record: ControlRecord, reason: string): Promise<readonly Hold[]> {
    if (!this.#options.hasTarget) {
      return [hold('no_target', 'the resource names no Cassandra table; add `cassandra` to its storage option')];
    }
    await attachFollower(this.#options, record, reason);
    this.#options.lease.poke();
    return [];
  }

  async #sync(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    const checkpoint = await this.#options.log.readCheckpoint(this.#call());
    // That of an earlier epoch is good for the same attach, which authority took along: capture begins there too.
    if (checkpoint?.attach !== record.attach || checkpoint.epoch > record.epoch) {
      return this.#attach(record, 'the log of this attach is not known');
    }
    const stopped = await this.#options.captureStopped(this.#call());
    if (record.authority === 'source' && stopped !== null) return [hold('capture_stopped', stopped)];
    if (record.authority === 'target') {
      if (this.#options.logIsTooOld()) return this.#attach(record, 'a part of the write-ahead log has expired');
      await tellSource(this.#options, record, 'the attach under way', this.#call());
    }
    return needsCopy(record) ? this.#copy(record) : this.#rejoin(record, signal);
  }

  async #copy(record: ControlRecord): Promise<readonly Hold[]> {
    const { jobs, settings, resource } = this.#options;
    if (this.#attachSeen?.attach !== record.attach) {
      this.#attachSeen = { attach: record.attach, atMs: this.#options.clock.monotonicMs() };
    }
    const sinceMs = this.#options.clock.monotonicMs() - this.#attachSeen.atMs;
    if (record.attach > 1 && sinceMs < settings.settleMs) {
      return [hold('settling', 'waiting until no write of the attach before can still reach the follower')];
    }
    const job = await this.#newestJob('backfill');
    if (job === undefined || job.attach !== record.attach) {
      if (job?.state === 'running') await jobs.updateJob(job.id, { state: 'cancelled' }, this.#call());
      else await this.#createJob('backfill', record);
      return [hold('backfill_running', 'the bulk copy begins')];
    }
    switch (job.state) {
      case 'succeeded':
        await this.#compareAndSet(copied(record), `the bulk copy is complete: job ${job.id} of ${resource}`);
        return [];
      case 'running':
        return [hold('backfill_running', 'the bulk copy is under way')];
      case 'failed':
        return [hold('backfill_failed', `${job.error}; run it again with \`crossfade backfill ${resource}\``)];
      case 'cancelled':
        return [hold('backfill_cancelled', `run it again with \`crossfade backfill ${resource}\``)];
    }
  }

  async #rejoin(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    const { rolesOf, settings, clock } = this.#options;
    const waitMs = await this.#backoffMs(record);
    if (waitMs > 0) {
      return [hold('rejoin_backoff', `the follower failed lately; next try in ${Math.ceil(waitMs / 1000)} s`)];
    }
    if (!(await probeFollower({ ...rolesOf(record), clock, floor: record.floor }, signal))) {
      return [hold('follower_unreachable', 'probe writes to the follower fail or are slow: is the server up?')];
    }
    try {
      await this.#options.barrier(this.#call(CATCH_UP_TIMEOUT_MS, signal));
    } catch {
      return [hold('catching_up', 'capture has not caught up yet')];
    }
    const current = this.#options.lease.current(record.resource);
    if (current?.generation !== record.generation) return [];
    await this.#compareAndSet(step(record, 'joining'), 'the follower has caught up', settings.leaseMs);
    return [];
  }

  async #join(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    const { lease, barrier } = this.#options;
    try {
      // Without a shared lock a write may still believe what was before: it must be over before its entry is asked for.
      if (record.authority === 'target') await lease.waitOneLease(record, signal);
      await barrier(this.#call(JOINING_TIMEOUT_MS, signal));
    } catch {
      await this.#compareAndSet(step(record, 'syncing'), 'the barrier of joining was not met in time');
      return [hold('catching_up', 'the follower could not take what came before')];
    }
    await this.#compareAndSet(step(record, 'in_sync'), 'everything committed before has reached the follower');
    return [];
  }

  /** How long to wait before the follower may join again: exponential in the demotions of the last minutes. */
  async #backoffMs(record: ControlRecord): Promise<number> {
    const recent = await this.#recentTransitions();
    return this.#backoffOf(
      record,
      recent.filter((one) => isDemotion(one.fromState, one.toState)),
    );
  }

  #recentTransitions(): Promise<readonly Transition[]> {
    const { registers, resource } = this.#options;
    return registers.transitions(resource, null, BACKOFF_TRANSITIONS, this.#call());
  }

  /** `failures`: newest first. */
  async #backoffOf(record: ControlRecord, failures: readonly Transition[]): Promise<number> {
    const now = await this.#options.rolesOf(record).authority.clock(this.#call());
    const remembered = failures.filter((one) => now - one.atMicros < BACKOFF_MEMORY_MICROS);
    const [newest] = remembered;
    if (newest === undefined) return 0;
    const backoffMs = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (remembered.length - 1));
    return Math.max(0, backoffMs - Number((now - newest.atMicros) / 1000n));
  }

  async #verifyWhenDue(record: ControlRecord): Promise<void> {
    const { settings, clock, rolesOf } = this.#options;
    if (clock.monotonicMs() - this.#verificationLookedAtMs < VERIFICATION_LOOK_MS) return;
    this.#verificationLookedAtMs = clock.monotonicMs();
    const job = await this.#newestJob('verification');
    if (job?.state === 'running') return;
    const joined = await lastJoined(this.#options, this.#call());
    const nowMicros = await rolesOf(record).authority.clock(this.#call());
    const freshEnough =
      job?.state === 'succeeded' &&
      job.createdAtMicros > (joined?.atMicros ?? 0n) &&
      nowMicros - job.createdAtMicros < BigInt(settings.verificationIntervalMs) * 1000n;
    if (!freshEnough) await this.#createJob('verification', record);
  }

  async #newestJob(kind: Job['kind']): Promise<Job | undefined> {
    const { jobs, resource } = this.#options;
    const newest = await jobs.listJobs(resource, null, NEWEST_JOBS, this.#call());
    return newest.find((job) => job.kind === kind);
  }

  async #createJob(kind: Job['kind'], record: ControlRecord): Promise<void> {
    const { jobs, settings, resource } = this.#options;
    const { rowsPerSecondLimit } = settings;
    const init = { resource, kind, attach: record.attach, compareWithItself: false, rowsPerSecondLimit };
    await jobs.createJob(init, this.#call());
  }

  async #cancelJobs(): Promise<void> {
    const { jobs, resource } = this.#options;
    for (const job of await jobs.listJobs(resource, null, NEWEST_JOBS, this.#call())) {
      if (job.state === 'running') await jobs.updateJob(job.id, { state: 'cancelled' }, this.#call());
    }
  }

  async #compareAndSet(next: ControlRecord, reason: string, timeoutMs = STEP_TIMEOUT_MS): Promise<void> {
    const { registers, instance, lease } = this.#options;
    await registers.compareAndSet(next, { instance, reason }, this.#call(timeoutMs));
    lease.poke();
  }
}

/** Enough jobs to find the newest of each kind among them. */
const NEWEST_JOBS = 20;

function taskName(resource: string): string {
  return `controller/${resource}`;
}

function isDemotion(from: string, to: string): boolean {
  return to === 'leaving' || (from === 'joining' && to === 'syncing');
}

/** Whether the phase's authority is the record's. */
function isAuthorityOf(phase: Phase, { authority }: ControlRecord): boolean {
  return authority === (phase === 'source-only' || phase === 'synchronize' ? 'source' : 'target');
}

/** The attempt of a control record whose follower a person has given up. */
const DECOMMISSION = 'decommission';

function hold(reason: HoldReason, message: string): Hold {
  return { reason, message };
}
