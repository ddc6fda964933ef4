import { describe, expect, it } from 'vitest';
import { numberedColumn } from '../../src/domain/resource.ts';
import type { MysqlColumnDescription, MysqlTableDescription } from '../../src/domain/table-description.ts';
import { bindResource } from '../../src/schema/bind-resource.ts';
import type { ResourceDefinition } from '../../src/schema/definition.ts';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { keyType } from '../../src/schema/key-types.ts';
import { columnTypeOf } from '../../src/schema/types.ts';
import { allTypesDefinition, allTypesResource, allTypesTable } from '../support/all-types.ts';
import { buildImage, type ProtoOptions, resourceProto } from '../support/descriptor-image.ts';

async function define(options: ProtoOptions = {}): Promise<ResourceDefinition> {
  const { definitions, mistakes } = findDefinitions(loadDescriptors(await buildImage(resourceProto(options))));
  expect(mistakes).toEqual([]);
  return definitions[0] as ResourceDefinition;
}

function column(name: string, columnType: string, more: Partial<MysqlColumnDescription> = {}): MysqlColumnDescription {
  const isText = /char|text/.test(columnType);
  return {
    name,
    columnType,
    nullable: false,
    characterSet: isText ? 'utf8mb4' : null,
    collation: isText ? 'utf8mb4_bin' : null,
    octetLength: /\((\d+)\)/.test(columnType) ? Number(/\((\d+)\)/.exec(columnType)?.[1]) * (isText ? 4 : 1) : null,
    hasDefault: more.nullable === true || more.generated === true,
    autoIncrement: false,
    onUpdate: false,
    generated: false,
    ...more,
  };
}

const KEY = [column('shelf_id', 'varchar(20)'), column('book_id', 'bigint(20) unsigned')];

function table(
  columns: readonly MysqlColumnDescription[],
  more: Partial<MysqlTableDescription> = {},
): MysqlTableDescription {
  return {
    schema: 'library',
    table: 'books',
    storageEngine: 'InnoDB',
    columns,
    primaryKey: ['shelf_id', 'book_id'],
    keys: [],
    foreignKeys: [],
    ...more,
  };
}

const TITLES = [column('title', 'varchar(100)'), column('note', 'varchar(100)', { nullable: true })];

async function mistakesOf(
  options: ProtoOptions,
  columns: readonly MysqlColumnDescription[],
  more: Partial<MysqlTableDescription> = {},
): Promise<readonly string[]> {
  const bound = bindResource(await define(options), table(columns, more));
  return 'mistakes' in bound ? bound.mistakes : [];
}

