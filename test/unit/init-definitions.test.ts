import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createRegistry, fromBinary, toJson } from '@bufbuild/protobuf';
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BUF_YAML } from '../../src/app/init/buf-text.ts';
import { checkDefinitions } from '../../src/app/init/check-definitions.ts';
import { decideTable } from '../../src/app/init/decide-table.ts';
import { readImportedProtos } from '../../src/app/init/imported-protos.ts';
import type { LockedTable } from '../../src/app/init/lock-file.ts';
import { lockPlan } from '../../src/app/init/locked-plan.ts';
import type { FoundTable, Reason, TablePlan } from '../../src/app/init/plan.ts';
import { buildImage } from '../../src/app/init/proto-descriptor.ts';
import { compareWithLock, withHandWritten } from '../../src/app/init/proto-numbers.ts';
import { printProto } from '../../src/app/init/proto-text.ts';
import { resourceProto } from '../../src/app/init/resource-proto.ts';
import type { KeyDescription } from '../../src/domain/table-description.ts';
import { file_buf_validate_validate } from '../../src/gen/buf/validate/validate_pb.ts';
import { file_crossfade_v1alpha1_options } from '../../src/gen/crossfade/v1alpha1/options_pb.ts';
import { file_google_api_client } from '../../src/gen/google/api/client_pb.ts';
import { file_google_api_field_behavior } from '../../src/gen/google/api/field_behavior_pb.ts';
import { file_google_api_field_info } from '../../src/gen/google/api/field_info_pb.ts';
import { file_google_api_resource } from '../../src/gen/google/api/resource_pb.ts';
import { runBuf } from '../support/buf.ts';
import { foundTable, initSettings, type TableChange, tableColumn } from '../support/init-tables.ts';

function planned(found: FoundTable, locked?: LockedTable): TablePlan {
  const decision = decideTable(found, initSettings, locked);
  if (decision.kind === 'refused') throw new Error(JSON.stringify(decision.refusal.reasons));
  const image = buildImage([resourceProto(decision.plan, initSettings)]);
  expect(checkDefinitions(image, [found.description]).mistakes).toEqual([]);
  return decision.plan;
}

function refusedBy(found: FoundTable, locked?: LockedTable): readonly Reason[] {
  const decision = decideTable(found, initSettings, locked);
  return decision.kind === 'refused' ? decision.refusal.reasons : [];
}

/** A definition's fields as a person reads them. */
function fieldsOf(plan: TablePlan): string[] {
  const text = printProto(resourceProto(plan, initSettings));
  const body = text.slice(text.indexOf(`\nmessage ${plan.names.message} {`));
  const message = body.slice(0, body.indexOf('\n}'));
  return [...message.matchAll(/^ {2}((?:optional |repeated )?[\w.]+ \w+ = \d+)/gm)]
    .map((match) => match[1] ?? '')
    .slice(2);
}

const LINES = [
  tableColumn('order_id', 'int'),
  tableColumn('line_no', 'smallint unsigned'),
  tableColumn('sku', 'varchar(40)'),
  tableColumn('quantity', 'int', { hasDefault: true }),
  tableColumn('note', 'text', { nullable: true }),
];
const LINES_KEY: TableChange = { primaryKey: ['order_id', 'line_no'] };
const orderLines = foundTable('order_lines', LINES, {
  ...LINES_KEY,
  notes: {
    references: [{ name: 'lines_order', columns: ['order_id'], referencedTable: 'orders', referencedColumns: ['id'] }],
  },
});

