import { create, type Message } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { Resource } from '../../src/domain/resource.ts';
import type {
  KeyDescription,
  MysqlColumnDescription,
  MysqlTableDescription,
} from '../../src/domain/table-description.ts';
import { bindResource } from '../../src/schema/bind-resource.ts';
import { checkIndexTable, createIndexTablesCql } from '../../src/schema/cassandra-index-ddl.ts';
import type { ResourceDefinition } from '../../src/schema/definition.ts';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { createLookupReader } from '../../src/schema/lookup-reader.ts';
import { createNameCodec } from '../../src/schema/name-codec.ts';
import { constraintsOf } from '../../src/schema/target-authority.ts';
import { BOOK_STORAGE, buildImage, resourceProto } from '../support/descriptor-image.ts';
import { tableColumn } from '../support/init-tables.ts';

const INDEXES =
  'index: {name: "isbn" fields: "isbn" unique: true} index: {name: "shelf_title" fields: "shelf" fields: "title"}';
const LOOKUP = 'optional string isbn = 3; optional string shelf = 4; optional string title = 5;';
const PAGE = 'int32 page_size = 1; string page_token = 2;';

async function find(indexes: string, request: string | null) {
  const lookup =
    request === null
      ? ''
      : `service Lookups { rpc LookupBooks(LookupBooksRequest) returns (LookupBooksResponse); }
         message LookupBooksRequest { ${request} }
         message LookupBooksResponse { repeated Book books = 1; string next_page_token = 2; }`;
  const fields = 'optional string isbn = 2; string title = 3; optional double price = 4; string etag = 5;';
  const book = resourceProto({ storage: `${BOOK_STORAGE} ${indexes}`, fields });
  return findDefinitions(loadDescriptors(await buildImage(`${book}\n${lookup}`)));
}

function table(keys: readonly KeyDescription[], change: Partial<MysqlColumnDescription> = {}): MysqlTableDescription {
  return {
    schema: 'library',
    table: 'books',
    storageEngine: 'InnoDB',
    columns: [
      tableColumn('shelf_id', 'int'),
      tableColumn('book_id', 'bigint'),
      tableColumn('isbn', 'varchar(13)', { nullable: true, hasDefault: true, ...change }),
      tableColumn('title', 'varchar(100)'),
      tableColumn('price', 'double', { nullable: true, hasDefault: true }),
    ],
    primaryKey: ['shelf_id', 'book_id'],
    keys,
    foreignKeys: [],
  };
}

const key = (columns: readonly string[], unique = false): KeyDescription => ({
  name: columns.join('_'),
  columns,
  unique,
  isPrefix: false,
});
const KEYS = [key(['isbn'], true), key(['shelf_id', 'title', 'price'])];

async function bound(): Promise<{ readonly definition: ResourceDefinition; readonly resource: Resource }> {
  const { definitions, mistakes } = await find(INDEXES, `${PAGE} ${LOOKUP}`);
  expect(mistakes).toEqual([]);
  const definition = definitions[0] as ResourceDefinition;
  const found = bindResource(definition, table(KEYS));
  if ('mistakes' in found) throw new Error(found.mistakes.join('; '));
  return { definition, resource: found.resource };
}

describe('indexes in a definition', () => {
  it('are bound to the columns of their fields and variables, and to the table’s unique key', async () => {
    const { resource } = await bound();
    expect(resource.indexes).toEqual([
      { name: 'isbn', columns: [2], unique: true, mysqlKeys: ['isbn'] },
      { name: 'shelf_title', columns: [0, 3], unique: false, mysqlKeys: ['shelf_id_title_price'] },
    ]);
  });

  it('are refused by name where the proto is wrong', async () => {
    const wrong = `index: {name: "Isbn" fields: "isbn" fields: "isbn"} index: {name: "x" fields: "colour"}
      index: {name: "a" fields: "isbn" fields: "title"} index: {name: "b" fields: "title" fields: "isbn"} index: {name: "b"}`;
    const { mistakes } = await find(wrong, null);
    for (const text of [
      '"Isbn" has no good name',
      '"Isbn" names a field twice',
      '"x" names "colour", which is no stored field',
      '"b" has the same fields as "a"',
      '"b" is there twice',
      '"b" has 0 fields',
      '"a" is not unique, and no method Lookup… uses it',
    ]) {
      expect(mistakes.join('\n')).toContain(text);
    }
  });

  it('need a request that can say each of their fields, and say that it is absent', async () => {
    const { mistakes } = await find(INDEXES, `${PAGE} string isbn = 3; optional int32 shelf = 4; string colour = 6;`);
    for (const text of [
      'field "isbn" is not "optional string"',
      'field "shelf" is not "optional string"',
      'no field "optional string title"',
      'field "colour" is not served',
    ]) {
      expect(mistakes.join('\n')).toContain(text);
    }
    expect((await find('', `${PAGE} optional string isbn = 3;`)).mistakes.join()).toContain(
      'the resource has no index',
    );
  });

  it('need an index of MySQL’s, and a unique key of exactly their columns where they are unique', async () => {
    const { definition } = await bound();
    const wrong = bindResource(definition, table([key(['isbn', 'title'], true), key(['title', 'price'])]));
    expect('mistakes' in wrong && wrong.mistakes).toEqual([
      expect.stringContaining('"isbn" is unique, and library.books has no unique key of exactly (isbn)'),
      expect.stringContaining('"shelf_title" has no help in MySQL'),
    ]);
    const { definitions } = await find('index: {name: "price" fields: "price" unique: true}', null);
    const float = bindResource(definitions[0] as ResourceDefinition, table([key(['price'], true)]));
    expect('mistakes' in float && float.mistakes).toEqual([
      expect.stringContaining('has the column price: an index holds'),
    ]);
  });
});

