import { describe, expect, it } from 'vitest';
import { isDomainError } from '../../src/domain/errors.ts';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { BOOK_STORAGE, buildImage, resourceProto } from '../support/descriptor-image.ts';

async function find(...bodies: readonly string[]) {
  return findDefinitions(loadDescriptors(await buildImage(bodies.join('\n'))));
}

describe('a descriptor image', () => {
  it('is refused if it is none', () => {
    try {
      loadDescriptors(Buffer.from('nothing of the kind'));
      expect.unreachable();
    } catch (error) {
      expect(isDomainError(error, 'failed_precondition')).toBe(true);
    }
  });

  it('is searched for resources with their fields, keys and methods', async () => {
    const { definitions, mistakes } = await find(
      resourceProto({
        fields: `
          uint64 book_id = 9 [(google.api.field_behavior) = OUTPUT_ONLY];
          string title = 2 [(google.api.field_behavior) = IMMUTABLE];
          string isbn = 3 [(crossfade.v1alpha1.field) = {mysql_column: "isbn_13" cassandra_column: "isbn"}];
          string owner = 4 [(crossfade.v1alpha1.field) = {mysql_column: "owner_id" format: KEY_FORMAT_UUID}];
          string etag = 5;`,
      }),
    );
    expect(mistakes).toEqual([]);
    const [book] = definitions;
    expect(book).toMatchObject({
      id: 'books',
      typeName: 'made.v1.Book',
      pattern: 'shelves/{shelf}/books/{book}',
      name: [
        { collection: 'shelves', variable: 'shelf' },
        { collection: 'books', variable: 'book' },
      ],
      key: [
        { variable: 'shelf', mysqlColumn: 'shelf_id', cassandraColumn: 'shelf_id', format: 'plain' },
        { variable: 'book', mysqlColumn: 'book_id' },
      ],
      mysql: { schema: 'library', table: 'books' },
      cassandra: { keyspace: 'library', table: 'books' },
    });
    expect(book?.fields.map((each) => ({ ...each, field: each.field.name }))).toEqual([
      {
        field: 'title',
        mysqlColumn: 'title',
        cassandraColumn: 'title',
        format: 'plain',
        outputOnly: false,
        required: false,
        immutable: true,
      },
      {
        field: 'isbn',
        mysqlColumn: 'isbn_13',
        cassandraColumn: 'isbn',
        format: 'plain',
        outputOnly: false,
        required: false,
        immutable: false,
      },
      {
        field: 'owner',
        mysqlColumn: 'owner_id',
        cassandraColumn: 'owner_id',
        format: 'uuid',
        outputOnly: false,
        required: false,
        immutable: false,
      },
      {
        field: 'book_id',
        mysqlColumn: 'book_id',
        cassandraColumn: 'book_id',
        format: 'plain',
        outputOnly: true,
        required: false,
        immutable: false,
      },
    ]);
    const { get, list, create, update, delete: remove } = book?.methods ?? {};
    expect(get?.path).toBe('/made.v1.Books/GetBook');
    expect(list).toMatchObject({ path: '/made.v1.Books/ListBooks', items: { name: 'books' } });
    expect(create).toMatchObject({ id: { name: 'book_id' }, resource: { name: 'book' } });
    expect(update).toMatchObject({ resource: { name: 'book' } });
    expect(update?.allowMissing).toBeUndefined();
    expect(remove).toMatchObject({ etag: { name: 'etag' } });
  });

  it('may leave methods out, and have one service for several resources', async () => {
    const { definitions, mistakes } = await find(
      resourceProto({
        methods:
          'service Library { rpc GetBook(GetBookRequest) returns (Book); rpc GetCard(GetCardRequest) returns (Card); }',
      }),
      resourceProto({
        message: 'Card',
        methods: '',
        resource: 'type: "made.dev/Card" pattern: "cards/{card}"',
        storage: 'id: "reader_cards" mysql: {table: "cards"} key: {variable: "card"}',
      }),
    );
    expect(mistakes).toEqual([]);
    expect(definitions.map(({ id, methods }) => [id, Object.keys(methods)])).toEqual([
      ['books', ['get']],
      ['reader_cards', ['get']],
    ]);
    expect(definitions[1]?.cassandra).toBeUndefined();
    expect(definitions[1]?.key).toMatchObject([{ mysqlColumn: 'card', cassandraColumn: 'card' }]);
  });

  it('without any resource is a mistake', async () => {
    expect((await find('message Empty {}')).mistakes).toEqual([
      'the image has no message with the option crossfade.v1alpha1.storage',
    ]);
  });
});