describe('a table with a parent', () => {
  it('is named below the table of its foreign key, and moves with the parent as the partition', () => {
    const plan = planned(orderLines);
    expect(plan.names).toMatchObject({ id: 'order_lines', message: 'OrderLine', service: 'OrderLines' });
    expect(plan.parts.map(({ collection, variable }) => `${collection}/{${variable}}`)).toEqual([
      'orders/{order}',
      'orderLines/{order_line}',
    ]);
    expect(plan.target).toEqual({ keyspace: 'shop', table: 'order_lines' });
  });

  it('is named after the columns of its key where no foreign key says more', () => {
    const plan = planned(
      foundTable('dept_emp', [tableColumn('emp_no', 'int'), tableColumn('dept', 'int')], {
        primaryKey: ['emp_no', 'dept'],
      }),
    );
    expect(plan.parts.map(({ variable }) => variable)).toEqual(['emp', 'dept_emp']);
  });

  it('gets different variables for two references to one table, and to itself', () => {
    const reference = { referencedTable: 'nodes', referencedColumns: ['id'] };
    const plan = planned(
      foundTable('nodes', [tableColumn('from_id', 'int'), tableColumn('to_id', 'int'), tableColumn('rank', 'int')], {
        primaryKey: ['from_id', 'to_id', 'rank'],
        notes: {
          references: [
            { name: 'a', columns: ['from_id'], ...reference },
            { name: 'b', columns: ['to_id'], ...reference },
          ],
        },
      }),
    );
    expect(plan.parts.map(({ variable }) => variable)).toEqual(['from', 'to', 'node']);
  });

  it('stays in MySQL, by name, where a foreign key changes rows and nothing follows it', () => {
    const key = {
      name: 'lines_order',
      table: 'order_lines',
      referencedTable: 'orders',
      onDelete: 'SET DEFAULT',
      onUpdate: 'RESTRICT',
    };
    const plan = planned(foundTable('order_lines', LINES, { ...LINES_KEY, foreignKeys: [key] }));
    expect(plan.target).toBeUndefined();
    expect(plan.staysBecause[0]?.text).toContain('lines_order has ON DELETE SET DEFAULT');
    const mistake = 'nothing tells what lines_line changes';
    const unseen = planned({ ...foundTable('order_lines', LINES, LINES_KEY), cascades: { mistake } });
    expect(unseen.staysBecause).toEqual([{ text: mistake }]);
  });
});

describe('a table without a parent', () => {
  it.each([
    [0, 1],
    [50_000, 1],
    [50_001, 2],
    [170_000, 4],
    [1_000_000_000, 256],
  ])('of %d rows is spread over %d buckets, and the reason is said', (rows, buckets) => {
    const plan = planned(foundTable('city', [tableColumn('ID', 'int')], { notes: { rows } }));
    expect(plan.target).toEqual({ keyspace: 'shop', table: 'city', buckets });
    expect(plan.remarks.map(({ text }) => text)).toContainEqual(expect.stringContaining(`buckets = ${buckets},`));
  });

  it('keeps the buckets that an earlier run has decided', () => {
    const small = planned(foundTable('city', [tableColumn('ID', 'int')]));
    const large = foundTable('city', [tableColumn('ID', 'int')], { notes: { rows: 10_000_000 } });
    expect(planned(large, lockPlan(small)).target?.buckets).toBe(1);
  });

  it('has its parts called otherwise where every resource has a field of that name', () => {
    const plan = planned(
      foundTable('city', [tableColumn('id', 'int'), tableColumn('Name', 'char(35)'), tableColumn('etag', 'int')]),
    );
    expect(fieldsOf(plan)).toEqual(['optional string city_name = 3', 'optional int32 city_etag = 4']);
  });
});

describe('names that the API has already', () => {
  it('are not given to columns, nor are those of other columns instead', () => {
    const columns = ['id', 'name', 'city_name', 'etag'].map((name) => tableColumn(name, 'int'));
    const plan = planned(foundTable('cities', columns));
    expect(plan.fields.map(({ name }) => name)).toEqual(['own_name', 'city_name', 'city_etag']);
  });

  it('are not given to a resource called parent, or to an enum of the message’s own name', () => {
    const plan = planned(
      foundTable('parent', [tableColumn('a', 'int'), tableColumn('b', 'int'), tableColumn('c', 'int')], {
        primaryKey: ['a', 'b'],
      }),
    );
    expect(plan.names).toMatchObject({ message: 'ParentRecord', singular: 'parent_record', id: 'parents' });
    const status = planned(foundTable('status', [tableColumn('id', 'int'), tableColumn('status', "enum('on','off')")]));
    expect(status.fields[0]?.type.enum).toMatchObject({
      name: 'StatusLabel',
      values: [{ name: 'STATUS_LABEL_ON' }, {}],
    });
  });

  it.each([
    ['staff', 'Staff', 'StaffService'],
    ['countries', 'Country', 'Countries'],
    ['Order Details', 'OrderDetail', 'OrderDetails'],
    ['addresses', 'Address', 'Addresses'],
    ['movies', 'Movie', 'Movies'],
    ['orders_status', 'OrdersStatus', 'OrdersStatuses'],
    ['person', 'Person', 'People'],
    ['数量', 'Table', 'Tables'],
  ])('of the table %s are %s and %s', (table, message, service) => {
    expect(planned(foundTable(table, [tableColumn('id', 'int')])).names).toMatchObject({ message, service });
  });
});

