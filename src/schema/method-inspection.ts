import { type DescField, type DescMessage, type DescMethod, ScalarType } from '@bufbuild/protobuf';
import type { IndexDefinition, MethodDefinition, WriteMethod } from './definition.ts';

/** A served resource as far as its methods need it. */
export interface MethodsOwner {
  readonly message: DescMessage;
  /** The plural of `google.api.resource`, empty if it has none. */
  readonly plural: string;
  /** Whether records live below a parent. */
  readonly hasParent: boolean;
  readonly indexes: readonly IndexDefinition[];
}

/** Where a method's messages are looked at; mistakes are collected, never thrown. */
export interface Inspection {
  readonly owner: MethodsOwner;
  readonly method: DescMethod;
  readonly label: string;
  readonly aip: number;
  readonly mistakes: string[];
  /** Fields of the request that were asked for. */
  readonly known: Set<string>;
}

/** The method itself. */
export function baseOf({ method }: Inspection): MethodDefinition {
  const path = `/${method.parent.typeName}/${method.name}`;
  return { path, method, input: method.input, output: method.output };
}

/** What the method must return. */
export function requireOutput(inspection: Inspection, typeName: string): void {
  const { output } = inspection.method;
  if (output.typeName !== typeName) report(inspection, `returns ${output.typeName}, not ${typeName}`);
}

/** The request's field of the resource itself. */
export function requireResource(inspection: Inspection): DescField | undefined {
  const { message } = inspection.owner;
  const isResource = (field: DescField): boolean => isMessage(field, message.typeName);
  return requireField(inspection, snakeCase(message.name), isResource, message.name);
}

/** The fields that any request of a write may have: `validate_only` (AIP-163) and `request_id` (AIP-155). */
export function writeOptions(inspection: Inspection): Pick<WriteMethod, 'validateOnly' | 'requestId'> {
  const validateOnly = optionalField(inspection, 'validate_only', isBool, 'bool');
  const requestId = optionalField(inspection, 'request_id', isString, 'string');
  return { ...(validateOnly && { validateOnly }), ...(requestId && { requestId }) };
}

/** A field that the request must have; undefined: it lacks it, or it is of another type. */
export function requireField(
  inspection: Inspection,
  name: string,
  fits: (field: DescField) => boolean,
  type: string,
): DescField | undefined {
  const field = optionalField(inspection, name, fits, type);
  if (!inspection.known.has(name)) report(inspection, `its request has no field "${type} ${name}"`);
  return field;
}

/** A field that the request may have. */
export function optionalField(
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

/** Fields that nothing was asked of would be read by nobody. */
export function reportUnknownFields(inspection: Inspection): void {
  for (const field of inspection.method.input.fields) {
    if (!inspection.known.has(field.name)) report(inspection, `its request's field "${field.name}" is not served`);
  }
}

/** Notes a mistake. */
export function report({ label, aip, mistakes }: Inspection, text: string): void {
  mistakes.push(`${label}: ${text} (AIP-${aip})`);
}

/** Whether a field is one scalar of this type. */
export function isScalar(field: DescField, scalar: ScalarType): boolean {
  return field.fieldKind === 'scalar' && field.scalar === scalar;
}

/** Whether a field is one string. */
export function isString(field: DescField): boolean {
  return isScalar(field, ScalarType.STRING);
}

/** Whether a field is one bool. */
export function isBool(field: DescField): boolean {
  return isScalar(field, ScalarType.BOOL);
}

/** Whether a field is one message of this type. */
export function isMessage(field: DescField, typeName: string): boolean {
  return field.fieldKind === 'message' && field.message.typeName === typeName;
}

/** Whether a field is a list of messages of this type. */
export function isListOf(field: DescField, message: Pick<DescMessage, 'typeName'>): boolean {
  return field.fieldKind === 'list' && field.listKind === 'message' && field.message.typeName === message.typeName;
}

/** `MedicationOrder` as `medication_order`. */
export function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toLowerCase();
}
