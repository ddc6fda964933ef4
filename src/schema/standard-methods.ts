import { type DescField, type DescMessage, type DescMethod, type DescService, ScalarType } from '@bufbuild/protobuf';
import type { IndexDefinition, MethodDefinition, StandardMethods } from './definition.ts';
import { inspectLookupFields } from './lookup-methods.ts';

/** A served resource as far as its methods need it. */
export interface MethodsOwner {
  readonly message: DescMessage;
  /** The plural of `google.api.resource`, empty if it has none. */
  readonly plural: string;
  /** Whether records live below a parent. */
  readonly hasParent: boolean;
  readonly indexes: readonly IndexDefinition[];
}

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
  Lookup: 'lookup',
} as const;
type Verb = keyof typeof VERBS;

/** Where a method's messages are looked at; mistakes are collected, never thrown. */
interface Inspection {
  readonly owner: MethodsOwner;
  readonly method: DescMethod;
  readonly label: string;
  readonly aip: number;
  readonly mistakes: string[];
  /** Fields of the request that were asked for. */
  readonly known: Set<string>;
}

/** Which resource's standard method this is by its name; undefined if none's. */
export function ownerOfMethod<O extends MethodsOwner>(method: DescMethod, owners: readonly O[]): O | undefined {
  return owners.find((owner) => verbOf(method, owner) !== undefined);
}

/** The methods of AIP-131 to AIP-135 that the services have for a resource. Each deviation from their shapes is named. */
export function findMethods(services: readonly DescService[], owner: MethodsOwner): FoundMethods {
  const mistakes: string[] = [];
  const methods: { -readonly [K in keyof StandardMethods]: StandardMethods[K] } = {};
  for (const method of services.flatMap((service) => service.methods)) {
    const verb = verbOf(method, owner);
    if (verb === undefined) continue;
    const label = `${method.parent.typeName}.${method.name}`;
    if (methods[VERBS[verb]] !== undefined) {
      mistakes.push(`${label}: another service has the same method already`);
      continue;
    }
    const inspection = { owner, method, label, aip: AIPS[verb], mistakes, known: new Set<string>() };
    if (method.methodKind !== 'unary') report(inspection, 'must not stream');
    Object.assign(methods, { [VERBS[verb]]: INSPECTORS[verb](inspection) });
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
  Lookup: 136,
};

const INSPECTORS: { readonly [V in Verb]: (inspection: Inspection) => StandardMethods[(typeof VERBS)[V]] } = {
  Get: (inspection) => {
    requireField(inspection, 'name', isString, 'string');
    requireOutput(inspection, inspection.owner.message.typeName);
    return baseOf(inspection);
  },
  List: (inspection) => {
    if (inspection.owner.hasParent) requireField(inspection, 'parent', isString, 'string');
    requireField(inspection, 'page_size', (field) => isScalar(field, ScalarType.INT32), 'int32');
    requireField(inspection, 'page_token', isString, 'string');
    const items = inspectListResponse(inspection);
    return items === undefined ? undefined : { ...baseOf(inspection), items };
  },
  Create: (inspection) => {
    const { message } = inspection.owner;
    if (inspection.owner.hasParent) requireField(inspection, 'parent', isString, 'string');
    const id = requireField(inspection, `${snakeCase(message.name)}_id`, isString, 'string');
    const resource = requireResource(inspection);
    requireOutput(inspection, message.typeName);
    return id === undefined || resource === undefined ? undefined : { ...baseOf(inspection), id, resource };
  },
  Update: (inspection) => {
    const resource = requireResource(inspection);
    const isMask = (field: DescField): boolean => isMessage(field, 'google.protobuf.FieldMask');
    requireField(inspection, 'update_mask', isMask, 'google.protobuf.FieldMask');
    const allowMissing = optionalField(inspection, 'allow_missing', isBool, 'bool');
    requireOutput(inspection, inspection.owner.message.typeName);
    if (resource === undefined) return undefined;
    return { ...baseOf(inspection), resource, ...(allowMissing && { allowMissing }) };
  },
  Delete: (inspection) => {
    requireField(inspection, 'name', isString, 'string');
    const etag = optionalField(inspection, 'etag', isString, 'string');
    const allowMissing = optionalField(inspection, 'allow_missing', isBool, 'bool');
    requireOutput(inspection, 'google.protobuf.Empty');
    return { ...baseOf(inspection), ...(etag && { etag }), ...(allowMissing && { allowMissing }) };
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
  const [, verb, noun] = /^(Get|List|Create|Update|Delete|Lookup)([A-Z].*)$/.exec(method.name) ?? [];
  if (verb === undefined || noun === undefined) return undefined;
  if (verb !== 'List' && verb !== 'Lookup') return noun === owner.message.name ? (verb as Verb) : undefined;
  const plural = owner.plural === '' ? `${owner.message.name}s` : owner.plural;
  const listed = method.output.fields.some((field) => isListOf(field, owner.message));
  return noun === plural.charAt(0).toUpperCase() + plural.slice(1) || listed ? verb : undefined;
}

function baseOf({ method }: Inspection): MethodDefinition {
  const path = `/${method.parent.typeName}/${method.name}`;
  return { path, method, input: method.input, output: method.output };
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

function requireOutput(inspection: Inspection, typeName: string): void {
  const { output } = inspection.method;
  if (output.typeName !== typeName) report(inspection, `returns ${output.typeName}, not ${typeName}`);
}

function requireResource(inspection: Inspection): DescField | undefined {
  const { message } = inspection.owner;
  const isResource = (field: DescField): boolean => isMessage(field, message.typeName);
  return requireField(inspection, snakeCase(message.name), isResource, message.name);
}

function requireField(
  inspection: Inspection,
  name: string,
  fits: (field: DescField) => boolean,
  type: string,
): DescField | undefined {
  const field = optionalField(inspection, name, fits, type);
  if (!inspection.known.has(name)) report(inspection, `its request has no field "${type} ${name}"`);
  return field;
}

function optionalField(
  inspection: Inspection,
  name: string,
  fits: (field: DescField) => boolean,
  type: string,
): DescField | undefined {
  const field = inspection.method.input.fields.find((each) => each.name === name);
  if (field === undefined) return undefined;
  inspection.known.add(name);
  if (fits(field) && field.oneof === undefined) return field;
  report(inspection, `its request's field "${name}" is not a plain field of type ${type}`);
  return undefined;
}

function reportUnknownFields(inspection: Inspection): void {
  for (const field of inspection.method.input.fields) {
    if (!inspection.known.has(field.name)) report(inspection, `its request's field "${field.name}" is not served`);
  }
}

function report({ label, aip, mistakes }: Inspection, text: string): void {
  mistakes.push(`${label}: ${text} (AIP-${aip})`);
}

function isScalar(field: DescField, scalar: ScalarType): boolean {
  return field.fieldKind === 'scalar' && field.scalar === scalar;
}

function isString(field: DescField): boolean {
  return isScalar(field, ScalarType.STRING);
}

function isBool(field: DescField): boolean {
  return isScalar(field, ScalarType.BOOL);
}

function isMessage(field: DescField, typeName: string): boolean {
  return field.fieldKind === 'message' && field.message.typeName === typeName;
}

function isListOf(field: DescField, message: DescMessage): boolean {
  return field.fieldKind === 'list' && field.listKind === 'message' && field.message.typeName === message.typeName;
}

/** `MedicationOrder` as `medication_order`. */
export function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase();
}
