import { DomainError, invalidField, placed, within } from '../domain/errors.ts';
import type { Key, KeyValue } from '../domain/key.ts';
import { sameValue } from '../domain/resource.ts';
import { type BatchService, leastVersion } from '../records/batch-service.ts';
import type { CreateRecord, DeleteRecord, Found, UpdateRecord } from '../records/record-service.ts';
import type { MethodDefinition, StandardMethods } from '../schema/definition.ts';
import { createItemsEncoder } from '../schema/list-encoder.ts';
import type { MethodAccess } from './access.ts';
import type { CallContext } from './call-context.ts';
import type { Reply, UnaryMethod } from './method-table.ts';
import { createManyNumbered, leavesIdOut } from './numbered-creates.ts';
import {
  createReader,
  type Handle,
  type RecordMethodsOptions,
  type Request,
  readDelete,
  ruled,
  unary,
  updateReader,
} from './record-methods.ts';

/** What the batch methods of one resource are made of. */
export interface BatchMethodsOptions extends RecordMethodsOptions {
  readonly batches: BatchService;
}

/** Tag and length in front of each record of an answer, at most. */
const RECORD_OVERHEAD_BYTES = 10;
const EMPTY = new Uint8Array(0);

/** The batch methods (AIP-231, AIP-233 to AIP-235) that the resource's service has. */
export function createBatchMethods(options: BatchMethodsOptions): UnaryMethod[] {
  const { batchGet, batchCreate, batchUpdate, batchDelete } = options.definition.methods;
  const { id } = options.resource;
  const read: MethodAccess = { verb: 'read', resource: id };
  const write: MethodAccess = { verb: 'write', resource: id };
  const batches = [
    batchGet && unary(batchGet, read, ruled(options, batchGet, getHandler(options, batchGet))),
    batchCreate && unary(batchCreate, write, ruledBatch(options, batchCreate, createHandler(options, batchCreate))),
    batchUpdate && unary(batchUpdate, write, ruledBatch(options, batchUpdate, updateHandler(options, batchUpdate))),
    batchDelete && unary(batchDelete, write, ruledBatch(options, batchDelete, deleteHandler(options, batchDelete))),
  ];
  return batches.filter((method) => method !== undefined);
}

/** One that a batch may be: what a batch method is once it was found. */
type Batch<Verb extends keyof StandardMethods> = NonNullable<StandardMethods[Verb]>;

/** The rules of the batch as such; those of its requests are looked at one by one, as those of single requests are. */
function ruledBatch(options: BatchMethodsOptions, method: MethodDefinition, handle: Handle): Handle {
  return ruled(options, method, handle, (path) => path.length <= 1);
}

function getHandler(options: BatchMethodsOptions, method: Batch<'batchGet'>): Handle {
  const { batches } = options;
  const encode = createItemsEncoder(method.items);
  return async (request, context) => {
    // Without a parent the records may be of several.
    const parent = method.parent && request.parent !== '' ? readParent(options, request) : [];
    const keys = readKeys(options, request[method.names.localName] as readonly string[], parent);
    const found = await named(options, keys, 'names', () => batches.get(keys, context));
    return answerRead(options, found, encode, context);
  };
}

function createHandler(options: BatchMethodsOptions, method: Batch<'batchCreate'>): Handle {
  const { batches, names, ids } = options;
  const encode = createItemsEncoder(method.items);
  const read = createReader(options, method.each);
  /** The places of the records that the service numbers. A batch that is too large, which is refused, gets no ids. */
  const placesOf = (requests: readonly Request[]): readonly number[] =>
    requests.length > batches.maxBatchSize
      ? []
      : requests.flatMap((one, index) => (leavesIdOut(one, method.each) ? [index] : []));
  return async (request, context) => {
    const parent = readParent(options, request);
    const creates = readEach(request, method.requests.localName, (one): CreateRecord => {
      // AIP-233: empty, or the batch's.
      const own = (one.parent as string | undefined) ?? '';
      if (own !== '' && own !== request.parent) throw invalidField('parent', "must be empty or the batch's");
      return really(read(one, parent));
    });
    const create = (all: readonly CreateRecord[]): Promise<readonly Found[]> => {
      const keys = all.map(({ key }) => key);
      return named(options, keys, 'requests', () => batches.create(all, context));
    };
    const places = ids === undefined ? [] : placesOf(request[method.requests.localName] as readonly Request[]);
    const created =
      ids === undefined || places.length === 0
        ? await create(creates)
        : await createManyNumbered({ ids, names, create }, { creates, places }, context);
    context.answerVersion = leastVersion(created);
    return () => encode(created.map(({ key, row }) => options.messages.toWire(names.nameOf(key), row)));
  };
}

