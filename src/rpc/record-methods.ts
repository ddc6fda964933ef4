import type { DescField, Message } from '@bufbuild/protobuf';
import { invalidField } from '../domain/errors.ts';
import type { Resource } from '../domain/resource.ts';
import type { Found, RecordService } from '../records/record-service.ts';
import type { MethodDefinition, ResourceDefinition, StandardMethods } from '../schema/definition.ts';
import { createListEncoder } from '../schema/list-encoder.ts';
import { createLookupReader } from '../schema/lookup-reader.ts';
import type { MessageCodec } from '../schema/message-codec.ts';
import type { NameCodec } from '../schema/name-codec.ts';
import type { MethodAccess } from './access.ts';
import type { CallContext } from './call-context.ts';
import type { Reply, UnaryMethod } from './method-table.ts';
import { createDecoder } from './typed-service.ts';

/** What the methods of one resource are made of. */
export interface RecordMethodsOptions {
  readonly definition: ResourceDefinition;
  readonly resource: Resource;
  readonly service: RecordService;
  readonly messages: MessageCodec;
  readonly names: NameCodec;
  /** The largest answer; a page that would be larger ends earlier. */
  readonly maxMessageBytes: number;
}

/** Any request: its fields by their local names. All that is read here was checked when the definition was found. */
type Request = Message & Readonly<Record<string, unknown>>;

type Handle = (request: Request, context: CallContext) => Promise<Reply>;

/** What a List's answer holds besides its records: the token, and room for the framing. */
const PAGE_OVERHEAD_BYTES = 32 * 1024;
/** Tag and length in front of each record of a page, at most. */
const RECORD_OVERHEAD_BYTES = 10;
const EMPTY = new Uint8Array(0);

/** The standard methods (AIP-131 to AIP-135) that the resource's service has. */
export function createRecordMethods(options: RecordMethodsOptions): UnaryMethod[] {
  const { get, list, create, update, delete: remove, lookup } = options.definition.methods;
  const { id } = options.resource;
  const read: MethodAccess = { verb: 'read', resource: id };
  // An Update answers the whole record, but only to who has just written it.
  const write: MethodAccess = { verb: 'write', resource: id };
  return [
    ...(get === undefined ? [] : [unary(get, read, getHandler(options))]),
    ...(list === undefined ? [] : [unary(list, read, listHandler(options))]),
    ...(lookup === undefined ? [] : [unary(lookup, read, lookupHandler(options, lookup))]),
    ...(create === undefined ? [] : [unary(create, write, createHandler(options, create))]),
    ...(update === undefined ? [] : [unary(update, write, updateHandler(options, update))]),
    ...(remove === undefined ? [] : [unary(remove, write, deleteHandler(options, remove))]),
  ];
}

function unary(method: MethodDefinition, access: MethodAccess, handle: Handle): UnaryMethod {
  return {
    kind: 'unary',
    path: method.path,
    access,
    desc: method.method,
    decode: createDecoder(method.input),
    handle: (request, context) => handle(request as Request, context),
  };
}

function getHandler({ service, messages, names }: RecordMethodsOptions): Handle {
  return async (request, context) => {
    const name = request.name as string;
    const { row, version } = await service.get(names.keyOf(name), context);
    context.answerVersion = version;
    return () => messages.toWire(name, row);
  };
}

function listHandler(options: RecordMethodsOptions): Handle {
  const { service, messages, names } = options;
  return async (request, context) => {
    const parent = names.parentOf((request.parent as string | undefined) ?? '');
    const { items, fits } = pageItems(options);
    const page = await service.list({ parent, ...pageAsked(request), fits }, context);
    context.answerVersion = page.version;
    return () => messages.encodeListResponse(items.slice(0, page.records.length), page.nextPageToken);
  };
}

function lookupHandler(options: RecordMethodsOptions, method: NonNullable<StandardMethods['lookup']>): Handle {
  const { service, definition, resource, names } = options;
  const read = createLookupReader(definition, resource, names);
  const encode = createListEncoder(method);
  return async (request, context) => {
    const { items, fits } = pageItems(options);
    const page = await service.lookup({ ...read(request), ...pageAsked(request), fits }, context);
    context.answerVersion = page.version;
    return () => encode(items.slice(0, page.records.length), page.nextPageToken);
  };
}

function pageAsked(request: Request): { readonly pageSize: number; readonly pageToken: string } {
  return { pageSize: request.pageSize as number, pageToken: request.pageToken as string };
}

/** The records of a page on the wire, as they are asked whether they fit. */
function pageItems({ messages, names, maxMessageBytes }: RecordMethodsOptions) {
  const items: Uint8Array[] = [];
  let room = maxMessageBytes - PAGE_OVERHEAD_BYTES;
  const fits = ({ key, row }: Found): boolean => {
    const item = messages.toWire(names.nameOf(key), row);
    items.push(item);
    room -= item.length + RECORD_OVERHEAD_BYTES;
    return room >= 0;
  };
  return { items, fits };
}

function createHandler(options: RecordMethodsOptions, method: NonNullable<StandardMethods['create']>): Handle {
  const { service, messages, names } = options;
  return async (request, context) => {
    const message = requireMessage(request, method.resource);
    const parent = names.parentOf((request.parent as string | undefined) ?? '');
    const key = names.keyWithId(parent, request[method.id.localName] as string, method.id.name);
    const columns = messages.columnsToCreate(message);
    const row = messages.rowFromMessage(message, { columns, key: key.values });
    return answer(options, await service.create({ key, row, columns }, context), names.nameOf(key), context);
  };
}

function updateHandler(options: RecordMethodsOptions, method: NonNullable<StandardMethods['update']>): Handle {
  const { service, messages, names, definition } = options;
  return async (request, context) => {
    const message = requireMessage(request, method.resource);
    const name = message.name as string;
    const key = names.keyOf(name, `${method.resource.name}.name`);
    const mask = (request.updateMask as { readonly paths: readonly string[] } | undefined)?.paths ?? [];
    const columns = mask.length === 0 ? messages.columnsPopulated(message) : messages.columnsOfMask(mask);
    const rowOf = (of: readonly number[]) => messages.rowFromMessage(message, { columns: of, key: key.values });
    const createIt = () => {
      const all = messages.columnsToCreate(message);
      return { row: rowOf(all), columns: all };
    };
    const ifMissing = readFlag(request, method.allowMissing) ? createIt : null;
    const etag = readText(message, definition.etagField);
    const updated = await service.update({ key, row: rowOf(columns), columns, etag, ifMissing }, context);
    return answer(options, updated, name, context);
  };
}

function deleteHandler(options: RecordMethodsOptions, method: NonNullable<StandardMethods['delete']>): Handle {
  const { service, names } = options;
  return async (request, context) => {
    const key = names.keyOf(request.name as string);
    const etag = readText(request, method.etag);
    const allowMissing = readFlag(request, method.allowMissing);
    context.answerVersion = await service.delete({ key, etag, allowMissing }, context);
    return () => EMPTY;
  };
}

function answer({ messages }: RecordMethodsOptions, found: Found, name: string, context: CallContext): Reply {
  context.answerVersion = found.version;
  return () => messages.toWire(name, found.row);
}

function requireMessage(request: Request, field: DescField): Request {
  const message = request[field.localName] as Request | undefined;
  if (message === undefined) throw invalidField(field.name, 'must be set');
  return message;
}

function readText(message: Request, field: DescField | undefined): string {
  return field === undefined ? '' : ((message[field.localName] as string | undefined) ?? '');
}

function readFlag(message: Request, field: DescField | undefined): boolean {
  return field !== undefined && message[field.localName] === true;
}
