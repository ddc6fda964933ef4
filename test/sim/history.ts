import type { Row } from '../../src/domain/resource.ts';

/** A content of a record: the number of the write that made it; null: there is none. */
export type Content = number | null;

/** One write through the service. Times are counts of what happened, not clocks. */
export interface WriteOp {
  readonly content: Content;
  readonly began: number;
  /** Infinity: it may happen at any time. */
  ended: number;
  /** Whether it is known to have happened. */
  acknowledged: boolean;
  /** The version that its answer carried; null: none, or one that says nothing. */
  version: bigint | null;
  /** When an answer first showed its content: it had happened by then, and happens once. Infinity: none has. */
  shownAt: number;
}

/** A broken promise. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

interface KeyHistory {
  readonly writes: WriteOp[];
  /** The highest version of any acknowledged write. */
  acknowledged: bigint;
  /** The content that each version was seen with. */
  readonly contents: Map<bigint, Content>;
  /** Contents that a write replaced under their etag, and by which. */
  readonly replaced: Map<Content, WriteOp>;
  /** Answers to reads: a write that only a refusal had acknowledged by then may tell its version later. */
  readonly answers: { readonly read: ReadOp; readonly version: bigint; readonly by: string }[];
}

/** What a read may not fall behind. */
export interface ReadOp {
  readonly key: string;
  readonly began: number;
  readonly least: bigint;
}

/**
 * What was asked and answered, record by record, with the checks of P1, P2 and P6. `isOutside`: records that outside writers
 * change too, of which the promises are weaker. `versionsAreExact`: nothing was written while detached, where versions
 * stand still. `isFloor`: all older versions count as this one.
 */
export class History {
  readonly #keys = new Map<string, KeyHistory>();
  readonly #isOutside: (key: string) => boolean;
  readonly #versionsAreExact: () => boolean;
  readonly #isFloor: (version: bigint) => boolean;
  readonly #batches: (readonly WriteOp[])[] = [];
  #now = 0;
  writes = 0;
  acknowledged = 0;
  reads = 0;
  failed = 0;

  constructor(options: {
    isOutside: (key: string) => boolean;
    versionsAreExact: () => boolean;
    isFloor: (version: bigint) => boolean;
  }) {
    this.#isOutside = options.isOutside;
    this.#versionsAreExact = options.versionsAreExact;
    this.#isFloor = options.isFloor;
  }

  beginWrite(key: string, content: Content): WriteOp {
    this.writes += 1;
    const op: WriteOp = {
      content,
      began: ++this.#now,
      ended: Infinity,
      acknowledged: false,
      version: null,
      shownAt: Infinity,
    };
    this.#of(key).writes.push(op);
    return op;
  }

  /** These writes are made together or not at all. */
  beginBatch(ops: readonly WriteOp[]): void {
    this.#batches.push(ops);
  }

  /**
   * Nothing is under way any more, and both stores hold the same. Of a batch whose outcome nobody was told, and of which one write was
   * ever seen, all have happened: whoever reads from now on must see them or what came later.
   */
  endBatches(): void {
    const now = ++this.#now;
    for (const ops of this.#batches) {
      if (!ops.some(({ shownAt, acknowledged }) => shownAt < Infinity || acknowledged)) continue;
      for (const op of ops) {
        if (op.acknowledged) continue;
        op.acknowledged = true;
        op.ended = now;
      }
    }
  }

  /** The write has happened. `version` null: it was made while detached. */
  acknowledge(key: string, op: WriteOp, version: bigint | null): void {
    this.acknowledged += 1;
    const shownAt = op.acknowledged ? op.ended : null;
    op.acknowledged = true;
    op.ended = shownAt ?? ++this.#now;
    op.version = version;
    if (version === null) return;
    if (shownAt !== null) this.#checkAgain(key, op, version, shownAt);
    this.#noteContent(key, version, op.content);
    const of = this.#of(key);
    if (version > of.acknowledged) of.acknowledged = version;
  }

  /**
   * The write was refused: nothing changed. What the answer shows was the record's state, so whoever made that is now
   * acknowledged. The version of a refusal need not reach the follower, only the state that it shows.
   */
  refuse(key: string, op: WriteOp, read: ReadOp, seen: { content: Content; version: bigint | null }): void {
    const of = this.#of(key);
    of.writes.splice(of.writes.indexOf(op), 1);
    this.#check(read, seen.content, seen.version, 'a refusal');
    ++this.#now;
    const made = seen.content === null ? undefined : of.writes.find((one) => one.content === seen.content);
    if (made === undefined || made.acknowledged) return;
    made.acknowledged = true;
    made.ended = this.#now;
  }

