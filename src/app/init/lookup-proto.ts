import { spokenName } from './naming.ts';
import type { IndexedFieldPlan, TablePlan } from './plan.ts';
import type { ProtoField, ProtoMessage, ProtoMethod } from './proto-model.ts';
import { pageSizeComment } from './proto-wording.ts';

/** What the texts about lookups need. */
export interface LookupWording {
  readonly plan: TablePlan;
  /** `LookupFilms`. */
  readonly method: string;
  /** `films`. */
  readonly plural: string;
  /** The type of a field's values, and its label. */
  readonly typeOf: (field: IndexedFieldPlan) => Pick<ProtoField, 'type' | 'label'>;
}

/** The method that looks records up by the table's unique keys. */
export function lookupMethod({ method, plural, plan }: LookupWording): ProtoMethod {
  const choices = plan.indexes.map(({ fields }) => fields.map(({ name }) => name).join(' and ')).join('; or by ');
  return {
    name: method,
    comment: [`Finds ${plural} by ${choices}.`],
    input: `${method}Request`,
    output: `${method}Response`,
    signature: '',
  };
}

/** Its messages. */
export function lookupMessages(wording: LookupWording): ProtoMessage[] {
  const { plan, method, plural, typeOf } = wording;
  const fields = new Map(plan.indexes.flatMap((index) => index.fields).map((field) => [field.name, field]));
  const indexed = [...fields.values()].sort((a, b) => a.number - b.number);
  const none = { enums: [], reservedNumbers: [], reservedNames: [] };
  return [
    {
      ...none,
      name: `${method}Request`,
      comment: [`Request message for ${method}. The fields of one unique key must be set, and no others.`],
      fields: [
        {
          name: 'page_size',
          number: 1,
          type: { scalar: 'int32' },
          comment: pageSizeComment(plural),
          behavior: 'OPTIONAL',
        },
        {
          name: 'page_token',
          number: 2,
          type: { scalar: 'string' },
          comment: ['The `next_page_token` of an earlier answer to the same request.'],
          behavior: 'OPTIONAL',
        },
        ...indexed.map((field): ProtoField => {
          return {
            name: field.name,
            number: field.number,
            ...typeOf(field),
            comment: [`The ${spokenName(field.name)} that is looked for, exactly as it is.`],
            behavior: 'OPTIONAL',
          };
        }),
      ],
      reservedNumbers: plan.lookupReserved.numbers,
      reservedNames: plan.lookupReserved.names,
    },
    {
      ...none,
      name: `${method}Response`,
      comment: [`Response message for ${method}.`],
      fields: [
        {
          name: plan.names.plural,
          number: 1,
          type: { message: plan.names.message },
          label: 'repeated',
          comment: [`The ${plural} of the page.`],
        },
        {
          name: 'next_page_token',
          number: 2,
          type: { scalar: 'string' },
          comment: ['For the next page; empty if this is the last one.'],
        },
      ],
    },
  ];
}
