/*
 * A Riak KV cluster in this process, for tests, after what its documentation says (test/contract/riak-stand-in.test.ts names the statements) and, where that is
 * not exact, the sources of riak_kv: the ring and its preference lists, sloppy quorums with fallbacks and hinted handoff, quorum parameters, dotted
 * version vectors, read repair, tombstones and their reaping, indexes that one replica of each key answers. It knows no clocks'
 * drift, no active anti-entropy, no conditional requests and no change of the ring's owners.
 */
import { createHash } from 'node:crypto';
import {
  type Clock,
  encodeClock,
  isDeleted,
  merged,
  type NewContent,
  type RiakObject,
  resolvedByTime,
  written,
} from './causality.ts';
import { RiakFailure } from './failure.ts';
import { type BucketProperties, defaultProperties, quorumsOf, type RequestQuorums } from './properties.ts';
import { type ObjectName, Vnode } from './vnode.ts';

/** What a cluster is made of. */
export interface ClusterOptions {
  /** Default 5. */
  readonly nodes?: number;
  /** Bucket types that are active, by name, with what differs from the defaults. */
  readonly types: Readonly<Record<string, Partial<BucketProperties>>>;
  /** When tombstones are reaped, in milliseconds after they are on all primary vnodes. Default `keep`: never. */
  readonly deleteMode?: 'keep' | number;
  /** Bitcask keeps no indexes. Default LevelDB. */
  readonly backend?: 'leveldb' | 'bitcask';
  /** From 0 up to 1: which replica answers first, and which one an index asks. Default: the machine's. */
  readonly random?: () => number;
}

/** A key of an index with its term. */
export interface IndexEntry {
  readonly term: string;
  readonly key: string;
}

/** A vnode of a preference list. */
interface Preferred {
  readonly vnode: Vnode;
  readonly isPrimary: boolean;
}

/** How one request is carried out. */
export interface RequestOptions {
  readonly quorums: RequestQuorums;
  readonly timeoutMs: number;
}

/** A power of two, and enough that no key has two replicas on one of five nodes. */
const PARTITIONS = 64;
const DEFAULT_NODES = 5;

