import { setTimeout as sleep } from 'node:timers/promises';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Medication_Status } from '../../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { getMedication, listMedications, type MedicationsClient } from './medications-client.ts';
import type { Pace } from './pace.ts';
import { contentOf, parentOf, type RecordJournal, type WriteEntry } from './record-journal.ts';
import { monotonicMs, type Side, type Tally } from './tally.ts';

/** A client whose session began at one of the instances. */
export interface Caller {
  readonly client: MedicationsClient;
  readonly side: Side;
}

/** What one loop of the pharmacy works with. */
export interface WorkerOptions {
  /** Its own records: nobody else writes them. */
  readonly records: readonly string[];
  /** All records that are read, its own and others'. */
  readonly readable: readonly string[];
  /** Through one instance it writes, through the other it reads what it has just written. */
  readonly writer: Caller;
  readonly reader: Caller;
  readonly journal: RecordJournal;
  readonly tally: Tally;
  readonly uniform: () => number;
  /** Beyond so many writes in a stage it rests after each. */
  readonly stageWrites: number;
  /** The next unique value, `w` and a number. */
  readonly nextValue: () => string;
  /** A medication id that was never used, as decimal digits. */
  readonly nextMedicationId: () => string;
  /** Undefined: it writes as fast as it can. */
  readonly pace: Pace | undefined;
}

/** The shares of the kinds of writes; the rest are updates of the note alone. */
const SHARES = { create: 0.12, delete: 0.09, withEtag: 0.1 } as const;
/** The part of creates that bring a deleted record back. */
const RECREATE_SHARE = 0.4;
/** Of the re-created ones, those that come as an update with `allow_missing`. */
const UPSERT_SHARE = 0.5;
/** How often a write is followed by reads: of the same record, of its patient's list, of any record, of any list. */
const READS = { same: 0.22, sameList: 0.01, any: 0.04, anyList: 0.01 } as const;
/** Small pages, so that lists take several and the source of reads may change in between. */
const PAGE_SIZE = 25;
/** No patient has this many pages. */
const MAX_PAGES = 100;
const NOTE_MASK = { paths: ['note'] };
/** After a failure, so that a broken service is not asked in a tight loop. */
const PAUSE_AFTER_FAILURE_MS = 20;
/** In a stage that has its writes, and only waits for something else to come to its end. */
const REST_MS = 300;

