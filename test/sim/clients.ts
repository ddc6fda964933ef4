import type { Random } from '../../src/domain/clock.ts';
import { isDomainError } from '../../src/domain/errors.ts';
import type { Key } from '../../src/domain/key.ts';
import type { Call } from '../../src/stores/call.ts';
import { internalCall } from '../../src/stores/call.ts';
import type { Change, Stored } from '../../src/stores/record-store.ts';
import { type Content, contentOf, type History, NUMBERED, rowOf, show, Violation } from './history.ts';
import type { SimInstance } from './instance.ts';
import { noteKey, parent, type World } from './world.ts';

/**
 * The records that clients write: the first two all the time; the next now and then, so that what went wrong with them is
 * still there at the end; the last is written by outside writers too.
 */
export const CLIENT_KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'x'] as const;
/** How often each is chosen. */
const CHOICE = 'aaaaaaabbbbbbbccddefxxxx';
/** The records of outside writers. */
export const OUTSIDE_KEYS = ['x', 'y'] as const;

const CALL_MS = 1_500;
/** How much longer than its deadline a client waits for an answer. */
const PATIENCE_MS = 300;
const LIST_LIMIT = 50;
const ANSWERED = 'answered';

export interface ClientOptions {
  readonly world: World;
  readonly history: History;
  readonly random: Random;
  readonly name: string;
  readonly thinkMs: number;
  /** See `Mutation`. */
  readonly ignoresVersions: boolean;
  /** The instances that can be reached now. */
  readonly instances: () => readonly SimInstance[];
  /** Unique in the world. */
  readonly nextContent: () => number;
  readonly onViolation: (violation: Violation) => void;
}

/** A caller that reads and writes through any instance, one request after the other, and remembers versions. */
export class Client {
  readonly #options: ClientOptions;
  readonly #session = new Map<string, bigint>();

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async run(isOver: () => boolean): Promise<void> {
    const { world, random, thinkMs, onViolation } = this.#options;
    while (!isOver()) {
      await world.clock.sleep(-Math.log(1 - random.uniform()) * thinkMs);
      try {
        await this.#act();
      } catch (error) {
        if (!(error instanceof Violation)) throw error;
        onViolation(error);
      }
    }
  }

  async #act(): Promise<void> {
    const { random } = this.#options;
    const key = this.#pick([...CHOICE]);
    const chance = random.uniform();
    if (chance < 0.45) await this.#write(key);
    else if (chance < 0.92) await this.read(key, this.#pick(this.#options.instances()));
    else await this.#list(this.#pick(this.#options.instances()));
  }

