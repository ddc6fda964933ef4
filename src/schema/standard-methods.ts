import { type DescField, type DescMethod, type DescService, ScalarType } from '@bufbuild/protobuf';
import { BATCH_INSPECTORS, type BatchVerb } from './batch-methods.ts';
import type { StandardMethods } from './definition.ts';
import { inspectLookupFields } from './lookup-methods.ts';
import {
  baseOf,
  type Inspection,
  isBool,
  isListOf,
  isMessage,
  isScalar,
  isString,
  type MethodsOwner,
  optionalField,
  report,
  reportUnknownFields,
  requireField,
  requireOutput,
  requireResource,
  snakeCase,
  writeOptions,
} from './method-inspection.ts';

/** A resource's methods, and what is wrong with them. */
export interface FoundMethods {
  readonly methods: StandardMethods;
  readonly mistakes: readonly string[];
}

const VERBS = {
  Get: 'get',
  List: 'list',
  Create: 'create',
  Update: 'update',
  Delete: 'delete',
  BatchGet: 'batchGet',
  BatchCreate: 'batchCreate',
  BatchUpdate: 'batchUpdate',
  BatchDelete: 'batchDelete',
  Lookup: 'lookup',
} as const;
type Verb = keyof typeof VERBS;
type SingleVerb = Exclude<Verb, BatchVerb>;

/** Which resource's standard method this is by its name; undefined if none's. */
export function ownerOfMethod<O extends MethodsOwner>(method: DescMethod, owners: readonly O[]): O | undefined {
  return owners.find((owner) => verbOf(method, owner) !== undefined);
}

/** The methods of AIP-131 to AIP-135, and of AIP-231 to AIP-235, that the services have for a resource. Each deviation from their shapes is named. */
export function findMethods(services: readonly DescService[], owner: MethodsOwner): FoundMethods {
  const mistakes: string[] = [];
  const methods: { -readonly [K in keyof StandardMethods]: StandardMethods[K] } = {};
  const all = services.flatMap((service) => service.methods);
  // Batches are made of the other methods' requests, so these are looked at first.
  for (const method of all.toSorted((a, b) => Number(isBatch(a)) - Number(isBatch(b)))) {
    const verb = verbOf(method, owner);
    if (verb === undefined) continue;
    const label = `${method.parent.typeName}.${method.name}`;
    if (methods[VERBS[verb]] !== undefined) {
      mistakes.push(`${label}: another service has the same method already`);
      continue;
    }
    const inspection = { owner, method, label, aip: AIPS[verb], mistakes, known: new Set<string>() };
    if (method.methodKind !== 'unary') report(inspection, 'must not stream');
    const found = isBatchVerb(verb) ? BATCH_INSPECTORS[verb](inspection, methods) : INSPECTORS[verb](inspection);
    Object.assign(methods, { [VERBS[verb]]: found });
    reportUnknownFields(inspection);
  }
  const idle = methods.lookup === undefined ? owner.indexes.filter(({ unique }) => !unique) : [];
  for (const { name } of idle) {
    mistakes.push(
      `${owner.message.typeName}: the index "${name}" is not unique, and no method Lookup… uses it (AIP-136)`,
    );
  }
  if (Object.keys(methods).length === 0) {
    mistakes.push(`${owner.message.typeName}: no service has a method for it, such as Get${owner.message.name}`);
  }
  return { methods, mistakes };
}

const AIPS: Readonly<Record<Verb, number>> = {
  Get: 131,
  List: 132,
  Create: 133,
  Update: 134,
  Delete: 135,
  BatchGet: 231,
  BatchCreate: 233,
  BatchUpdate: 234,
  BatchDelete: 235,
  Lookup: 136,
};

function isBatchVerb(verb: Verb): verb is BatchVerb {
  return verb in BATCH_INSPECTORS;
}

function isBatch({ name }: DescMethod): boolean {
  return name.startsWith('Batch');
}

