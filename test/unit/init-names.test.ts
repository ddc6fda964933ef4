import { describe, expect, it } from 'vitest';
import { checkDefinitions } from '../../src/app/init/check-definitions.ts';
import { decideTables } from '../../src/app/init/decide-tables.ts';
import { LOCK_ABOUT, type LockFile } from '../../src/app/init/lock-file.ts';
import { lockPlan } from '../../src/app/init/locked-plan.ts';
import type { FoundTable, TablePlan } from '../../src/app/init/plan.ts';
import { buildImage } from '../../src/app/init/proto-descriptor.ts';
import { keyspaceOf } from '../../src/app/init/resource-names.ts';
import { resourceProto } from '../../src/app/init/resource-proto.ts';
import { foundTable, initSettings, tableColumn } from '../support/init-tables.ts';

/** What becomes of tables that are named in one run; the service must be able to load it. */
function plannedTogether(found: readonly FoundTable[], lock: LockFile | null = null): readonly TablePlan[] {
  const { plans, refusals } = decideTables(found, initSettings, lock);
  expect(refusals).toEqual([]);
  const image = buildImage(plans.map((plan) => resourceProto(plan, initSettings)));
  const { mistakes } = checkDefinitions(
    image,
    found.map(({ description }) => description),
  );
  expect(mistakes).toEqual([]);
  return plans;
}

function lockOf(plans: readonly TablePlan[]): LockFile {
  const tables = Object.fromEntries(plans.map((plan) => [plan.table, lockPlan(plan)]));
  const { packageName, host, keyspace } = initSettings;
  return { about: LOCK_ABOUT, package: packageName, schema: 'shop', host, keyspace, tables, written: {} };
}

const plain = (table: string): FoundTable => foundTable(table, [tableColumn('id', 'int'), tableColumn('note', 'int')]);
const COLUMNS = ['order_id', 'line_no', 'order', 'line', 'sku'];

describe('tables that would be called alike', () => {
  it.each([
    [
      ['order', 'orders'],
      ['Order', 'OrderRecord'],
    ],
    [
      ['fooBar', 'foo_bar', 'Foo-Bar'],
      ['FooBar', 'FooBarRecord', 'FooBarRecord2'],
    ],
    [
      ['таблица', 'таблицы', '表'],
      ['Table', 'TableRecord', 'TableRecord2'],
    ],
    [
      ['order', 'get_order_request', 'list_orders_response'],
      ['Order', 'GetOrderRequestRecord', 'ListOrdersResponseRecord'],
    ],
    [
      ['data', 'data_service'],
      ['Data', 'DataServiceRecord'],
    ],
    [
      ['order', 'order_record', 'orders'],
      ['Order', 'OrderRecord', 'OrderRecord2'],
    ],
    [
      ['order_record', 'order_records'],
      ['OrderRecord', 'OrderRecordOther'],
    ],
  ])('%j are %j', (tables, messages) => {
    const plans = plannedTogether(tables.map(plain));
    expect(plans.map(({ names }) => names.message)).toEqual(messages);
    for (const part of ['id', 'service', 'file', 'cassandraTable'] as const) {
      expect(new Set(plans.map(({ names }) => names[part])).size, part).toBe(tables.length);
    }
  });

  it('are told apart where their names are cut off, too', () => {
    const long = 'a'.repeat(60);
    const plans = plannedTogether([`${long}x`, `${long}y`].map(plain));
    expect(plans.map(({ names }) => names.id)).toEqual(['a'.repeat(40), `${'a'.repeat(38)}_2`]);
    expect(plans.map(({ target }) => target?.table)).toEqual(['a'.repeat(48), `${'a'.repeat(46)}_2`]);
  });

  it('say whose name it is', () => {
    const [, other] = plannedTogether(['order', 'orders'].map(plain));
    expect(other?.remarks[0]?.text).toBe('called OrderRecord, as Order belongs to the table order');
  });

  it('keep the names of an earlier run, in whatever order they are named now', () => {
    const before = plannedTogether(['order', 'orders'].map(plain));
    const again = plannedTogether(['orders', 'order'].map(plain), lockOf(before));
    const names = (plans: readonly TablePlan[]): unknown =>
      plans.map(({ table, names: all, target }) => ({ table, all, target }));
    expect(names(again.toReversed())).toEqual(names(before));
  });

  it('get other names where one’s table in Cassandra would be that of another one’s index', () => {
    const keys = [{ name: 'code', columns: ['code'], unique: true, isPrefix: false }];
    const customer = foundTable('customer', [tableColumn('id', 'int'), tableColumn('code', 'int')], { keys });
    const plans = plannedTogether([customer, plain('customer_by_code')]);
    expect(plans.map(({ target }) => target?.table)).toEqual(['customer', 'customer_by_code_record']);
  });
});

