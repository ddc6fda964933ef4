import { Code, ConnectError } from '@connectrpc/connect';
import { isOutcomeUnknown, reasonOf } from '../../../clients/typescript/src/session.ts';
import type { PharmacyProgress, PharmacyResult, Quantiles } from './messages.ts';
import type { FinalContent, StaleRead } from './record-journal.ts';

/** The monotonic clock in milliseconds, the same in every process of the machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Which store answered a read and why, from `crossfade-served-by: target; reason=flag`. */
export interface ServedBy {
  readonly store: string;
  readonly reason: string;
}

/** Reads the answer's header. */
export function servedBy(headers: Headers | undefined): ServedBy {
  const [store = '', reason = ''] = (headers?.get('crossfade-served-by') ?? '').split('; reason=');
  return { store: store || 'unknown', reason: reason || 'unknown' };
}

/** A read that ended. */
export interface ReadSeen extends ServedBy {
  readonly beganMs: number;
  /** Whether its time counts for the comparison of the stores: reads of one record do. */
  readonly timed: boolean;
  /** When the write was acknowledged after which it began, through the other instance. */
  readonly afterAcknowledgementMs?: number;
}

/** How long after an acknowledgement a read counts as fresh. */
const FRESH_MS = 100;
const MAX_EXAMPLES = 5;

/** Counts what the traffic sees. */
export class Tally {
  readonly #startedMs = monotonicMs();
  readonly #unknownIsExpected: boolean;
  readonly #writesByStage = new Map<string, number>();
  readonly #failedWrites = new Map<string, number>();
  readonly #failedReads = new Map<string, number>();
  readonly #bySource = new Map<string, number>();
  readonly #byReason = new Map<string, number>();
  readonly #latencies = { source: [] as number[], target: [] as number[], write: [] as number[] };
  readonly #fresh = { source: 0, target: 0 };
  readonly #staleExamples: string[] = [];
  #stage = '';
  #writes = 0;
  #deletes = 0;
  #conflicts = 0;
  #unknown = 0;
  #stale = 0;
  #reads = 0;
  #lastTargetReadMs = 0;
  #lastAcknowledgedMs = monotonicMs();
  #longestGapMs = 0;
  #longestWriteMs = 0;

  constructor(unknownIsExpected: boolean) {
    this.#unknownIsExpected = unknownIsExpected;
  }

  beginStage(stage: string): void {
    this.#stage = stage;
    this.#writesByStage.set(stage, 0);
    this.#lastTargetReadMs = 0;
  }

  acknowledged(kind: 'value' | 'delete', sentMs: number, nowMs: number): void {
    if (kind === 'delete') this.#deletes += 1;
    else {
      this.#writes += 1;
      add(this.#writesByStage, this.#stage);
    }
    const tookMs = nowMs - sentMs;
    this.#latencies.write.push(tookMs);
    this.#longestWriteMs = Math.max(this.#longestWriteMs, tookMs);
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastAcknowledgedMs);
    this.#lastAcknowledgedMs = nowMs;
  }

  /** Acknowledged writes with a unique value in this stage. */
  get stageWrites(): number {
    return this.#writesByStage.get(this.#stage) ?? 0;
  }

  /** A write that was not acknowledged. Returns what became of it, as far as that is known. */
  writeFailed(error: unknown, sentMs: number): 'refused' | 'unknown' {
    this.#longestWriteMs = Math.max(this.#longestWriteMs, monotonicMs() - sentMs);
    const unknown = isOutcomeUnknown(error);
    if (reasonOf(error) === 'ETAG_MISMATCH') this.#conflicts += 1;
    else if (unknown && this.#unknownIsExpected) this.#unknown += 1;
    else add(this.#failedWrites, nameOf(error));
    return unknown ? 'unknown' : 'refused';
  }

  readFailed(error: unknown): void {
    add(this.#failedReads, nameOf(error));
  }

  /** An acknowledged write whose answer shows something else than what it wrote. */
  wrongAnswer(): void {
    add(this.#failedWrites, 'the answer shows another value');
  }

  read({ store, reason, beganMs, timed, afterAcknowledgementMs }: ReadSeen): void {
    const nowMs = monotonicMs();
    this.#reads += 1;
    add(this.#bySource, store);
    add(this.#byReason, `${store}: ${reason}`);
    if (store === 'target') this.#lastTargetReadMs = nowMs;
    if (store !== 'source' && store !== 'target') return;
    if (timed) this.#latencies[store].push(nowMs - beganMs);
    if (afterAcknowledgementMs !== undefined && beganMs - afterAcknowledgementMs < FRESH_MS) this.#fresh[store] += 1;
  }

  stale(read: StaleRead | null, { store }: ServedBy): void {
    if (read === null) return;
    this.#stale += 1;
    if (this.#staleExamples.length >= MAX_EXAMPLES) return;
    const at = (ms: number) => (Number.isFinite(ms) ? `${Math.round(ms - this.#startedMs)} ms` : 'the start');
    this.#staleExamples.push(
      `${read.name}: a read of the ${store}, begun at ${at(read.beganMs)} of stage ${this.#stage}, found ${numberOf(read.found)}, ` +
        `though ${numberOf(read.acknowledged)} was acknowledged at ${at(read.acknowledgedMs)}`,
    );
  }

  progress(): PharmacyProgress {
    return {
      stage: this.#stage,
      stageWrites: this.#writesByStage.get(this.#stage) ?? 0,
      writes: this.#writes,
      reads: this.#reads,
      lastTargetReadMs: this.#lastTargetReadMs,
      problems: {
        ...(this.#stale > 0 && { 'stale read': this.#stale }),
        ...prefixed('failed read: ', this.#failedReads),
        ...prefixed('failed write: ', this.#failedWrites),
      },
    };
  }

  result(finals: readonly FinalContent[]): PharmacyResult {
    const { source, target, write } = this.#latencies;
    return {
      acknowledgedWrites: this.#writes,
      acknowledgedDeletes: this.#deletes,
      writesByStage: Object.fromEntries(this.#writesByStage),
      etagConflicts: this.#conflicts,
      unknownWrites: this.#unknown,
      failedWrites: Object.fromEntries(this.#failedWrites),
      failedReads: Object.fromEntries(this.#failedReads),
      staleReads: this.#stale,
      staleExamples: this.#staleExamples,
      freshReads: { ...this.#fresh },
      reads: this.#reads,
      readsBySource: Object.fromEntries(this.#bySource),
      readsByReason: Object.fromEntries(this.#byReason),
      latencyMs: { source: quantiles(source), target: quantiles(target), write: quantiles(write) },
      longestWriteMs: this.#longestWriteMs,
      longestGapMs: this.#longestGapMs,
      finals,
    };
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function prefixed(prefix: string, counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].map(([name, count]) => [prefix + name, count]));
}

function nameOf(error: unknown): string {
  const failure = ConnectError.from(error);
  return `${Code[failure.code]} ${reasonOf(error) ?? failure.rawMessage}`;
}

/** A content as the number of its write. */
function numberOf(content: string | null): string {
  if (content === null) return 'no record';
  return /^=w(\d+)$/.exec(content)?.[1] ?? 'the first content';
}

function quantiles(values: number[]): Quantiles {
  values.sort((a, b) => a - b);
  const at = (part: number) => values[Math.min(values.length - 1, Math.floor(part * values.length))] ?? 0;
  return { count: values.length, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