const INSPECTORS: { readonly [V in SingleVerb]: (inspection: Inspection) => StandardMethods[(typeof VERBS)[V]] } = {
  Get: (inspection) => {
    requireField(inspection, 'name', isString, 'string');
    requireOutput(inspection, inspection.owner.message.typeName);
    return baseOf(inspection);
  },
  List: (inspection) => {
    if (inspection.owner.hasParent) requireField(inspection, 'parent', isString, 'string');
    requireField(inspection, 'page_size', (field) => isScalar(field, ScalarType.INT32), 'int32');
    requireField(inspection, 'page_token', isString, 'string');
    const orderBy = optionalField(inspection, 'order_by', isString, 'string');
    const filter = optionalField(inspection, 'filter', isString, 'string');
    const items = inspectListResponse(inspection);
    if (items === undefined) return undefined;
    return { ...baseOf(inspection), items, ...(orderBy && { orderBy }), ...(filter && { filter }) };
  },
  Create: (inspection) => {
    const { message } = inspection.owner;
    if (inspection.owner.hasParent) requireField(inspection, 'parent', isString, 'string');
    const id = requireField(inspection, `${snakeCase(message.name)}_id`, isString, 'string');
    const resource = requireResource(inspection);
    const options = writeOptions(inspection);
    requireOutput(inspection, message.typeName);
    if (id === undefined || resource === undefined) return undefined;
    return { ...baseOf(inspection), id, resource, ...options };
  },
  Update: (inspection) => {
    const resource = requireResource(inspection);
    const isMask = (field: DescField): boolean => isMessage(field, 'google.protobuf.FieldMask');
    requireField(inspection, 'update_mask', isMask, 'google.protobuf.FieldMask');
    const allowMissing = optionalField(inspection, 'allow_missing', isBool, 'bool');
    const options = writeOptions(inspection);
    requireOutput(inspection, inspection.owner.message.typeName);
    if (resource === undefined) return undefined;
    return { ...baseOf(inspection), resource, ...(allowMissing && { allowMissing }), ...options };
  },
  Delete: (inspection) => {
    requireField(inspection, 'name', isString, 'string');
    const etag = optionalField(inspection, 'etag', isString, 'string');
    const allowMissing = optionalField(inspection, 'allow_missing', isBool, 'bool');
    const options = writeOptions(inspection);
    requireOutput(inspection, 'google.protobuf.Empty');
    return { ...baseOf(inspection), ...(etag && { etag }), ...(allowMissing && { allowMissing }), ...options };
  },
  Lookup: (inspection) => {
    const { method, owner, known } = inspection;
    const tell = (text: string): void => report(inspection, text);
    const fields = inspectLookupFields({ method, indexes: owner.indexes, known, report: tell });
    requireField(inspection, 'page_size', (field) => isScalar(field, ScalarType.INT32), 'int32');
    requireField(inspection, 'page_token', isString, 'string');
    const items = inspectListResponse(inspection);
    return items === undefined ? undefined : { ...baseOf(inspection), items, fields };
  },
};

function verbOf(method: DescMethod, owner: MethodsOwner): Verb | undefined {
  const [, verb, noun] = /^((?:Batch)?(?:Get|Create|Update|Delete)|List|Lookup)([A-Z].*)$/.exec(method.name) ?? [];
  if (verb === undefined || noun === undefined) return undefined;
  const isOfMany = verb === 'List' || verb === 'Lookup' || isBatch(method);
  if (!isOfMany) return noun === owner.message.name ? (verb as Verb) : undefined;
  const plural = owner.plural === '' ? `${owner.message.name}s` : owner.plural;
  const listed = method.output.fields.some((field) => isListOf(field, owner.message));
  return noun === plural.charAt(0).toUpperCase() + plural.slice(1) || listed ? (verb as Verb) : undefined;
}

function inspectListResponse(inspection: Inspection): DescField | undefined {
  const { owner, method } = inspection;
  const items = method.output.fields.find((field) => isListOf(field, owner.message));
  if (items === undefined) report(inspection, `its response has no "repeated ${owner.message.name}" field`);
  const token = method.output.fields.find((field) => field.name === 'next_page_token');
  if (token === undefined || !isString(token)) report(inspection, 'its response has no string field "next_page_token"');
  for (const field of method.output.fields) {
    if (field !== items && field !== token) report(inspection, `its response's field "${field.name}" is not served`);
  }
  return items;
}