  async #write(note: string): Promise<void> {
    const { random, history, instances } = this.#options;
    const kind = this.#pick(['upsert', 'upsert', 'update', 'create', 'delete'] as const);
    // Who does not know what became of a write asks again, often somebody else.
    for (let tries = 0; tries < 3; tries++) {
      const instance = this.#pick(instances());
      if (instance === undefined) return;
      const content: Content = kind === 'delete' ? null : this.#options.nextContent();
      const op = history.beginWrite(note, content);
      const read = history.beginRead(note);
      const change = changeOf(noteKey(note), kind, content);
      const call = this.#call({ atLeast: 0n });
      const who = `${this.#options.name} ${kind} ${note}=${show(content)} at ${instance.name}`;
      const written = await this.#ask(instance, who, () => instance.migration.records.write(change, call));
      if (written === null) {
        if (random.uniform() < 0.5) return;
        continue;
      }
      const seen = contentOf(written.stored.row, `${note}, as written`);
      // While detached versions stand still, and say nothing about what was written.
      const version = written.control.state === 'detached' ? null : written.stored.version;
      this.#trace(`${who}: ${written.outcome} @${written.stored.version} (${written.control.state})`);
      if (written.outcome === 'written') history.acknowledge(note, op, version);
      else history.refuse(note, op, read, { content: seen, version });
      if (version !== null) this.#remember(note, version);
      return;
    }
  }

  /** Reads one record through one instance; null: there was no answer. */
  async read(note: string, instance: SimInstance | undefined): Promise<Stored | null> {
    if (instance === undefined) return null;
    const { history, random } = this.#options;
    const keepsSession = random.uniform() < 0.6;
    const session = keepsSession ? (this.#session.get(note) ?? 0n) : 0n;
    const read = history.beginRead(note, session);
    const call = this.#call({ atLeast: this.#options.ignoresVersions ? 0n : session });
    const by = `${this.#options.name} read ${note} at ${instance.name}`;
    const found = await this.#ask(instance, by, () => instance.migration.records.getMany([noteKey(note)], call));
    const stored = found?.[0];
    if (stored === undefined) return null;
    const content = contentOf(stored.row, `${note}, as read`);
    this.#trace(`${by}: ${show(content)} @${stored.version} from ${call.note?.servedBy}`);
    // Without a lease only the caller's own version counts.
    const isAlone = call.note?.servedBy.includes('authority_unreachable') ?? false;
    if (!isAlone) history.endRead(read, content, stored.version, `${by} (${call.note?.servedBy})`);
    else if (stored.version < session) throw new Violation(`stale: ${by} fell behind its session`);
    this.#remember(note, stored.version);
    return stored;
  }

  async #list(instance: SimInstance | undefined): Promise<void> {
    if (instance === undefined) return;
    const { history } = this.#options;
    const reads = CLIENT_KEYS.map((note) => history.beginRead(note));
    const call = this.#call({ atLeast: 0n });
    const by = `${this.#options.name} list at ${instance.name}`;
    const query = { parent, after: null, limit: LIST_LIMIT };
    const found = await this.#ask(instance, by, () => instance.migration.records.list(query, call));
    if (found === null) return;
    for (const read of reads) {
      const stored = found.find(({ key }) => key.id === noteKey(read.key).id);
      const content = contentOf(stored?.row ?? null, `${read.key}, as listed`);
      history.endRead(read, content, stored?.version ?? null, `${by} (${call.note?.servedBy})`);
    }
  }

  /** Null: no answer, or one that says that the request failed. */
  async #ask<Answer>(instance: SimInstance, what: string, ask: () => Promise<Answer>): Promise<Answer | null> {
    const { world, history } = this.#options;
    const { process } = instance;
    const answered = new AbortController();
    const asked = async (): Promise<Answer | null> => {
      await process.awake();
      try {
        return await ask();
      } catch (error) {
        history.failed += 1;
        this.#trace(`${what}: ${error instanceof Error ? error.message : error}`);
        refuseFaults(error, what);
        return null;
      } finally {
        await process.awake();
      }
    };
    const late = world.clock.sleep(CALL_MS + PATIENCE_MS, answered.signal).then(() => null);
    late.catch(() => {});
    try {
      return await Promise.race([asked(), late]);
    } finally {
      answered.abort(ANSWERED);
    }
  }

  #call({ atLeast }: Pick<Call, 'atLeast'>): Call {
    const { random, world } = this.#options;
    const chance = random.uniform();
    const consistency = chance < 0.8 ? 'latency' : chance < 0.95 ? 'at-least' : 'authority';
    return { ...internalCall(world.clock, CALL_MS), consistency, atLeast, note: { servedBy: '' } };
  }

  #remember(note: string, version: bigint): void {
    if (version > (this.#session.get(note) ?? 0n)) this.#session.set(note, version);
  }

  #pick<Item>(list: readonly Item[]): Item {
    return list[Math.floor(this.#options.random.uniform() * list.length)] as Item;
  }

  #trace(text: string): void {
    this.#options.world.trace(text);
  }
}

function changeOf(key: Key, kind: 'create' | 'update' | 'upsert' | 'delete', content: Content): Change {
  if (content === null || kind === 'delete') return { key, kind: 'delete', row: null, columns: [] };
  return { key, kind, row: rowOf(key.values, content), columns: NUMBERED };
}

/** Errors that no fault of a link explains. A version from the future is one only where no wall clock has jumped. */
function refuseFaults(error: unknown, what: string): void {
  if (isDomainError(error, 'unavailable', 'unknown', 'deadline_exceeded', 'cancelled', 'invalid_argument')) return;
  throw new Violation(`error: ${what}: ${error instanceof Error ? error.stack : String(error)}`);
}
