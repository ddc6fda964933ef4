import type { Random } from '../../src/domain/clock.ts';
import { isDomainError } from '../../src/domain/errors.ts';
import type { Row } from '../../src/domain/resource.ts';
import type { BatchService } from '../../src/records/batch-service.ts';
import type { Found, ListRecords, RecordPage, RecordService } from '../../src/records/record-service.ts';
import type { Call } from '../../src/stores/call.ts';
import { internalCall } from '../../src/stores/call.ts';
import type { Stored, Written } from '../../src/stores/record-store.ts';
import type { WriteRequest } from '../../src/stores/remembered-requests.ts';
import {
  type Content,
  columnsOf,
  contentOf,
  type History,
  type ReadOp,
  rowOf,
  show,
  Violation,
  type WriteOp,
} from './history.ts';
import type { SimInstance } from './instance.ts';
import type { NamedWrites } from './named-writes.ts';
import { etagOf, writtenUnder } from './service.ts';
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
/** The share of writes that are batches, of two records at least. */
const BATCH_SHARE = 0.15;
const LARGEST_BATCH = 4;
/** The share of writes that name their request, and are sent again as they are after an unknown outcome. */
const NAMED_SHARE = 0.4;
const MOST_TRIES = 4;
/** How long a client waits before it sends a request again, at most: long enough for a handover in between. */
const LONGEST_PAUSE_MS = 1_500;
/** The share of writes that name the etag that their client has last seen, if they can. */
const ETAG_SHARE = 0.4;
const LARGEST_PAGE = 4;
/** The share of records that fit into what is left of a page's answer. */
const FITTING_SHARE = 0.9;
const ANSWERED = 'answered';

const KINDS = ['upsert', 'upsert', 'update', 'create', 'delete'] as const;
type WriteKind = (typeof KINDS)[number];

interface Write {
  readonly note: string;
  readonly kind: WriteKind;
  readonly content: Content;
  /** Empty: none. */
  readonly etag: string;
  readonly request?: WriteRequest | undefined;
}

/** A write on its way, and what its answer is held against. */
interface Begun {
  readonly write: Write;
  /** The row whose etag it names. */
  readonly base: Row | undefined;
  readonly op: WriteOp;
  readonly read: ReadOp;
  readonly what: string;
}

/** What a caller is told of a record. */
type Answer = Pick<Stored, 'row' | 'version'>;

export interface ClientOptions {
  readonly world: World;
  readonly history: History;
  readonly random: Random;
  readonly name: string;
  readonly thinkMs: number;
  /** Of all clients. */
  readonly named: NamedWrites;
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
  /** The last row that was seen of each record, for its etag. */
  readonly #rows = new Map<string, Row>();

  /** The greatest version that a page has told. */
  #listed = 0n;

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
    else if (chance < 0.97) await this.read(key, this.#pick(this.#options.instances()));
    else await this.#list();
  }

  async #write(note: string): Promise<void> {
    const { random, instances } = this.#options;
    const kind = this.#pick(KINDS);
    if (random.uniform() < BATCH_SHARE) return this.#writeBatch(note, kind);
    const named = random.uniform() < NAMED_SHARE ? this.#options.named.begin(note) : null;
    if (named !== null) {
      const tries = await this.#writeNamed(note, kind);
      if (tries === 1) this.#options.named.end(note, named);
      return;
    }
    // Who does not know what became of a write asks again, often somebody else.
    for (let tries = 0; tries < 3; tries++) {
      const instance = this.#pick(instances());
      if (instance === undefined) return;
      if (await this.#tryWrite(instance, note, kind)) return;
      if (random.uniform() < 0.5) return;
    }
  }

  /** One request, however often it is sent: it has one effect. The number of the try that was answered; more than there are: none was. */
  async #writeNamed(note: string, kind: WriteKind): Promise<number> {
    const { random, instances, world } = this.#options;
    const begun = this.#begin(note, kind);
    const request = { id: Buffer.from(random.id(), 'hex'), hash: Buffer.alloc(8) };
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      const instance = this.#pick(instances());
      if (instance !== undefined && (await this.#tryBegun(instance, begun, request))) return tries;
      await world.clock.sleep(random.uniform() * LONGEST_PAUSE_MS);
    }
    return MOST_TRIES + 1;
  }

