import type { DescField, Message } from '@bufbuild/protobuf';
import { invalidField, within } from '../domain/errors.ts';
import type { KeyValue } from '../domain/key.ts';
import { type Resource, type Row, sameValue } from '../domain/resource.ts';
import type { AssignedIds } from '../records/assigned-ids.ts';
import type { CreateRecord, DeleteRecord, Found, RecordService, UpdateRecord } from '../records/record-service.ts';
import type { MethodDefinition, ResourceDefinition, StandardMethods } from '../schema/definition.ts';
import { createListEncoder } from '../schema/list-encoder.ts';
import { createOrderReader } from '../schema/list-order.ts';
import { createLookupReader } from '../schema/lookup-reader.ts';
import type { MessageCodec } from '../schema/message-codec.ts';
import type { NameCodec } from '../schema/name-codec.ts';
import { createFilterCompiler } from '../schema/record-filter.ts';
import { hasMessageRules, type MessageRules } from '../schema/request-rules.ts';
import type { MethodAccess } from './access.ts';
import type { CallContext } from './call-context.ts';
import type { Reply, UnaryMethod } from './method-table.ts';
import { ANY_ID, createNumbered, leavesIdOut, refuseWithoutId } from './numbered-creates.ts';
import { createDecoder } from './typed-service.ts';
import { readRequestId } from './write-request.ts';

/** What the methods of one resource are made of. */
export interface RecordMethodsOptions {
  readonly definition: ResourceDefinition;
  readonly resource: Resource;
  readonly service: RecordService;
  readonly messages: MessageCodec;
  readonly names: NameCodec;
  /** Where the ids come from that a create leaves out. Absent: each create must name its own. */
  readonly ids?: AssignedIds;
  /** The largest answer; a page that would be larger ends earlier. */
  readonly maxMessageBytes: number;
}

/** Any request: its fields by their local names. All that is read here was checked when the definition was found. */
export type Request = Message & Readonly<Record<string, unknown>>;

/** What answers a request. */
export type Handle = (request: Request, context: CallContext) => Promise<Reply>;

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
    ...(get === undefined ? [] : [unary(get, read, ruled(options, get, getHandler(options)))]),
    ...(list === undefined ? [] : [unary(list, read, ruled(options, list, listHandler(options, list)))]),
    ...(lookup === undefined ? [] : [unary(lookup, read, ruled(options, lookup, lookupHandler(options, lookup)))]),
    ...(create === undefined ? [] : [unary(create, write, createHandler(options, create))]),
    ...(update === undefined ? [] : [unary(update, write, updateHandler(options, update))]),
    ...(remove === undefined ? [] : [unary(remove, write, ruled(options, remove, deleteHandler(options, remove)))]),
  ];
}

/** A method of the table. */
export function unary(method: MethodDefinition, access: MethodAccess, handle: Handle): UnaryMethod {
  return {
    kind: 'unary',
    path: method.path,
    access,
    desc: method.method,
    decode: createDecoder(method.input),
    handle: (request, context) => handle(request as Request, context),
  };
}

/** Holds requests against their rules before they are handled; where there are none, nothing is added. `counts`: as for the check. */
export function ruled(
  { definition }: RecordMethodsOptions,
  { input }: MethodDefinition,
  handle: Handle,
  counts?: Parameters<MessageRules['check']>[1],
): Handle {
  const rules = definition.rules.of(input);
  if (rules === undefined) return handle;
  return async (request, context) => {
    rules.check(request, counts);
    return await handle(request, context);
  };
}

/** What of a request that carries a record is held against its rules: what it does not write is not looked at. */
type RequestCheck = (request: Request, written: 'new record' | readonly number[]) => void;

function createRequestCheck(
  { definition, resource }: RecordMethodsOptions,
  { input, resource: carried }: MethodDefinition & { readonly resource: DescField },
): RequestCheck {
  const rules = definition.rules.of(input);
  if (rules === undefined) return () => {};
  const ofCreate = new Set(definition.fields.filter(({ outputOnly }) => !outputOnly).map(({ field }) => field.name));
  return (request, written) => {
    const isNew = written === 'new record';
    const names = isNew ? ofCreate : new Set(written.map((index) => resource.columns[index]?.field));
    rules.check(request, ([first, second]) => {
      if (first !== carried) return true;
      // Rules of several fields are held against the whole record that an update makes.
      return second === undefined ? isNew : names.has(second.name);
    });
  };
}

/** Holds the record that an update makes against the rules that look at several fields; undefined: there are none. */
function createRecordCheck(
  { definition, messages }: RecordMethodsOptions,
  carried: DescField,
): ((name: string, row: Row) => void) | undefined {
  const { message, rules } = definition;
  const found = hasMessageRules(message) ? rules.of(message) : undefined;
  if (found === undefined) return undefined;
  const decode = createDecoder(message);
  return (name, row) =>
    within(carried.name, () => found.check(decode(messages.toWire(name, row)), (path) => path.length === 0));
}

/**
 * Holds the record that an update makes, whose IMMUTABLE columns are still those of the record that is there, against what the request says
 * of them: the same is let be, and another value is refused (AIP-203). Undefined: it says nothing.
 */
