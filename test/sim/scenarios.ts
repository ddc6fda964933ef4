/*
 * Schedules written by hand for rules whose loss chance hardly ever shows: requests that are late by seconds, markers that have
 * expired, a commit between two steps of another instance. The code and the stores are those of the seeds.
 */

import { DomainError } from '../../src/domain/errors.ts';
import type { Phase } from '../../src/migration/flags.ts';
import type { Call } from '../../src/stores/call.ts';
import type { ControlStore, FollowerState, StoreName } from '../../src/stores/control-store.ts';
import type { Copy, FollowerStore } from '../../src/stores/record-store.ts';
import { type Content, columnsOf, contentOf, rowOf, show, Violation } from './history.ts';
import { type SimInstance, startInstance } from './instance.ts';
import { weathers } from './links.ts';
import type { Mutation } from './mutation.ts';
import { createPlan } from './plan.ts';
import { beginInSync, createWorld, differenceOf, noteKey, resource, type World } from './world.ts';

/** One schedule, and the rule that it needs. */
export interface Scenario {
  /** The name of the mutation that it shows. */
  readonly mutation: string;
  /** What happens, as a sentence. */
  readonly title: string;
  /** Throws a Violation when a promise is broken. */
  play(stage: Stage): Promise<void>;
}

const STEP_MS = 5;
const LONGEST_WAIT_MS = 60_000;
/** Enough for a request that was let through, and for the change log. */
const ARRIVAL_MS = 500;
const NOTE = 'a';

/** Plays a scenario. Null: every promise was kept. Throws when the schedule could not be followed. */
export async function playScenario(
  scenario: Scenario,
  mutation: Mutation | null,
  trace: (text: string) => void = () => {},
): Promise<string | null> {
  const plan = { ...createPlan(1), sourceOffsetMicros: 0n, targetOffsetMicros: 0n, slowSteps: 0 };
  const stage = new Stage(createWorld(plan, trace), mutation);
  try {
    await stage.world.clock.until(scenario.play(stage));
    return null;
  } catch (error) {
    if (error instanceof Violation) return error.message;
    throw error;
  } finally {
    stage.end();
  }
}

/** Copies on their way to a follower. */
interface CopiesOnTheWay {
  /** These are held from now on, until they are let through. */
  hold: ((copies: readonly Copy[]) => boolean) | null;
  /** Whether all others are refused. */
  isDown: boolean;
  letThrough(): void;
}

/** Two instances over both stores, with a hand on what is under way between them. */
export class Stage {
  readonly world: World;
  readonly copiesTo: Readonly<Record<StoreName, CopiesOnTheWay>>;
  readonly #instances: SimInstance[] = [];
  readonly #mutation: Mutation | null;
  /** Called with the state that a control record in the target is about to have, and awaited. */
  beforeState: (state: FollowerState) => Promise<void> = async () => {};
  /** The instance whose next poll of the target gets no answer. */
  losesPollOf: SimInstance | null = null;
  /** Whether a checkpoint is refused. */
  refusesCheckpoint: (checkpoint: { readonly begun: boolean }) => boolean = () => false;

  constructor(world: World, mutation: Mutation | null) {
    const [source, target] = [onTheWay(world.source), onTheWay(world.target)];
    this.#mutation = mutation;
    this.copiesTo = { source: source.way, target: target.way };
    this.world = {
      ...world,
      source: source.store,
      target: target.store,
      targetControl: {
        ...world.targetControl,
        compareAndSet: async (next, why, call) => {
          await this.beforeState(next.state);
          return world.targetControl.compareAndSet(next, why, call);
        },
      },
      changeLog: {
        ...world.changeLog,
        writeCheckpoint: async (checkpoint, call) => {
          if (this.refusesCheckpoint(checkpoint)) throw unavailable();
          await world.changeLog.writeCheckpoint(checkpoint, call);
        },
      },
    };
  }

  /** The one that has all tasks. */
  get first(): SimInstance {
    return this.#instances[0] as SimInstance;
  }

  get second(): SimInstance {
    return this.#instances[1] as SimInstance;
  }