describe('binding a definition to its table', () => {
  it('numbers the last column of the key alone, and only if MySQL does', async () => {
    const numberedOf = async (shelf: boolean, book: boolean) => {
      const columns = [
        column('shelf_id', 'int', { autoIncrement: shelf }),
        column('book_id', 'bigint(20) unsigned', { autoIncrement: book }),
      ];
      const bound = bindResource(await define(), table([...columns, ...TITLES]));
      return 'resource' in bound ? numberedColumn(bound.resource)?.mysqlName : bound.mistakes;
    };
    expect(await numberedOf(false, true)).toBe('book_id');
    expect(await numberedOf(true, false)).toBeUndefined();
    expect(await numberedOf(false, false)).toBeUndefined();
  });

  it('finds every field its column and the key its place', async () => {
    const bound = bindResource(await define(), table([...KEY, ...TITLES]));
    expect(bound).toEqual({
      resource: {
        id: 'books',
        typeName: 'made.v1.Book',
        columns: [
          expect.objectContaining({ field: null, mysqlName: 'shelf_id', nullable: false, writable: false }),
          expect.objectContaining({ field: null, type: { kind: 'int', bits: 64, unsigned: true } }),
          expect.objectContaining({ field: 'title', nullable: false, writable: true, required: true }),
          expect.objectContaining({ field: 'note', nullable: true, writable: true }),
        ],
        keyLength: 2,
        parentLength: 1,
        name: [
          { collection: 'shelves', variable: 'shelf' },
          { collection: 'books', variable: 'book' },
        ],
        mysql: { schema: 'library', table: 'books' },
        cassandra: { keyspace: 'library', table: 'books' },
      },
    });
  });

  it('takes schema and keyspace from the config', async () => {
    const overrides = { mysqlSchema: 'other', cassandraKeyspace: 'place' };
    expect(bindResource(await define(), table([...KEY, ...TITLES]), overrides)).toMatchObject({
      resource: { mysql: { schema: 'other', table: 'books' }, cassandra: { keyspace: 'place', table: 'books' } },
    });
  });

  it('carries every type', () => {
    const types = Object.fromEntries(allTypesResource.columns.map(({ field, type }) => [field, type]));
    expect(types).toMatchObject({
      small_unsigned: { kind: 'int', bits: 16, unsigned: true },
      flag: { kind: 'bool' },
      tiny: { kind: 'int', bits: 8, unsigned: false },
      model_year: { kind: 'int', bits: 16, unsigned: true, year: true },
      amount: { kind: 'decimal', precision: 20, scale: 4, unsigned: false },
      code: { kind: 'string', maxChars: 10, maxBytes: 10, padSpace: true, charset: 'ascii', trimsSpaces: true },
      nickname: { kind: 'string', maxChars: 40, maxBytes: 120, padSpace: true, charset: 'utf8mb3' },
      body: { kind: 'string', maxChars: 65_535, maxBytes: 65_535, padSpace: true },
      digest: { kind: 'bytes', maxBytes: 4, fixed: true },
      external_id: { kind: 'uuid' },
      raw_id: { kind: 'bytes', maxBytes: 16, fixed: true },
      local_time: { kind: 'datetime', fsp: 3 },
      color: { kind: 'enum', values: ['red', 'light green', "it's", 'ü'] },
      document: { kind: 'json' },
    });
    const changing = allTypesResource.columns.filter((each) => each.serverChanges).map((each) => each.field);
    expect(changing).toEqual(['document', 'maybe_document', 'doubled', 'update_time']);
  });

  it('reads the types that other servers and older versions print', async () => {
    const fields = `
      int32 a = 2; uint32 b = 3; string c = 4; string d = 5; double e = 6; float f = 7; string g = 8; string h = 9;`;
    const bound = bindResource(
      await define({ fields }),
      table([
        ...KEY,
        column('a', 'int'),
        column('b', 'int(5) unsigned zerofill'),
        column('c', 'datetime(3) /* mariadb-5.3 */'),
        column('d', 'decimal(10,0)'),
        column('e', 'double(8,2) unsigned'),
        column('f', 'float unsigned'),
        column('g', "enum('it''s','a,b','back\\\\slash','new\\nline',')')"),
        column('h', 'varchar(5)', { collation: 'utf8mb4_0900_ai_ci' }),
      ]),
    );
    expect('resource' in bound && bound.resource.columns.slice(2).map((each) => each.type)).toEqual([
      { kind: 'int', bits: 32, unsigned: false },
      { kind: 'int', bits: 32, unsigned: true },
      { kind: 'datetime', fsp: 3 },
      { kind: 'decimal', precision: 10, scale: 0, unsigned: false },
      { kind: 'double', unsigned: true },
      { kind: 'float', unsigned: true },
      { kind: 'enum', values: ["it's", 'a,b', 'back\\slash', 'new\nline', ')'] },
      { kind: 'string', maxChars: 5, maxBytes: 20, padSpace: false },
    ]);
    expect('resource' in bound && bound.resource.columns[6]).toMatchObject({ field: 'e', serverChanges: true });
  });
});

