import { describe, expect, it } from 'vitest';
import { decideTable } from '../../src/app/init/decide-table.ts';
import { buildImage } from '../../src/app/init/proto-descriptor.ts';
import { resourceProto } from '../../src/app/init/resource-proto.ts';
import type { MysqlColumnDescription } from '../../src/domain/table-description.ts';
import { bindResource } from '../../src/schema/bind-resource.ts';
import { cqlTypeOf } from '../../src/schema/cql-types.ts';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { parseDateText } from '../../src/schema/temporal-text.ts';
import { columnTypeOf } from '../../src/schema/types.ts';
import { createBind, createRead } from '../../src/stores/mysql/values.ts';
import { foundTable, initSettings, tableColumn } from '../support/init-tables.ts';

const nullable = { nullable: true };

function typed(column: MysqlColumnDescription, zeroDates: 'null' | 'text') {
  const found = columnTypeOf(column, null, 'plain', zeroDates);
  if ('mistake' in found) throw new Error(found.mistake);
  return found.type;
}

function readOf(column: MysqlColumnDescription, zeroDates: 'null' | 'text') {
  const type = typed(column, zeroDates);
  const { name } = column;
  const rest = { mysqlName: name, cassandraName: name, writable: true, serverChanges: false };
  return createRead({ field: name, type, nullable: true, ...rest });
}

describe('zero dates as null', () => {
  it.each(['0000-00-00', '2024-00-00', '2023-02-29'])('%s is null, and a day is itself', (text) => {
    const read = readOf(tableColumn('born', 'date', nullable), 'null');
    expect(read(text)).toBeNull();
    expect(read('2024-02-29')).toBe('2024-02-29');
  });

  it('are null in a DATETIME and a TIMESTAMP', () => {
    for (const columnType of ['datetime(6)', 'timestamp']) {
      const read = readOf(tableColumn('at', columnType, nullable), 'null');
      expect(read('0000-00-00 00:00:00')).toBeNull();
      expect(read('1970-01-01 00:00:01')).toBe(1_000_000n);
    }
  });

  it('bind null as NULL where the column takes it, and as the zero date where it does not', () => {
    expect(createBind(typed(tableColumn('born', 'date', nullable), 'null'))(null)).toBeNull();
    expect(createBind(typed(tableColumn('born', 'date'), 'null'))(null)).toBe('0000-00-00');
    expect(createBind(typed(tableColumn('at', 'timestamp(3)'), 'null'))(null)).toBe('0000-00-00 00:00:00');
  });
});

describe('zero dates as text', () => {
  it('are what the column holds, with its digits', () => {
    expect(readOf(tableColumn('born', 'date'), 'text')('2024-00-00')).toBe('2024-00-00');
    const read = readOf(tableColumn('at', 'datetime(3)'), 'text');
    expect(read('0000-00-00 00:00:00')).toBe('0000-00-00T00:00:00.000');
    expect(read('2024-02-30 12:34:56.7')).toBe('2024-02-30T12:34:56.700');
  });

  it('are bound as MySQL reads them, and a text in Cassandra', () => {
    const type = typed(tableColumn('at', 'datetime'), 'text');
    expect(createBind(type)('2024-02-30T12:34:56')).toBe('2024-02-30 12:34:56');
    expect(cqlTypeOf(type)).toBe('text');
  });

  it('take what the column can hold, and nothing else', () => {
    expect(parseDateText('2024-00-31', null)).toBe('2024-00-31');
    expect(parseDateText('0000-00-00T00:00:00.5', 3)).toBe('0000-00-00T00:00:00.500');
    for (const text of ['2024-13-01', '2024-01-32', '24-01-01', '2024-01-01T00:00:00', '']) {
      expect(parseDateText(text, null)).toBeUndefined();
    }
    for (const text of ['2024-01-01', '2024-01-01T24:00:00', '2024-01-01T00:60:00', '2024-01-01T00:00:00.0001']) {
      expect(parseDateText(text, 3)).toBeUndefined();
    }
  });
});

describe('a policy that a column can not have', () => {
  it.each([
    ['int', 'null', /zero_dates is for DATE, DATETIME and TIMESTAMP, not int/],
    ['time(3)', 'text', /zero_dates is for DATE/],
    ['timestamp', 'text', /use ZERO_DATES_NULL/],
  ] as const)('%s as %s is refused', (columnType, zeroDates, mistake) => {
    expect(columnTypeOf(tableColumn('it', columnType), null, 'plain', zeroDates)).toEqual({
      mistake: expect.stringMatching(mistake),
    });
  });
});

describe('a definition with zero_dates', () => {
  const table = (columns: readonly MysqlColumnDescription[]) =>
    foundTable('books', [tableColumn('shelf', 'int'), tableColumn('book', 'int'), ...columns], {
      primaryKey: ['shelf', 'book'],
      notes: { noDays: columns.map(({ name }) => name) },
    });

  function bound(zeroDates: 'null' | 'text' | undefined, column: MysqlColumnDescription) {
    const decision = decideTable(table([column]), initSettings);
    if (decision.kind === 'refused') throw new Error('refused');
    const image = buildImage([resourceProto(decision.plan, initSettings)]);
    const [found] = findDefinitions(loadDescriptors(image)).definitions;
    if (found === undefined) throw new Error('there is no definition');
    const fields = found.fields.map(({ zeroDates: _, ...field }) => ({ ...field, ...(zeroDates && { zeroDates }) }));
    return bindResource({ ...found, fields }, table([column]).description);
  }

  it('has a column that may be null, though MySQL’s is NOT NULL, in a field that can be absent', () => {
    const result = bound('null', tableColumn('seen', 'timestamp', { hasDefault: true }));
    expect(result).toMatchObject({
      resource: { columns: [{}, {}, { nullable: true, type: { kind: 'timestamp', noDay: 'zero' } }] },
    });
  });

  it('is refused where the field can not be absent', () => {
    expect(bound('null', tableColumn('born', 'date'))).toEqual({
      mistakes: [expect.stringContaining('has ZERO_DATES_NULL: make the field optional')],
    });
  });
});