  /** Two instances in sync under the source. */
  async begin(): Promise<void> {
    await this.world.control.ensure([resource.id], this.world.call());
    await beginInSync(this.world, false);
    this.#start('i0');
    await this.becomes('source', 'in_sync');
    await this.world.clock.sleep(ARRIVAL_MS);
    this.#start('i1');
    this.wants('synchronize');
    await this.becomes('source', 'in_sync');
  }

  /** Both in sync, the target the authority. */
  async toTarget(): Promise<void> {
    this.wants('target-authority');
    await this.becomes('target', 'in_sync');
  }

  #start(name: string): void {
    const { targetControl } = this.world;
    const poll: ControlStore['poll'] = async (call) => {
      if (this.losesPollOf?.name !== name) return targetControl.poll(call);
      this.losesPollOf = null;
      return new Promise(() => {});
    };
    const world = { ...this.world, targetControl: { ...targetControl, poll } };
    this.#instances.push(startInstance({ world, name, life: 1, offsetMicros: 0n, mutation: this.#mutation }));
  }

  end(): void {
    for (const { process } of this.#instances) process.kill();
  }

  wants(phase: Phase): void {
    for (const { flags } of this.#instances) flags.phase = phase;
  }

  becomes(authority: StoreName, state: string): Promise<void> {
    return this.until(`${authority} ${state}`, () =>
      this.#instances.every(({ lease }) => {
        const record = lease.current(resource.id);
        return record?.authority === authority && record.state === state;
      }),
    );
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const { clock } = this.world;
    const untilMs = clock.monotonicMs() + LONGEST_WAIT_MS;
    while (!isSo()) {
      if (clock.monotonicMs() > untilMs) throw new Error(`${what}: not in ${LONGEST_WAIT_MS} ms`);
      await clock.sleep(STEP_MS);
    }
  }

  /** A write that is acknowledged: an upsert, or a delete. */
  async write(instance: SimInstance, note: string, content: Content): Promise<void> {
    const key = noteKey(note);
    const row = content === null ? null : rowOf(key.values, content);
    const kind = row === null ? 'delete' : 'upsert';
    const columns = content === null ? [] : columnsOf(content);
    await instance.migration.records.write({ key, kind, row, columns }, this.world.call());
    this.world.trace(`-- ${note}=${show(content)} is acknowledged`);
  }

  /** Reads a note from a store, as far as the lease allows. Throws a Violation for any other content. */
  async expectRead(instance: SimInstance, store: StoreName, note: string, content: Content): Promise<void> {
    instance.flags.targetShare = store === 'target' ? 1 : 0;
    const call: Call = { ...this.world.call(), consistency: 'latency' };
    const [stored] = await instance.migration.records.getMany([noteKey(note)], call);
    const found = contentOf(stored?.row ?? null, note);
    if (found !== content) throw new Violation(`stale: ${note} was read as ${show(found)}, and is ${show(content)}`);
  }

  /** P3. */
  async expectAlike(): Promise<void> {
    await this.world.clock.sleep(ARRIVAL_MS);
    const difference = await differenceOf(this.world, [NOTE]);
    if (difference !== null) throw new Violation(`diverged: ${difference}`);
  }
}

/** A store, and the copies that are on their way to it. */
function onTheWay<Store extends FollowerStore>(store: Store): { readonly store: Store; readonly way: CopiesOnTheWay } {
  const through = Promise.withResolvers<void>();
  const way: CopiesOnTheWay = { hold: null, isDown: false, letThrough: () => through.resolve() };
  const apply: FollowerStore['apply'] = async (copies, call, guard) => {
    if (way.hold?.(copies)) await through.promise;
    else if (way.isDown) throw unavailable();
    await store.apply(copies, call, guard);
  };
  return { store: { ...store, apply }, way };
}

function unavailable(): DomainError {
  return new DomainError({ kind: 'unavailable', reason: 'FOLLOWER_UNAVAILABLE', message: 'refused by the schedule' });
}

/** The first copy of all; no other reaches the store. */
function onlyFirst(way: CopiesOnTheWay): void {
  way.isDown = true;
  way.hold = () => {
    way.hold = null;
    return true;
  };
}

