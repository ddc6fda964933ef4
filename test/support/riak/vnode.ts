import { merged, type RiakObject, resolvedByTime } from './causality.ts';

/** Names an object in its cluster. */
export interface ObjectName {
  readonly type: string;
  readonly bucket: string;
  readonly key: string;
  /** The place of its key on the ring. */
  readonly slot: number;
}

/** What one node keeps of one partition, by the slots of the ring whose replicas it holds. */
export class Vnode {
  readonly node: number;
  readonly partition: number;
  readonly #slots = new Map<number, Map<string, { readonly name: ObjectName; readonly object: RiakObject }>>();
  /** A vnode that has lost what it had counts anew under another name. */
  #life = 1;

  constructor(node: number, partition: number) {
    this.node = node;
    this.partition = partition;
  }

  get actor(): string {
    return `${this.node}.${this.partition}.${this.#life}`;
  }

  get(name: ObjectName): RiakObject | undefined {
    return this.#slots.get(name.slot)?.get(idOf(name))?.object;
  }

  /** Takes a replica in, beside what is there. */
  merge(name: ObjectName, object: RiakObject, allowMult: boolean): RiakObject {
    const both = merged(this.get(name), object) ?? object;
    const kept = allowMult ? both : resolvedByTime(both);
    this.set(name, kept);
    return kept;
  }

  set(name: ObjectName, object: RiakObject): void {
    const slot = this.#slots.get(name.slot) ?? new Map();
    this.#slots.set(name.slot, slot);
    slot.set(idOf(name), { name, object });
  }

  remove(name: ObjectName): void {
    this.#slots.get(name.slot)?.delete(idOf(name));
  }

  /** Everything under one slot of the ring; undefined: under all. */
  *entries(slot?: number): Generator<{ readonly name: ObjectName; readonly object: RiakObject }> {
    if (slot !== undefined) yield* this.#slots.get(slot)?.values() ?? [];
    else for (const all of this.#slots.values()) yield* all.values();
  }

  /** Loses its disk. */
  wipe(): void {
    this.#slots.clear();
    this.#life += 1;
  }
}

function idOf({ type, bucket, key }: ObjectName): string {
  return `${type}/${bucket}/${key}`;
}
