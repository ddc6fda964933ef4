import type { OutsideChange, RecordKey } from './outside-journal.ts';
import { pick, type RecordKeys, type Uniform } from './outside-records.ts';

/** One SQL statement of the outside program. */
export interface PlannedStatement {
  readonly sql: string;
  readonly values: readonly (string | number | null)[];
  /** The rows that it must report as affected; null: the record is another's and may be gone. */
  readonly affectedRows: number | null;
}

/** One transaction of the outside program; a single statement is sent without BEGIN and COMMIT. */
export interface OutsidePlan {
  readonly operation: string;
  readonly statements: readonly PlannedStatement[];
  /** Ends with ROLLBACK: then `changes` is empty. */
  readonly rollBack?: boolean;
  readonly changes: readonly OutsideChange[];
  readonly touched: readonly RecordKey[];
}

/** What the next transaction is made from. */
export interface PlanInputs {
  /** The medications that are the program's own. */
  readonly medications: RecordKeys;
  /** The encounters that are its own. */
  readonly encounters: RecordKeys;
  /** The medications of others, in which it may change a column that is not the unique value's. */
  readonly shared: RecordKeys;
  /** The part of the transactions that do so, from 0 to 1. */
  readonly sharedRatio: number;
  readonly uniform: Uniform;
  /** A value that was never used before. */
  readonly nextValue: () => string;
  /** A medication id that was never used before, as decimal digits. */
  readonly nextMedicationId: () => string;
}

/** Makes the plan of one kind of transaction; undefined if the records for it are not there. */
type Planner = (inputs: PlanInputs) => OutsidePlan | undefined;

/** Most rows of a multi-row statement. */
const MAX_STATEMENT_ROWS = 10;

/** Most rows that a multi-row DELETE takes: fewer than inserts add, so that the tables don't run empty. */
const MAX_DELETED_ROWS = 4;

/** How many rows one sweep changes: it ends when it has the first number, and never takes more than the second. */
const SWEEP_ROWS = { enough: 200, most: 500 } as const;

/** Most patients that one sweep looks at. */
const MAX_SWEEP_PATIENTS = 20;

const COLUMNS =
  'patient_id, medication_id, encounter_id, payer_id, status, code, description, started_at, base_cost, note';
/** The digits of an id come as text; without the cast, MySQL may compare them as floating-point numbers. */
const ID = 'CAST(? AS UNSIGNED)';
const ROW = `(?, ${ID}, NULL, UNHEX(?), ?, ?, ?, UTC_TIMESTAMP(6), ?, ?)`;
const WHERE = `WHERE patient_id = ? AND medication_id = ${ID}`;

const DRUGS = [
  { code: 314076, description: 'lisinopril 10 MG Oral Tablet', cost: '0.91' },
  { code: 1535362, description: 'sodium fluoride 0.0272 MG/MG Oral Gel', cost: '129.94' },
  { code: 562251, description: 'Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet', cost: '45.86' },
  { code: 308136, description: 'amLODIPine 2.5 MG Oral Tablet', cost: '263.49' },
] as const;

const PAYERS = ['a735bf5583e9331a899da82a60b9f60c', 'd18ef2e6ef40324cbe5434a5ee865625', null] as const;

const STATUSES = ['active', 'stopped', 'draft'] as const;

/** The kinds of transactions with their weights. */
const PLANNERS: readonly (readonly [weight: number, planner: Planner])[] = [
  [40, update],
  [8, updateMany],
  [1, sweep],
  [15, insert],
  [4, insertMany],
  [3, upsert],
  [2, replace],
  [8, deleteOne],
  [2, deleteMany],
  [3, changeId],
  [2, changePatient],
  [2, updateTwice],
  [2, deleteAndInsert],
  [1, insertAndDelete],
  [4, updateEncounter],
  [2, prescribe],
  [2, takeBack],
];

const TOTAL_WEIGHT = PLANNERS.reduce((sum, [weight]) => sum + weight, 0);

