import { describe, expect, it } from 'vitest';
import { type OutsidePlan, type PlanInputs, planNext } from '../../../examples/hospital/outside-plan.ts';
import { RecordKeys, seededUniform } from '../../../examples/hospital/outside-records.ts';
import { belongsToOutsideProgram } from '../../../examples/hospital/outside-share.ts';

const PATIENTS = ['a', 'b', 'c', 'd'];

function inputs(seed: number, sharedRatio = 0): PlanInputs {
  const keysOf = (patients: readonly string[]) =>
    patients.flatMap((patient) => Array.from({ length: 60 }, (_, i) => [patient, `${patient}${i}`] as const));
  let values = 0;
  let ids = 0;
  return {
    medications: new RecordKeys('medications', keysOf(PATIENTS)),
    encounters: new RecordKeys('encounters', keysOf(PATIENTS)),
    shared: new RecordKeys('medications', keysOf(['z'])),
    sharedRatio,
    uniform: seededUniform(seed),
    nextValue: () => `value-${values++}`,
    nextMedicationId: () => `new-${ids++}`,
  };
}

/** Plans that were all committed, one after the other. */
function committed(count: number, given: PlanInputs): OutsidePlan[] {
  return Array.from({ length: count }, () => {
    const plan = planNext(given);
    for (const change of plan.changes) given[change.table].apply(change);
    return plan;
  });
}

describe('the plans of the outside program', () => {
  it('are the same for the same seed and others for another', () => {
    expect(committed(500, inputs(1))).toEqual(committed(500, inputs(1)));
    expect(committed(50, inputs(1))).not.toEqual(committed(50, inputs(2)));
  });

  it('come in every kind, and the records neither run out nor grow without end', () => {
    const given = inputs(3, 0.05);
    const plans = committed(5_000, given);
    const kinds = new Set(plans.map(({ operation }) => operation));
    expect([...kinds].sort()).toEqual([
      ...['change_id', 'change_patient', 'delete', 'delete_and_insert', 'delete_many', 'insert', 'insert_and_delete'],
      ...['insert_many', 'prescribe', 'replace', 'sweep', 'take_back', 'touch_shared', 'update', 'update_encounter'],
      ...['update_many', 'update_twice', 'upsert'],
    ]);
    const left = PATIENTS.reduce((sum, patient) => sum + given.medications.ids(patient).length, 0);
    expect(left).toBeGreaterThan(100);
    expect(left).toBeLessThan(5_000);
  });

  it('never use a value twice, and tell of each record once', () => {
    const plans = committed(5_000, inputs(4));
    const values = plans.flatMap(({ changes }) => changes.map(({ value }) => value)).filter((value) => value !== null);
    expect(new Set(values).size).toBe(values.length);
    for (const { changes } of plans) {
      const keys = changes.map(({ table, patient, id }) => `${table}/${patient}/${id}`);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  it('tell of nothing when they are taken back', () => {
    const takenBack = committed(5_000, inputs(5)).filter(({ rollBack }) => rollBack);
    expect(takenBack.length).toBeGreaterThan(0);
    expect(takenBack.flatMap(({ changes }) => changes)).toEqual([]);
  });

  it('name only patients of their own, but for the shared records, whose value they leave alone', () => {
    const plans = committed(5_000, inputs(6, 0.1));
    const patients = new Set(plans.flatMap(({ changes }) => changes.map(({ patient }) => patient)));
    expect([...patients].sort()).toEqual(PATIENTS);
    const shared = plans.filter(({ operation }) => operation === 'touch_shared');
    expect(shared.length).toBeGreaterThan(300);
    expect(
      shared.every(({ changes, statements }) => changes.length === 0 && !/note/.test(statements[0]?.sql ?? '')),
    ).toBe(true);
  });

  it('change some hundred rows in a sweep, never more than its bound', () => {
    const sweeps = committed(5_000, inputs(7)).filter(({ operation }) => operation === 'sweep');
    expect(Math.max(...sweeps.map(({ changes }) => changes.length))).toBeGreaterThan(100);
    expect(Math.max(...sweeps.map(({ changes }) => changes.length))).toBeLessThanOrEqual(500);
  });

  it('fail when there is no patient to write for', () => {
    const none = new RecordKeys('medications', []);
    expect(() => planNext({ ...inputs(8), medications: none, encounters: none })).toThrow(/no patient/);
  });
});

describe('the share of the outside program', () => {
  const patients = Array.from(
    { length: 4_000 },
    (_, i) => `${(i * 7_919).toString(16).padStart(8, '0')}-87fa-f67b-8ce7-2312b271e08a`,
  );

  it('is about as large as was asked for', () => {
    for (const share of [0.1, 0.25, 0.5]) {
      const own = patients.filter((patient) => belongsToOutsideProgram(patient, share)).length;
      expect(Math.abs(own / patients.length - share)).toBeLessThan(0.03);
    }
  });

  it('has nobody at 0, everybody at 1, and only grows in between', () => {
    expect(patients.some((patient) => belongsToOutsideProgram(patient, 0))).toBe(false);
    expect(patients.every((patient) => belongsToOutsideProgram(patient, 1))).toBe(true);
    const lost = patients.filter(
      (patient) => belongsToOutsideProgram(patient, 0.2) && !belongsToOutsideProgram(patient, 0.3),
    );
    expect(lost).toEqual([]);
  });
});
