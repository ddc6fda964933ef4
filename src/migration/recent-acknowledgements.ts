/** How many acknowledged writes are remembered: a few seconds' worth, as capture lags by less. */
const MAX_REMEMBERED = 20_000;

/**
 * The writes that the follower has acknowledged to this instance, so that capture need not apply them a second time.
 * Forgetting one costs a needless apply, never a promise.
 */
export class RecentAcknowledgements {
  readonly #versions = new Map<string, bigint>();

  /** Remembers that the follower has this record at this version. */
  add(keyId: string, version: bigint): void {
    this.#versions.delete(keyId);
    this.#versions.set(keyId, version);
    if (this.#versions.size <= MAX_REMEMBERED) return;
    const oldest = this.#versions.keys().next();
    if (!oldest.done) this.#versions.delete(oldest.value);
  }

  /** Whether the follower is known to have the record at this version or a newer one; `exactly`: at this one. */
  has(keyId: string, version: bigint, exactly = false): boolean {
    const known = this.#versions.get(keyId);
    return known !== undefined && (exactly ? known === version : known >= version);
  }

  /** Forgets everything: a new attach may have emptied the follower. */
  clear(): void {
    this.#versions.clear();
  }
}