describe('columns', () => {
  it('become fields that tell NULL, defaults and zero apart', () => {
    expect(fieldsOf(planned(orderLines))).toEqual([
      'optional string sku = 3',
      'optional int32 quantity = 4',
      'optional string note = 5',
    ]);
    expect(planned(orderLines).fields.map(({ behavior }) => behavior)).toEqual(['REQUIRED', 'OPTIONAL', 'OPTIONAL']);
  });

  it('lets a create leave out an id that MySQL numbers, and no other', () => {
    const idOf = (found: FoundTable): string =>
      /string \w+_id = 2 \[\(google\.api\.field_behavior\) = (\w+)\]/.exec(
        printProto(resourceProto(planned(found), initSettings)),
      )?.[1] ?? '';
    const numbered = [tableColumn('id', 'int', { autoIncrement: true }), tableColumn('title', 'varchar(40)')];
    expect(idOf(foundTable('orders', numbered))).toBe('OPTIONAL');
    expect(idOf(orderLines)).toBe('REQUIRED');
  });

  it('of every kind find their type', () => {
    const plan = planned(
      foundTable(
        'things',
        [
          tableColumn('id', 'int'),
          tableColumn('flag', 'tinyint(1)'),
          tableColumn('level', 'tinyint(1)'),
          tableColumn('big', 'bigint unsigned'),
          tableColumn('medium', 'mediumint unsigned'),
          tableColumn('whole', 'int unsigned'),
          tableColumn('price', 'decimal(8,2)'),
          tableColumn('built', 'year', { nullable: true }),
          tableColumn('day', 'date'),
          tableColumn('at', 'datetime(3)'),
          tableColumn('at_utc', 'datetime'),
          tableColumn('touched', 'timestamp', { hasDefault: true, onUpdate: true }),
          tableColumn('took', 'time'),
          tableColumn('size', "enum('S','M','X-L')", { hasDefault: true }),
          tableColumn('grade', "enum('a+','a-')"),
          tableColumn('tags', "set('x','y')"),
          tableColumn('maybe_tags', "set('x','y')", { nullable: true }),
          tableColumn('doc', 'json', { nullable: true }),
          tableColumn('external_uuid', 'binary(16)'),
          tableColumn('digest', 'binary(16)'),
          tableColumn('total', 'decimal(9,2)', { generated: true, nullable: true }),
        ],
        { notes: { notBooleans: ['level'] } },
      ),
    );
    expect(fieldsOf(plan)).toEqual([
      'optional bool flag = 3',
      'optional int32 level = 4',
      'optional uint64 big = 5',
      'optional int32 medium = 6',
      'optional uint32 whole = 7',
      'string price = 8',
      'optional int32 built = 9',
      'string day = 10',
      'string at = 11',
      'google.protobuf.Timestamp at_utc = 12',
      'google.protobuf.Timestamp touched = 13',
      'string took = 14',
      'Size size = 15',
      'string grade = 16',
      'repeated string tags = 17',
      'optional string maybe_tags = 18',
      'optional string doc = 19',
      'string external_uuid = 20',
      'bytes digest = 21',
      'optional string total = 22',
    ]);
    const outputOnly = plan.fields.filter(({ behavior }) => behavior === 'OUTPUT_ONLY').map(({ name }) => name);
    expect(outputOnly).toEqual(['touched', 'total']);
  });

  it('with names that no field can have get others, and keep their own in the option', () => {
    const plan = planned(
      foundTable('odd', [
        tableColumn('id', 'int'),
        tableColumn('2nd line', 'int'),
        tableColumn('数量', 'int'),
        tableColumn('Größe', 'int'),
        tableColumn('a_b', 'int'),
        tableColumn('aB', 'int'),
        tableColumn('message', 'int'),
        tableColumn('crossfade_version', 'int'),
        tableColumn('"quoted"\\', 'int'),
      ]),
    );
    expect(plan.fields.map(({ name }) => name)).toEqual([
      'column_2_2nd_line',
      'column_3',
      'grosse',
      'a_b',
      'a_b_2',
      'message',
      'crossfade_version',
      'quoted',
    ]);
    expect(plan.fields.map(({ cassandraColumn }) => cassandraColumn)).toEqual([
      'column_2_2nd_line',
      'column_3',
      'grosse',
      'a_b',
      'a_b_2',
      'message',
      'own_crossfade_version',
      'quoted',
    ]);
  });
});