  /** Several records together; never again after an unknown outcome, which the end of the run judges. */
  async #writeBatch(first: string, kind: WriteKind): Promise<void> {
    const { history, random, name, instances } = this.#options;
    const instance = this.#pick(instances());
    if (instance === undefined) return;
    const notes = new Set([first]);
    const size = 2 + Math.floor(random.uniform() * (LARGEST_BATCH - 1));
    while (notes.size < size) notes.add(this.#pick([...CHOICE]));
    const begun = [...notes].map((note) => this.#begin(note, kind));
    history.beginBatch(begun.map(({ op }) => op));
    const call = this.#call({ atLeast: 0n });
    const who = `${name} batch of ${begun.map(({ what }) => what).join(', ')} at ${instance.name}`;
    const writes = begun.map(({ write }) => write);
    const told = await this.#ask(instance, who, () => orRefused(sendBatch(instance.batches, writes, random, call)));
    if (told === null) return;
    const written = writtenUnder(call);
    const isMade = written.some(({ outcome }) => outcome === 'written');
    // A batch of deletes of nothing is made too.
    if (told !== isMade && !(told && kind === 'delete'))
      throw new Violation(`error: ${who} was told that it was${told ? '' : ' not'} made`);
    for (const [i, one] of begun.entries()) this.#end(one, written[i] as Written, who);
  }

  /** A write that is about to be asked for. */
  #begin(note: string, kind: WriteKind): Begun {
    const { history, random, nextContent } = this.#options;
    const content: Content = kind === 'delete' ? null : nextContent();
    const known = random.uniform() < ETAG_SHARE ? this.#rows.get(note) : undefined;
    const base = kind === 'create' ? undefined : known;
    const write: Write = { note, kind, content, etag: base === undefined ? '' : etagOf(base) };
    const op = history.beginWrite(note, content);
    const read = history.beginRead(note);
    return { write, base, op, read, what: `${kind} ${note}=${show(content)}${write.etag && ` if ${write.etag}`}` };
  }