describe('every mistake in a binding is named at once, with its cure', () => {
  it('in the fields', async () => {
    const mistakes = await mistakesOf(
      {
        fields: `
          string gone = 2;
          string Title = 3;
          int32 big = 4;
          string plain = 5;
          repeated string tags = 6;
          string shape = 7;
          string other_charset = 8;
          bool flag = 9;
          string uuid = 10 [(crossfade.v1alpha1.field).format = KEY_FORMAT_UUID];
          map<string, string> labels = 11;
          string computed = 12;
          string stamp = 13 [(google.api.field_behavior) = OUTPUT_ONLY];
          repeated int32 numbers = 14;
          double ratio = 15;`,
      },
      [
        ...KEY,
        column('title', 'varchar(10)'),
        column('big', 'bigint(20)'),
        column('plain', 'varchar(10)', { nullable: true }),
        column('tags', "set('a','b')", { nullable: true }),
        column('shape', 'geometry'),
        column('other_charset', 'varchar(10)', { characterSet: 'cp1251', collation: 'cp1251_general_ci' }),
        column('flag', 'uuid'),
        column('uuid', 'varbinary(16)'),
        column('labels', 'json'),
        column('computed', 'varchar(10)', { generated: true }),
        column('stamp', 'varchar(10)'),
        column('numbers', 'int(11)'),
        column('ratio', 'float'),
      ],
    );
    expect(mistakes).toEqual([
      'made.v1.Book: the field gone: the table library.books has no column gone: name its column with mysql_column',
      'made.v1.Book: the field Title: the table library.books has no column Title: write it title',
      'made.v1.Book: the field big: int32 does not fit the column big: int64 does',
      'made.v1.Book: the field plain: the column plain is nullable: make the field optional, or NULL could not be told from empty',
      'made.v1.Book: the field tags: the column tags is nullable, and a repeated field has no NULL: use an optional string',
      'made.v1.Book: the field shape: the column shape: the type geometry is not carried (docs/types.md names those that are)',
      'made.v1.Book: the field other_charset: the column other_charset: the character set cp1251 is not carried: only utf8mb4, utf8mb3, utf8, latin1, ascii are',
      'made.v1.Book: the field flag: the column flag: the type uuid is not carried (docs/types.md names those that are)',
      'made.v1.Book: the field uuid: the column uuid: KEY_FORMAT_UUID needs a BINARY(16) column, not varbinary(16)',
      'made.v1.Book: the field labels: map does not fit the column labels: string does',
      'made.v1.Book: the field computed: the column computed is generated: mark the field OUTPUT_ONLY',
      'made.v1.Book: the field stamp: the column stamp is NOT NULL and has no default, so a create must set it: the field must not be OUTPUT_ONLY',
      'made.v1.Book: the field numbers: repeated int32 does not fit the column numbers: int32 or int64 does',
      'made.v1.Book: the field ratio: double does not fit the column ratio: float does',
      expect.stringContaining(
        'made.v1.Book: no field carries the column title (varchar(10)), so it would be lost in the target: add a field',
      ),
    ]);
  });

  it('in enums', async () => {
    const mistakes = await mistakesOf(
      {
        fields: `State state = 2;`,
        requests: undefined as never,
        methods: `
          enum State { STATE_UNSPECIFIED = 0; STATE_ON_LOAN = 1; STATE_BURNT = 2; }
          service Books { rpc GetBook(GetBookRequest) returns (Book); }`,
      },
      [...KEY, column('state', "enum('on loan','on-loan','lost')")],
    );
    expect(mistakes).toEqual([
      'made.v1.Book: the field state: the column state: two labels are STATE_ON_LOAN in made.v1.State',
      "made.v1.Book: the field state: the column state: made.v1.State has no value STATE_LOST for the label 'lost'",
      'made.v1.Book: the field state: the column state: the value STATE_BURNT of made.v1.State is no label of the column',
    ]);
  });

  it.each([
    ['text', {}, /text can't be part of a key/],
    ['blob', {}, /blob can't be part of a key/],
    ['decimal(65,2)', {}, /at most 64 digits/],
    ['time(6)', {}, /can't be part of a key/],
    ["enum('a')", {}, /MySQL sorts an ENUM by its labels' numbers/],
    ['varchar(20)', { characterSet: 'cp1251' }, /the character set cp1251 is not carried/],
    ['double', {}, /can't be part of a key/],
    ['geometry', {}, /is not carried/],
  ])('in a key column of the type %s', async (type, more, message) => {
    const mistakes = await mistakesOf({}, [
      column('shelf_id', type, more),
      KEY[1] as MysqlColumnDescription,
      ...TITLES,
    ]);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).toMatch(/^made\.v1\.Book: the variable \{shelf\}: the column shelf_id: /);
    expect(mistakes[0]).toMatch(message);
  });

  it.each([
    ['utf8mb4', 'utf8mb4_bin', undefined],
    ['utf8mb4', 'utf8mb4_0900_bin', undefined],
    ['ascii', 'ascii_bin', undefined],
    ['utf8mb4', 'utf8mb4_0900_as_cs', true],
    ['utf8mb3', 'utf8mb3_general_ci', true],
    ['latin1', 'latin1_swedish_ci', true],
    // Sorts the euro sign before the letters with accents.
    ['latin1', 'latin1_bin', true],
  ])('knows whether a key of %s in %s is compared by bytes', (characterSet, collation, loose) => {
    const described = column('code', 'varchar(20)', { characterSet, collation });
    const typed = columnTypeOf(described, null, 'plain');
    if ('mistake' in typed) throw new Error(typed.mistake);
    const type = keyType(described, typed.type);
    expect(type.kind === 'string' && type.loose).toBe(loose);
  });

  it.each([
    'int(11)',
    'tinyint(1)',
    'bigint(20) unsigned',
    'binary(16)',
    'varbinary(40)',
    'char(36)',
    'varchar(20)',
    'year(4)',
    'date',
    'datetime(6)',
    'timestamp',
    'decimal(64,30)',
  ])('but not a key column of the type %s', async (type) => {
    expect(await mistakesOf({}, [column('shelf_id', type), KEY[1] as MysqlColumnDescription, ...TITLES])).toEqual([]);
  });

  it('in a key that may be longer than the side table takes', async () => {
    const wide = (chars: number) => [
      column('shelf_id', `varchar(${chars})`),
      KEY[1] as MysqlColumnDescription,
      ...TITLES,
    ];
    expect(await mistakesOf({}, wide(722))).toEqual([]);
    expect(await mistakesOf({}, wide(723))).toEqual([
      'made.v1.Book: the key may take 2903 bytes where it is kept beside the versions, which hold 2900: shorten shelf_id, the widest of its columns',
    ]);
  });

  it('in fields that show the key', async () => {
    const mistakes = await mistakesOf(
      {
        fields: `
          string shelf_id = 2 [(crossfade.v1alpha1.field) = {cassandra_column: "shelf" format: KEY_FORMAT_UUID}];
          int32 book_id = 3 [(google.api.field_behavior) = OUTPUT_ONLY];`,
      },
      KEY,
    );
    expect(mistakes).toEqual([
      'made.v1.Book: the field shelf_id shows the key column shelf_id: mark it OUTPUT_ONLY, as the resource name says what it is',
      'made.v1.Book: the field shelf_id shows the key column shelf_id: give both the same format',
      'made.v1.Book: the field shelf_id shows the key column shelf_id: give both the same cassandra_column: they have shelf and shelf_id',
      'made.v1.Book: the field book_id: int32 does not fit the column book_id: uint64 does',
    ]);
  });

  it('in the table', async () => {
    const foreignKey = { table: 'books', referencedTable: 'shelves', onDelete: 'NO ACTION', onUpdate: 'RESTRICT' };
    const mistakes = await mistakesOf(
      { fields: 'string title = 2; string name_too = 3 [(crossfade.v1alpha1.field).mysql_column = "title"];' },
      [...KEY, column('title', 'varchar(10)'), column('secret', 'int(11)', { nullable: true })],
      {
        storageEngine: 'MyISAM',
        primaryKey: ['book_id', 'shelf_id'],
        foreignKeys: [
          { ...foreignKey, name: 'harmless' },
          { ...foreignKey, name: 'followed', onDelete: 'CASCADE', onUpdate: 'SET NULL' },
          { ...foreignKey, name: 'hidden', onDelete: 'SET DEFAULT' },
          { ...foreignKey, name: 'of_a_child', table: 'loans', onDelete: 'CASCADE' },
        ],
      },
    );
    expect(mistakes).toEqual([
      'made.v1.Book: the table library.books is MyISAM, which has no transactions: ALTER TABLE library.books ENGINE = InnoDB',
      "made.v1.Book: the table library.books has the primary key (book_id, shelf_id), and the name pattern's variables live in (shelf_id, book_id): both must be the same columns in the same order",
      'made.v1.Book: the fields title and name_too share the column title',
      expect.stringContaining('made.v1.Book: no field carries the column secret (int(11)), so it would be lost'),
      expect.stringContaining('made.v1.Book: the foreign key hidden has ON DELETE SET DEFAULT'),
      'made.v1.Book: the Cassandra column title is named twice: set cassandra_column',
    ]);
  });

  it('in a table without a primary key', async () => {
    const mistakes = await mistakesOf({}, [...KEY, ...TITLES], { primaryKey: [] });
    expect(mistakes).toEqual([expect.stringContaining('has no primary key')]);
  });

  it('in names', async () => {
    const mistakes = await mistakesOf(
      {
        storage: `
          mysql: {table: "books"}
          cassandra: {table: "my books" partition_key: "shelf" clustering_key: "book"}
          key: {variable: "shelf" mysql_column: "shelf_id"}
          key: {variable: "book" mysql_column: "book_id" cassandra_column: "book-id"}`,
        fields: 'string title = 2 [(crossfade.v1alpha1.field).cassandra_column = "crossfade_title"];',
      },
      [...KEY, column('title', 'varchar(10)')],
    );
    expect(mistakes).toEqual([
      'made.v1.Book: no MySQL schema: set storage.mysql.schema, or the schema in the config',
      'made.v1.Book: no Cassandra keyspace: set storage.cassandra.keyspace, or the keyspace in the config',
      'made.v1.Book: "my books" is no name in Cassandra: letters, digits and _, at most 48',
      'made.v1.Book: the Cassandra column book-id: only letters, digits and _: set cassandra_column',
      'made.v1.Book: the Cassandra column crossfade_title: crossfade_… is taken: set cassandra_column',
    ]);
  });

  it('in columns that no field carries, of a resource that stays at the source, only where a create needs them', async () => {
    const storage = `
      mysql: {schema: "library" table: "books"}
      key: {variable: "shelf" mysql_column: "shelf_id"}
      key: {variable: "book" mysql_column: "book_id"}`;
    const columns = [
      ...KEY,
      ...TITLES,
      column('free', 'int(11)', { nullable: true }),
      column('with_default', 'int(11)', { hasDefault: true }),
      column('needed', 'int(11)'),
    ];
    expect(await mistakesOf({ storage }, columns)).toEqual([
      'made.v1.Book: no field carries the column needed (int(11)), which is NOT NULL and has no default: a create needs a field for it',
    ]);
    const methods = 'service Books { rpc GetBook(GetBookRequest) returns (Book); }';
    expect(await mistakesOf({ storage, methods }, columns)).toEqual([]);
  });

  it('but none in the table that has every type', () => {
    expect(bindResource(allTypesDefinition, allTypesTable)).not.toHaveProperty('mistakes');
  });
});
