import { setTimeout as sleep } from 'node:timers/promises';
import type { Bed } from './bed.ts';
import { diceOf } from './dice.ts';
import { CANARY } from './hostile-text.ts';
import type { Input, Kind } from './kind.ts';
import { probe } from './probe.ts';
import type { Ending, Seen } from './wire-codes.ts';

/** What is run. */
export interface RunOptions {
  readonly seed: number;
  readonly kinds: readonly Kind[];
  /** How many inputs, of all kinds together. */
  readonly count: number;
  /** The index of each kind's first input: the same index is the same input. */
  readonly from: number;
  /** Inputs under way at once. */
  readonly lanes: number;
  /** How much of its memory at the start the program may have more at the end: 0.2 is 20 %. */
  readonly growth: number;
  /** The part of the inputs, the first ones, after which memory is looked at first: by then the program has come to its size. */
  readonly warmUp: number;
  /** Memory is looked at when nothing has happened for so long. V8 collects what an idle program has left after some eight seconds. */
  readonly settleMs: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Something that must not be. */
export interface Breach {
  readonly kind: string;
  readonly index: number;
  readonly what: string;
}

/** What came of it. */
export interface FuzzReport {
  readonly seed: number;
  readonly inputs: number;
  readonly byKind: ReadonlyMap<string, ReadonlyMap<Ending, number>>;
  readonly breaches: readonly Breach[];
  /** How many there were; only the first ones are kept. */
  readonly breachCount: number;
  readonly crashes: number;
  readonly hangs: number;
  /** Milliseconds, of inputs on both ports but those on connections of their own. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Good requests between the batches. */
  readonly probes: { readonly count: number; readonly p99Ms: number };
  readonly memory: { readonly beforeMib: number; readonly afterMib: number; readonly mostMib: number };
  readonly spanRequests: number;
  readonly logLines: number;
  readonly seconds: number;
}

/** Inputs between two good requests. */
const BATCH = 500;
/** Of breaches: of each kind, with each beginning of what is said of it. */
const MOST_ALIKE = 2;
const ALIKE_CHARACTERS = 24;
const MOST_KEPT = 40;
/** What any client would send again: an input beside it may have been a flood that the service defends itself against. */
const RETRIED: readonly Ending[] = ['UNAVAILABLE', 'RESOURCE_EXHAUSTED'];
/** How often it is sent again, and after what pause. */
const RETRIES = 4;
const RETRY_MS = 250;
/** A stack trace that no logger has seen is some lines long. */
const LINES_SHOWN = 12;
const MEMORY_SAMPLES = 5;
const SAMPLE_PAUSE_MS = 400;

/** Throws inputs at a bed. */
export async function runFuzz(bed: Bed, options: RunOptions): Promise<FuzzReport> {
  const startedMs = performance.now();
  const run = new Run(bed, options);
  const plan = planOf(options);
  const warm = Math.ceil((plan.length * options.warmUp) / BATCH) * BATCH;
  let beforeMib = Number.NaN;
  for (let at = 0; at < plan.length && !options.signal.aborted && bed.program.ended() === undefined; at += BATCH) {
    if (at === warm) beforeMib = await run.settledMemory();
    await run.batch(plan.slice(at, at + BATCH));
    const done = Math.min(at + BATCH, plan.length);
    options.say(`${done} of ${plan.length} inputs, ${run.breachCount} breaches, ${run.lastMib.toFixed(0)} MiB`);
  }
  const afterMib = bed.program.ended() === undefined ? await run.settledMemory() : Number.NaN;
  await run.searchForCanaries();
  run.compareMemory(beforeMib, afterMib);
  return run.report({ beforeMib, afterMib, seconds: (performance.now() - startedMs) / 1000 });
}

interface Planned {
  readonly kind: Kind;
  readonly index: number;
}

/** Which kinds in which order, by the seed. */
function planOf({ seed, kinds, count, from }: RunOptions): Planned[] {
  const dice = diceOf(seed, 'plan', 0);
  const total = kinds.reduce((sum, { share }) => sum + share, 0);
  const next = new Map<Kind, number>();
  return Array.from({ length: count }, () => {
    const kind = kindAt(kinds, dice.uniform() * total);
    const index = next.get(kind) ?? from;
    next.set(kind, index + 1);
    return { kind, index };
  });
}

/** The kind whose share holds a place among all shares. */
function kindAt(kinds: readonly Kind[], place: number): Kind {
  let end = 0;
  for (const kind of kinds) {
    end += kind.share;
    if (place < end) return kind;
  }
  return kinds[0] as Kind;
}

class Run {
  readonly #bed: Bed;
  readonly #options: RunOptions;
  readonly #byKind = new Map<string, Map<Ending, number>>();
  readonly #breaches: Breach[] = [];
  readonly #alike = new Map<string, number>();
  readonly #tookMs: number[] = [];
  readonly #probesMs: number[] = [];
  #probes = 0;
  #hangs = 0;
  #inputs = 0;
  #mostMib = 0;
  #logLines = 0;
  #lastWords = '';
  breachCount = 0;
  /** After the last batch. */
  lastMib = 0;

  constructor(bed: Bed, options: RunOptions) {
    this.#bed = bed;
    this.#options = options;
  }

