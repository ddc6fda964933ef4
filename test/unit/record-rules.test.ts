/** Rules of a proto as the records API enforces them: what of a request they are held against, and the rules of several fields. */
import { create, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { beforeEach, describe, expect, it } from 'vitest';
import { type DomainError, isDomainError } from '../../src/domain/errors.ts';
import { createPageTokens } from '../../src/records/page-token.ts';
import { createRecordService } from '../../src/records/record-service.ts';
import { CallContext } from '../../src/rpc/call-context.ts';
import type { UnaryMethod } from '../../src/rpc/method-table.ts';
import { createRecordMethods } from '../../src/rpc/record-methods.ts';
import { bindResource } from '../../src/schema/bind-resource.ts';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { createMessageCodec } from '../../src/schema/message-codec.ts';
import { createNameCodec } from '../../src/schema/name-codec.ts';
import type { Change } from '../../src/stores/record-store.ts';
import { testCall } from '../support/calls.ts';
import { BOOK_STORAGE, buildImage, resourceProto } from '../support/descriptor-image.ts';
import { foundTable, tableColumn } from '../support/init-tables.ts';
import { memoryRecords } from '../support/rpc-fixture.ts';

const FIELDS = `
  option (buf.validate.message).cel = {
    id: "book.pages", message: "first must not be after last", expression: "this.first <= this.last"
  };
  int32 first = 2;
  int32 last = 3;
  string title = 4 [(buf.validate.field).required = true, (buf.validate.field).string.max_len = 5];
  optional string note = 5 [(buf.validate.field).required = true];`;
const REQUESTS = `
  message GetBookRequest { string name = 1; }
  message ListBooksRequest {
    string parent = 1;
    int32 page_size = 2 [(buf.validate.field).int32.lte = 9];
    string page_token = 3;
  }
  message ListBooksResponse { repeated Book books = 1; string next_page_token = 2; }
  message CreateBookRequest {
    string parent = 1;
    string book_id = 2 [(buf.validate.field).string.max_len = 3];
    Book book = 3;
    bool validate_only = 4;
  }
  message UpdateBookRequest {
    Book book = 1;
    google.protobuf.FieldMask update_mask = 2;
    bool allow_missing = 3;
    bool validate_only = 4;
  }
  message DeleteBookRequest { string name = 1; }`;
const LOOKUP = `
  service Lookups { rpc LookupBooks(LookupBooksRequest) returns (LookupBooksResponse); }
  message LookupBooksRequest {
    int32 page_size = 1 [(buf.validate.field).int32.lte = 9];
    string page_token = 2;
    optional string title = 4 [(buf.validate.field).string.max_len = 5];
  }
  message LookupBooksResponse { repeated Book books = 1; string next_page_token = 2; }`;
const TABLE = foundTable(
  'books',
  [
    tableColumn('shelf_id', 'int'),
    tableColumn('book_id', 'int'),
    tableColumn('first', 'int'),
    tableColumn('last', 'int'),
    tableColumn('title', 'varchar(20)'),
    tableColumn('note', 'varchar(20)', { nullable: true }),
  ],
  {
    schema: 'library',
    primaryKey: ['shelf_id', 'book_id'],
    keys: [{ name: 'title', columns: ['title'], unique: false, isPrefix: false }],
  },
).description;

let methods: ReadonlyMap<string, UnaryMethod>;
/** The changes that were written. */
const changes: Change[] = [];

beforeEach(async () => {
  const storage = `${BOOK_STORAGE} index: {name: "title" fields: "title"}`;
  const image = await buildImage(resourceProto({ storage, fields: FIELDS, requests: REQUESTS }) + LOOKUP);
  const { definitions, mistakes } = findDefinitions(loadDescriptors(image));
  expect(mistakes).toEqual([]);
  const [definition] = definitions;
  if (definition === undefined) throw new Error('there is no definition');
  const bound = bindResource(definition, TABLE);
  if ('mistakes' in bound) throw new Error(bound.mistakes.join('; '));
  const { resource } = bound;
  const messages = createMessageCodec(definition, resource);
  const records = memoryRecords(resource);
  changes.length = 0;
  const write: typeof records.write = (change, call) => {
    changes.push(change);
    return records.write(change, call);
  };
  const service = createRecordService({
    records: { ...records, write },
    pageTokens: createPageTokens({ resource, secret: Buffer.from('secret') }),
    etagOf: messages.etagOf,
  });
  const names = createNameCodec(resource);
  const all = createRecordMethods({ definition, resource, service, messages, names, maxMessageBytes: 1_000_000 });
  methods = new Map(all.map((method) => [method.desc.name, method]));
});

async function call(name: string, request: Record<string, unknown>): Promise<Record<string, unknown>> {
  const method = methods.get(name);
  if (method === undefined) throw new Error(`there is no ${name}`);
  const reply = await method.handle(message(method.desc.input, request), new CallContext(testCall()));
  return fromBinary(method.desc.output, reply()) as unknown as Record<string, unknown>;
}

function message(desc: DescMessage, init: Record<string, unknown>) {
  const book = desc.fields.find((field) => field.name === 'book')?.message;
  return create(desc, { ...init, ...(book && { book: create(book, (init.book ?? {}) as never) }) } as never);
}

async function refusal(name: string, request: Record<string, unknown>): Promise<DomainError> {
  const error: unknown = await call(name, request).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!isDomainError(error)) throw new Error('no DomainError was thrown', { cause: error });
  expect(error.reason).toBe('RULE_VIOLATED');
  return error;
}

