import { seededUniform } from '../outside-records.ts';
import { createMedicationsClient } from './medications-client.ts';
import type { KnownRecord, PharmacyOptions, PharmacyProgress, PharmacyResult } from './messages.ts';
import { Pace } from './pace.ts';
import { parentOf, RecordJournal } from './record-journal.ts';
import { type Side, Tally } from './tally.ts';
import { type Caller, Worker } from './worker.ts';

/** New medication ids begin here: above what a number of JavaScript holds, below the outside program's. */
const FIRST_NEW_ID = 2n ** 55n;

/** The example service at work. */
export interface Pharmacy {
  beginStage(stage: string): void;
  progress(): PharmacyProgress;
  /** Ends the traffic and tells everything. */
  stop(): Promise<PharmacyResult>;
}

/**
 * Starts the example service: loops that write through one instance and read through the other, half of them the other
 * way round, and judge every answer by their own journal.
 */
export function startPharmacy(options: PharmacyOptions, records: readonly KnownRecord[]): Pharmacy {
  const journal = new RecordJournal();
  for (const [name, content] of records) journal.know(name, content);
  const tally = new Tally(options.unknownIsExpected);
  const stopping = new AbortController();
  const caller = (side: Side): Caller => ({ client: createMedicationsClient(options, side), side });
  // The reader has a session of its own: it does not know the version of what was just written, so the promise alone counts.
  const callers = [
    { writer: caller(0), reader: caller(1) },
    { writer: caller(1), reader: caller(0) },
  ];
  const readable = records.map(([name]) => name);
  let values = options.firstNumber ?? 0;
  let ids = BigInt(values);
  const shared = {
    stageWrites: options.stageWrites,
    readable,
    journal,
    tally,
    nextValue: () => `w${++values}`,
    nextMedicationId: () => String(FIRST_NEW_ID + ++ids),
    pace: options.writesPerSecond === undefined ? undefined : new Pace(options.writesPerSecond),
  };
  const running = recordsOfWorkers(readable, options.workers).map((own, index) => {
    const both = callers[index % callers.length];
    if (both === undefined) throw new Error('there is no client');
    const uniform = seededUniform(options.seed + index);
    return new Worker({ ...shared, ...both, records: own, uniform }).run(stopping.signal);
  });
  return {
    beginStage: (stage) => tally.beginStage(stage),
    progress: () => tally.progress(),
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
      return tally.result(journal.finalContents());
    },
  };
}

/** All records of a patient go to one worker, so that it alone creates and deletes there. */
function recordsOfWorkers(names: readonly string[], workers: number): string[][] {
  const parents = new Map<string, number>();
  const own: string[][] = Array.from({ length: workers }, () => []);
  for (const name of names) {
    const parent = parentOf(name);
    const worker = parents.get(parent) ?? parents.size % workers;
    parents.set(parent, worker);
    own[worker]?.push(name);
  }
  return own;
}