/** The next transaction: for the same records and random numbers always the same. */
export function planNext(inputs: PlanInputs): OutsidePlan {
  if (inputs.uniform() < inputs.sharedRatio) {
    const plan = touchShared(inputs);
    if (plan !== undefined) return plan;
  }
  let left = inputs.uniform() * TOTAL_WEIGHT;
  const drawn = PLANNERS.find(([weight]) => {
    left -= weight;
    return left < 0;
  });
  const plan = drawn?.[1](inputs) ?? insert(inputs);
  if (plan === undefined) throw new Error('the outside program has no patient to write for');
  return plan;
}

function update(inputs: PlanInputs): OutsidePlan | undefined {
  const key = inputs.medications.pick(inputs.uniform);
  if (key === undefined) return undefined;
  const value = inputs.nextValue();
  return simplePlan('update', updateStatement(key, value), [{ ...key, value }]);
}

/** One statement, several rows of a patient, and by CONCAT a value of its own in each. */
function updateMany(inputs: PlanInputs): OutsidePlan | undefined {
  const keys = inputs.medications.pickMany(countUpTo(MAX_STATEMENT_ROWS, inputs), inputs.uniform);
  const [first] = keys;
  if (first === undefined) return undefined;
  const value = inputs.nextValue();
  const statement = {
    sql: `UPDATE medications SET note = CONCAT(?, '-', medication_id), status = ?, stopped_at = UTC_TIMESTAMP(6)
      WHERE patient_id = ? AND medication_id IN (${keys.map(() => ID).join(', ')})`,
    values: [value, 'stopped', first.patient, ...keys.map(({ id }) => id)],
    affectedRows: keys.length,
  };
  return simplePlan('update_many', statement, withOwnValues(keys, value));
}

/** Some hundred rows at once, as a price change at night would do it. */
function sweep(inputs: PlanInputs): OutsidePlan | undefined {
  const { medications, uniform } = inputs;
  const patients = new Set<string>();
  const keys: RecordKey[] = [];
  for (let i = 0; i < MAX_SWEEP_PATIENTS && keys.length < SWEEP_ROWS.enough; i++) {
    const patient = pick(medications.patients, uniform);
    if (patient === undefined || patients.has(patient)) continue;
    const ids = medications.ids(patient);
    if (ids.length === 0 || keys.length + ids.length > SWEEP_ROWS.most) continue;
    patients.add(patient);
    keys.push(...ids.map((id) => ({ table: 'medications' as const, patient, id })));
  }
  if (keys.length === 0) return undefined;
  const value = inputs.nextValue();
  const statement = {
    sql: `UPDATE medications SET note = CONCAT(?, '-', medication_id), base_cost = base_cost + 0.01
      WHERE patient_id IN (${[...patients].map(() => '?').join(', ')})`,
    values: [value, ...patients],
    affectedRows: keys.length,
  };
  return simplePlan('sweep', statement, withOwnValues(keys, value));
}

function insert(inputs: PlanInputs): OutsidePlan | undefined {
  const change = newRecord(inputs);
  return change && simplePlan('insert', insertStatement([change], inputs), [change]);
}

function insertMany(inputs: PlanInputs): OutsidePlan | undefined {
  const changes = Array.from({ length: countUpTo(MAX_STATEMENT_ROWS, inputs) }, () => newRecord(inputs));
  const known = changes.filter((change) => change !== undefined);
  return known.length === 0 ? undefined : simplePlan('insert_many', insertStatement(known, inputs), known);
}

