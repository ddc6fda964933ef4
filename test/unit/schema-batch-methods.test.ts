import { describe, expect, it } from 'vitest';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { buildImage, resourceProto } from '../support/descriptor-image.ts';

const MESSAGES = `
  message GetBookRequest { string name = 1; }
  message CreateBookRequest { string parent = 1; string book_id = 2; Book book = 3; }
  message UpdateBookRequest { Book book = 1; google.protobuf.FieldMask update_mask = 2; }
  message DeleteBookRequest { string name = 1; string etag = 2; }
  message Books { repeated Book books = 1; }`;

const SINGLE = `
  rpc CreateBook(CreateBookRequest) returns (Book);
  rpc UpdateBook(UpdateBookRequest) returns (Book);
  rpc DeleteBook(DeleteBookRequest) returns (google.protobuf.Empty);`;

const BATCHES = `
  rpc BatchGetBooks(BatchGetBooksRequest) returns (Books);
  rpc BatchCreateBooks(BatchCreateBooksRequest) returns (Books);
  rpc BatchUpdateBooks(BatchUpdateBooksRequest) returns (Books);
  rpc BatchDeleteBooks(BatchDeleteBooksRequest) returns (google.protobuf.Empty);`;

async function find(options: Parameters<typeof resourceProto>[0]) {
  return findDefinitions(loadDescriptors(await buildImage(resourceProto(options))));
}

describe('batch methods', () => {
  const requests = (deleted: string) => `${MESSAGES}
    message BatchGetBooksRequest { string parent = 1; repeated string names = 2; }
    message BatchCreateBooksRequest { string parent = 1; repeated CreateBookRequest requests = 2; }
    message BatchUpdateBooksRequest { string parent = 1; repeated UpdateBookRequest requests = 2; }
    message BatchDeleteBooksRequest { string parent = 1; ${deleted} }`;

  it.each(['repeated string names = 2;', 'repeated DeleteBookRequest requests = 2;'])(
    'are found, whatever their order, with a delete by "%s"',
    async (deleted) => {
      const { definitions, mistakes } = await find({
        methods: `service Library {${BATCHES}${SINGLE}}`,
        requests: requests(deleted),
      });
      expect(mistakes).toEqual([]);
      expect(Object.keys(definitions[0]?.methods ?? {}).toSorted()).toEqual(
        ['batchCreate', 'batchDelete', 'batchGet', 'batchUpdate', 'create', 'delete', 'update'].toSorted(),
      );
    },
  );

  it('name what is wrong with their shapes', async () => {
    const { mistakes } = await find({
      methods: `service Library {${BATCHES} rpc GetBook(GetBookRequest) returns (Book);
        rpc CreateBook(CreateBookRequest) returns (Book);}`,
      requests: `${MESSAGES}
        message BatchGetBooksRequest { string names = 2; string view = 3; }
        message BatchCreateBooksRequest { string parent = 1; repeated GetBookRequest requests = 2; }
        message BatchUpdateBooksRequest { string parent = 1; repeated UpdateBookRequest requests = 2; }
        message BatchDeleteBooksRequest { repeated string names = 2; }`.replace(
        'repeated Book books = 1;',
        'repeated Book books = 1; int32 size = 2;',
      ),
    });
    expect(mistakes).toEqual([
      'made.v1.Library.BatchGetBooks: its request has no field "string parent" (AIP-231)',
      'made.v1.Library.BatchGetBooks: its request\'s field "names" is not a plain field of type repeated string (AIP-231)',
      'made.v1.Library.BatchGetBooks: its response\'s field "size" is not served (AIP-231)',
      'made.v1.Library.BatchGetBooks: its request\'s field "view" is not served (AIP-231)',
      'made.v1.Library.BatchCreateBooks: its request\'s field "requests" is not a plain field of type repeated CreateBookRequest (AIP-233)',
      'made.v1.Library.BatchCreateBooks: its response\'s field "size" is not served (AIP-233)',
      'made.v1.Library.BatchUpdateBooks: no service has the method UpdateBook, of whose requests it is made (AIP-234)',
      'made.v1.Library.BatchUpdateBooks: its response\'s field "size" is not served (AIP-234)',
      'made.v1.Library.BatchDeleteBooks: its request has no field "string parent" (AIP-235)',
    ]);
  });

  const parentless = (cassandra: string) => ({
    resource: 'type: "made.dev/Book" pattern: "books/{book}"',
    storage: `mysql: {table: "books"} ${cassandra} key: {variable: "book"}`,
    methods: `service Library {${SINGLE}
      rpc BatchCreateBooks(BatchCreateBooksRequest) returns (Books);
      rpc BatchGetBooks(BatchGetBooksRequest) returns (Books);}`,
    requests: `${MESSAGES}
      message BatchCreateBooksRequest { repeated CreateBookRequest requests = 2; }
      message BatchGetBooksRequest { repeated string names = 2; }`.replace('string parent = 1;', ''),
  });

  it('are there for records without a parent that stay in MySQL', async () => {
    expect((await find(parentless(''))).mistakes).toEqual([]);
  });

  it('that write are refused by name for records without a parent that move', async () => {
    const { mistakes } = await find(parentless('cassandra: {table: "books" buckets: 4}'));
    expect(mistakes).toContainEqual(
      expect.stringContaining('made.v1.Library.BatchCreateBooks: the records are in 4 partitions'),
    );
    expect(mistakes.some((mistake) => mistake.includes('BatchGetBooks'))).toBe(false);
  });
});