describe('columns with dates that no calendar has', () => {
  const columns = [
    tableColumn('id', 'int'),
    tableColumn('born', 'date'),
    tableColumn('at', 'datetime(3)', { nullable: true }),
    tableColumn('seen', 'timestamp'),
    tableColumn('fine', 'date'),
  ];
  const dirty = foundTable('people', columns, { notes: { noDays: ['born', 'at', 'seen'] } });

  it('are shown as text, a TIMESTAMP as an absent field, and the report says why', () => {
    const plan = planned(dirty);
    expect(plan.fields.map(({ zeroDates, cqlType }) => [zeroDates, cqlType])).toEqual([
      ['text', 'text'],
      ['text', 'text'],
      ['null', 'bigint'],
      [undefined, 'date'],
    ]);
    expect(printProto(resourceProto(plan, initSettings))).toContain('zero_dates: ZERO_DATES_TEXT');
    expect(printProto(resourceProto(plan, initSettings))).toContain('zero_dates: ZERO_DATES_NULL');
    const why = plan.remarks.filter(({ text }) => /ZERO_DATES/.test(text)).map(({ column }) => column);
    expect(why).toEqual(['born', 'at', 'seen']);
  });

  it('stay as an earlier run has them, whatever the rows hold by now', () => {
    const clean = foundTable('people', columns);
    const again = planned(clean, lockPlan(planned(dirty)));
    expect(again.fields.map(({ zeroDates }) => zeroDates)).toEqual(['text', 'text', 'null', undefined]);
    const later = planned(dirty, lockPlan(planned(clean)));
    expect(later.fields.map(({ zeroDates }) => zeroDates)).toEqual([undefined, undefined, undefined, undefined]);
    expect(later.remarks.map(({ text }) => text)).toContainEqual(expect.stringContaining('until they are mended'));
  });
});

