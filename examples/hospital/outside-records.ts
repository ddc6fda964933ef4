import type mysql from 'mysql2/promise';
import type { OutsideChange, RecordKey } from './outside-journal.ts';

/** A source of numbers from 0 up to, but not including, 1. */
export type Uniform = () => number;

/** Most records of one table that the program keeps the keys of. */
const MAX_RECORDS = 2_000_000;

/** Deadline of reading all keys, in milliseconds. */
const READ_TIMEOUT_MS = 60_000;

/** The same numbers for the same seed: Mulberry32, by Tommy Ettinger. */
export function seededUniform(seed: number): Uniform {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of the items, or undefined if there is none. */
export function pick<T>(items: readonly T[], uniform: Uniform): T | undefined {
  return items[Math.floor(uniform() * items.length)];
}

/**
 * The keys of one table's records that the program may write, kept in step with what it commits: nobody else writes
 * them, so it always knows which exist.
 */
export class RecordKeys {
  readonly #table: RecordKey['table'];
  readonly #byPatient = new Map<string, string[]>();
  readonly #patients: string[] = [];

  /**
   * @param keys the records that exist
   * @param patients more patients who may get records
   */
  constructor(
    table: RecordKey['table'],
    keys: Iterable<readonly [patient: string, id: string]>,
    patients: Iterable<string> = [],
  ) {
    this.#table = table;
    for (const patient of patients) this.#idsOf(patient);
    for (const [patient, id] of keys) this.#idsOf(patient).push(id);
  }

  /** All patients that have or had a record. */
  get patients(): readonly string[] {
    return this.#patients;
  }

  /** The ids of a patient's records. */
  ids(patient: string): readonly string[] {
    return this.#byPatient.get(patient) ?? [];
  }

  /** A record, each patient being as likely as any other; undefined if the patient that was drawn has none. */
  pick(uniform: Uniform): RecordKey | undefined {
    return this.pickMany(1, uniform)[0];
  }

  /** Up to `count` different records of one patient. */
  pickMany(count: number, uniform: Uniform): RecordKey[] {
    const patient = pick(this.#patients, uniform);
    if (patient === undefined) return [];
    const ids = this.ids(patient);
    const first = Math.floor(uniform() * ids.length);
    return ids.slice(first, first + count).map((id) => ({ table: this.#table, patient, id }));
  }

  /** Takes in what a committed transaction left of a record of this table. */
  apply({ patient, id, value }: OutsideChange): void {
    const ids = this.#idsOf(patient);
    const index = ids.indexOf(id);
    if (value === null && index >= 0) ids.splice(index, 1);
    if (value !== null && index < 0) ids.push(id);
  }

  #idsOf(patient: string): string[] {
    const known = this.#byPatient.get(patient);
    if (known !== undefined) return known;
    const ids: string[] = [];
    this.#byPatient.set(patient, ids);
    this.#patients.push(patient);
    return ids;
  }
}

/**
 * Reads the keys of a table in key order as pairs of patient and id.
 *
 * @throws Error if there are more records than a program like this should hold in memory
 */
export async function readKeys(
  connection: mysql.Connection,
  table: RecordKey['table'],
): Promise<(readonly [patient: string, id: string])[]> {
  const id = table === 'medications' ? 'medication_id' : 'encounter_id';
  const [rows] = await connection.query<mysql.RowDataPacket[]>({
    sql: `SELECT patient_id, CAST(${id} AS CHAR) FROM ${table} ORDER BY patient_id, ${id} LIMIT ${MAX_RECORDS + 1}`,
    rowsAsArray: true,
    timeout: READ_TIMEOUT_MS,
  });
  if (rows.length > MAX_RECORDS) throw new Error(`${table} has more than ${MAX_RECORDS} records`);
  return rows as unknown as (readonly [string, string])[];
}