/** INSERT … ON DUPLICATE KEY UPDATE, half of the time of a record that exists. */
function upsert(inputs: PlanInputs): OutsidePlan | undefined {
  const existing = inputs.uniform() < 0.5 ? inputs.medications.pick(inputs.uniform) : undefined;
  const change = existing ? { ...existing, value: inputs.nextValue() } : newRecord(inputs);
  if (change === undefined) return undefined;
  const { sql, values } = insertStatement([change], inputs);
  const statement = {
    sql: `${sql} ON DUPLICATE KEY UPDATE note = VALUES(note), dispenses = dispenses + 1`,
    values,
    // MySQL counts a row that was there as two.
    affectedRows: existing ? 2 : 1,
  };
  return simplePlan('upsert', statement, [change]);
}

/** REPLACE of a record that exists: in the log a DELETE and an INSERT, or an UPDATE of every column. */
function replace(inputs: PlanInputs): OutsidePlan | undefined {
  const key = inputs.medications.pick(inputs.uniform);
  if (key === undefined) return undefined;
  const change = { ...key, value: inputs.nextValue() };
  const { sql, values } = insertStatement([change], inputs);
  const statement = { sql: sql.replace('INSERT', 'REPLACE'), values, affectedRows: 2 };
  return simplePlan('replace', statement, [change]);
}

function deleteOne(inputs: PlanInputs): OutsidePlan | undefined {
  const key = inputs.medications.pick(inputs.uniform);
  return key && simplePlan('delete', deleteStatement(key), [{ ...key, value: null }]);
}

function deleteMany(inputs: PlanInputs): OutsidePlan | undefined {
  const keys = inputs.medications.pickMany(countUpTo(MAX_DELETED_ROWS, inputs), inputs.uniform);
  const [first] = keys;
  if (first === undefined) return undefined;
  const statement = {
    sql: `DELETE FROM medications WHERE patient_id = ? AND medication_id IN (${keys.map(() => ID).join(', ')})`,
    values: [first.patient, ...keys.map(({ id }) => id)],
    affectedRows: keys.length,
  };
  const changes = keys.map((key) => ({ ...key, value: null }));
  return simplePlan('delete_many', statement, changes);
}

/** The record gets another number. */
function changeId(inputs: PlanInputs): OutsidePlan | undefined {
  const from = inputs.medications.pick(inputs.uniform);
  return from && moveKey('change_id', from, { ...from, id: inputs.nextMedicationId() }, inputs.nextValue());
}

/** The record goes to another patient, as after a mix-up at the desk. */
function changePatient(inputs: PlanInputs): OutsidePlan | undefined {
  const from = inputs.medications.pick(inputs.uniform);
  const patient = pick(inputs.medications.patients, inputs.uniform);
  if (from === undefined || patient === undefined || patient === from.patient) return undefined;
  return moveKey('change_patient', from, { ...from, patient }, inputs.nextValue());
}

function moveKey(operation: string, from: RecordKey, to: RecordKey, value: string): OutsidePlan {
  const statement = {
    sql: `UPDATE medications SET patient_id = ?, medication_id = ${ID}, note = ? ${WHERE}`,
    values: [to.patient, to.id, value, from.patient, from.id],
    affectedRows: 1,
  };
  return simplePlan(operation, statement, [
    { ...from, value: null },
    { ...to, value },
  ]);
}

function updateTwice(inputs: PlanInputs): OutsidePlan | undefined {
  const key = inputs.medications.pick(inputs.uniform);
  if (key === undefined) return undefined;
  const first = updateStatement(key, inputs.nextValue());
  const value = inputs.nextValue();
  return plan('update_twice', [first, updateStatement(key, value)], [{ ...key, value }]);
}

function deleteAndInsert(inputs: PlanInputs): OutsidePlan | undefined {
  const key = inputs.medications.pick(inputs.uniform);
  if (key === undefined) return undefined;
  const change = { ...key, value: inputs.nextValue() };
  return plan('delete_and_insert', [deleteStatement(key), insertStatement([change], inputs)], [change]);
}

function insertAndDelete(inputs: PlanInputs): OutsidePlan | undefined {
  const change = newRecord(inputs);
  if (change === undefined) return undefined;
  const statements = [insertStatement([change], inputs), deleteStatement(change)];
  return plan('insert_and_delete', statements, [{ ...change, value: null }]);
}