describe('an index of a table with a long name', () => {
  it('is refused where Cassandra has no such table name', async () => {
    const { definition } = await bound();
    const cassandra = { keyspace: 'library', table: 'b'.repeat(41) };
    const found = bindResource({ ...definition, cassandra }, table(KEYS));
    expect('mistakes' in found && found.mistakes).toEqual([
      expect.stringContaining(`the index "isbn" would have the table ${'b'.repeat(41)}_by_isbn`),
      expect.stringContaining('"shelf_title"'),
    ]);
  });
});

describe('a lookup’s request', () => {
  it('says by the fields that are set which index is meant', async () => {
    const { definition, resource } = await bound();
    const read = createLookupReader(definition, resource, createNameCodec(resource));
    const { lookup } = definition.methods;
    if (lookup === undefined) throw new Error('there is no lookup');
    const request = (fields: object): Message => create(lookup.input, fields as never);
    expect(read(request({ isbn: '' }))).toMatchObject({ index: { name: 'isbn' }, values: [''] });
    expect(read(request({ title: 't', shelf: '-7' }))).toMatchObject({
      index: { name: 'shelf_title' },
      values: [-7, 't'],
    });
    for (const wrong of [{}, { title: 't' }, { isbn: 'i', title: 't' }]) {
      expect(() => read(request(wrong))).toThrow('set those of exactly one index: isbn; shelf and title');
    }
    expect(() => read(request({ isbn: 'x'.repeat(14) }))).toThrow('isbn');
    expect(() => read(request({ title: 't', shelf: '07' }))).toThrow('shelf');
  });
});

describe('an index’s table in Cassandra', () => {
  it('has reservations only where the index is unique', async () => {
    const { resource } = await bound();
    const [unique, plain] = createIndexTablesCql(resource) as readonly [string, string];
    expect(unique).toContain('"library"."books_by_isbn"');
    expect(unique).toContain('"attempt" blob static');
    expect(plain).not.toContain('static');
  });

  it('is checked by its columns and its key', async () => {
    const { resource } = await bound();
    const [index] = resource.indexes ?? [];
    if (index === undefined) throw new Error('there is no index');
    const column = (name: string, cqlType = 'blob', isStatic = false) => ({ name, cqlType, isStatic });
    const columns = [column('entry'), column('key'), column('version', 'bigint')];
    const described = {
      keyspace: 'library',
      table: 'books_by_isbn',
      columns: [...columns, column('holder', 'blob', true), column('attempt', 'blob', true)],
      partitionKey: ['entry'],
      clusteringKey: [{ name: 'key', order: 'asc' as const }],
      gcGraceSeconds: 864_000,
      comment: '',
    };
    expect(checkIndexTable(resource, index, described)).toEqual([]);
    const wrong = { ...described, columns: [...columns, column('holder')], partitionKey: ['key'] };
    expect(checkIndexTable(resource, index, wrong).map((mistake) => mistake.replace(/.*books_by_isbn /, ''))).toEqual([
      'has the column holder as blob: it must be blob static',
      expect.stringContaining('has no column attempt'),
      expect.stringContaining('has another primary key'),
    ]);
  });
});

describe('what keeps authority in MySQL', () => {
  it('is a unique key without an index, one that folds texts, and every foreign key', async () => {
    const { resource } = await bound();
    expect(constraintsOf(resource, table(KEYS), [])).toEqual([]);
    expect(constraintsOf(resource, table([...KEYS, key(['isbn', 'title'], true)]), [])).toEqual([]);
    expect(constraintsOf(resource, table([...KEYS, key(['title'], true)]), [])).toEqual([
      'Cassandra would not keep the unique key title (title): name it in storage.index, or drop it',
    ]);
    expect(constraintsOf(resource, table([{ ...key(['isbn'], true), isPrefix: true }]), [])).toHaveLength(1);
    const folding = table(KEYS, { collation: 'utf8mb4_0900_ai_ci' });
    expect(constraintsOf(resource, folding, [{ name: 'loans_books', table: 'library.loans' }])).toEqual([
      expect.stringContaining('takes different texts of isbn for the same (utf8mb4_0900_ai_ci)'),
      'Cassandra would not keep the foreign key loans_books, of library.loans: drop it',
    ]);
  });
});