  /** One batch, and a good request after it. */
  async batch(planned: readonly Planned[]): Promise<void> {
    const waiting = [...planned];
    const lane = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) await this.#one(next);
    };
    await Promise.all(Array.from({ length: this.#options.lanes }, lane));
    this.lastMib = await this.#bed.program.residentMib();
    this.#mostMib = Math.max(this.#mostMib, this.lastMib);
    if (this.#bed.program.ended() === undefined) await this.#probe(planned);
  }

  async #one({ kind, index }: Planned): Promise<void> {
    const input = kind.make(diceOf(this.#options.seed, kind.name, index), this.#bed.material);
    const startedMs = performance.now();
    const seen = await this.#send(input);
    if (!kind.name.startsWith('h')) this.#tookMs.push(performance.now() - startedMs);
    this.#inputs++;
    const endings = this.#byKind.get(kind.name) ?? new Map<Ending, number>();
    this.#byKind.set(kind.name, endings.set(seen.ending, (endings.get(seen.ending) ?? 0) + 1));
    if (seen.ending === 'hang') this.#hangs++;
    if (this.#bed.program.ended() !== undefined) return;
    if (!input.endings.includes(seen.ending)) {
      const expected = input.endings.join(', ');
      this.#breach(kind.name, index, `${seen.ending} (${seen.text.slice(0, 200)}), not ${expected}: ${input.what}`);
    }
    if (seen.text.includes(CANARY)) {
      this.#breach(kind.name, index, `an error shows a value: ${seen.text.slice(0, 400)}: ${input.what}`);
    }
  }

  async #send(input: Input): Promise<Seen> {
    for (let tries = 0; ; tries++) {
      const seen = await input.send(this.#bed.wires);
      const isRetried = RETRIED.includes(seen.ending) && !input.endings.includes(seen.ending);
      if (!isRetried || tries === RETRIES) return seen;
      await sleep(RETRY_MS);
    }
  }

  async #probe(planned: readonly Planned[]): Promise<void> {
    const startedMs = performance.now();
    const wrong = await probe(this.#bed.wires, this.#probes++);
    this.#probesMs.push(performance.now() - startedMs);
    if (wrong === undefined) return;
    const kinds = [...new Set(planned.map(({ kind }) => kind.name))].join(', ');
    this.#breach('probe', this.#probes - 1, `a good request after a batch of ${kinds} failed: ${wrong}`);
  }

  #breach(kind: string, index: number, what: string): void {
    this.breachCount++;
    const like = `${kind} ${what.slice(0, ALIKE_CHARACTERS)}`;
    const alike = (this.#alike.get(like) ?? 0) + 1;
    this.#alike.set(like, alike);
    if (kind === 'crash') this.#breaches.unshift({ kind, index, what });
    else if (alike <= MOST_ALIKE && this.#breaches.length < MOST_KEPT) this.#breaches.push({ kind, index, what });
  }

  /** Resident memory when nothing has happened for a while: the middle of some looks. */
  async settledMemory(): Promise<number> {
    this.#bed.wires.sockets.close();
    await sleep(this.#options.settleMs);
    const samples: number[] = [];
    for (let left = MEMORY_SAMPLES; left > 0; left--) {
      samples.push(await this.#bed.program.residentMib());
      await sleep(SAMPLE_PAUSE_MS);
    }
    return samples.sort((a, b) => a - b)[MEMORY_SAMPLES >> 1] ?? Number.NaN;
  }

  compareMemory(beforeMib: number, afterMib: number): void {
    const most = beforeMib * (1 + this.#options.growth);
    if (afterMib <= most || Number.isNaN(beforeMib)) return;
    this.#breach('memory', 0, `${afterMib.toFixed(0)} MiB at the end, ${beforeMib.toFixed(0)} after the warm-up`);
  }

  /** In the log, in the spans, in the metrics; and whether the program has met a fault of its own. */
  async searchForCanaries(): Promise<void> {
    const { program, wires } = this.#bed;
    const lines = (await program.log()).split('\n').filter((line) => line !== '');
    this.#logLines = lines.length;
    this.#lastWords = lines
      .filter((line) => !line.startsWith('{'))
      .slice(-LINES_SHOWN)
      .join('\n');
    for (const [at, line] of lines.entries()) {
      const wrong = complaintOf(line);
      if (wrong !== undefined)
        this.#breach(
          'log',
          at,
          `${wrong}: ${lines
            .slice(at, at + LINES_SHOWN)
            .join('\n')
            .slice(0, 3_000)}`,
        );
    }
    if (program.spans.withCanary > 0)
      this.#breach('spans', 0, `${program.spans.withCanary} posts have a value in them`);
    if (program.ended() !== undefined) return;
    if ((await wires.http.page('/metrics')).includes(CANARY)) this.#breach('metrics', 0, 'a metric has a value in it');
  }

  report(rest: { readonly beforeMib: number; readonly afterMib: number; readonly seconds: number }): FuzzReport {
    const { program } = this.#bed;
    const ended = program.ended();
    if (ended !== undefined) this.#breach('crash', 0, `${ended}: ${this.#lastWords}`);
    const { beforeMib, afterMib, seconds } = rest;
    return {
      seed: this.#options.seed,
      inputs: this.#inputs,
      byKind: this.#byKind,
      breaches: this.#breaches,
      breachCount: this.breachCount,
      crashes: ended === undefined ? 0 : 1,
      hangs: this.#hangs,
      p50Ms: quantile(this.#tookMs, 0.5),
      p99Ms: quantile(this.#tookMs, 0.99),
      probes: { count: this.#probesMs.length, p99Ms: quantile(this.#probesMs, 0.99) },
      memory: { beforeMib, afterMib, mostMib: this.#mostMib },
      spanRequests: program.spans.posted,
      logLines: this.#logLines,
      seconds,
    };
  }
}

/** What a line of the log must not be; undefined: it is well. */
function complaintOf(line: string): string | undefined {
  if (line.includes(CANARY)) return 'the log shows a value';
  if (!line.startsWith('{')) return 'something that is no line of the log';
  return line.includes('"level":"error"') ? 'the service met a fault' : undefined;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