describe('the keyspace', () => {
  it.each([
    ['shop', 'shop'],
    ['system', 'system_records'],
    ['system_auth', 'system_auth_records'],
    ['system_of_a_shop', 'system_of_a_shop'],
    ['a'.repeat(64), 'a'.repeat(48)],
  ])('of %s is %s', (schema, keyspace) => {
    expect(keyspaceOf(schema)).toBe(keyspace);
  });
});

describe('a table called as a field of every request', () => {
  it.each(['request', 'requests', 'validate_only', 'parent'])('%s can be served', (table) => {
    const [plan] = plannedTogether([plain(table)]);
    const messages = resourceProto(plan as TablePlan, initSettings).messages;
    for (const { name, fields } of messages) {
      expect(new Set(fields.map((field) => field.name)).size, name).toBe(fields.length);
    }
  });
});

describe('unique keys', () => {
  const unique = (name: string, ...columns: string[]) => ({ name, columns, unique: true, isPrefix: false });

  it('whose lookup would have two meanings for one name are left to MySQL', () => {
    const keys = [
      unique('by_order', 'order_id', 'order'),
      unique('by_line', 'line', 'line_no'),
      unique('by_sku', 'sku'),
    ];
    const columns = COLUMNS.map((name) => tableColumn(name, 'int'));
    const [plan] = plannedTogether([foundTable('line', columns, { primaryKey: ['order_id', 'line_no'], keys })]);
    expect(plan?.indexes.map(({ name }) => name)).toEqual(['by_sku']);
    const texts = plan?.remarks.map(({ text }) => text).join('\n');
    expect(texts).toContain(
      'authority stays with MySQL: Cassandra would not keep the unique key by_order (order_id, order)',
    );
    expect(texts).toContain(
      'authority stays with MySQL: Cassandra would not keep the unique key by_line (line, line_no)',
    );
  });

  it('beyond those that a resource can have are left to MySQL', () => {
    const columns = Array.from({ length: 20 }, (_, i) => tableColumn(`c${i}`, 'int'));
    const keys = columns.slice(1).map(({ name }) => unique(name, name));
    const [plan] = plannedTogether([foundTable('wide', columns, { keys })]);
    expect(plan?.indexes).toHaveLength(16);
    expect(plan?.remarks.filter(({ text }) => text.includes('would not keep the unique key'))).toHaveLength(3);
  });

  it('over expressions, prefixes and what no index holds say so, and what helps', () => {
    const keys = [unique('lower', ''), { ...unique('begin', 'note'), isPrefix: true }, unique('rate', 'rate')];
    const columns = [tableColumn('id', 'int'), tableColumn('note', 'varchar(9)'), tableColumn('rate', 'float')];
    const [plan] = plannedTogether([foundTable('films', columns, { keys })]);
    const texts = plan?.remarks.map(({ text }) => text).join('\n');
    expect(texts).toContain('the unique key lower (an expression): make it one of whole columns, or drop it');
    expect(texts).toContain('the unique key begin (note, by prefixes): make it one of whole columns, or drop it');
    expect(texts).toContain('the unique key rate (rate): no index of ours can hold rate: drop it');
  });
});

describe('a refusal', () => {
  const reasons = (found: FoundTable): unknown => decideTables([found], initSettings, null).refusals[0]?.reasons;

  it('names the widest column of a key that is too long', () => {
    const columns = [tableColumn('id', 'int'), tableColumn('path', 'varchar(768)')];
    expect(reasons(foundTable('files', columns, { primaryKey: ['id', 'path'] }))).toEqual([
      { text: expect.stringMatching(/the key may take 3083 bytes .* shorten path, the widest of its columns/) },
    ]);
  });
});