export const scenarios: readonly Scenario[] = [
  {
    mutation: 'no_lease_wait_in_joining',
    title: 'a writer that still believes in syncing writes after the entries of joining were asked for',
    async play(stage) {
      await stage.begin();
      await stage.toTarget();
      const { first, second } = stage;
      // The writer misses the follower once, which is how the follower comes to join again.
      stage.copiesTo.source.isDown = true;
      await stage.write(second, NOTE, 1);
      stage.copiesTo.source.isDown = false;
      let isWritten = false;
      stage.beforeState = async (state) => {
        if (state === 'joining') stage.losesPollOf = second;
        if (state !== 'in_sync' || isWritten) return;
        isWritten = true;
        second.links.source.weather = weathers.down;
        await stage.write(second, NOTE, 2);
      };
      await stage.until('the write of joining', () => isWritten);
      for (let looks = 0; looks < 100; looks++) {
        await stage.world.clock.sleep(STEP_MS);
        if (first.lease.current(resource.id)?.state !== 'in_sync') continue;
        await stage.expectRead(first, 'source', NOTE, 2);
      }
      second.links.source.weather = weathers.calm;
      await stage.becomes('target', 'in_sync');
      await stage.expectRead(first, 'source', NOTE, 2);
    },
  },
  {
    mutation: 'deleted_records_not_walked',
    title: 'a create comes to the target after the record was deleted while detached, and the follower attached anew',
    async play(stage) {
      await stage.begin();
      onlyFirst(stage.copiesTo.target);
      await stage.write(stage.first, NOTE, 1);
      stage.wants('source-only');
      await stage.becomes('source', 'detached');
      stage.copiesTo.target.isDown = false;
      await stage.write(stage.first, NOTE, null);
      stage.wants('synchronize');
      await stage.becomes('source', 'in_sync');
      stage.copiesTo.target.letThrough();
      await stage.expectAlike();
    },
  },
  {
    mutation: 'attach_number_not_compared',
    title:
      'a create comes to MySQL after the record was deleted while detached, its marker has expired, and MySQL is attached anew',
    async play(stage) {
      await stage.begin();
      await stage.toTarget();
      await stage.first.migration.confirmDecommission(stage.world.call());
      onlyFirst(stage.copiesTo.source);
      await stage.write(stage.first, NOTE, 1);
      stage.wants('target-only');
      await stage.becomes('target', 'detached');
      stage.copiesTo.source.isDown = false;
      // An entry that was still open would have its key fenced, and so walked.
      await stage.world.clock.sleep(2_000);
      await stage.write(stage.first, NOTE, null);
      // The marker's time is over.
      stage.world.target.outsideWrite(noteKey(NOTE), null);
      stage.wants('target-authority');
      await stage.becomes('target', 'in_sync');
      stage.copiesTo.source.letThrough();
      await stage.expectAlike();
    },
  },
  {
    mutation: 'capture_keeps_what_was_before',
    title: 'copies to MySQL under a floor ahead of the clock come back to the target in the next epoch',
    async play(stage) {
      await stage.begin();
      await stage.toTarget();
      await stage.first.migration.confirmDecommission(stage.world.call());
      stage.wants('target-only');
      await stage.becomes('target', 'detached');
      // More than capture takes at once, so that the bulk copy's images are not folded with what was written later.
      for (let n = 0; n < NOTES; n++) await stage.write(stage.first, n === 0 ? NOTE : `n${n}`, n + 1);
      // An attach whose checkpoint can't be written is made again, a second further ahead each time.
      let refusals = ATTACHES;
      stage.refusesCheckpoint = ({ begun }) => begun || refusals-- > 0;
      stage.wants('target-authority');
      await stage.becomes('target', 'in_sync');
      await stage.write(stage.first, NOTE, LAST);
      stage.copiesTo.target.hold = (copies) => copies.some(({ row }) => contentOf(row, NOTE) === LAST);
      stage.wants('synchronize');
      await stage.becomes('source', 'in_sync');
      for (let looks = 0; looks < 1000; looks++) {
        await stage.world.clock.sleep(STEP_MS);
        await stage.expectRead(stage.second, 'target', NOTE, LAST);
      }
    },
  },
];

const NOTES = 20;
const ATTACHES = 8;
const LAST = 99;
