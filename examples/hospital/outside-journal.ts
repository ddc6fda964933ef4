/** A record of the hospital: a medication or an encounter. */
export interface RecordKey {
  readonly table: 'medications' | 'encounters';
  readonly patient: string;
  /** The medication's number as decimal digits (it may be above 2^53), or the encounter's UUID. */
  readonly id: string;
}

/** What a transaction left behind of a record. */
export interface OutsideChange extends RecordKey {
  /** The value, used this once, in `note` (medications) or `remark` (encounters); null: the record is deleted. */
  readonly value: string | null;
}

/** A moment by both clocks. */
export interface Instant {
  /** Milliseconds since 1970. */
  readonly wallMs: number;
  /** CLOCK_MONOTONIC in milliseconds, with fractions: the same in every process of the machine until it starts anew. */
  readonly monotonicMs: number;
}

/** One transaction of the outside program, as its journal tells it. */
export interface OutsideCommit {
  /** Counts the transactions from 1, in the order in which they were committed: there is one connection. */
  readonly sequence: number;
  readonly operation: string;
  /** `unknown`: the link broke before the answer, so the transaction was committed as a whole or not at all. */
  readonly outcome: 'committed' | 'unknown';
  /** Before the statement that commits was sent: nobody saw the changes earlier. */
  readonly sentAt: Instant;
  /** After its answer came (or the link broke): from here on everybody should see them, within the replication lag. */
  readonly answeredAt: Instant;
  /** Each record that the transaction changed, once, with what it left there. */
  readonly changes: readonly OutsideChange[];
  /** Records of others in which it changed a column, but not the unique value. They may not exist any more. */
  readonly touched: readonly RecordKey[];
}

/** What the outside program did in all. */
export interface OutsideSummary {
  readonly commits: number;
  /** Transactions of unknown outcome. */
  readonly unknown: number;
  /** Transactions that it took back on purpose: their values must never be seen. */
  readonly rolledBack: number;
  /** Transactions that it began again after a deadlock or a long wait for a lock. */
  readonly retries: number;
  /** Changes of single records in committed transactions. */
  readonly changes: number;
}

/** The moment now. */
export function now(): Instant {
  return { wallMs: Date.now(), monotonicMs: Number(process.hrtime.bigint()) / 1e6 };
}