describe('every mistake in a definition is named at once', () => {
  it('in the options of the message', async () => {
    const { mistakes } = await find(
      resourceProto({ message: 'NoName', resource: '', methods: '' }),
      resourceProto({ message: 'BadName', resource: 'type: "made.dev/B" pattern: "books/{book}/latest"', methods: '' }),
      resourceProto({ message: 'TwoNames', resource: 'type: "m/T" pattern: ["a/{a}", "b/{b}"]', methods: '' }),
      resourceProto({
        message: 'Wrong',
        resource: 'type: "made.dev/Wrong" pattern: "shelves/{shelf}/wrongThings/{thing}" name_field: "title"',
        storage: `
          cassandra: {partition_key: "thing" clustering_key: "shelf"}
          key: {variable: "thing"} key: {variable: "shelf"}`,
      }),
      resourceProto({
        message: 'Lonely',
        resource: 'type: "made.dev/Lonely" pattern: "lonelies/{lonely}"',
        storage: 'mysql: {table: "l"} cassandra: {table: "l" partition_key: "lonely"} key: {variable: "lonely"}',
        methods: '',
      }),
    );
    expect(mistakes).toEqual([
      'made.v1.NoName: has the option storage, but not google.api.resource with its name pattern',
      expect.stringContaining('made.v1.BadName: needs exactly one name pattern'),
      expect.stringContaining('made.v1.TwoNames: needs exactly one name pattern'),
      expect.stringContaining('made.v1.Wrong: the id "wrongThings" is not of lower-case letters'),
      'made.v1.Wrong: storage.mysql.table is not set',
      'made.v1.Wrong: google.api.resource.name_field must be "name"',
      'made.v1.Wrong: storage.cassandra.table is not set',
      "made.v1.Wrong: storage.cassandra.partition_key must be the parent's variables, in order: shelf",
      'made.v1.Wrong: storage.cassandra.clustering_key must be the last variable: thing',
      'made.v1.Wrong: storage.key must have one entry for each variable of the name pattern, in order: shelf, thing',
      'made.v1.Lonely: no service has a method for it, such as GetLonely',
      expect.stringContaining('made.v1.Lonely: a resource without a parent has no partition key'),
      "made.v1.Lonely: storage.cassandra.partition_key must be the parent's variables, in order: none",
      'made.v1.Lonely: storage.cassandra.clustering_key must be the last variable: lonely',
    ]);
  });

  it.each([
    [0, 'pattern: "alones/{alone}"', 'a resource without a parent has no partition key'],
    [257, 'pattern: "alones/{alone}"', 'a resource without a parent has no partition key'],
    [1, 'pattern: "alones/{alone}"', null],
    [256, 'pattern: "alones/{alone}"', null],
    [2, 'pattern: "shelves/{shelf}/alones/{alone}"', 'storage.cassandra.buckets is for resources without a parent'],
  ])('in the number of buckets: %d', async (buckets, pattern, mistake) => {
    const shelf = pattern.includes('shelf');
    const { mistakes } = await find(
      resourceProto({
        message: 'Alone',
        resource: `type: "made.dev/Alone" ${pattern}`,
        storage: `mysql: {table: "l"}
          cassandra: {table: "l" ${shelf ? 'partition_key: "shelf" ' : ''}clustering_key: "alone" buckets: ${buckets}}
          ${shelf ? 'key: {variable: "shelf"} ' : ''}key: {variable: "alone"}`,
        methods: '',
      }),
    );
    const found = mistakes.filter((text) => text.includes('bucket'));
    expect(found).toEqual(mistake === null ? [] : [expect.stringContaining(mistake)]);
  });

  it('in the fields', async () => {
    const { mistakes } = await find(
      resourceProto({
        name: 'bytes name = 1;',
        fields: `
          string secret = 2 [(google.api.field_behavior) = INPUT_ONLY];
          oneof either { string left = 3; string right = 4; }
          int32 etag = 5;`,
      }),
      resourceProto({
        message: 'Leaf',
        fields: `
          string secret = 2 [(google.api.field_behavior) = INPUT_ONLY];
          oneof either { string left = 3; string right = 4; }
          int32 etag = 5;`,
      }),
    );
    expect(mistakes).toEqual([
      'made.v1.Book: has no field "string name" (AIP-122)',
      'made.v1.Leaf: the field etag must be a plain string (AIP-154)',
      'made.v1.Leaf: the field secret is INPUT_ONLY, but what is stored is shown',
      'made.v1.Leaf: the field left is part of a oneof: columns have no such thing',
      'made.v1.Leaf: the field right is part of a oneof: columns have no such thing',
    ]);
  });

  it('in two resources with one id', async () => {
    const { mistakes } = await find(
      resourceProto(),
      resourceProto({ message: 'Tome', plural: 'Tomes', storage: BOOK_STORAGE }),
    );
    expect(mistakes).toEqual(['made.v1.Tome: the id "books" is that of made.v1.Book: set storage.id']);
  });

  it("in the methods' shapes", async () => {
    const { mistakes } = await find(
      resourceProto({
        methods: `service Books {
          rpc GetBook(GetBookRequest) returns (stream Book);
          rpc ListBooks(ListBooksRequest) returns (ListBooksResponse);
          rpc CreateBook(CreateBookRequest) returns (CreateBookRequest);
          rpc UpdateBook(UpdateBookRequest) returns (Book);
          rpc DeleteBook(DeleteBookRequest) returns (Book);
          rpc BurnBook(GetBookRequest) returns (Book);
        }
        service OtherBooks { rpc GetBook(GetBookRequest) returns (Book); }`,
        requests: `
          message GetBookRequest { bytes name = 1; string view = 2; }
          message ListBooksRequest { int64 page_size = 1; string page_token = 2; bool show_deleted = 3; }
          message ListBooksResponse { Book books = 1; int32 total_size = 2; }
          message CreateBookRequest { string parent = 1; Book volume = 2; }
          message UpdateBookRequest { Book book = 1; string update_mask = 2; bool allow_missing = 3; }
          message DeleteBookRequest { repeated string name = 1; bool force = 2; }`,
      }),
    );
    expect(mistakes).toEqual([
      'made.v1.Books.BurnBook: is not a standard method of a stored resource',
      'made.v1.Books.GetBook: must not stream (AIP-131)',
      'made.v1.Books.GetBook: its request\'s field "name" is not a plain field of type string (AIP-131)',
      'made.v1.Books.GetBook: its request\'s field "view" is not served (AIP-131)',
      'made.v1.Books.ListBooks: its request has no field "string parent" (AIP-132)',
      'made.v1.Books.ListBooks: its request\'s field "page_size" is not a plain field of type int32 (AIP-132)',
      'made.v1.Books.ListBooks: its response has no "repeated Book" field (AIP-132)',
      'made.v1.Books.ListBooks: its response has no string field "next_page_token" (AIP-132)',
      'made.v1.Books.ListBooks: its response\'s field "books" is not served (AIP-132)',
      'made.v1.Books.ListBooks: its response\'s field "total_size" is not served (AIP-132)',
      'made.v1.Books.ListBooks: its request\'s field "show_deleted" is not served (AIP-132)',
      'made.v1.Books.CreateBook: its request has no field "string book_id" (AIP-133)',
      'made.v1.Books.CreateBook: its request has no field "Book book" (AIP-133)',
      'made.v1.Books.CreateBook: returns made.v1.CreateBookRequest, not made.v1.Book (AIP-133)',
      'made.v1.Books.CreateBook: its request\'s field "volume" is not served (AIP-133)',
      'made.v1.Books.UpdateBook: its request\'s field "update_mask" is not a plain field of type google.protobuf.FieldMask (AIP-134)',
      'made.v1.Books.DeleteBook: its request\'s field "name" is not a plain field of type string (AIP-135)',
      'made.v1.Books.DeleteBook: returns made.v1.Book, not google.protobuf.Empty (AIP-135)',
      'made.v1.Books.DeleteBook: its request\'s field "force" is not served (AIP-135)',
      'made.v1.OtherBooks.GetBook: another service has the same method already',
    ]);
  });
});
