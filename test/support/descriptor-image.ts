/** Descriptor images of protos that a test writes itself. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
const BUILD_TIMEOUT_MS = 30_000;
const CONFIG = 'version: v2\nmodules:\n  - path: proto\n  - path: user\n';
const IMPORTS = [
  'buf/validate/validate.proto',
  'crossfade/v1alpha1/options.proto',
  'google/api/field_behavior.proto',
  'google/api/resource.proto',
  'google/protobuf/duration.proto',
  'google/protobuf/empty.proto',
  'google/protobuf/field_mask.proto',
  'google/protobuf/timestamp.proto',
];

/** Builds an image of one proto3 file in the package `made.v1`; its imports are there already. */
export async function buildImage(body: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-image-'));
  try {
    const file = join(folder, 'user/made/v1/made.proto');
    await mkdir(dirname(file), { recursive: true });
    await cp(join(ROOT, 'proto'), join(folder, 'proto'), { recursive: true });
    await writeFile(join(folder, 'buf.yaml'), CONFIG);
    const imports = IMPORTS.map((path) => `import "${path}";`);
    await writeFile(file, ['syntax = "proto3";', 'package made.v1;', ...imports, body].join('\n'));
    const args = ['build', 'user', '--as-file-descriptor-set', '--output', 'image.binpb'];
    await promisify(execFile)(join(ROOT, 'node_modules/.bin/buf'), args, { cwd: folder, timeout: BUILD_TIMEOUT_MS });
    return await readFile(join(folder, 'image.binpb'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a test says of a resource otherwise than {@link resourceProto} does by itself. */
export interface ProtoOptions {
  readonly message?: string;
  readonly plural?: string;
  /** The body of `google.api.resource`; empty: no such option. */
  readonly resource?: string;
  /** The body of `crossfade.v1alpha1.storage`. */
  readonly storage?: string;
  /** Replaces all fields but the name. */
  readonly fields?: string;
  readonly name?: string;
  /** Replaces the methods' messages or the methods by name: `GetBook: 'rpc GetBook(…) returns (…);'`. */
  readonly methods?: string;
  readonly requests?: string;
}

/** A storage option for the key `shelf_id, book_id` and a target. */
export const BOOK_STORAGE = `
  mysql: {schema: "library" table: "books"}
  cassandra: {keyspace: "library" table: "books" partition_key: "shelf" clustering_key: "book"}
  key: {variable: "shelf" mysql_column: "shelf_id"}
  key: {variable: "book" mysql_column: "book_id"}`;

/** Proto text of a resource, with a service that has AIP-131 to AIP-135's five methods; right unless told otherwise. */
export function resourceProto(options: ProtoOptions = {}): string {
  const message = options.message ?? 'Book';
  const lower = message.toLowerCase();
  const plural = options.plural ?? `${message}s`;
  const resource = options.resource ?? `type: "made.dev/${message}" pattern: "shelves/{shelf}/books/{book}"`;
  return `
    message ${message} {
      ${resource === '' ? '' : `option (google.api.resource) = {${resource}};`}
      option (crossfade.v1alpha1.storage) = {${options.storage ?? BOOK_STORAGE}};
      ${options.name ?? 'string name = 1;'}
      ${options.fields ?? 'string title = 2; optional string note = 3; string etag = 4;'}
    }
    ${
      options.methods ??
      `service ${plural} {
        rpc Get${message}(Get${message}Request) returns (${message});
        rpc List${plural}(List${plural}Request) returns (List${plural}Response);
        rpc Create${message}(Create${message}Request) returns (${message});
        rpc Update${message}(Update${message}Request) returns (${message});
        rpc Delete${message}(Delete${message}Request) returns (google.protobuf.Empty);
      }`
    }
    ${
      options.requests ??
      `message Get${message}Request { string name = 1; }
      message List${plural}Request { string parent = 1; int32 page_size = 2; string page_token = 3; }
      message List${plural}Response { repeated ${message} ${lower}s = 1; string next_page_token = 2; }
      message Create${message}Request { string parent = 1; string ${lower}_id = 2; ${message} ${lower} = 3; }
      message Update${message}Request { ${message} ${lower} = 1; google.protobuf.FieldMask update_mask = 2; }
      message Delete${message}Request { string name = 1; string etag = 2; }`
    }`;
}