describe('what can’t be carried', () => {
  it('is left out where a create can do without, and then nothing moves', () => {
    const columns = [
      ...LINES,
      tableColumn('place', 'point', { nullable: true }),
      tableColumn('address', 'inet6', { hasDefault: true }),
    ];
    const plan = planned(foundTable('order_lines', columns, LINES_KEY));
    expect(plan.leftOut.map(({ column }) => column)).toEqual(['place', 'address']);
    expect(plan.leftOut[0]?.text).toContain('point is not carried');
    expect(plan.target).toBeUndefined();
  });

  it.each<[string, FoundTable, string | undefined, string]>([
    [
      'a column without a default',
      foundTable('a', [tableColumn('id', 'int'), tableColumn('place', 'geometry')]),
      'place',
      'geometry',
    ],
    [
      'a label in the key',
      foundTable('a', [tableColumn('id', 'int'), tableColumn('kind', "enum('x')")], { primaryKey: ['id', 'kind'] }),
      'kind',
      'sorts an ENUM',
    ],
    [
      'a key of a prefix',
      foundTable('a', [tableColumn('code', 'varchar(300)')], { notes: { keyPrefixes: ['code'] } }),
      'code',
      'first characters',
    ],
    [
      'no primary key',
      foundTable('a', [tableColumn('id', 'int')], { primaryKey: [] }),
      undefined,
      'no primary key, so its records have no names: give it one of its columns',
    ],
    [
      'a unique key that could be the primary one',
      foundTable(
        'a',
        [tableColumn('user_id', 'int'), tableColumn('profile', 'varchar(100)'), tableColumn('at', 'time')],
        {
          primaryKey: [],
          keys: [
            { name: 'unfit', columns: ['user_id', 'at'], unique: true, isPrefix: false },
            { name: 'prefix', columns: ['profile'], unique: true, isPrefix: true },
            { name: 'both', columns: ['user_id', 'profile'], unique: true, isPrefix: false },
          ],
        },
      ),
      undefined,
      'ALTER TABLE `shop`.`a` ADD PRIMARY KEY (`user_id`, `profile`), as its unique key both has no NULL',
    ],
    ['another engine', foundTable('a', [tableColumn('id', 'int')], { storageEngine: 'MyISAM' }), undefined, 'MyISAM'],
    [
      'a character set',
      foundTable('a', [tableColumn('id', 'int'), tableColumn('t', 'varchar(9)', { characterSet: 'cp1251' })]),
      't',
      'cp1251',
    ],
  ])('refuses the table: %s', (_, found, column, text) => {
    expect(refusedBy(found)).toContainEqual({ ...(column && { column }), text: expect.stringContaining(text) });
  });
});

describe('a key in a collation that takes different spellings for the same', () => {
  it('moves, and says that authority stays with MySQL', () => {
    const plan = planned(foundTable('a', [tableColumn('code', 'char(3)', { collation: 'utf8mb4_0900_ai_ci' })]));
    expect(plan.target).toBeDefined();
    expect(plan.remarks.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('authority stays with MySQL, as the collation of code'),
    );
  });
});

function uniqueKey(name: string, columns: readonly string[]): KeyDescription {
  return { name, columns, unique: true, isPrefix: false };
}

describe('unique keys', () => {
  const members = [
    tableColumn('team_id', 'int'),
    tableColumn('member_no', 'int'),
    tableColumn('email', 'varchar(80)'),
    tableColumn('nick', 'varchar(20)', { nullable: true, collation: 'utf8mb4_0900_ai_ci' }),
    tableColumn('rating', 'double', { nullable: true }),
  ];
  const table = (keys: readonly KeyDescription[]) =>
    foundTable('members', members, { primaryKey: ['team_id', 'member_no'], keys });
  const texts = (plan: TablePlan): string[] => plan.remarks.map(({ text }) => text);

  it('become indexes with a lookup, by fields that have the record’s own numbers', () => {
    const keys = [uniqueKey('email', ['email']), uniqueKey('team_nick', ['team_id', 'nick'])];
    const plan = planned(table(keys));
    const text = printProto(resourceProto(plan, initSettings));
    expect(text).toContain('rpc LookupMembers(LookupMembersRequest) returns (LookupMembersResponse);');
    expect(text).toContain('  optional string email = 3 [(google.api.field_behavior) = OPTIONAL];');
    expect(text).toContain('  optional string team = 10000 [(google.api.field_behavior) = OPTIONAL];');
    expect(plan.indexes.map(({ name, fields }) => [name, ...fields.map((field) => field.name)])).toEqual([
      ['email', 'email'],
      ['team_nick', 'team', 'nick'],
    ]);
    expect(texts(plan)).toContain('the unique key email (email) is the index "email", with a lookup');
  });

  it('that Cassandra could not keep hold authority in MySQL, by name', () => {
    const keys = [uniqueKey('by_rating', ['rating']), uniqueKey('nick', ['nick'])];
    const found = texts(planned(table(keys))).filter((text) => text.startsWith('authority stays'));
    expect(found).toEqual([
      expect.stringContaining('the unique key by_rating (rating)'),
      expect.stringContaining('takes different texts of nick for the same (utf8mb4_0900_ai_ci)'),
    ]);
  });

  it('are no indexes where the primary key makes them unique, or only a part of a column is in them', () => {
    const keys = [
      uniqueKey('all', ['email', 'member_no', 'team_id']),
      { ...uniqueKey('part', ['email']), isPrefix: true },
      { ...uniqueKey('plain', ['nick']), unique: false },
    ];
    expect(planned(table(keys)).indexes).toEqual([]);
  });

  it('get names that leave room for the resource’s own in the name of their table', () => {
    const found = { ...table([uniqueKey('a_key_of_more_than_twenty_four', ['email'])]) };
    const named = (length: number) => ({ ...found, description: { ...found.description, table: 't'.repeat(length) } });
    expect(planned(named(10)).indexes[0]?.name).toBe('a_key_of_more_than_twent');
    expect(planned(named(34)).indexes[0]?.name).toBe('a_key_of_m');
    expect(planned(named(44)).indexes).toEqual([]);
  });

  it('that are gone leave their fields in the lookup reserved', () => {
    const first = planned(table([uniqueKey('email', ['email']), uniqueKey('nick', ['nick'])]));
    const second = planned(table([uniqueKey('nick', ['nick'])]), lockPlan(first));
    expect(second.lookupReserved).toEqual({ numbers: [3], names: ['email'] });
    const third = planned(table([uniqueKey('nick', ['nick'])]), lockPlan(second));
    expect(third.lookupReserved).toEqual({ numbers: [3], names: ['email'] });
  });
});

