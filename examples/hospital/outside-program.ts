/**
 * A legacy program of the hospital: it writes to the same tables with its own SQL and knows nothing of Crossfade.
 *
 *     node examples/hospital/outside-program.ts --mysql mysql://root@127.0.0.1:3306 --seed 1 --writes-per-second 50
 *
 * Its journal goes to stdout, one JSON object ({@link OutsideCommit}) a line. SIGTERM and SIGINT stop it after the
 * transaction that is under way; so does a reader of stdout that goes away.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { HOSPITAL_DATABASE, type MysqlAddress, parseMysqlUrl } from './mysql-connection.ts';
import type { OutsideCommit, OutsideSummary } from './outside-journal.ts';
import { type OutsidePlan, planNext } from './outside-plan.ts';
import { RecordKeys, readKeys, seededUniform, type Uniform } from './outside-records.ts';
import { OutsideSession, type PlanResult } from './outside-session.ts';
import { belongsToOutsideProgram } from './outside-share.ts';

/** What the outside program does, and to which records. */
export interface OutsideProgramOptions {
  readonly mysql: MysqlAddress;
  /** Default: `hospital`. */
  readonly database?: string;
  /** The same seed on the same tables makes the same transactions (but for the values and the new ids). */
  readonly seed: number;
  /** The most transactions begun in a second; most change one row, a sweep some hundred. */
  readonly writesPerSecond: number;
  /** The patients whose records are the program's own. Default: those that `share` says. */
  readonly patients?: readonly string[];
  /** The part of all patients that are its own, see {@link belongsToOutsideProgram}. Default: 0.2. */
  readonly share?: number;
  /**
   * The part of the transactions that change a column, but not the unique value, in a record that is not its own.
   * Default: 0.
   */
  readonly sharedRatio?: number;
  /** The patients whose records those are. Default: all that are not its own. */
  readonly sharedPatients?: readonly string[];
  /** Called after every transaction that changed something, in order. */
  readonly onCommit?: (commit: OutsideCommit) => void;
  /** Stops the program as {@link OutsideProgram.stop} does. */
  readonly signal?: AbortSignal;
}

/** The running program. */
export interface OutsideProgram {
  /** Resolves when it has stopped; rejects if it failed, at the latest when it is stopped. */
  readonly finished: Promise<OutsideSummary>;
  /** Stops it after the transaction that is under way. */
  stop(): Promise<OutsideSummary>;
}

const DEFAULT_SHARE = 0.2;

/** How far behind its rate the program may be and still catch up, in milliseconds; beyond, transactions are left out. */
const MAX_LATE_MS = 500;

/** New medication ids begin here: above 2^53, where a number of JavaScript is not exact any more. */
const FIRST_NEW_ID = 2n ** 56n;

/** New ids for each millisecond between two starts of the program, so that no id comes again: more than it can use. */
const IDS_PER_MILLISECOND = 4_096n;

/**
 * Connects, reads the keys, and writes until it is stopped.
 *
 * @throws Error if the server can't be reached or no patient is the program's own
 */
export async function startOutsideProgram(options: OutsideProgramOptions): Promise<OutsideProgram> {
  const stopping = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal;
  const writer = new OutsideWriter(options, signal);
  await writer.open();
  const finished = writer.run();
  // Whoever waits for it learns of a failure; before that, it is not an unhandled one.
  finished.catch(() => {});
  return {
    finished,
    stop: () => {
      stopping.abort();
      return finished;
    },
  };
}

/** The records as the program last knew them. */
interface KnownRecords {
  readonly medications: RecordKeys;
  readonly encounters: RecordKeys;
  readonly shared: RecordKeys;
}

/** The loop: one transaction after the other on one connection. */
class OutsideWriter {
  readonly #options: OutsideProgramOptions;
  readonly #signal: AbortSignal;
  readonly #session: OutsideSession;
  readonly #uniform: Uniform;
  readonly #startedAtMs = Date.now();
  readonly #summary = { commits: 0, unknown: 0, rolledBack: 0, retries: 0, changes: 0 };
  #records: KnownRecords | undefined;
  #values = 0;
  #ids = 0n;

  constructor(options: OutsideProgramOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#session = new OutsideSession(options.mysql, options.database ?? HOSPITAL_DATABASE);
    this.#uniform = seededUniform(options.seed);
  }

