import { escape as quote } from 'mysql2';

/** How one table of the hospital is filled from one file of the sample data. */
export interface HospitalTable {
  readonly name: 'medications' | 'encounters';
  /** The file in `data/`. */
  readonly file: string;
  /** Rows in that file. */
  readonly sampleRows: number;
  /** The columns of the CSV file that are read. */
  readonly csvColumns: readonly string[];
  /** The columns of the table, in the order in which {@link HospitalTable.toValues} gives them. */
  readonly columns: readonly string[];
  /**
   * One line of the file as the inside of a `VALUES (…)`.
   *
   * @throws RangeError if a field does not have the form that its column asks for
   */
  readonly toValues: (row: Readonly<Record<string, string>>) => string;
}

/** A column of a table: its name, the CSV column that it comes from, and how that is written as an SQL literal. */
type ColumnSource = readonly [column: string, csvColumn: string, toLiteral: (text: string) => string];

/** Some remarks that a ward would write, among them an empty one, which is not the same as none. */
const NOTES = [
  '',
  'Take with food.',
  "Patient's own supply; don't dispense.",
  'Nach dem Essen einnehmen – täglich',
  '饭后服用',
  'Zażyć 💊 rano\nand\t"as needed"',
];

/** One medication in so many has a note. */
const NOTE_EVERY = 5;

/** The earliest time that a TIMESTAMP column takes, rounded up to a whole year; some prescriptions are older. */
const EARLIEST_UPDATE = '1971-01-01T00:00:00Z';

/** Synthea's times have whole seconds; a clock that wrote `updated_at` would not. A prime spreads the fractions. */
const MICROS_STEP = 7_919;

function integer(text: string): string {
  if (!/^-?\d{1,20}$/.test(text)) throw new RangeError('expected an integer');
  return text;
}

function decimal(text: string): string {
  if (!/^-?\d{1,12}(\.\d{1,2})?$/.test(text)) throw new RangeError('expected a decimal number');
  return text;
}

function string(text: string): string {
  return quote(text);
}

/** A UUID in a CHAR(36). */
function uuidText(text: string): string {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw new RangeError('expected a UUID');
  return `'${text}'`;
}

/** A UUID in a BINARY(16). */
function uuidBytes(text: string): string {
  return `x${uuidText(text).replaceAll('-', '')}`;
}

/** `2017-08-23T18:06:09Z` for a DATETIME or TIMESTAMP in a session at UTC, with a fraction if one is given. */
function utcTime(text: string, micros = 0): string {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) throw new RangeError('expected a time in UTC');
  return `'${text.slice(0, 10)} ${text.slice(11, 19)}.${String(micros).padStart(6, '0')}'`;
}

/** An empty CSV field is NULL. */
function optional(toLiteral: (text: string) => string): (text: string) => string {
  return (text) => (text === '' ? 'NULL' : toLiteral(text));
}

function note(medicationId: string): string {
  const number = Number(integer(medicationId));
  if (number % NOTE_EVERY !== 0) return 'NULL';
  return quote(NOTES[(number / NOTE_EVERY) % NOTES.length]);
}

/** The last time that something happened to the row. */
function updatedAt(started: string, stopped: string, number: number): string {
  const last = stopped > started ? stopped : started;
  return utcTime(last > EARLIEST_UPDATE ? last : EARLIEST_UPDATE, (number * MICROS_STEP) % 1_000_000);
}

/** Compiles a table's description; `updated_at`, which comes from several CSV columns, is added to the end. */
function createTable(
  name: HospitalTable['name'],
  sampleRows: number,
  sources: readonly ColumnSource[],
  updateNumber: (id: string) => number,
): HospitalTable {
  return {
    name,
    file: `${name}.csv.gz`,
    sampleRows,
    csvColumns: [...new Set(sources.map(([, csvColumn]) => csvColumn))],
    columns: [...sources.map(([column]) => column), 'updated_at'],
    toValues: (row) => {
      const literals = sources.map(([, csvColumn, toLiteral]) => toLiteral(row[csvColumn] ?? ''));
      literals.push(updatedAt(row.START ?? '', row.STOP ?? '', updateNumber(row.ID ?? '')));
      return literals.join(',');
    },
  };
}

/** The table whose records move. */
export const MEDICATIONS: HospitalTable = createTable(
  'medications',
  127_320,
  [
    ['patient_id', 'PATIENT', uuidText],
    ['medication_id', 'ID', integer],
    ['encounter_id', 'ENCOUNTER', optional(uuidText)],
    ['payer_id', 'PAYER', optional(uuidBytes)],
    ['status', 'STOP', (stop) => (stop === '' ? "'active'" : "'stopped'")],
    ['code', 'CODE', integer],
    ['description', 'DESCRIPTION', string],
    ['started_at', 'START', utcTime],
    ['stopped_at', 'STOP', optional(utcTime)],
    ['base_cost', 'BASE_COST', decimal],
    ['payer_coverage', 'PAYER_COVERAGE', decimal],
    ['dispenses', 'DISPENSES', integer],
    ['total_cost', 'TOTALCOST', decimal],
    ['reason_code', 'REASONCODE', optional(integer)],
    ['reason_description', 'REASONDESCRIPTION', optional(string)],
    ['note', 'ID', note],
  ],
  Number,
);

/** The table whose records stay at the source. */
export const ENCOUNTERS: HospitalTable = createTable(
  'encounters',
  139_013,
  [
    ['patient_id', 'PATIENT', uuidText],
    ['encounter_id', 'ID', uuidText],
    ['payer_id', 'PAYER', optional(uuidBytes)],
    ['encounter_class', 'ENCOUNTERCLASS', string],
    ['code', 'CODE', integer],
    ['description', 'DESCRIPTION', string],
    ['started_at', 'START', utcTime],
    ['stopped_at', 'STOP', optional(utcTime)],
    ['base_cost', 'BASE_ENCOUNTER_COST', decimal],
    ['total_cost', 'TOTAL_CLAIM_COST', decimal],
    ['payer_coverage', 'PAYER_COVERAGE', decimal],
    ['reason_code', 'REASONCODE', optional(integer)],
    ['reason_description', 'REASONDESCRIPTION', optional(string)],
  ],
  (uuid) => Number.parseInt(uuid.slice(0, 8), 16),
);