describe('a second run', () => {
  const first = planned(orderLines);
  const lock = lockPlan(first);

  it('gives new columns new numbers, wherever they stand, and moves none', () => {
    const columns = [...LINES.slice(0, 2), tableColumn('color', 'varchar(9)'), ...LINES.slice(2)];
    expect(fieldsOf(planned(foundTable('order_lines', columns, LINES_KEY), lock))).toEqual([
      'optional string sku = 3',
      'optional int32 quantity = 4',
      'optional string note = 5',
      'optional string color = 6',
    ]);
  });

  it('reserves the number and the name of a column that is gone, for good', () => {
    const without = foundTable(
      'order_lines',
      LINES.filter(({ name }) => name !== 'quantity'),
      LINES_KEY,
    );
    const second = planned(without, lock);
    expect(second.reserved).toEqual({ numbers: [4], names: ['quantity'] });
    const third = planned(orderLines, lockPlan(second));
    expect(fieldsOf(third)).toContain('optional int32 quantity_2 = 6');
    expect(third.reserved).toEqual({ numbers: [4], names: ['quantity'] });
  });

  it('keeps a field while its type holds the column, and makes another one when it does not', () => {
    const changed = (columnType: string) =>
      foundTable(
        'order_lines',
        LINES.map((each) => (each.name === 'quantity' ? tableColumn('quantity', columnType) : each)),
        LINES_KEY,
      );
    expect(fieldsOf(planned(changed('smallint'), lock))).toContain('optional int32 quantity = 4');
    const wider = planned(changed('bigint'), lock);
    expect(fieldsOf(wider)).toContain('optional int64 quantity_2 = 6');
    expect(wider.reserved).toEqual({ numbers: [4], names: ['quantity'] });
    expect(wider.fields.find(({ number }) => number === 6)?.cassandraColumn).toBe('quantity_2');
  });

  it('numbers new labels behind the old ones, and reserves those that are gone', () => {
    const sized = (labels: string) =>
      foundTable('shirts', [tableColumn('id', 'int'), tableColumn('size', `enum(${labels})`)]);
    const before = planned(sized("'S','M','L'"));
    const after = planned(sized("'XS','S','L'"), lockPlan(before));
    expect(after.fields[0]?.type.enum).toMatchObject({
      values: [
        { label: 'S', number: 1 },
        { label: 'L', number: 3 },
        { label: 'XS', number: 4 },
      ],
      reserved: { numbers: [2], names: ['SIZE_M'] },
    });
  });

  it('refuses a table whose primary key has changed', () => {
    expect(refusedBy(foundTable('order_lines', LINES, { primaryKey: ['order_id'] }), lock)[0]?.text).toContain(
      'new version',
    );
  });

  it('finds numbers in the proto that are not those of the lock', () => {
    const text = printProto(resourceProto(first, initSettings));
    expect(compareWithLock(text, 'a.proto', lock)).toEqual([]);
    const moved = text.replace('quantity = 4', 'quantity = 9');
    expect(compareWithLock(moved, 'a.proto', lock)).toEqual([expect.stringContaining('quantity has the number 9')]);
    const added = text.replace('  // The column quantity.', '  string mine = 7;\n\n  // The column quantity.');
    expect(withHandWritten(added, lock).removed).toEqual([{ name: 'mine', number: 7 }]);
  });
});