  async open(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      await this.#session.close();
      throw error;
    }
  }

  async run(): Promise<OutsideSummary> {
    try {
      for (let dueAt = performance.now(); !this.#signal.aborted; dueAt += this.#pauseMs()) {
        dueAt = Math.max(dueAt, performance.now() - MAX_LATE_MS);
        if (await this.#isStoppedBefore(dueAt)) break;
        await this.#writeOne();
      }
      return this.#summary;
    } finally {
      await this.#session.close();
    }
  }

  /** Reads anew which records there are: after the first connection, and when an outcome is not known. */
  async #connect(): Promise<void> {
    await this.#session.connect(this.#signal);
    const { patients, share = DEFAULT_SHARE, sharedPatients } = this.#options;
    const listed = patients && new Set(patients);
    const isOwn = (patient: string): boolean => listed?.has(patient) ?? belongsToOutsideProgram(patient, share);
    const listedShared = sharedPatients && new Set(sharedPatients);
    const isShared = (patient: string): boolean => !isOwn(patient) && (listedShared?.has(patient) ?? true);
    const medications = await readKeys(this.#session.connection, 'medications');
    const encounters = await readKeys(this.#session.connection, 'encounters');
    this.#records = {
      medications: new RecordKeys(
        'medications',
        medications.filter(([patient]) => isOwn(patient)),
        patients,
      ),
      encounters: new RecordKeys(
        'encounters',
        encounters.filter(([patient]) => isOwn(patient)),
      ),
      shared: new RecordKeys(
        'medications',
        medications.filter(([patient]) => isShared(patient)),
      ),
    };
    if (this.#records.medications.patients.length === 0) throw new Error('no patient is the outside program’s own');
  }

  /** Between half and one and a half of what the rate asks for. */
  #pauseMs(): number {
    return (1_000 / this.#options.writesPerSecond) * (0.5 + this.#uniform());
  }

  async #isStoppedBefore(dueAt: number): Promise<boolean> {
    const pauseMs = dueAt - performance.now();
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal: this.#signal }).catch(() => {});
    return this.#signal.aborted;
  }

  async #writeOne(): Promise<void> {
    if (this.#records === undefined) throw new Error('the outside program has not read its records');
    const plan = planNext({
      ...this.#records,
      sharedRatio: this.#options.sharedRatio ?? 0,
      uniform: this.#uniform,
      nextValue: () => this.#nextValue(),
      nextMedicationId: () => this.#nextMedicationId(),
    });
    const result = await this.#session.execute(plan);
    this.#note(plan, result, this.#records);
    if (result.outcome === 'lost' || result.outcome === 'unknown') await this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      // Stopped while it waited for the server: that is the end, not a failure.
      if (!this.#signal.aborted) throw error;
    }
  }

  #note(plan: OutsidePlan, result: PlanResult, records: KnownRecords): void {
    const { outcome, sentAt, answeredAt } = result;
    this.#summary.retries += result.retries;
    if (outcome === 'rolled_back') this.#summary.rolledBack += 1;
    if (outcome === 'rolled_back' || outcome === 'lost') return;
    if (outcome === 'unknown') this.#summary.unknown += 1;
    if (outcome === 'committed') {
      this.#summary.commits += 1;
      this.#summary.changes += plan.changes.length;
      for (const change of plan.changes) records[change.table].apply(change);
    }
    const sequence = this.#summary.commits + this.#summary.unknown;
    const { operation, changes, touched } = plan;
    this.#options.onCommit?.({ sequence, operation, outcome, sentAt, answeredAt, changes, touched });
  }

  #nextValue(): string {
    this.#values += 1;
    return `outside-${this.#options.seed}-${this.#startedAtMs.toString(36)}-${this.#values}`;
  }

  #nextMedicationId(): string {
    this.#ids += 1n;
    return String(FIRST_NEW_ID + BigInt(this.#startedAtMs) * IDS_PER_MILLISECOND + this.#ids);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      mysql: { type: 'string', default: 'mysql://root@127.0.0.1:3306' },
      database: { type: 'string', default: HOSPITAL_DATABASE },
      seed: { type: 'string', default: '1' },
      'writes-per-second': { type: 'string', default: '50' },
      share: { type: 'string', default: String(DEFAULT_SHARE) },
      'shared-ratio': { type: 'string', default: '0' },
      patients: { type: 'string', multiple: true },
      'shared-patients': { type: 'string', multiple: true },
    },
  });
  const stopping = new AbortController();
  for (const event of ['SIGTERM', 'SIGINT'] as const) process.once(event, () => stopping.abort());
  process.stdout.once('error', () => stopping.abort());
  const program = await startOutsideProgram({
    mysql: parseMysqlUrl(values.mysql),
    database: values.database,
    seed: Number(values.seed),
    writesPerSecond: Number(values['writes-per-second']),
    share: Number(values.share),
    sharedRatio: Number(values['shared-ratio']),
    ...(values.patients ? { patients: values.patients } : {}),
    ...(values['shared-patients'] ? { sharedPatients: values['shared-patients'] } : {}),
    onCommit: (commit) => process.stdout.write(`${JSON.stringify(commit)}\n`),
    signal: stopping.signal,
  });
  console.error(JSON.stringify(await program.finished));
}

if (import.meta.main) await main();
