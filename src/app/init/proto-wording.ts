import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../../records/record-service.ts';
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

/** What a request says of its `page_size` (AIP-158). */
export function pageSizeComment(plural: string): string[] {
  const most = MAX_PAGE_SIZE.toLocaleString('en');
  return [
    `The most ${plural} to return; fewer may come. Unspecified or 0: ${DEFAULT_PAGE_SIZE}. Values above the server’s maximum, ${most} unless its`,
    'config says otherwise, count as the maximum.',
  ];
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
