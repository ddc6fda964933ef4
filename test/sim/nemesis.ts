import type { Phase } from '../../src/migration/flags.ts';
import { isNewer } from '../../src/migration/registers.ts';
import type { ControlRecord } from '../../src/stores/control-store.ts';
import { OUTSIDE_KEYS } from './clients.ts';
import { type Content, contentOf, rowOf, show, Violation } from './history.ts';
import { type SimInstance, startInstance } from './instance.ts';
import { type Weather, weathers } from './links.ts';
import type { Mutation } from './mutation.ts';
import type { Event, Plan } from './plan.ts';
import { noteKey, resource, type World } from './world.ts';

/** How late a flag may reach an instance. */
const FLAG_DELAY_MS = 500;
const OUTSIDE_PAUSE_MS = 60;
const OUTSIDE_ONLY = OUTSIDE_KEYS[1];
const LOOK_MS = 250;

interface Slot {
  readonly name: string;
  instance: SimInstance | null;
  life: number;
  phase: Phase | undefined;
}

/** Starts the instances, does to them what the plan says, and sets everything right in the end. */
export class Nemesis {
  readonly #world: World;
  readonly #plan: Plan;
  readonly #mutation: Mutation | null;
  readonly #slots: Slot[];
  readonly #random;
  readonly #underWay = new Set<Promise<void>>();
  #isCalm = false;
  #content = 0;
  /** What an outside writer last left of the record that nobody else writes; undefined: that is not known. */
  #outside: Content | undefined = null;