function updateEncounter(inputs: PlanInputs): OutsidePlan | undefined {
  const key = inputs.encounters.pick(inputs.uniform);
  if (key === undefined) return undefined;
  const value = inputs.nextValue();
  return simplePlan('update_encounter', encounterStatement(key, value), [{ ...key, value }]);
}

/** One transaction over both tables. */
function prescribe(inputs: PlanInputs): OutsidePlan | undefined {
  const medication = newRecord(inputs);
  const encounter = inputs.encounters.pick(inputs.uniform);
  if (medication === undefined || encounter === undefined) return undefined;
  const value = inputs.nextValue();
  const statements = [encounterStatement(encounter, value), insertStatement([medication], inputs)];
  return plan('prescribe', statements, [{ ...encounter, value }, medication]);
}

/** Writes a value that nobody must ever see. */
function takeBack(inputs: PlanInputs): OutsidePlan | undefined {
  const key = inputs.medications.pick(inputs.uniform);
  if (key === undefined) return undefined;
  return { ...plan('take_back', [updateStatement(key, inputs.nextValue())], []), rollBack: true };
}

function touchShared(inputs: PlanInputs): OutsidePlan | undefined {
  const key = inputs.shared.pick(inputs.uniform);
  if (key === undefined) return undefined;
  const sql = `UPDATE medications SET dispenses = dispenses + 1 ${WHERE}`;
  const statement = { sql, values: [key.patient, key.id], affectedRows: null };
  return { operation: 'touch_shared', statements: [statement], changes: [], touched: [key] };
}

function plan(
  operation: string,
  statements: readonly PlannedStatement[],
  changes: readonly OutsideChange[],
): OutsidePlan {
  return { operation, statements, changes, touched: [] };
}

function simplePlan(operation: string, statement: PlannedStatement, changes: readonly OutsideChange[]): OutsidePlan {
  return plan(operation, [statement], changes);
}

function updateStatement(key: RecordKey, value: string): PlannedStatement {
  const sql = `UPDATE medications SET note = ?, dispenses = dispenses + 1 ${WHERE}`;
  return { sql, values: [value, key.patient, key.id], affectedRows: 1 };
}

function deleteStatement(key: RecordKey): PlannedStatement {
  return { sql: `DELETE FROM medications ${WHERE}`, values: [key.patient, key.id], affectedRows: 1 };
}

function encounterStatement(key: RecordKey, value: string): PlannedStatement {
  const sql = 'UPDATE encounters SET remark = ? WHERE patient_id = ? AND encounter_id = ?';
  return { sql, values: [value, key.patient, key.id], affectedRows: 1 };
}

function insertStatement(changes: readonly OutsideChange[], { uniform }: PlanInputs): PlannedStatement {
  const values = changes.flatMap(({ patient, id, value }) => {
    const drug = pick(DRUGS, uniform) ?? DRUGS[0];
    const payer = pick(PAYERS, uniform) ?? null;
    const status = pick(STATUSES, uniform) ?? 'draft';
    return [patient, id, payer, status, drug.code, drug.description, drug.cost, value];
  });
  const sql = `INSERT INTO medications (${COLUMNS}) VALUES ${changes.map(() => ROW).join(', ')}`;
  return { sql, values, affectedRows: changes.length };
}

function newRecord({ medications, uniform, nextMedicationId, nextValue }: PlanInputs) {
  const patient = pick(medications.patients, uniform);
  if (patient === undefined) return undefined;
  return { table: 'medications' as const, patient, id: nextMedicationId(), value: nextValue() };
}

function withOwnValues(keys: readonly RecordKey[], value: string): OutsideChange[] {
  return keys.map((key) => ({ ...key, value: `${value}-${key.id}` }));
}

function countUpTo(most: number, { uniform }: PlanInputs): number {
  return 2 + Math.floor(uniform() * (most - 1));
}
