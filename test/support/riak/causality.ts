/*
 * Dotted version vectors, as "Causal Context" describes them: a clock counts the writes that each vnode has coordinated, and each sibling carries
 * the dot of the write that made it. What a write's context covers it replaces; what it does not cover stays as a sibling.
 */

/** The writes that are known, by the vnode that coordinated them. */
export type Clock = Readonly<Record<string, number>>;

/** One sibling. */
export interface Content {
  /** The write that made it. */
  readonly dot: { readonly actor: string; readonly count: number };
  readonly value: Buffer;
  readonly contentType: string;
  /** A tombstone ("Object Deletion"). */
  readonly deleted: boolean;
  /** Index fields and their terms. */
  readonly indexes: readonly (readonly [string, string])[];
  /** `x-riak-meta-*`. */
  readonly metadata: readonly (readonly [string, string])[];
  readonly vtag: string;
  readonly lastModifiedMs: number;
}

/** An object as one replica has it. */
export interface RiakObject {
  readonly clock: Clock;
  readonly contents: readonly Content[];
}

/** What a write brings. */
export type NewContent = Omit<Content, 'dot' | 'vtag' | 'lastModifiedMs'>;

function covers(clock: Clock, { actor, count }: Content['dot']): boolean {
  return (clock[actor] ?? 0) >= count;
}

/** Whether everything that `b` knows is known to `a`. */
export function descends(a: Clock, b: Clock): boolean {
  return Object.entries(b).every(([actor, count]) => (a[actor] ?? 0) >= count);
}

function joined(a: Clock, b: Clock): Clock {
  const clock: Record<string, number> = { ...a };
  for (const [actor, count] of Object.entries(b)) clock[actor] = Math.max(clock[actor] ?? 0, count);
  return clock;
}

/** A write as its coordinating vnode carries it out. */
export function written(
  local: RiakObject | undefined,
  context: Clock,
  content: NewContent,
  stamp: { readonly actor: string; readonly vtag: string; readonly nowMs: number },
): RiakObject {
  const { actor, vtag, nowMs } = stamp;
  const before = joined(local?.clock ?? {}, context);
  const count = (before[actor] ?? 0) + 1;
  const kept = (local?.contents ?? []).filter(({ dot }) => !covers(context, dot));
  return {
    clock: { ...before, [actor]: count },
    contents: [...kept, { ...content, dot: { actor, count }, vtag, lastModifiedMs: nowMs }],
  };
}

/** What two replicas have together: siblings that one knows of and no longer has were replaced. */
export function merged(a: RiakObject | undefined, b: RiakObject | undefined): RiakObject | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const isIn = (contents: readonly Content[], { dot }: Content): boolean =>
    contents.some((other) => other.dot.actor === dot.actor && other.dot.count === dot.count);
  const ofA = a.contents.filter((one) => isIn(b.contents, one) || !covers(b.clock, one.dot));
  const ofB = b.contents.filter((one) => !isIn(a.contents, one) && !covers(a.clock, one.dot));
  return { clock: joined(a.clock, b.clock), contents: [...ofA, ...ofB] };
}

/** Without `allow_mult` the last one by the clock of the machine stays ("Conflict Resolution", "Timestamp-based Resolution"). */
export function resolvedByTime(object: RiakObject): RiakObject {
  const [first, ...others] = object.contents;
  if (first === undefined || others.length === 0) return object;
  return { ...object, contents: [others.reduce((a, b) => (b.lastModifiedMs >= a.lastModifiedMs ? b : a), first)] };
}

/** Whether nothing but tombstones is left. */
export function isDeleted({ contents }: RiakObject): boolean {
  return contents.every(({ deleted }) => deleted);
}

/** As `X-Riak-Vclock` has it: opaque to clients. */
export function encodeClock(clock: Clock): string {
  return Buffer.from(JSON.stringify(clock)).toString('base64');
}

/** Throws for what is none. */
export function decodeClock(text: string): Clock {
  return JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as Clock;
}