  /** False: there was no answer. */
  async #tryWrite(instance: SimInstance, note: string, kind: WriteKind): Promise<boolean> {
    return this.#tryBegun(instance, this.#begin(note, kind));
  }

  async #tryBegun(instance: SimInstance, begun: Begun, request?: WriteRequest): Promise<boolean> {
    const { random, name, history } = this.#options;
    const call = this.#call({ atLeast: 0n });
    const who = `${name} ${begun.what}${request ? ' by name' : ''} at ${instance.name}`;
    const write = { ...begun.write, request };
    const again = history.beginRead(write.note);
    const told = await this.#ask(instance, who, () => orAbsent(send(instance.service, write, random, call)));
    if (told === null) return false;
    const [written] = writtenUnder(call);
    const { version } = written.stored;
    if (told.version !== version) throw new Violation(`error: ${who} was told ${told.version}`);
    if (written.outcome === 'repeated') this.#endRepeated(begun, written, who, again);
    else this.#end(begun, written, who);
    return true;
  }

  /** It was made by an earlier try; the answer shows the record as it is now, as a read does. */
  #endRepeated({ write, op }: Begun, { stored, control }: Written, who: string, again: ReadOp): void {
    const { history } = this.#options;
    this.#trace(`${who}: repeated @${stored.version} (${control.state})`);
    history.acknowledge(write.note, op, null);
    history.endRead(again, contentOf(stored.row, `${write.note}, as repeated`), stored.version, who);
    this.#remember(write.note, stored);
  }

  /** What a write came to, as its caller was told. */
  #end({ write, base, op, read }: Begun, { outcome, stored, control }: Written, who: string): void {
    const { history } = this.#options;
    const { note } = write;
    this.#trace(`${who}: ${outcome} @${stored.version} (${control.state})`);
    const seen = contentOf(stored.row, `${note}, as written`);
    if (outcome === 'etag_mismatch' && stored.row !== null && etagOf(stored.row) === write.etag)
      throw new Violation(`error: ${who} was refused`);
    // While detached versions stand still, and say nothing about what was written.
    const version = control.state === 'detached' ? null : stored.version;
    if (outcome !== 'written') history.refuse(note, op, read, { content: seen, version });
    else if (base !== undefined) history.replace(note, op, read, contentOf(base, note));
    if (outcome === 'written') history.acknowledge(note, op, version);
    if (version !== null) this.#remember(note, { ...stored, version });
  }

  /** Reads one record through one instance; null: there was no answer. */
  async read(note: string, instance: SimInstance | undefined): Promise<Answer | null> {
    if (instance === undefined) return null;
    const { history, random } = this.#options;
    const keepsSession = random.uniform() < 0.6;
    const session = keepsSession ? (this.#session.get(note) ?? 0n) : 0n;
    const read = history.beginRead(note, session);
    const call = this.#call({ atLeast: this.#options.ignoresVersions ? 0n : session });
    const by = `${this.#options.name} read ${note} at ${instance.name}`;
    const answer = await this.#ask(instance, by, () => orAbsent(instance.service.get(noteKey(note), call)));
    if (answer === null) return null;
    const content = contentOf(answer.row, `${note}, as read`);
    this.#trace(`${by}: ${show(content)} @${answer.version} from ${call.note?.servedBy}`);
    // Without a lease only the caller's own version counts.
    if (!isAlone(call)) history.endRead(read, content, answer.version, `${by} (${call.note?.servedBy})`);
    else if (answer.version < session) throw new Violation(`stale: ${by} fell behind its session`);
    this.#remember(note, answer);
    return answer;
  }

  /** Reads all pages, forwards or backwards, each through another instance, and from the store that its flags say. */
  async #list(): Promise<void> {
    const { instances, random, world, thinkMs } = this.#options;
    const size = 1 + Math.floor(random.uniform() * LARGEST_PAGE);
    // No draw of its own, so that seeds go on meaning what they meant.
    const descending = size % 2 === 0;
    let after = '';
    let page: RecordPage | null = null;
    do {
      const instance = this.#pick(instances());
      if (instance === undefined) return;
      page = await this.#listPage(
        instance,
        { pageSize: size, pageToken: page?.nextPageToken ?? '', descending },
        after,
      );
      if (page === null) return;
      after = noteOf(page.records.at(-1)) ?? after;
      if (page.nextPageToken !== '') await world.clock.sleep(random.uniform() * thinkMs);
    } while (page.nextPageToken !== '');
  }

  /** Null: there was no answer. Each record that the page holds, or leaves out, was read. */
  async #listPage(
    instance: SimInstance,
    request: Pick<ListRecords, 'pageSize' | 'pageToken'> & { readonly descending: boolean },
    after: string,
  ): Promise<RecordPage | null> {
    const { history, random, ignoresVersions } = this.#options;
    const keepsVersion = !ignoresVersions && random.uniform() < 0.5;
    const { descending } = request;
    const follows = (note: string, before: string) => before === '' || (descending ? note < before : note > before);
    const reads = CLIENT_KEYS.filter((note) => follows(note, after)).map((note) => history.beginRead(note));
    const call = this.#call({ atLeast: keepsVersion ? this.#listed : 0n });
    const by = `${this.#options.name} list of ${request.pageSize}${descending ? ' backwards' : ''} after '${after}' at ${instance.name}`;
    const fits = () => random.uniform() < FITTING_SHARE;
    const page = await this.#ask(instance, by, () => instance.service.list({ ...request, parent, fits }, call));
    if (page === null) return null;
    const notes = page.records.map((record) => noteOf(record) ?? '');
    this.#trace(`${by}: ${notes.join()} from ${call.note?.servedBy}`);
    const isInOrder = notes.every((note, i) => follows(note, notes[i - 1] ?? after));
    if (!isInOrder || notes.length > request.pageSize) throw new Violation(`error: ${by} answered ${notes.join()}`);
    if (page.version > this.#listed) this.#listed = page.version;
    // Without a lease one record of the caller's version is enough.
    if (isAlone(call)) return page;
    const last = page.nextPageToken === '' ? undefined : notes.at(-1);
    for (const read of reads) {
      if (last !== undefined && follows(read.key, last)) continue;
      const record = page.records.find(({ key }) => key.id === noteKey(read.key).id);
      const content = contentOf(record?.row ?? null, `${read.key}, as listed`);
      history.endRead(read, content, record?.version ?? null, `${by} (${call.note?.servedBy})`);
    }
    return page;
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

  #remember(note: string, { row, version }: Answer): void {
    if (version > (this.#session.get(note) ?? 0n)) this.#session.set(note, version);
    if (row !== null) this.#rows.set(note, row);
  }

  #pick<Item>(list: readonly Item[]): Item {
    return list[Math.floor(this.#options.random.uniform() * list.length)] as Item;
  }

  #trace(text: string): void {
    this.#options.world.trace(text);
  }
}

/** The request of a write; a delete is well with there being nothing half of the time. */
async function send(service: RecordService, write: Write, random: Random, call: Call): Promise<Answer> {
  const { note, kind, content, etag, request } = write;
  const key = noteKey(note);
  if (content === null) {
    const version = await service.delete({ key, etag, allowMissing: random.uniform() < 0.5, request }, call);
    return { row: null, version };
  }
  const change = { key, row: rowOf(key.values, content), columns: columnsOf(content), request };
  if (kind === 'create') return service.create(change, call);
  return service.update({ ...change, etag, ifMissing: kind === 'upsert' ? () => change : null }, call);
}

/** The request of a batch of writes of one kind; creates among the updates are those that may create. */
async function sendBatch(service: BatchService, writes: readonly Write[], random: Random, call: Call): Promise<void> {
  const kind = writes[0]?.kind;
  const changes = writes.map(({ note, content, etag }) => {
    const key = noteKey(note);
    return { key, etag, row: rowOf(key.values, content ?? 0), columns: columnsOf(content ?? 0) };
  });
  if (kind === 'delete') {
    const isWell = random.uniform() < 0.5;
    // Under an etag the answer would not say whether there was a record.
    await service.delete(
      changes.map(({ key, etag }) => ({ key, etag, allowMissing: isWell && etag === '' })),
      call,
    );
  } else if (kind === 'create') {
    await service.create(changes, call);
  } else {
    await service.update(
      changes.map((change) => ({ ...change, ifMissing: kind === 'upsert' ? () => change : null })),
      call,
    );
  }
}

/** Whether a batch was made; a refusal is an answer too. */
async function orRefused(asked: Promise<void>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (error) {
    if (isDomainError(error, 'not_found', 'already_exists', 'aborted')) return false;
    throw error;
  }
}

/** A refusal that tells the record's version is an answer too. */
async function orAbsent(asked: Promise<Answer>): Promise<Answer> {
  try {
    return await asked;
  } catch (error) {
    const { version } = isDomainError(error, 'not_found', 'already_exists', 'aborted') ? error.metadata : {};
    if (version === undefined) throw error;
    return { row: null, version: BigInt(version) };
  }
}

/** Whether a read was answered without a lease. */
function isAlone({ note }: Call): boolean {
  return note?.servedBy.includes('authority_unreachable') ?? false;
}

function noteOf(record: Found | undefined): string | undefined {
  return record?.key.values[1] as string | undefined;
}

/** Errors that no fault of a link explains. A version from the future is one only where no wall clock has jumped. */
function refuseFaults(error: unknown, what: string): void {
  if (isDomainError(error, 'unavailable', 'unknown', 'deadline_exceeded', 'cancelled', 'invalid_argument')) return;
  throw new Violation(`error: ${what}: ${error instanceof Error ? error.stack : String(error)}`);
}
