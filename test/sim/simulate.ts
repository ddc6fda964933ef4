import { CLIENT_KEYS, Client, OUTSIDE_KEYS } from './clients.ts';
import { History, Violation } from './history.ts';
import type { SimInstance } from './instance.ts';
import type { Mutation } from './mutation.ts';
import { NamedWrites } from './named-writes.ts';
import { Nemesis } from './nemesis.ts';
import { createPlan, type Plan } from './plan.ts';
import { beginInSync, createWorld, differenceOf, resource, type World } from './world.ts';

/** What became of one seed. */
export interface Outcome {
  readonly seed: number;
  /** Null: every promise was kept. */
  readonly violation: string | null;
  readonly writes: number;
  readonly acknowledged: number;
  readonly reads: number;
  readonly failed: number;
  /** How often authority moved. */
  readonly handovers: number;
  /** Of virtual time. */
  readonly seconds: number;
}

export interface SimulateOptions {
  readonly mutation?: Mutation | null;
  readonly trace?: (text: string) => void;
}

const ALL_KEYS = [...new Set([...CLIENT_KEYS, ...OUTSIDE_KEYS])];
/** How long the stores may take to become alike once nothing fails any more. */
const QUIET_MS = 240_000;
const LOOK_MS = 200;
/** Enough for requests that are still under way, and for the change log's delay. */
const ALIKE_MS = 15_000;

/** Runs one seed. */
export async function simulate(seed: number, { mutation = null, trace }: SimulateOptions = {}): Promise<Outcome> {
  const plan = createPlan(seed);
  const world = createWorld(plan, trace ?? (() => {}));
  const history = new History({
    isOutside: (key) => (OUTSIDE_KEYS as readonly string[]).includes(key),
    isFloor: (version) => world.floors.has(version),
    versionsAreExact: () =>
      plan.beginsInSync && !plan.events.some((one) => one.kind === 'phase' && one.phase === 'source-only'),
  });
  const nemesis = new Nemesis(world, plan, mutation);
  let violation: string | null = null;
  try {
    await world.clock.until(run({ world, plan, history, nemesis, mutation }), QUIET_MS * 2);
  } catch (error) {
    violation = error instanceof Violation ? error.message : `error: ${(error as Error).stack}`;
    world.trace(`VIOLATION ${violation}`);
  } finally {
    nemesis.end();
  }
  const { writes, acknowledged, reads, failed } = history;
  const seconds = world.clock.monotonicMs() / 1000;
  const record = nemesis.record();
  const handovers = (record?.epoch ?? 1) - 1;
  return { seed, violation, writes, acknowledged, reads, failed, handovers, seconds };
}

interface Run {
  readonly world: World;
  readonly plan: Plan;
  readonly history: History;
  readonly nemesis: Nemesis;
  readonly mutation: Mutation | null;
}

async function run({ world, plan, history, nemesis, mutation }: Run): Promise<void> {
  await world.control.ensure([resource.id], world.call());
  if (plan.beginsInSync) await beginInSync(world, plan.isOld);
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  let isOver = false;
  const named = new NamedWrites();
  const client = (n: number) =>
    new Client({
      world,
      history,
      random: world.randomOf(`client${n}`),
      name: `c${n}`,
      thinkMs: plan.thinkMs,
      named,
      ignoresVersions: mutation?.ignoresVersions ?? false,
      instances: () => nemesis.reachable(),
      nextContent: () => nemesis.nextContent(),
      onViolation: (violation) => {
        isOver = true;
        broken.reject(violation);
      },
    });
  const clients = Array.from({ length: plan.clients }, (_, n) => client(n));
  const traffic = Promise.all(clients.map((one) => one.run(() => isOver)));
  traffic.catch((error) => broken.reject(error));
  const work = async (): Promise<void> => {
    await nemesis.run();
    isOver = true;
    await traffic;
    await nemesis.settle(QUIET_MS);
    await becomeAlike(world, nemesis);
    history.endBatches();
    await readAll(clients[0] as Client, nemesis, () => world.clock.sleep(LOOK_MS));
    await nemesis.checkOutside();
  };
  await Promise.race([work(), broken.promise]);
}

/** P3. */
async function becomeAlike(world: World, nemesis: Nemesis): Promise<void> {
  if (nemesis.record()?.state === 'detached') return;
  const untilMs = world.clock.monotonicMs() + ALIKE_MS;
  for (;;) {
    const difference = await differenceOf(world, ALL_KEYS);
    if (difference === null) return;
    if (world.clock.monotonicMs() > untilMs) throw new Violation(`diverged: ${difference}`);
    await world.clock.sleep(LOOK_MS);
  }
}

/** Every record through every instance, from either store. */
async function readAll(client: Client, nemesis: Nemesis, pause: () => Promise<void>): Promise<void> {
  for (const instance of nemesis.reachable()) {
    for (const share of [0, 1]) {
      instance.flags.targetShare = share;
      for (const note of CLIENT_KEYS) {
        if (!(await answers(client, note, instance, pause)))
          throw new Violation(`dead: ${note} can't be read in the end`);
      }
    }
  }
}

async function answers(
  client: Client,
  note: string,
  instance: SimInstance,
  pause: () => Promise<void>,
): Promise<boolean> {
  for (let tries = 0; tries < 5; tries++) {
    if ((await client.read(note, instance)) !== null) return true;
    await pause();
  }
  return false;
}