/** One loop of the pharmacy: a write, then reads, then the next write. */
export class Worker {
  readonly #options: WorkerOptions;
  /** Names of its own records that exist, and of those that it has deleted. */
  readonly #live: string[];
  readonly #gone: string[] = [];

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#live = [...options.records];
  }

  /** Works until the signal aborts and what is under way has ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.pace?.turn(signal);
      const written = await this.#writeSomething();
      if (written === undefined) await sleep(PAUSE_AFTER_FAILURE_MS);
      else await this.#readAfter(written.name, written.acknowledgedMs);
      const { tally, stageWrites } = this.#options;
      if (tally.stageWrites >= stageWrites) await sleep(REST_MS);
    }
  }

  async #writeSomething(): Promise<{ name: string; acknowledgedMs: number } | undefined> {
    const { uniform } = this.#options;
    const drawn = uniform();
    if (drawn < SHARES.create || this.#live.length === 0) return this.#create();
    if (drawn < SHARES.create + SHARES.delete) return this.#delete();
    const name = this.#live[Math.floor(uniform() * this.#live.length)];
    if (name === undefined) return undefined;
    return drawn < SHARES.create + SHARES.delete + SHARES.withEtag
      ? this.#updateWithEtag(name)
      : this.#update(name, '');
  }

  async #create() {
    const { uniform, nextMedicationId, nextValue, records } = this.#options;
    const { client } = this.#options.writer;
    const again = uniform() < RECREATE_SHARE ? this.#gone.pop() : undefined;
    const sibling = records[Math.floor(uniform() * records.length)];
    const name = again ?? (sibling && `${parentOf(sibling)}/medications/${nextMedicationId()}`);
    if (name === undefined) return undefined;
    const note = nextValue();
    const medication = { ...newMedication, name, note };
    const upsert = again !== undefined && uniform() < UPSERT_SHARE;
    const medicationId = name.slice(name.lastIndexOf('/') + 1);
    const written = await this.#write(name, note, () =>
      upsert
        ? client.updateMedication({ medication, allowMissing: true })
        : client.createMedication({ parent: parentOf(name), medicationId, medication }),
    );
    if (written !== undefined) this.#live.push(name);
    return written;
  }

  async #delete() {
    const { uniform, writer } = this.#options;
    const index = Math.floor(uniform() * this.#live.length);
    const name = this.#live[index];
    const last = this.#live.pop();
    if (name === undefined || last === undefined) return undefined;
    if (index < this.#live.length) this.#live[index] = last;
    const written = await this.#write(name, null, () => writer.client.deleteMedication({ name }));
    if (written !== undefined) this.#gone.push(name);
    return written;
  }

  async #updateWithEtag(name: string) {
    const beganMs = monotonicMs();
    const found = await this.#get(this.#options.writer, name, beganMs, undefined);
    return found === undefined || found.content === null ? undefined : this.#update(name, found.etag);
  }

  #update(name: string, etag: string) {
    const { nextValue, writer } = this.#options;
    const note = nextValue();
    return this.#write(name, note, () =>
      writer.client.updateMedication({ medication: { name, note, etag }, updateMask: NOTE_MASK }),
    );
  }

  /** Sends one write and journals what became of it; `note` null: a delete. */
  async #write(name: string, note: string | null, send: () => Promise<object>) {
    const { journal, tally, writer } = this.#options;
    const sentMs = monotonicMs();
    const entry = journal.begin(name, note === null ? null : contentOf(note), sentMs);
    try {
      const answer = await send();
      const acknowledgedMs = monotonicMs();
      entry.acknowledgedMs = acknowledgedMs;
      entry.state = 'acknowledged';
      tally.acknowledged(note === null ? 'delete' : 'value', writer.side, sentMs, acknowledgedMs);
      if (note !== null && (!('note' in answer) || answer.note !== note)) tally.wrongAnswer();
      return { name, acknowledgedMs };
    } catch (error) {
      this.#noteFailure(name, entry, tally.writeFailed(error, writer.side, sentMs));
      return undefined;
    }
  }

  #noteFailure(name: string, entry: WriteEntry, state: 'refused' | 'unknown'): void {
    entry.state = state;
    const index = this.#live.indexOf(name);
    // A write of unknown outcome may still take effect: the record is never written again.
    if (state === 'unknown' && index >= 0) this.#live.splice(index, 1);
    if (state === 'refused' && index < 0 && entry.content === null) this.#live.push(name);
  }

  async #readAfter(name: string, acknowledgedMs: number): Promise<void> {
    const { uniform, reader, readable, writer } = this.#options;
    if (uniform() < READS.same) await this.#get(reader, name, monotonicMs(), acknowledgedMs);
    if (uniform() < READS.sameList) await this.#list(reader, parentOf(name), acknowledgedMs);
    const any = readable[Math.floor(uniform() * readable.length)];
    if (any === undefined) return;
    const caller = uniform() < 0.5 ? reader : writer;
    if (uniform() < READS.any) await this.#get(caller, any, monotonicMs(), undefined);
    if (uniform() < READS.anyList) await this.#list(caller, parentOf(any), undefined);
  }

  async #get({ client, side }: Caller, name: string, beganMs: number, acknowledgedMs: number | undefined) {
    const { journal, tally } = this.#options;
    try {
      const found = await getMedication(client, name);
      const { store, reason } = found;
      tally.read({ store, reason, beganMs, side, timed: true, ...after(acknowledgedMs) });
      tally.stale(journal.judge(name, found.content, beganMs), found);
      return found;
    } catch (error) {
      tally.readFailed(error, side, beganMs);
      return undefined;
    }
  }

  /** Reads a patient's list to its end, and judges what is in it and what is not. */
  async #list({ client, side }: Caller, parent: string, acknowledgedMs: number | undefined): Promise<void> {
    const { journal, tally } = this.#options;
    const firstBeganMs = monotonicMs();
    const seen = new Set<string>();
    let pageToken = '';
    try {
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const beganMs = monotonicMs();
        const page = await listMedications(client, parent, PAGE_SIZE, pageToken);
        const { store, reason } = page;
        tally.read({ store, reason, beganMs, side, timed: false, ...(pages === 0 && after(acknowledgedMs)) });
        for (const [name, content] of page.contents) {
          seen.add(name);
          tally.stale(journal.judge(name, content, beganMs), page);
        }
        pageToken = page.nextPageToken;
        if (pageToken !== '') continue;
        for (const name of journal.namesOf(parent)) {
          if (!seen.has(name)) tally.stale(journal.judge(name, null, firstBeganMs), page);
        }
        return;
      }
    } catch (error) {
      tally.readFailed(error, side, firstBeganMs);
    }
  }
}

function after(acknowledgedMs: number | undefined): { afterAcknowledgementMs?: number } {
  return acknowledgedMs === undefined ? {} : { afterAcknowledgementMs: acknowledgedMs };
}

/** What a pharmacist writes: the same drug every time, but for the note. */
const newMedication = {
  status: Medication_Status.ACTIVE,
  code: 314076,
  description: 'lisinopril 10 MG Oral Tablet',
  startTime: timestampFromDate(new Date('2026-01-05T08:30:00.123Z')),
  baseCost: '0.91',
  payerCoverage: '0.00',
  dispenses: 1,
  totalCost: '0.91',
} as const;