const NAME = 'shelves/1/books/1';
const BOOK = { first: 1, last: 9, title: 'a', note: 'b' };
const makeBook = () => call('CreateBook', { parent: 'shelves/1', bookId: '1', book: BOOK });
const update = (book: object, ...paths: string[]) => ({
  book: { name: NAME, ...book },
  ...(paths.length > 0 && { updateMask: { paths } }),
});

describe('a create', () => {
  it('is held against the rules of the request, of every field that it may set, and of several fields', async () => {
    const request = { parent: 'shelves/1', bookId: '1' };
    const wrong = await refusal('CreateBook', { ...request, bookId: '1234', book: { ...BOOK, note: undefined } });
    expect(wrong.violations.map(({ field, rule }) => [field, rule])).toEqual([
      ['book_id', 'string.max_len'],
      ['book.note', 'required'],
    ]);
    const crossed = await refusal('CreateBook', { ...request, book: { ...BOOK, first: 10 } });
    expect(crossed.violations).toEqual([
      { field: 'book', rule: 'book.pages', description: 'first must not be after last' },
    ]);
    expect(changes).toEqual([]);
    await makeBook();
  });
});

describe('a lookup', () => {
  it('is held against the rules of its request', async () => {
    await makeBook();
    const wrong = await refusal('LookupBooks', { title: 'too long', pageSize: 10 });
    expect(wrong.violations.map(({ field }) => field)).toEqual(['page_size', 'title']);
    expect(await call('LookupBooks', { title: 'a', pageSize: 9 })).toMatchObject({ books: [{ name: NAME }] });
  });
});

describe('an update', () => {
  it('is held against the rules of the fields that it writes, and no others', async () => {
    await makeBook();
    const long = { title: 'too long', last: 5 };
    expect(await call('UpdateBook', update(long, 'last'))).toMatchObject({ title: 'a', last: 5 });
    expect((await refusal('UpdateBook', update(long, 'title'))).metadata.field).toBe('book.title');
    expect((await refusal('UpdateBook', update(long))).metadata.field).toBe('book.title');
    expect((await refusal('UpdateBook', update({}, 'note'))).metadata).toEqual({
      field: 'book.note',
      rule: 'required',
    });
  });

  it('is held against the rules of several fields as the record would be, and the record stays', async () => {
    await makeBook();
    expect(await call('UpdateBook', update({ last: 1 }, 'last'))).toMatchObject({ first: 1, last: 1 });
    const wrong = await refusal('UpdateBook', update({ first: 2 }, 'first'));
    expect(wrong.violations).toEqual([
      { field: 'book', rule: 'book.pages', description: 'first must not be after last' },
    ]);
    expect(wrong.message).toBe('book: first must not be after last');
    expect(await call('GetBook', { name: NAME })).toMatchObject({ first: 1, last: 1 });
    const both = update({ first: 5, last: 6 }, 'first', 'last');
    expect(await call('UpdateBook', both)).toMatchObject({ first: 5, last: 6 });
    const checked = { ...update({ last: 4 }, 'last'), validateOnly: true };
    expect((await refusal('UpdateBook', checked)).metadata.rule).toBe('book.pages');
  });

  it('that creates is held against all rules', async () => {
    const request = { ...update({ last: 1, title: 'a' }, 'last'), allowMissing: true };
    expect((await refusal('UpdateBook', request)).metadata).toEqual({ field: 'book.note', rule: 'required' });
    const crossed = { ...update({ ...BOOK, first: 10 }, 'last'), allowMissing: true };
    expect((await refusal('UpdateBook', crossed)).metadata.rule).toBe('book.pages');
  });
});

describe('a read', () => {
  it('is held against rules of its request, if there are any', async () => {
    expect((await refusal('ListBooks', { parent: 'shelves/1', pageSize: 10 })).metadata).toEqual({
      field: 'page_size',
      rule: 'int32.lte',
    });
    expect(await call('ListBooks', { parent: 'shelves/1', pageSize: 9 })).toMatchObject({ books: [] });
  });
});