  constructor(world: World, plan: Plan, mutation: Mutation | null) {
    this.#world = world;
    this.#plan = plan;
    this.#mutation = mutation;
    this.#random = world.randomOf('nemesis');
    this.#slots = Array.from({ length: plan.instances }, (_, n) => ({
      name: `i${n}`,
      instance: null,
      life: 0,
      phase: undefined,
    }));
  }

  /** The instances that a client may turn to, stopped ones too. */
  reachable(): readonly SimInstance[] {
    return this.#slots.flatMap(({ instance }) => instance ?? []);
  }

  nextContent(): number {
    this.#content += 1;
    return this.#content;
  }

  /** The control record that has the word. */
  record(): ControlRecord | undefined {
    const { database, targetDatabase } = this.#world;
    const [here, there] = [database, targetDatabase].map(({ control }) => control.get(resource.id));
    return there !== undefined && isNewer(there, here) ? there : here;
  }

  /** Runs the plan. */
  async run(): Promise<void> {
    const { clock } = this.#world;
    for (const slot of this.#slots) this.#start(slot);
    const beganMs = clock.monotonicMs();
    for (const event of this.#plan.events) {
      await clock.sleep(beganMs + event.atMs - clock.monotonicMs());
      this.#begin(event);
    }
    await clock.sleep(beganMs + this.#plan.trafficMs - clock.monotonicMs());
  }

  /** Ends all troubles, and waits until the follower is in sync or given up, in the epoch that there is then. */
  async settle(timeoutMs: number): Promise<void> {
    const { clock } = this.#world;
    this.#isCalm = true;
    await Promise.all(this.#underWay);
    for (const slot of this.#slots) if (slot.instance === null) this.#start(slot);
    const untilMs = clock.monotonicMs() + timeoutMs;
    while (!this.#isSettled()) {
      if (clock.monotonicMs() > untilMs) throw new Violation(`dead: still ${this.record()?.state} when all is well`);
      await clock.sleep(LOOK_MS);
    }
  }

  /** Nothing of it goes on. */
  end(): void {
    for (const { instance } of this.#slots) instance?.process.kill();
  }

  /** In an epoch that was never left what outside writers wrote last is what is there. Throws a Violation otherwise. */
  async checkOutside(): Promise<void> {
    const { source, call } = this.#world;
    if (this.#outside === undefined || this.record()?.epoch !== 1) return;
    const [stored] = await source.getMany([noteKey(OUTSIDE_ONLY)], call());
    const content = contentOf(stored?.row ?? null, OUTSIDE_ONLY);
    if (content === this.#outside) return;
    throw new Violation(`lost: ${OUTSIDE_ONLY} is ${show(content)}, though ${show(this.#outside)} was written outside`);
  }

  #isSettled(): boolean {
    const record = this.record();
    if (record === undefined) return false;
    const phase = this.#homePhase(record);
    for (const { instance } of this.#slots) if (instance !== null) instance.flags.phase = phase;
    const { state, generation } = record;
    if (state !== 'in_sync' && !(state === 'detached' && record.authority === 'target')) return false;
    return this.reachable().every(({ lease }) => lease.current(resource.id)?.generation === generation);
  }

  /** Where authority is it stays. */
  #homePhase({ authority, state }: ControlRecord): Phase {
    if (authority === 'source') return 'synchronize';
    return state === 'detached' ? 'target-only' : 'target-authority';
  }

  #start(slot: Slot): void {
    const n = this.#slots.indexOf(slot);
    slot.life += 1;
    const offsetMicros = this.#plan.offsetsMicros[n] ?? 0n;
    const { name, life, phase } = slot;
    slot.instance = startInstance({ world: this.#world, name, life, offsetMicros, mutation: this.#mutation });
    slot.instance.flags.phase = phase;
    slot.instance.flags.targetShare = this.#plan.targetShare;
    this.#world.trace(`-- ${name} starts`);
  }

  #begin(event: Event): void {
    this.#world.trace(`-- ${describe(event)}`);
    const running = this.#do(event).finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  async #do(event: Event): Promise<void> {
    switch (event.kind) {
      case 'phase':
        await Promise.all(this.#slots.map((slot) => this.#tell(slot, event.phase)));
        return;
      case 'confirm':
        await this.#confirm();
        return;
      case 'outside':
        await this.#writeOutside(event.forMs);
        return;
      case 'purge':
        this.#world.database.purgeLog(this.#world.database.position);
        return;
      case 'weather':
      case 'stop':
      case 'kill':
      case 'wall': {
        const slot = this.#slots[event.instance] as Slot;
        if (slot.instance !== null) await this.#trouble(slot, slot.instance, event);
        return;
      }
    }
  }

  async #tell(slot: Slot, phase: Phase | undefined): Promise<void> {
    await this.#world.clock.sleep(this.#random.uniform() * FLAG_DELAY_MS);
    if (this.#isCalm) return;
    slot.phase = phase;
    if (slot.instance !== null) slot.instance.flags.phase = phase;
  }

  async #confirm(): Promise<void> {
    const [instance] = this.reachable();
    if (instance === undefined || instance.process.isStopped) return;
    // Whoever confirms may be told that it is not possible now; nobody waits for a process that stands still.
    const confirmed = instance.migration.confirmDecommission(this.#world.call(1_000)).catch(() => {});
    await Promise.race([confirmed, this.#world.clock.sleep(1_500)]);
  }

  async #trouble(
    slot: Slot,
    instance: SimInstance,
    event: Extract<Event, { kind: 'weather' | 'stop' | 'kill' | 'wall' }>,
  ): Promise<void> {
    const { process } = instance;
    const pause = () => this.#world.clock.sleep(event.forMs);
    switch (event.kind) {
      case 'weather':
        await this.#underWeather(instance, event.store, weathers[event.weather], pause);
        return;
      case 'stop':
        process.stop();
        await pause();
        process.continue();
        return;
      case 'kill':
        process.kill();
        slot.instance = null;
        await pause();
        if (slot.instance === null) this.#start(slot);
        return;
      case 'wall':
        process.offsetMicros += event.byMicros;
        await pause();
        process.offsetMicros -= event.byMicros;
        return;
    }
  }

  async #underWeather(
    { links }: SimInstance,
    store: 'source' | 'target' | 'both',
    weather: Weather,
    pause: () => Promise<void>,
  ): Promise<void> {
    const met = store === 'both' ? [links.source, links.target] : [links[store]];
    for (const link of met) link.weather = weather;
    await pause();
    for (const link of met) link.weather = weathers.calm;
  }

  async #writeOutside(forMs: number): Promise<void> {
    const { clock, source } = this.#world;
    const untilMs = clock.monotonicMs() + forMs;
    while (clock.monotonicMs() < untilMs && !this.#isCalm) {
      const note = OUTSIDE_KEYS[Math.floor(this.#random.uniform() * OUTSIDE_KEYS.length)] as string;
      const key = noteKey(note);
      const content: Content = this.#random.uniform() < 0.25 ? null : this.nextContent();
      this.#world.trace(`outside ${note}=${show(content)}`);
      const row = content === null ? null : rowOf(key.values, content);
      const isDone = await source.outsideTransaction(key, row).then(
        () => true,
        () => false,
      );
      if (note === OUTSIDE_ONLY && this.#outside !== undefined) this.#outside = isDone ? content : undefined;
      await clock.sleep(this.#random.uniform() * 2 * OUTSIDE_PAUSE_MS);
    }
  }
}

function describe(event: Event): string {
  return JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}
