import type { Clock } from '../domain/clock.ts';
import { type Call, internalCall } from '../stores/call.ts';
import type { ControlRecord } from '../stores/control-store.ts';
import type { Job, JobStore } from '../stores/job-store.ts';
import { type AttachOptions, attachFollower, sourceHasForgotten, tellSource } from './attach-follower.ts';
import { copied, needsCopy, step } from './control-record.ts';
import type { Demotion } from './demotion.ts';
import { lastJoined } from './handover-conditions.ts';
import type { Lease } from './lease.ts';
import { type Hold, hold } from './phase.ts';
import { probeFollower } from './probe-follower.ts';
import type { ProtocolSettings } from './settings.ts';
import { backoffMs } from './transition-backoff.ts';

/** What keeping a follower needs. */
export interface FollowerKeeperOptions extends AttachOptions {
  /** The resource's id. */
  readonly resource: string;
  /** Whether the resource has a target. */
  readonly hasTarget: boolean;
  readonly lease: Lease;
  readonly jobs: JobStore;
  /** Whether a part of the write-ahead log may have expired before it was carried. */
  readonly logIsTooOld: () => boolean;
  readonly demotion: Demotion;
  /** Resolves when everything committed before the call has reached the follower. */
  readonly barrier: (call: Call) => Promise<void>;
  /** The reason for which capture has stopped, with the cure; null while it runs. */
  readonly captureStopped: (call: Call) => Promise<string | null>;
  readonly settings: ProtocolSettings & FollowerSettings;
  readonly clock: Clock;
}

/** Times of a follower's way to `in_sync`, and what is checked there. Milliseconds. */
export interface FollowerSettings {
  /** How long an earlier attach's writes to the follower may still arrive: the stores' request time-outs. Default 5000. */
  readonly settleMs: number;
  /** How old the newest verification may become before another is started. Default 24 h. */
  readonly verificationIntervalMs: number;
  /** Rows a second that a bulk copy or verification started by the controller may walk; 0: no limit. Default 0. */
  readonly rowsPerSecondLimit: number;
}

/** How often it is looked whether a verification is due. */
const VERIFICATION_LOOK_MS = 2_000;
/** How long after a verification that failed another one is started. */
const FAILED_VERIFICATION_MICROS = 60_000_000n;
/** How long one call of a step may take. */
const STEP_TIMEOUT_MS = 5_000;
/** How long catching up may take before it is looked again at what is wanted. */
const CATCH_UP_TIMEOUT_MS = 30_000;
/** How long the barrier of `joining` may take before the follower is sent back. */
const JOINING_TIMEOUT_MS = 10_000;
/** How many jobs are looked at for running ones: at most one of each kind runs, and it is among the newest. */
const NEWEST_JOBS = 20;

/**
 * Brings one resource's follower to `in_sync` and keeps it there, or detaches it, one step a call. Each call returns what
 * keeps it from the next step. For the controller, in the instance that leads.
 */
