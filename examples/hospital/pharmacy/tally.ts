import { Code, ConnectError } from '@connectrpc/connect';
import { isOutcomeUnknown, reasonOf } from '../../../clients/typescript/src/session.ts';
import type { PharmacyProgress, PharmacyResult, StageResult } from './messages.ts';
import type { FinalContent, StaleRead } from './record-journal.ts';
import { add, quantiles, StageTally } from './stage-tally.ts';

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

/** Which of the two instances a caller talks to. */
export type Side = 0 | 1;

/** A read that ended. */
export interface ReadSeen extends ServedBy {
  readonly beganMs: number;
  readonly side: Side;
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
  readonly #stages = new Map<string, StageTallies>();
  #stage = '';
  #writes = 0;
  #deletes = 0;
  #conflicts = 0;
  #unknown = 0;
  #stale = 0;
  #reads = 0;
  #lastTargetReadMs = 0;
  /** Of all, and of each side. */
  readonly #lastAcknowledgedMs = { all: monotonicMs(), sides: [monotonicMs(), monotonicMs()] as [number, number] };
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

  acknowledged(kind: 'value' | 'delete', side: Side, sentMs: number, nowMs: number): void {
    if (kind === 'delete') this.#deletes += 1;
    else {
      this.#writes += 1;
      add(this.#writesByStage, this.#stage);
    }
    const tookMs = nowMs - sentMs;
    this.#latencies.write.push(tookMs);
    this.#longestWriteMs = Math.max(this.#longestWriteMs, tookMs);
    const last = this.#lastAcknowledgedMs;
    this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - last.all);
    const { all, sides } = this.#tallies();
    all.acknowledged(tookMs, nowMs - last.all);
    sides[side].acknowledged(tookMs, nowMs - last.sides[side]);
    last.all = nowMs;
    last.sides[side] = nowMs;
  }

  /** Those of the stage. */
  #tallies(): StageTallies {
    let found = this.#stages.get(this.#stage);
    if (found === undefined) {
      found = { all: new StageTally(), sides: [new StageTally(), new StageTally()] };
      this.#stages.set(this.#stage, found);
    }
    return found;
  }

  #each(side: Side, note: (tally: StageTally) => void): void {
    const { all, sides } = this.#tallies();
    note(all);
    note(sides[side]);
  }

  /** Acknowledged writes with a unique value in this stage. */
  get stageWrites(): number {
    return this.#writesByStage.get(this.#stage) ?? 0;
  }

  /** A write that was not acknowledged. Returns what became of it, as far as that is known. */
  writeFailed(error: unknown, side: Side, sentMs: number): 'refused' | 'unknown' {
    const tookMs = monotonicMs() - sentMs;
    this.#longestWriteMs = Math.max(this.#longestWriteMs, tookMs);
    const unknown = isOutcomeUnknown(error);
    if (reasonOf(error) === 'ETAG_MISMATCH') {
      this.#conflicts += 1;
      return 'refused';
    }
    if (unknown && this.#unknownIsExpected) this.#unknown += 1;
    else add(this.#failedWrites, nameOf(error));
    this.#each(side, (tally) => tally.writeFailed(nameOf(error), unknown, tookMs));
    return unknown ? 'unknown' : 'refused';
  }

  readFailed(error: unknown, side: Side, beganMs: number): void {
    add(this.#failedReads, nameOf(error));
    this.#each(side, (tally) => tally.readFailed(nameOf(error), monotonicMs() - beganMs));
  }

  /** An acknowledged write whose answer shows something else than what it wrote. */
  wrongAnswer(): void {
    add(this.#failedWrites, 'the answer shows another value');
  }

  read({ store, reason, beganMs, side, timed, afterAcknowledgementMs }: ReadSeen): void {
    const nowMs = monotonicMs();
    this.#reads += 1;
    this.#each(side, (tally) => tally.read());
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
      stages: Object.fromEntries([...this.#stages].map(([stage, tallies]) => [stage, resultOf(tallies)])),
    };
  }
}

/** Of all callers, and of those of each instance. */
interface StageTallies {
  readonly all: StageTally;
  readonly sides: readonly [StageTally, StageTally];
}

function resultOf({ all, sides: [first, second] }: StageTallies): StageResult {
  return { all: all.figures(), sides: [first.figures(), second.figures()] };
}

function prefixed(prefix: string, counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].map(([name, count]) => [prefix + name, count]));
}

function nameOf(error: unknown): string {
  const failure = ConnectError.from(error);
  return `${Code[failure.code]} ${reasonOf(error) ?? beginningOf(failure.rawMessage)}`;
}

/** Without the addresses and times that make each message of a link's failure another one. */
function beginningOf(message: string): string {
  return message.split(' ').slice(0, KIND_WORDS).join(' ');
}

const KIND_WORDS = 3;

/** A content as the number of its write. */
function numberOf(content: string | null): string {
  if (content === null) return 'no record';
  return /^=w(\d+)$/.exec(content)?.[1] ?? 'the first content';
}
