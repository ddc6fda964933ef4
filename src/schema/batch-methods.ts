import { type DescField, ScalarType } from '@bufbuild/protobuf';
import type { StandardMethods } from './definition.ts';
import {
  baseOf,
  type Inspection,
  isListOf,
  isString,
  optionalField,
  report,
  requireField,
  requireOutput,
} from './method-inspection.ts';

/** The methods of AIP-231 and AIP-233 to AIP-235. */
export type BatchVerb = 'BatchGet' | 'BatchCreate' | 'BatchUpdate' | 'BatchDelete';

/** What looks at each of them; `methods`: those of single records, whose requests it is made of. */
export const BATCH_INSPECTORS: {
  readonly BatchGet: (inspection: Inspection) => StandardMethods['batchGet'];
  readonly BatchCreate: (inspection: Inspection, methods: StandardMethods) => StandardMethods['batchCreate'];
  readonly BatchUpdate: (inspection: Inspection, methods: StandardMethods) => StandardMethods['batchUpdate'];
  readonly BatchDelete: (inspection: Inspection, methods: StandardMethods) => StandardMethods['batchDelete'];
} = {
  BatchGet: (inspection) => {
    const parent = parentField(inspection);
    const names = requireField(inspection, 'names', isStrings, 'repeated string');
    const items = inspectItems(inspection);
    if (names === undefined || items === undefined) return undefined;
    return { ...baseOf(inspection), names, items, ...(parent && { parent }) };
  },
  BatchCreate: (inspection, { create }) => {
    const parts = partsOf(inspection, 'Create', create);
    const items = inspectItems(inspection);
    return parts && items && create && { ...baseOf(inspection), ...parts, items, each: create };
  },
  BatchUpdate: (inspection, { update }) => {
    const parts = partsOf(inspection, 'Update', update);
    const items = inspectItems(inspection);
    return parts && items && update && { ...baseOf(inspection), ...parts, items, each: update };
  },
  BatchDelete: (inspection, { delete: remove }) => {
    requireOutput(inspection, 'google.protobuf.Empty');
    const names = optionalField(inspection, 'names', isStrings, 'repeated string');
    if (names !== undefined) {
      const parent = parentField(inspection);
      return { ...baseOf(inspection), names, ...(parent && { parent }) };
    }
    const parts = partsOf(inspection, 'Delete', remove);
    return parts && remove && { ...baseOf(inspection), ...parts, each: remove };
  },
};

/** A batch's parent, which all of its records have. */
function parentField(inspection: Inspection): DescField | undefined {
  if (!inspection.owner.hasParent) return undefined;
  return requireField(inspection, 'parent', isString, 'string');
}

/** The fields `parent` and `requests`, the latter of the method for one record. */
function partsOf(
  inspection: Inspection,
  verb: string,
  single: { readonly input: { readonly typeName: string } } | undefined,
): { readonly requests: DescField; readonly parent?: DescField } | undefined {
  const name = `${verb}${inspection.owner.message.name}`;
  const parent = parentField(inspection);
  if (single === undefined) {
    report(inspection, `no service has the method ${name}, of whose requests it is made`);
    inspection.known.add('requests');
    return undefined;
  }
  const isOfIt = (field: DescField): boolean => isListOf(field, single.input);
  const requests = requireField(inspection, 'requests', isOfIt, `repeated ${name}Request`);
  return requests && { requests, ...(parent && { parent }) };
}

function inspectItems(inspection: Inspection): DescField | undefined {
  const { owner, method } = inspection;
  const items = method.output.fields.find((field) => isListOf(field, owner.message));
  if (items === undefined) report(inspection, `its response has no "repeated ${owner.message.name}" field`);
  for (const field of method.output.fields) {
    if (field !== items) report(inspection, `its response's field "${field.name}" is not served`);
  }
  return items;
}

function isStrings(field: DescField): boolean {
  return field.fieldKind === 'list' && field.listKind === 'scalar' && field.scalar === ScalarType.STRING;
}

/**
 * Why a resource can't have batch writes: they are atomic in either store, and Cassandra is within one partition alone. Null: it
 * can. `buckets`: of the target's table, if there is one. The one place that knows which records share a partition; each method that is refused is named.
 */
export function batchMistakes(
  methods: StandardMethods,
  of: { readonly hasParent: boolean; readonly buckets: number | undefined },
): readonly string[] {
  if (of.hasParent || (of.buckets ?? 1) <= 1) return [];
  const { batchCreate, batchUpdate, batchDelete } = methods;
  return [batchCreate, batchUpdate, batchDelete].flatMap((method) =>
    method === undefined
      ? []
      : [
          `${method.path.slice(1).replace('/', '.')}: the records are in ${of.buckets} partitions of Cassandra, so no write of several can be atomic there: remove the method, or set storage.cassandra.buckets to 1`,
        ],
  );
}
