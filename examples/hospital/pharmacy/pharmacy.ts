import { seededUniform } from '../outside-records.ts';
import { createMedicationsClient } from './medications-client.ts';
import type { KnownRecord, PharmacyOptions, PharmacyProgress, PharmacyResult } from './messages.ts';
import { parentOf, RecordJournal } from './record-journal.ts';
import { Tally } from './tally.ts';
import { Worker } from './worker.ts';

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
  const clients = [0, 1].map((side) => ({
    writer: createMedicationsClient(options, side),
    // A session of its own: it does not know the version of what was just written, so the promise alone counts.
    reader: createMedicationsClient(options, 1 - side),
  }));
  const readable = records.map(([name]) => name);
  let values = 0;
  let ids = 0n;
  const shared = {
    stageWrites: options.stageWrites,
    readable,
    journal,
    tally,
    nextValue: () => `w${++values}`,
    nextMedicationId: () => String(FIRST_NEW_ID + ++ids),
  };
  const running = recordsOfWorkers(readable, options.workers).map((own, index) => {
    const side = clients[index % clients.length];
    if (side === undefined) throw new Error('there is no client');
    const uniform = seededUniform(options.seed + index);
    return new Worker({ ...shared, ...side, records: own, uniform }).run(stopping.signal);
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