describe('the text and the descriptor', () => {
  const odd = foundTable(
    'odd tables',
    [
      tableColumn('Owner Id', 'binary(16)'),
      tableColumn('id', 'varchar(20)'),
      tableColumn('size', "enum('S','M')", { nullable: true }),
      tableColumn('état "x"\\', 'varchar(20)', { nullable: true }),
      tableColumn('at', 'timestamp'),
      ...[
        'message',
        'optional',
        'reserved',
        'option',
        'string',
        'import',
        'package',
        'class',
        'enum',
        'rpc',
        'to',
        'max',
      ].map((name) => tableColumn(name, 'int', { nullable: true })),
    ],
    {
      primaryKey: ['Owner Id', 'id'],
      keys: [
        uniqueKey('by size', ['size', 'Owner Id']),
        uniqueKey('at', ['at']),
        uniqueKey('class', ['class', 'enum']),
      ],
      notes: {
        comment: 'Table "x" \\ of\r\n数量\u0000*/',
        columnComments: new Map([
          ['size', 'Größe 👕\nsecond line'],
          ['Owner Id', 'uuid'],
        ]),
      },
    },
  );
  const oddLock: LockedTable = {
    ...lockPlan(planned(odd)),
    removed: [{ name: 'gone', number: 30 }],
    lookedUp: [{ name: 'looked_up_once', number: 31 }],
  };

  it('say the same, pass buf lint, and are formatted', { timeout: 120_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'crossfade-init-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const write = async (path: string, content: string | Uint8Array): Promise<void> => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    };
    const protos = [planned(odd, oddLock), planned(orderLines)].map((plan) => resourceProto(plan, initSettings));
    for (const proto of protos) await write(`proto/${proto.path}`, printProto(proto));
    for (const [path, content] of await readImportedProtos()) await write(`imports/${path}`, content);
    await write('buf.yaml', BUF_YAML);
    expect(await runBuf(folder, 'lint')).toEqual({ code: 0, output: '' });
    expect(await runBuf(folder, 'format', '--diff', 'proto')).toEqual({ code: 0, output: '' });
    const args = ['--as-file-descriptor-set', '--exclude-source-info', '-o', 'built.binpb'];
    expect(await runBuf(folder, 'build', ...args)).toEqual({ code: 0, output: '' });
    const built = fromBinary(FileDescriptorSetSchema, await readFile(join(folder, 'built.binpb')));
    expect(ownFiles(fromBinary(FileDescriptorSetSchema, buildImage(protos)))).toEqual(ownFiles(built));
  });
});

function ownFiles(image: FileDescriptorSet) {
  const registry = createRegistry(
    file_buf_validate_validate,
    file_crossfade_v1alpha1_options,
    file_google_api_client,
    file_google_api_field_behavior,
    file_google_api_field_info,
    file_google_api_resource,
  );
  const own = { ...image, file: image.file.filter((file) => file.package === initSettings.packageName) };
  const json = toJson(FileDescriptorSetSchema, own, { registry }) as { file: { name: string }[] };
  return json.file.sort((a, b) => (a.name < b.name ? -1 : 1));
}