  /** The write was made under the etag of this content: the record had it then, and no other write has replaced it so. */
  replace(key: string, op: WriteOp, read: ReadOp, content: Content): void {
    if (this.#isOutside(key)) return;
    this.#check(read, content, null, 'an etag that was accepted');
    const { replaced } = this.#of(key);
    const other = replaced.get(content);
    if (other !== undefined && other !== op) {
      throw new Violation(
        `lost: ${show(content)} of ${key} was replaced by ${show(other.content)} and ${show(op.content)}`,
      );
    }
    replaced.set(content, op);
  }

  beginRead(key: string, session = 0n): ReadOp {
    const { acknowledged } = this.#of(key);
    return { key, began: ++this.#now, least: session > acknowledged ? session : acknowledged };
  }

  /** Throws a Violation if the answer breaks a promise. `version` null: the answer carries none. */
  endRead(read: ReadOp, content: Content, version: bigint | null, by: string): void {
    this.reads += 1;
    ++this.#now;
    this.#check(read, content, version, by);
  }

  /** Reads that began after somebody was told of this write, by a refusal. */
  #checkAgain(key: string, op: WriteOp, version: bigint, shownAt: number): void {
    if (!this.#versionsAreExact()) return;
    const stale = this.#of(key).answers.find((one) => one.read.began > shownAt && one.version < version);
    if (stale === undefined) return;
    const what = `version ${stale.version}, though ${show(op.content)} at ${version} was known before it began`;
    throw new Violation(`stale: ${stale.by} of ${key} answered ${what}`);
  }

  #check(read: ReadOp, content: Content, version: bigint | null, by: string): void {
    const { key, least } = read;
    if (version !== null && version < least) {
      const what = `${show(content)} at version ${version}, though ${least} was given out before it began`;
      throw new Violation(`stale: ${by} of ${key} answered ${what}`);
    }
    if (this.#isOutside(key)) return;
    const candidates = this.#candidates(key, content);
    if (candidates.length === 0) throw new Violation(`invented: ${by} of ${key} answered ${show(content)}`);
    const newer = candidates.map((one) => this.#newerThan(key, one, read.began));
    if (newer.every((one) => one !== undefined)) {
      throw new Violation(
        `stale: ${by} of ${key} answered ${show(content)}, though ${show(newer[0]?.content ?? null)}`,
      );
    }
    // Each content is of one write.
    if (content !== null) for (const one of candidates) one.shownAt = Math.min(one.shownAt, this.#now);
    if (version === null) return;
    this.#noteContent(key, version, content);
    this.#of(key).answers.push({ read, version, by });
  }

  /** What can have made this content. */
  #candidates(key: string, content: Content): readonly WriteOp[] {
    const found = this.#of(key).writes.filter((one) => one.content === content);
    return content === null ? [FIRST, ...found] : found;
  }

  /** A write that is certainly after `op`, and was acknowledged before `began`. */
  #newerThan(key: string, op: WriteOp, began: number): WriteOp | undefined {
    return this.#of(key).writes.find((one) => {
      if (!one.acknowledged || one.ended >= began || one === op) return false;
      if (Math.min(op.ended, op.shownAt) < one.began) return true;
      return this.#versionsAreExact() && op.version !== null && one.version !== null && op.version < one.version;
    });
  }

  #noteContent(key: string, version: bigint, content: Content): void {
    if (this.#isOutside(key) || !this.#versionsAreExact() || this.#isFloor(version)) return;
    const { contents } = this.#of(key);
    const known = contents.get(version);
    if (known !== undefined && known !== content) {
      throw new Violation(`torn: ${key} was ${show(known)} and ${show(content)} at version ${version}`);
    }
    contents.set(version, content);
  }

  #of(key: string): KeyHistory {
    let of = this.#keys.get(key);
    if (of === undefined) {
      of = { writes: [], acknowledged: 0n, contents: new Map(), replaced: new Map(), answers: [] };
      this.#keys.set(key, of);
    }
    return of;
  }
}

/** Before the first write there is no record. */
const FIRST: WriteOp = { content: null, began: 0, ended: 0, acknowledged: false, version: null, shownAt: Infinity };

/** As texts show it. */
export function show(content: Content): string {
  return content === null ? 'nothing' : `w${content}`;
}

/** Every write sets the title and the stars, which both say which write it was; every third the amount too. */
const TITLE = 2;
const AMOUNT = 3;
const STARS = 4;
const THIRD = 3;

/** The columns that a write sets, as its field mask. */
export function columnsOf(content: number): readonly number[] {
  return content % THIRD === 0 ? [TITLE, AMOUNT, STARS] : [TITLE, STARS];
}

/** The row of a write; what it does not set is null. */
export function rowOf(key: readonly unknown[], content: number): Row {
  return [key[0] as string, key[1] as string, `w${content}`, amountOf(content), content];
}

/** The content of a row. Throws a Violation if it is of two writes, but for an amount that the later one left alone. */
export function contentOf(row: Row | null, where: string): Content {
  if (row === null) return null;
  const [title, amount, stars] = [row[TITLE], row[AMOUNT], row[STARS] as number];
  if (title !== `w${stars}`) throw new Violation(`torn: ${where} has the columns of ${title} and of w${stars}`);
  const isLeft = stars % THIRD !== 0 && (amount === null || Number(amount) % THIRD === 0);
  if (!isLeft && amount !== amountOf(stars))
    throw new Violation(`torn: ${where} has the amount ${amount} in w${stars}`);
  return stars;
}

/** All of a row's content as text. Throws as {@link contentOf}. */
export function textOf(row: Row | null, where: string): string {
  return row === null ? show(null) : `${show(contentOf(row, where))} (${row[AMOUNT] ?? 'no amount'})`;
}

function amountOf(content: number): string | null {
  return content % THIRD === 0 ? `${content}.00` : null;
}