/** The cluster. Nodes are numbered from 0. */
export class RiakCluster {
  readonly #options: ClusterOptions;
  readonly #nodes: number;
  readonly #vnodes = new Map<string, Vnode>();
  readonly #down = new Set<number>();
  readonly #hung = new Set<number>();
  /** Nodes of the one side of a partition; empty: there is none. */
  readonly #apart = new Set<number>();
  readonly #delaysMs = new Map<number, number>();
  #repairs = true;
  readonly #random: () => number;
  readonly #timers = new Set<NodeJS.Timeout>();
  #vtags = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#nodes = options.nodes ?? DEFAULT_NODES;
    this.#random = options.random ?? Math.random;
  }

  get nodes(): number {
    return this.#nodes;
  }

  get backend(): string {
    return this.#options.backend ?? 'leveldb';
  }

  /** Throws 404 for a type that is not there. */
  properties(type: string): BucketProperties {
    const own = this.#options.types[type];
    if (own === undefined) throw new RiakFailure(404, `Unknown bucket type: ${type}`);
    return { ...defaultProperties, ...own };
  }

  /** Stops nodes: the others know at once, and fallbacks stand in. */
  stop(...nodes: readonly number[]): void {
    for (const node of nodes) this.#down.add(node);
  }

  /** Starts nodes; what fallbacks kept for them is handed over. */
  start(...nodes: readonly number[]): void {
    for (const node of nodes) this.#down.delete(node);
    this.handOff();
  }

  /** Nodes that take what they are sent, answer nothing, and do nothing; nobody notices. */
  hang(...nodes: readonly number[]): void {
    for (const node of nodes) this.#hung.add(node);
  }

  /** They answer again; what they were sent is lost. */
  unhang(): void {
    this.#hung.clear();
  }

  /** Cuts these nodes off from the others. */
  separate(...nodes: readonly number[]): void {
    for (const node of nodes) this.#apart.add(node);
  }

  heal(): void {
    this.#apart.clear();
    this.handOff();
  }

  /** How late a node's vnodes answer, and do what they are told. */
  delay(node: number, ms: number): void {
    this.#delaysMs.set(node, ms);
  }

  /** Whether reads repair what lags behind; Riak does it when it has time for it. */
  set repairsOnRead(repairs: boolean) {
    this.#repairs = repairs;
  }

  /** A node loses its disk. */
  wipe(node: number): void {
    for (const vnode of this.#vnodes.values()) if (vnode.node === node) vnode.wipe();
  }

  isAnswering(node: number): boolean {
    return !this.#down.has(node) && !this.#hung.has(node);
  }

  isDown(node: number): boolean {
    return this.#down.has(node);
  }

  connectedTo(node: number): readonly number[] {
    return this.#all().filter((other) => other !== node && this.#reaches(node, other));
  }

  /** The nodes whose vnodes are primary for a key, in the ring's order. */
  primaries(name: Omit<ObjectName, 'slot'>): readonly number[] {
    const { n_val } = this.properties(name.type);
    return this.#partitionsOf(slotOf(name), n_val).map((partition) => this.#ownerOf(partition));
  }

  /** What each primary vnode of a key has, in the order of `primaries`: for tests to look at. */
  replicas(name: Omit<ObjectName, 'slot'>): readonly (RiakObject | undefined)[] {
    const full = { ...name, slot: slotOf(name) };
    const { n_val } = this.properties(name.type);
    return this.#partitionsOf(full.slot, n_val).map((p) => this.#vnode(this.#ownerOf(p), p).get(full));
  }

  /** Takes an object away from one node's vnodes: as if its write had never come there. */
  forget(node: number, name: Omit<ObjectName, 'slot'>): void {
    for (const vnode of this.#vnodes.values()) {
      if (vnode.node === node) vnode.remove({ ...name, slot: slotOf(name) });
    }
  }

  /** Puts an object into one node's primary vnode of its key: as if the node had kept it all the while. */
  plant(node: number, of: Omit<ObjectName, 'slot'>, object: RiakObject): void {
    const name = { ...of, slot: slotOf(of) };
    const { n_val } = this.properties(of.type);
    const partition = this.#partitionsOf(name.slot, n_val).find((one) => this.#ownerOf(one) === node);
    if (partition !== undefined) this.#vnode(node, partition).set(name, object);
  }

  /** Fallbacks give what they kept to the owners that they reach ("hinted handoff"). */
  handOff(): void {
    for (const vnode of [...this.#vnodes.values()]) {
      const owner = this.#ownerOf(vnode.partition);
      if (vnode.node === owner || !this.#reaches(vnode.node, owner)) continue;
      for (const { name, object } of [...vnode.entries()]) {
        this.#vnode(owner, vnode.partition).merge(name, object, this.properties(name.type).allow_mult);
        vnode.remove(name);
      }
    }
  }

  /** Ends what is still to be done later. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Reads an object; `object` undefined: there never was one. Throws 503 where quorums are not met. */
  async get(
    at: number,
    of: Omit<ObjectName, 'slot'>,
    { quorums, timeoutMs }: RequestOptions,
  ): Promise<RiakObject | undefined> {
    const name = { ...of, slot: slotOf(of) };
    const properties = this.properties(of.type);
    const { n, r, pr, notfoundOk } = quorumsOf(properties, quorums);
    const list = this.#preferenceList(at, name.slot, n);
    const reachable = list.filter(({ isPrimary }) => isPrimary).length;
    if (reachable < pr) throw unsatisfied('PR', reachable, pr);
    const answers: { readonly from: Preferred; readonly object: RiakObject | undefined }[] = [];
    const deleted = (object: RiakObject | undefined): boolean => object !== undefined && isDeleted(object);
    const collected = (): RiakObject | undefined => {
      const both = answers.reduce<RiakObject | undefined>((a, { object }) => merged(a, object), undefined);
      return both === undefined || properties.allow_mult ? both : resolvedByTime(both);
    };
    return await new Promise((resolve, reject) => {
      const timer = this.#later(timeoutMs, () => reject(new RiakFailure(503, 'request timed out\n')));
      const onAnswer = (from: Preferred): void => {
        answers.push({ from, object: from.vnode.get(name) });
        const oks = answers.filter(({ object }) => object !== undefined || notfoundOk);
        const primaryOks = oks.filter(({ from: { isPrimary } }) => isPrimary).length;
        if (oks.length >= r && primaryOks >= pr) resolve(collected());
        if (answers.length < n) return;
        this.#timers.delete(timer);
        clearTimeout(timer);
        if (oks.length < r || primaryOks < pr) {
          // "Everything was either a tombstone or a notfound", whatever PR says.
          const isNowhere = answers.every(({ object }) => object === undefined || deleted(object));
          if (isNowhere) resolve(collected());
          else reject(primaryOks < pr ? unsatisfied('PR', primaryOks, pr) : unsatisfied('R', oks.length, r));
        }
        this.#repair(name, collected(), list);
      };
      for (const from of this.#shuffled(list)) this.#deliver(from.vnode.node, () => onAnswer(from));
    });
  }

  /** Writes an object. Throws 503 where quorums are not met: it may be there all the same. */
  async put(
    at: number,
    of: Omit<ObjectName, 'slot'>,
    change: { readonly context: Clock; readonly content: NewContent },
    { quorums, timeoutMs }: RequestOptions,
  ): Promise<RiakObject> {
    const name = { ...of, slot: slotOf(of) };
    const { allow_mult: allowMult, last_write_wins: lastWins } = this.properties(of.type);
    const { n, w, pw, dw } = quorumsOf(this.properties(of.type), quorums);
    const list = this.#preferenceList(at, name.slot, n);
    const reachable = list.filter(({ isPrimary }) => isPrimary).length;
    if (reachable < pw) throw unsatisfied('PW', reachable, pw);
    const [first, ...others] = this.#shuffled(list) as [Preferred, ...Preferred[]];
    return await new Promise((resolve, reject) => {
      const timer = this.#later(timeoutMs, () => reject(new RiakFailure(503, 'request timed out\n')));
      const acknowledged: Preferred[] = [];
      let object: RiakObject;
      const onStored = (by: Preferred): void => {
        acknowledged.push(by);
        const primaries = acknowledged.filter(({ isPrimary }) => isPrimary).length;
        if (acknowledged.length >= Math.max(w, dw, 1) && primaries >= pw) resolve(object);
        if (acknowledged.length < n) return;
        this.#timers.delete(timer);
        clearTimeout(timer);
        if (primaries < pw) reject(unsatisfied('PW', primaries, pw));
      };
      this.#deliver(first.vnode.node, () => {
        const { vnode } = first;
        const stamp = { actor: vnode.actor, vtag: `vtag${++this.#vtags}`, nowMs: Date.now() };
        const made = written(lastWins ? undefined : vnode.get(name), change.context, change.content, stamp);
        object = allowMult ? made : resolvedByTime(made);
        vnode.set(name, object);
        onStored(first);
        for (const other of others) {
          this.#deliver(other.vnode.node, () => {
            other.vnode.merge(name, object, allowMult);
            onStored(other);
          });
        }
      });
    });
  }

  /** Puts a tombstone; whether there was anything. `context` null: in the place of what a read finds. */
  async delete(
    at: number,
    name: Omit<ObjectName, 'slot'>,
    context: Clock | null,
    options: RequestOptions,
  ): Promise<boolean> {
    const found = await this.get(at, name, options);
    if (found === undefined || isDeleted(found)) return false;
    const content = {
      value: Buffer.alloc(0),
      contentType: 'application/octet-stream',
      deleted: true,
      indexes: [],
      metadata: [],
    };
    await this.put(at, name, { context: context ?? found.clock, content }, options);
    const { deleteMode = 'keep' } = this.#options;
    if (deleteMode !== 'keep') this.#later(deleteMode, () => this.#reap({ ...name, slot: slotOf(name) }));
    return true;
  }

  /**
   * The entries of an index's range, in the order of their terms and keys: of each slot of the ring one primary vnode answers ("How It
   * Works": a covering set). Throws where there is none, or no index.
   */
  async index(
    at: number,
    query: {
      readonly type: string;
      readonly bucket: string;
      readonly field: string;
      readonly from: string;
      readonly to: string;
    },
    timeoutMs: number,
  ): Promise<readonly IndexEntry[]> {
    if (this.backend === 'bitcask')
      throw new RiakFailure(500, '{error,{indexes_not_supported,riak_kv_bitcask_backend}}\n');
    const { n_val: n } = this.properties(query.type);
    const plan = Array.from({ length: PARTITIONS }, (_, slot) => ({ slot, vnode: this.#covering(at, slot, n) }));
    if (plan.some(({ vnode }) => this.#hung.has(vnode.node))) {
      await new Promise((resolve) => this.#later(timeoutMs, () => resolve(null)));
      throw new RiakFailure(503, 'request timed out\n');
    }
    const found: IndexEntry[] = [];
    for (const { slot, vnode } of plan) {
      for (const { name, object } of vnode.entries(slot)) {
        if (name.type !== query.type || name.bucket !== query.bucket) continue;
        const terms = object.contents.flatMap(({ indexes }) => indexes.filter(([field]) => field === query.field));
        for (const term of new Set(terms.map(([, value]) => value))) {
          if (term >= query.from && term <= query.to) found.push({ term, key: name.key });
        }
      }
    }
    return found.sort((a, b) => (a.term === b.term ? compare(a.key, b.key) : compare(a.term, b.term)));
  }

  #covering(at: number, slot: number, n: number): Vnode {
    const there = this.#partitionsOf(slot, n)
      .map((partition) => this.#vnode(this.#ownerOf(partition), partition))
      .filter(({ node }) => this.#reaches(at, node));
    const [vnode] = this.#shuffled(there);
    if (vnode === undefined) throw new RiakFailure(500, 'Error:\ninsufficient_vnodes_available\n');
    return vnode;
  }

  /** After a read: replicas that have less than all together are brought up ("read repair"). */
  #repair(name: ObjectName, object: RiakObject | undefined, list: readonly Preferred[]): void {
    if (object === undefined || !this.#repairs) return;
    const { allow_mult: allowMult } = this.properties(name.type);
    for (const { vnode } of list) {
      const local = vnode.get(name);
      const isBehind =
        local === undefined || encodeClock(merged(local, object)?.clock ?? {}) !== encodeClock(local.clock);
      if (isBehind) vnode.merge(name, object, allowMult);
    }
  }

  #reap(name: ObjectName): void {
    const { n_val: n } = this.properties(name.type);
    const vnodes = this.#partitionsOf(name.slot, n).map((p) => this.#vnode(this.#ownerOf(p), p));
    const isOnAll = vnodes.every((vnode) => {
      const object = vnode.get(name);
      return !this.#down.has(vnode.node) && object !== undefined && isDeleted(object);
    });
    if (isOnAll) for (const vnode of vnodes) vnode.remove(name);
  }

  /** N vnodes: the owners of the partitions behind the key, and for each that can't be reached a fallback on the next node that can. */
  #preferenceList(at: number, slot: number, n: number): readonly Preferred[] {
    const partitions = this.#partitionsOf(slot, n);
    const used = new Set(
      partitions.map((partition) => this.#ownerOf(partition)).filter((node) => this.#reaches(at, node)),
    );
    return partitions.map((partition) => {
      const owner = this.#ownerOf(partition);
      if (this.#reaches(at, owner)) return { vnode: this.#vnode(owner, partition), isPrimary: true };
      const behind = this.#all().map((_, i) => this.#ownerOf(partition + n + i));
      const fallback = behind.find((node) => this.#reaches(at, node) && !used.has(node)) ?? at;
      used.add(fallback);
      return { vnode: this.#vnode(fallback, partition), isPrimary: false };
    });
  }

  #partitionsOf(slot: number, n: number): readonly number[] {
    return Array.from({ length: n }, (_, i) => (slot + i) % PARTITIONS);
  }

  #ownerOf(partition: number): number {
    return (partition % PARTITIONS) % this.#nodes;
  }

  #vnode(node: number, partition: number): Vnode {
    const id = `${node}/${partition}`;
    const vnode = this.#vnodes.get(id) ?? new Vnode(node, partition);
    this.#vnodes.set(id, vnode);
    return vnode;
  }

  #all(): readonly number[] {
    return Array.from({ length: this.#nodes }, (_, node) => node);
  }

  #reaches(from: number, to: number): boolean {
    return !this.#down.has(to) && this.#apart.has(from) === this.#apart.has(to);
  }

  /** Does something at a node, when its turn has come; never at one that hangs. */
  #deliver(node: number, work: () => void): void {
    const delayMs = this.#delaysMs.get(node) ?? 0;
    if (this.#hung.has(node)) return;
    if (delayMs > 0) this.#later(delayMs, work);
    else queueMicrotask(work);
  }

  #later(ms: number, work: () => void): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  #shuffled<Item>(items: readonly Item[]): readonly Item[] {
    return items
      .map((item) => ({ item, at: this.#random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function slotOf({ type, bucket, key }: Omit<ObjectName, 'slot'>): number {
  return createHash('sha1').update(`${type}\0${bucket}\0${key}`).digest().readUInt16BE(0) % PARTITIONS;
}

function unsatisfied(what: 'R' | 'PR' | 'PW', found: number, wanted: number): RiakFailure {
  return new RiakFailure(503, `${what}-value unsatisfied: ${found}/${wanted}\n`);
}