function createFixedCheck(
  { messages, resource }: RecordMethodsOptions,
  message: Request,
  { mask, at }: { readonly mask: readonly string[]; readonly at: string },
): ((row: Row) => void) | undefined {
  const columns = messages.columnsFixed(message, mask);
  if (columns.length === 0) return undefined;
  const wanted = messages.rowFromMessage(message, { columns });
  return (row) => {
    const changed = columns.find((index) => !sameValue(wanted[index] ?? null, row[index] ?? null));
    if (changed === undefined) return;
    throw invalidField(`${at}.${resource.columns[changed]?.field}`, 'can not be changed once the record is there');
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

function listHandler(options: RecordMethodsOptions, method: NonNullable<StandardMethods['list']>): Handle {
  const { service, messages, names, definition, resource } = options;
  const readOrder = createOrderReader(definition, resource);
  const compileFilter = createFilterCompiler(definition, resource);
  return async (request, context) => {
    const parent = names.parentOf((request.parent as string | undefined) ?? '');
    const filter = readText(request, method.filter);
    const { descending } = readOrder(readText(request, method.orderBy));
    const matches = compileFilter(filter);
    const { items, fits } = pageItems(options);
    const filtered = matches === null ? {} : { matches, request: filter };
    const page = await service.list({ parent, ...pageAsked(request), descending, fits, ...filtered }, context);
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
  const { service, names, ids } = options;
  const read = createReader(options, method);
  return async (request, context) => {
    const parent = names.parentOf((request.parent as string | undefined) ?? '');
    const create = read(request, parent);
    const found =
      ids === undefined || !leavesIdOut(request, method)
        ? await service.create(create, context)
        : await createNumbered(options, ids, create, context);
    return answer(options, found, names.nameOf(found.key), context);
  };
}

/** Compiles what a Create's request asks for, below a parent. Without an id, where it may be left out, it has {@link ANY_ID}. */
export function createReader(
  options: RecordMethodsOptions,
  method: NonNullable<StandardMethods['create']>,
): (request: Request, parent: readonly KeyValue[]) => CreateRecord {
  const { messages, names, ids } = options;
  const check = createRequestCheck(options, method);
  return (request, parent) => {
    const message = requireMessage(request, method.resource);
    const isNumbered = ids !== undefined && leavesIdOut(request, method);
    if (isNumbered) refuseWithoutId(request, method);
    const key = names.keyWithId(parent, isNumbered ? ANY_ID : (request[method.id.localName] as string), method.id.name);
    const columns = messages.columnsToCreate(message);
    check(request, 'new record');
    const row = messages.rowFromMessage(message, { columns, key: key.values });
    const validateOnly = readFlag(request, method.validateOnly);
    return { key, row, columns, validateOnly, ...readRequestId(method, request) };
  };
}

function updateHandler(options: RecordMethodsOptions, method: NonNullable<StandardMethods['update']>): Handle {
  const { service, names } = options;
  const read = updateReader(options, method);
  return async (request, context) => {
    const update = read(request);
    return answer(options, await service.update(update, context), names.nameOf(update.key), context);
  };
}

/** Compiles what an Update's request asks for. */
export function updateReader(
  options: RecordMethodsOptions,
  method: NonNullable<StandardMethods['update']>,
): (request: Request) => UpdateRecord {
  const { messages, names, definition } = options;
  const checkRequest = createRequestCheck(options, method);
  const checkRecord = createRecordCheck(options, method.resource);
  return (request) => {
    const message = requireMessage(request, method.resource);
    const name = message.name as string;
    const key = names.keyOf(name, `${method.resource.name}.name`);
    const mask = (request.updateMask as { readonly paths: readonly string[] } | undefined)?.paths ?? [];
    const columns = mask.length === 0 ? messages.columnsPopulated(message) : messages.columnsOfMask(mask);
    checkRequest(request, columns);
    const rowOf = (of: readonly number[]) => messages.rowFromMessage(message, { columns: of, key: key.values });
    const createIt = () => {
      const all = messages.columnsToCreate(message);
      checkRequest(request, 'new record');
      return { row: rowOf(all), columns: all };
    };
    const ifMissing = readFlag(request, method.allowMissing) ? createIt : null;
    const etag = readText(message, definition.etagField);
    const validateOnly = readFlag(request, method.validateOnly);
    const checkFixed = createFixedCheck(options, message, { mask, at: method.resource.name });
    const check = (after: Row): void => {
      checkFixed?.(after);
      checkRecord?.(name, after);
    };
    const change = { key, row: rowOf(columns), columns, etag, ifMissing, validateOnly };
    return { ...change, ...((checkFixed ?? checkRecord) && { check }), ...readRequestId(method, request) };
  };
}

function deleteHandler(options: RecordMethodsOptions, method: NonNullable<StandardMethods['delete']>): Handle {
  const { service } = options;
  return async (request, context) => {
    context.answerVersion = await service.delete(readDelete(options, method, request), context);
    return () => EMPTY;
  };
}

/** What a Delete's request asks for. */
export function readDelete(
  { names }: RecordMethodsOptions,
  method: NonNullable<StandardMethods['delete']>,
  request: Request,
): DeleteRecord {
  return {
    key: names.keyOf(request.name as string),
    etag: readText(request, method.etag),
    allowMissing: readFlag(request, method.allowMissing),
    validateOnly: readFlag(request, method.validateOnly),
    ...readRequestId(method, request),
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