export class FollowerKeeper {
  readonly #options: FollowerKeeperOptions;
  /** When this instance first saw the attach under way, for the settling time. */
  #attachSeen: { attach: number; atMs: number } | undefined;
  #verificationLookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: FollowerKeeperOptions) {
    this.#options = options;
  }

  #call(timeoutMs = STEP_TIMEOUT_MS, signal?: AbortSignal): Call {
    return internalCall(this.#options.clock, timeoutMs, signal);
  }

  /** Takes the follower out, and ends what was under way for it. */
  async detach(record: ControlRecord, reason: string): Promise<readonly Hold[]> {
    switch (record.state) {
      case 'syncing':
        await this.#compareAndSet(step(record, 'detached'), reason);
        await this.cancelJobs(record);
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
  async follow(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    switch (record.state) {
      case 'detached':
        return this.#attach(record, 'the phase flag asks for two stores');
      case 'syncing':
        return this.#sync(record, signal);
      case 'joining':
        return this.#join(record, signal);
      case 'in_sync':
        return this.#keepInSync(record);
      case 'leaving':
        return [hold('leaving', 'waiting until no instance reads the follower any more')];
      case 'handing_over':
      case 'moved':
        return [];
    }
  }

  async #keepInSync(record: ControlRecord): Promise<readonly Hold[]> {
    const lacking = await this.#whatFollowerLacks(record);
    if (lacking !== null) {
      await this.#options.demotion.demote(record, lacking);
      return [hold('leaving', `${lacking}: the follower is attached anew`)];
    }
    await this.#verifyWhenDue(record);
    return [];
  }

  /** Why a follower in MySQL may lack what it is thought to have; null: nothing speaks for it. */
  async #whatFollowerLacks(record: ControlRecord): Promise<string | null> {
    const { registers, logIsTooOld } = this.#options;
    if (record.authority === 'source') return null;
    if (logIsTooOld()) return 'a part of the write-ahead log has expired';
    const forgotten = await sourceHasForgotten(registers, record, this.#call()).catch(() => false);
    return forgotten ? 'the source has forgotten that authority has moved' : null;
  }

  async #attach(record: ControlRecord, reason: string): Promise<readonly Hold[]> {
    if (!this.#options.hasTarget) {
      return [
        hold(
          'no_target',
          'the resource has no target: add `cassandra` to its storage option, or `riakBucket` to it in the config',
        ),
      ];
    }
    await attachFollower(this.#options, record, reason);
    this.#options.lease.poke();
    return [];
  }

  async #sync(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    const checkpoint = await this.#options.log.readCheckpoint(this.#call());
    // Capture goes on from that of an earlier epoch of the same attach.
    if (checkpoint?.attach !== record.attach || checkpoint.epoch > record.epoch) {
      return this.#attach(record, 'the log of this attach is not known');
    }
    const stopped = await this.#options.captureStopped(this.#call());
    if (record.authority === 'source' && stopped !== null) return [hold('capture_stopped', stopped)];
    if (record.authority === 'target') {
      if (this.#options.logIsTooOld()) return this.#attach(record, 'a part of the write-ahead log has expired');
      if (await sourceHasForgotten(this.#options.registers, record, this.#call())) {
        return this.#attach(record, 'the source has forgotten that authority has moved');
      }
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
    const job = await jobs.newestJob(resource, 'backfill', this.#call());
    if (job === null || job.attach !== record.attach) {
      if (job?.state === 'running' && job.attach < record.attach)
        await jobs.updateJob(job.id, { state: 'cancelled' }, this.#call());
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
        return [
          hold(
            'backfill_failed',
            `${job.error.replace(/\.$/, '')}; run it again with \`crossfade backfill ${resource}\``,
          ),
        ];
      case 'cancelled':
        return [hold('backfill_cancelled', `run it again with \`crossfade backfill ${resource}\``)];
    }
  }

  async #rejoin(record: ControlRecord, signal: AbortSignal): Promise<readonly Hold[]> {
    const { rolesOf, settings, clock } = this.#options;
    const waitMs = await backoffMs(this.#options, record, isDemotion, this.#call());
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

  async #verifyWhenDue(record: ControlRecord): Promise<void> {
    const { settings, clock, rolesOf, jobs, resource } = this.#options;
    if (clock.monotonicMs() - this.#verificationLookedAtMs < VERIFICATION_LOOK_MS) return;
    this.#verificationLookedAtMs = clock.monotonicMs();
    const job = await jobs.newestJob(resource, 'verification', this.#call());
    if (job?.state === 'running') return;
    const joined = await lastJoined(this.#options, this.#call());
    const nowMicros = await rolesOf(record).authority.clock(this.#call());
    // Whatever makes it fail will not be gone at once, and every one leaves a job behind.
    const failedLately =
      job?.state === 'failed' && nowMicros - (job.endedAtMicros ?? job.createdAtMicros) < FAILED_VERIFICATION_MICROS;
    const freshEnough =
      job?.state === 'succeeded' &&
      job.createdAtMicros > (joined?.atMicros ?? 0n) &&
      nowMicros - job.createdAtMicros < BigInt(settings.verificationIntervalMs) * 1000n;
    if (!freshEnough && !failedLately) await this.#createJob('verification', record);
  }

  async #createJob(kind: Job['kind'], record: ControlRecord): Promise<void> {
    const { jobs, settings, resource } = this.#options;
    const { rowsPerSecondLimit } = settings;
    const init = { resource, kind, attach: record.attach, compareWithItself: false, rowsPerSecondLimit };
    await jobs.createJob(init, this.#call());
  }

  /**
   * Ends the jobs that are under way for this attach or an earlier one. Not those of a later one: whoever was slow, and does not
   * control any more, must not end the copy that another instance has begun since.
   */
  async cancelJobs({ attach }: Pick<ControlRecord, 'attach'>): Promise<void> {
    const { jobs, resource } = this.#options;
    for (const job of await jobs.listJobs(resource, null, NEWEST_JOBS, this.#call())) {
      if (job.state !== 'running' || job.attach > attach) continue;
      await jobs.updateJob(job.id, { state: 'cancelled' }, this.#call());
    }
  }

  async #compareAndSet(next: ControlRecord, reason: string, timeoutMs = STEP_TIMEOUT_MS): Promise<void> {
    const { registers, instance, lease } = this.#options;
    await registers.compareAndSet(next, { instance, reason }, this.#call(timeoutMs));
    lease.poke();
  }
}

function isDemotion(from: string, to: string): boolean {
  return to === 'leaving' || (from === 'joining' && to === 'syncing');
}
