import { describe, expect, it } from 'vitest';
import { etagOf, parseName, toMedication } from '../../bench/baseline/medication-rows.ts';
import { readOptions } from '../../bench/options.ts';
import { median, medians } from '../../bench/statistics.ts';

describe("the bench's command line", () => {
  it('measures everything unless it is told what', () => {
    expect([...(readOptions([])?.figures ?? [])]).toEqual(['get', 'updateSourceOnly', 'bulk', 'updateBoth', 'capture']);
    expect([...(readOptions(['--only', 'bulk,get'])?.figures ?? [])]).toEqual(['bulk', 'get']);
  });

  it('takes less effort when that is asked for, and names a figure that it does not know', () => {
    expect(readOptions(['--quick'])?.effort.rounds).toBeLessThan(readOptions([])?.effort.rounds ?? 0);
    expect(() => readOptions(['--only', 'speed'])).toThrow('no figure is called speed');
  });
});

describe("the bench's figures", () => {
  it('are the middle of what was measured', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(medians([{ a: 1 }, { a: 9 }, { a: 2 }])).toEqual({ a: 2 });
  });
});

describe('the hand-written service', () => {
  const patient = '8f1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9';
  const row = [
    ...[patient, '18446744073709551615', null, Buffer.from('8f1b2c3d4e5f60718293a4b5c6d7e8f9', 'hex'), 'active', 7],
    ...[
      'drug',
      '2020-01-02 03:04:05.000006',
      null,
      '1.00',
      '0.50',
      2,
      '2.00',
      '9007199254740993',
      null,
      '',
      '2021-01-01 00:00:00.5',
    ],
  ];

  it('knows its own names', () => {
    expect(parseName(`patients/${patient}/medications/7`)).toEqual({ patient, medication: '7' });
    expect(parseName(`patients/${patient}/medications/07`)).toBeNull();
  });

  it('loses nothing on the way from a row to its message', () => {
    const medication = toMedication(row);
    expect(medication.name).toBe(`patients/${patient}/medications/18446744073709551615`);
    expect(medication.startTime).toMatchObject({ seconds: 1_577_934_245n, nanos: 6_000 });
    expect(medication.updateTime?.nanos).toBe(500_000_000);
    expect(medication).toMatchObject({ payerId: patient, reasonCode: 9_007_199_254_740_993n, note: '' });
    expect(medication.encounterId).toBeUndefined();
  });

  it('tells a null from an empty text in the etag', () => {
    expect(etagOf(['a', null])).not.toBe(etagOf(['a', '']));
  });
});
