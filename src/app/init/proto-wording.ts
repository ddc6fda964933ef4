import type { TablePlan } from './plan.ts';
import type { ProtoField, ProtoMessage } from './proto-model.ts';

/** What the texts about one resource have in common. */
export interface Wording {
  readonly plan: TablePlan;
  /** `google.api.resource.type`. */
  readonly type: string;
  /** `the film`. */
  readonly the: string;
  /** `a film`. */
  readonly a: string;
  readonly plural: string;
  /** `actors/{actor}/filmActors/{film_actor}`. */
  readonly pattern: string;
  /** `actors/{actor}`; empty: there is no parent. */
  readonly parentPattern: string;
  /** Whether there is anything to update. */
  readonly updatable: boolean;
}

/** A request, or a response, with these fields. */
export function request(name: string, fields: readonly ProtoField[], what = 'Request message'): ProtoMessage {
  const method = name.replace(/(Request|Response)$/, '');
  return { name, comment: [`${what} for ${method}.`], enums: [], fields, reservedNumbers: [], reservedNames: [] };
}

/** The field `parent` with number 1; none without a parent, whose number stays free. */
export function parentField({ type, parentPattern, plural }: Wording): ProtoField[] {
  if (parentPattern === '') return [];
  return [
    {
      name: 'parent',
      number: 1,
      type: { scalar: 'string' },
      comment: [`The parent of the ${plural}: \`${parentPattern}\`.`],
      behavior: 'REQUIRED',
      reference: { childType: type },
    },
  ];
}