function updateHandler(options: BatchMethodsOptions, method: Batch<'batchUpdate'>): Handle {
  const { batches, names, messages } = options;
  const encode = createItemsEncoder(method.items);
  const read = updateReader(options, method.each);
  const field = `${method.each.resource.name}.name`;
  return async (request, context) => {
    const parent = readParent(options, request);
    const updates = readEach(request, method.requests.localName, (one): UpdateRecord => {
      const update = really(read(one));
      checkParent(update.key, parent, field);
      return update;
    });
    const keys = updates.map(({ key }) => key);
    const updated = await named(options, keys, 'requests', () => batches.update(updates, context));
    context.answerVersion = leastVersion(updated);
    return () => encode(updated.map(({ key, row }) => messages.toWire(names.nameOf(key), row)));
  };
}

function deleteHandler(options: BatchMethodsOptions, method: Batch<'batchDelete'>): Handle {
  const { batches } = options;
  return async (request, context) => {
    const parent = readParent(options, request);
    const deletes =
      'names' in method
        ? readKeys(options, request[method.names.localName] as readonly string[], parent).map(
            (key): DeleteRecord => ({ key, etag: '', allowMissing: false }),
          )
        : readEach(request, method.requests.localName, (one): DeleteRecord => {
            const remove = really(readDelete(options, method.each, one));
            checkParent(remove.key, parent, 'name');
            return remove;
          });
    const keys = deletes.map(({ key }) => key);
    const field = 'names' in method ? 'names' : 'requests';
    context.answerVersion = await named(options, keys, field, () => batches.delete(deletes, context, field));
    return () => EMPTY;
  };
}

/** A batch is done as a whole: one of its requests can't be a mere question. */
function really<Asked extends { readonly validateOnly?: boolean }>(asked: Asked): Asked {
  if (asked.validateOnly) throw invalidField('validate_only', 'must not be set in a batch');
  return asked;
}

/** The batch's parent. */
function readParent({ names }: BatchMethodsOptions, request: Request): readonly KeyValue[] {
  return names.parentOf((request.parent as string | undefined) ?? '');
}

function checkParent(key: Key, parent: readonly KeyValue[], field: string): void {
  if (parent.every((value, i) => sameValue(value, key.values[i] ?? null))) return;
  throw invalidField(field, "must be of the batch's parent");
}

/** Reads each of the names. */
function readKeys(
  { names }: BatchMethodsOptions,
  texts: readonly string[],
  parent: readonly KeyValue[],
): readonly Key[] {
  return texts.map((text, i) =>
    within(
      `names[${i}]`,
      () => {
        const key = names.keyOf(text, '');
        checkParent(key, parent, '');
        return key;
      },
      { index: String(i) },
    ),
  );
}

/** Reads each of the requests. */
function readEach<Read>(request: Request, field: string, read: (one: Request) => Read): readonly Read[] {
  return (request[field] as readonly Request[]).map((one, i) =>
    within(`requests[${i}]`, () => read(one), { index: String(i) }),
  );
}

/** Runs a batch; the error of one of its records names that record. */
async function named<Result>(
  { names }: BatchMethodsOptions,
  keys: readonly Key[],
  field: 'names' | 'requests',
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    const key = error instanceof DomainError ? keys[Number(error.metadata.index ?? Number.NaN)] : undefined;
    if (!(error instanceof DomainError) || key === undefined) throw error;
    const place = `${field}[${error.metadata.index}]`;
    const name = names.nameOf(key);
    const isOfField = error.kind === 'invalid_argument' && ![undefined, place].includes(error.metadata.field);
    const { kind, reason, metadata, violations, cause } = isOfField ? placed(error, place) : error;
    const message = `${place}, ${name}: ${error.message}`;
    throw new DomainError({ kind, reason, message, metadata: { ...metadata, name }, violations, cause });
  }
}

function answerRead(
  { names, messages, maxMessageBytes }: BatchMethodsOptions,
  found: readonly Found[],
  encode: (items: readonly Uint8Array[]) => Uint8Array,
  context: CallContext,
): Reply {
  let room = maxMessageBytes;
  const items = found.map(({ key, row }) => {
    const item = messages.toWire(names.nameOf(key), row);
    room -= item.length + RECORD_OVERHEAD_BYTES;
    if (room < 0) throw invalidField('names', 'the records are larger than one answer may be; ask for fewer');
    return item;
  });
  context.answerVersion = leastVersion(found);
  return () => encode(items);
}
