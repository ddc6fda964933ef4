import { type DescMessage, type DescMethodUnary, getOption, type Message } from '@bufbuild/protobuf';
import { resource } from '../gen/google/api/resource_pb.ts';

/** A message's fields by their local names. */
type Fields = Readonly<Record<string, unknown>>;

/** Where a session remembers what an answer's version belongs to: `patients/p/medications/7`, or all of a list. */
export type RecordName = string;

/**
 * The name under which a session remembers the version of a request's answer, by AIP-131 to AIP-135: the record's own for
 * Get, Create, Update and Delete, and {@link listOf} for List. Undefined for a request that names neither.
 */
export function nameOfRequest(method: DescMethodUnary, request: Message): RecordName | undefined {
  const fields = request as unknown as Fields;
  if (method.name.startsWith('List')) return nameOfList(method.output, fields);
  if (method.name.startsWith('Create')) return nameOfCreated(method.input, fields);
  return method.name.startsWith('Batch') ? undefined : nameOfOne(fields);
}

function nameOfOne(fields: Fields): RecordName | undefined {
  const own = textOf(fields.name);
  if (own !== undefined) return own;
  // Update requests carry the resource in a field of its own.
  for (const value of Object.values(fields)) {
    const name = nameOfAnswer(value as Message | undefined);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** The names of the records of a batch (AIP-231, AIP-233 to AIP-235), without doubles; none: it is no batch. */
export function namesOfBatch(method: DescMethodUnary, request: Message): readonly RecordName[] {
  if (!method.name.startsWith('Batch')) return [];
  const { names, requests, parent } = request as unknown as Fields;
  const named = Array.isArray(names) ? names.map(textOf) : [];
  const each = method.input.fields.find((field) => field.name === 'requests');
  const input = each?.fieldKind === 'list' && each.listKind === 'message' ? each.message : undefined;
  const asked = (Array.isArray(requests) ? requests : []).map((one: Message) =>
    input === undefined ? undefined : nameWithinBatch(input, one, parent),
  );
  return [...new Set([...named, ...asked].filter((name) => name !== undefined))];
}

/** The parent of a request of a batch may be left out. */
function nameWithinBatch(input: DescMessage, request: Message, parent: unknown): RecordName | undefined {
  const fields = request as unknown as Fields;
  return input.fields.some((field) => field.name === 'parent')
    ? nameOfCreated(input, { ...fields, parent: textOf(fields.parent) ?? parent })
    : nameOfOne(fields);
}

/** The name of the record that an answer holds, for requests that did not know it. */
export function nameOfAnswer(answer: Message | undefined): RecordName | undefined {
  return textOf((answer as Fields | undefined)?.name);
}

/** The list in which a record stands: `patients/p/medications/*`. Its name is no record's: `*` is no part of one. */
export function listOf(name: RecordName): RecordName {
  return `${name.slice(0, name.lastIndexOf('/') + 1)}*`;
}

/** Whether a method only reads: AIP's standard prefixes, or the proto's own word. */
export function isRead(method: {
  readonly name: string;
  readonly idempotency?: number;
  readonly input: DescMessage;
}): boolean {
  return /^(Get|List|BatchGet|Lookup|Watch)/.test(method.name) || method.idempotency === NO_SIDE_EFFECTS;
}

/** Whether a write may be sent again without a second effect: it has a `request_id` (AIP-155), and so has each part of a batch. */
export function isNamed(method: { readonly input: DescMessage }, request: Message): boolean {
  const { requests, requestId } = request as unknown as Fields;
  if (Array.isArray(requests)) return requests.length > 0 && requests.every((one: Fields) => textOf(one.requestId));
  return method.input.fields.some((field) => field.name === 'request_id') && textOf(requestId) !== undefined;
}

const NO_SIDE_EFFECTS = 1;

function nameOfList(answer: DescMessage, request: Fields): RecordName | undefined {
  for (const field of answer.fields) {
    const collection =
      field.fieldKind === 'list' && field.listKind === 'message' ? collectionOf(field.message) : undefined;
    if (collection !== undefined) return nameWithin(request, collection, '*');
  }
  return undefined;
}

/** Not the name in the resource: AIP-133 says that it counts for nothing. */
function nameOfCreated(request: DescMessage, fields: Fields): RecordName | undefined {
  for (const field of request.fields) {
    const collection = field.fieldKind === 'message' ? collectionOf(field.message) : undefined;
    const id = request.fields.find((one) => one.name === `${field.name}_id`);
    const value = id === undefined ? undefined : textOf(fields[id.localName]);
    if (collection !== undefined && value !== undefined) return nameWithin(fields, collection, value);
  }
  return undefined;
}

function nameWithin(request: Fields, collection: string, id: string): RecordName {
  const parent = textOf(request.parent);
  return [...(parent === undefined ? [] : [parent]), collection, id].join('/');
}

/** `medications`, from the resource's pattern; undefined: the message is no resource. */
function collectionOf(message: DescMessage): string | undefined {
  return getOption(message, resource).pattern[0]?.split('/').at(-2);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
