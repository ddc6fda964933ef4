import { enumValueName } from '../../schema/field-shape.ts';
import { MAX_REMEMBERED } from '../../stores/remembered-requests.ts';
import { batchMessages, batchMethods } from './batch-proto.ts';
import { linesOf } from './field-comment.ts';
import { type LookupWording, lookupMessages, lookupMethod } from './lookup-proto.ts';
import { camelName, pascalName, spokenName } from './naming.ts';
import type { EnumPlan, FieldPlan, InitSettings, PatternPart, TablePlan } from './plan.ts';
import type {
  ColumnOption,
  ProtoEnum,
  ProtoField,
  ProtoFile,
  ProtoMessage,
  ProtoMethod,
  ProtoType,
} from './proto-model.ts';
import { pageSizeComment, parentField, request, type Wording } from './proto-wording.ts';

/** Packages of the imports, in the order of their files. */
const IMPORTS = [
  'crossfade/v1alpha1/options.proto',
  'google/api/client.proto',
  'google/api/field_behavior.proto',
  'google/api/field_info.proto',
  'google/api/resource.proto',
  'google/protobuf/empty.proto',
];
/** Comes first: sorted by path. */
const VALIDATE = 'buf/validate/validate.proto';
const FIELD_MASK = 'google/protobuf/field_mask.proto';
const TIMESTAMP = 'google/protobuf/timestamp.proto';

/** The proto file of one table. */
export function resourceProto(plan: TablePlan, settings: InitSettings): ProtoFile {
  const wording = wordingOf(plan, settings);
  const { names } = plan;
  const usesTimestamp = plan.fields.some(({ type }) => type.shape === 'timestamp');
  return {
    path: `${settings.packageName.replaceAll('.', '/')}/${names.file}`,
    packageName: settings.packageName,
    comment: [
      `The rows of the MySQL table ${plan.schema}.${plan.table}.`,
      'Written by crossfade init, which is run again after the table has changed: field numbers never move.',
    ],
    imports: [
      ...(plan.fields.some(({ rules }) => rules !== undefined) ? [VALIDATE] : []),
      ...IMPORTS,
      ...(wording.updatable ? [FIELD_MASK] : []),
      ...(usesTimestamp ? [TIMESTAMP] : []),
    ],
    service: {
      name: names.service,
      comment: [plan.comment === '' ? `The ${wording.plural}.` : plan.comment],
      methods: methodsOf(wording),
    },
    messages: [resourceMessage(wording), ...requestsOf(wording)],
  };
}

function wordingOf(plan: TablePlan, settings: InitSettings): Wording {
  const spoken = spokenName(plan.names.singular);
  const pattern = patternOf(plan.parts);
  return {
    plan,
    type: `${settings.host}/${plan.names.message}`,
    the: `the ${spoken}`,
    a: `${/^[aeiou]/.test(spoken) ? 'an' : 'a'} ${spoken}`,
    plural: spokenName(plan.names.plural),
    pattern,
    parentPattern: patternOf(plan.parts.slice(0, -1)),
    updatable: plan.fields.some(({ behavior }) => behavior !== 'OUTPUT_ONLY'),
  };
}

/** `actors/{actor}/filmActors/{film_actor}`. */
export function patternOf(parts: readonly PatternPart[]): string {
  return parts.map(({ collection, variable }) => `${collection}/{${variable}}`).join('/');
}

function methodsOf(wording: Wording): ProtoMethod[] {
  const { plan, a, plural, parentPattern, updatable } = wording;
  const { message, singular, plural: pluralName } = plan.names;
  const list = `List${pascalName(pluralName)}`;
  const parent = parentPattern === '' ? '' : 'parent,';
  const own = plan.parts.at(-1)?.column ?? '';
  const methods: ProtoMethod[] = [
    {
      name: `Get${message}`,
      comment: [`Gets ${a}.`],
      input: `Get${message}Request`,
      output: message,
      signature: 'name',
    },
    {
      name: list,
      comment: [`Lists ${plural}${parentPattern === '' ? '' : ' of one parent'} by ascending ${own}.`],
      input: `${list}Request`,
      output: `${list}Response`,
      signature: parentPattern === '' ? '' : 'parent',
    },
    {
      name: `Create${message}`,
      comment: [`Creates ${a}.`],
      input: `Create${message}Request`,
      output: message,
      signature: `${parent}${singular},${singular}_id`,
    },
    {
      name: `Update${message}`,
      comment: [`Updates fields of ${a}.`],
      input: `Update${message}Request`,
      output: message,
      signature: `${singular},update_mask`,
    },
    {
      name: `Delete${message}`,
      comment: [`Deletes ${a}.`],
      input: `Delete${message}Request`,
      output: 'google.protobuf.Empty',
      signature: 'name',
    },
    ...batchMethods(wording),
  ];
  const lookups = plan.indexes.length === 0 ? [] : [lookupMethod(lookupWording(plan))];
  return [...methods.filter(({ name }) => updatable || name !== `Update${message}`), ...lookups];
}

function lookupWording(plan: TablePlan): LookupWording {
  const { plural, message } = plan.names;
  return {
    plan,
    method: `Lookup${pascalName(plural)}`,
    plural: spokenName(plural),
    typeOf: ({ field }) => {
      const type: ProtoType = field === undefined ? { scalar: 'string' } : protoType(field);
      if ('message' in type) return { type };
      return { type: 'enum' in type ? { ...type, of: message } : type, label: 'optional' };
    },
  };
}

function resourceMessage({ plan, type, pattern, a }: Wording): ProtoMessage {
  const { names, parts, target } = plan;
  const parents = parts.slice(0, -1).map(({ variable }) => variable);
  return {
    name: names.message,
    comment: [plan.comment === '' ? `${capital(a)}: a row of ${plan.table}.` : plan.comment],
    resource: { type, pattern, singular: camelName(names.singular), plural: camelName(names.plural) },
    storage: {
      id: names.id,
      mysql: { schema: plan.schema, table: plan.table },
      ...(target && {
        cassandra: { ...target, partitionKey: parents, clusteringKey: parts.slice(-1).map(({ variable }) => variable) },
      }),
      key: parts.map((part) => ({ variable: part.variable, ...columnOption(part.variable, part) })),
      indexes: plan.indexes.map((index) => ({ name: index.name, fields: index.fields.map((field) => field.name) })),
    },
    enums: plan.fields.flatMap((field) => (field.type.enum === undefined ? [] : [protoEnum(field.type.enum, field)])),
    fields: [
      {
        name: 'name',
        number: 1,
        type: { scalar: 'string' },
        comment: [`The resource name, \`${pattern}\`:`, ...parts.map(partComment)],
        behavior: 'IDENTIFIER',
      },
      {
        name: 'etag',
        number: 2,
        type: { scalar: 'string' },
        comment: [
          'Computed from the record’s content, the same in either store. Sent with an update or a delete, it makes sure that',
          'the record is still the one that was read.',
        ],
        behavior: 'OPTIONAL',
      },
      ...plan.fields.map(resourceField),
    ],
    reservedNumbers: plan.reserved.numbers,
    reservedNames: plan.reserved.names,
  };
}

function partComment({ variable, column, looks }: PatternPart, index: number, all: readonly PatternPart[]): string {
  return `\`${variable}\` is the column ${column}, ${looks}${index === all.length - 1 ? '.' : ';'}`;
}

function resourceField(field: FieldPlan): ProtoField {
  const storage = columnOption(field.name, field);
  const { shape, optional } = field.type;
  const label = shape === 'strings' ? 'repeated' : optional ? 'optional' : undefined;
  return {
    name: field.name,
    number: field.number,
    type: protoType(field),
    ...(label && { label }),
    comment: field.comment,
    behavior: field.behavior,
    ...(field.rules && { rules: field.rules }),
    ...(Object.keys(storage).length > 0 && { storage }),
  };
}

function protoType({ type }: FieldPlan): ProtoType {
  switch (type.shape) {
    case 'enum':
      return { enum: type.enum?.name ?? '' };
    case 'timestamp':
      return { message: 'google.protobuf.Timestamp' };
    case 'duration':
      return { message: 'google.protobuf.Duration' };
    case 'strings':
      return { scalar: 'string' };
    default:
      return { scalar: type.shape };
  }
}

/** What the options must say of a column because their defaults say something else. */
function columnOption(
  defaultName: string,
  {
    column,
    cassandraColumn,
    format,
    zeroDates,
  }: Pick<PatternPart, 'column' | 'cassandraColumn' | 'format'> & Pick<FieldPlan, 'zeroDates'>,
): ColumnOption {
  return {
    ...(column !== defaultName && { mysqlColumn: column }),
    ...(cassandraColumn !== column && { cassandraColumn }),
    ...(format === 'uuid' && { uuid: true as const }),
    ...(zeroDates && { zeroDates }),
  };
}

function protoEnum({ name, values, reserved }: EnumPlan, field: FieldPlan): ProtoEnum {
  return {
    name,
    comment: [`The labels of the column ${field.column}.`],
    values: [
      { name: enumValueName(name, 'unspecified'), number: 0, comment: ['Not said.'] },
      ...values.map((value) => ({
        name: value.name,
        number: value.number,
        comment: linesOf(`The label ${value.label}.`),
      })),
    ],
    reservedNumbers: reserved.numbers,
    reservedNames: reserved.names,
  };
}

function requestsOf(wording: Wording): ProtoMessage[] {
  const messages = [getRequest(wording), ...listMessages(wording), createRequest(wording)];
  const updates = wording.updatable ? [updateRequest(wording)] : [];
  const { plan } = wording;
  const lookups = plan.indexes.length === 0 ? [] : lookupMessages(lookupWording(plan));
  return [...messages, ...updates, deleteRequest(wording), ...batchMessages(wording), ...lookups];
}

function nameField({ the, type, pattern }: Wording): ProtoField {
  return {
    name: 'name',
    number: 1,
    type: { scalar: 'string' },
    comment: [`The name of ${the}: \`${pattern}\`.`],
    behavior: 'REQUIRED',
    reference: { type },
  };
}

/** Of every request that writes. */
const VALIDATE_ONLY: ProtoField = {
  name: 'validate_only',
  number: 5,
  type: { scalar: 'bool' },
  comment: ['Whether the request is only checked: nothing is written, and the answer is what would be.'],
  behavior: 'OPTIONAL',
};

function getRequest(wording: Wording): ProtoMessage {
  return request(`Get${wording.plan.names.message}Request`, [nameField(wording)]);
}

function listMessages(wording: Wording): ProtoMessage[] {
  const { plan, plural } = wording;
  const method = `List${pascalName(plan.names.plural)}`;
  const optional = { behavior: 'OPTIONAL' } as const;
  return [
    request(`${method}Request`, [
      ...parentField(wording),
      {
        name: 'page_size',
        number: 2,
        type: { scalar: 'int32' },
        comment: pageSizeComment(plural),
        ...optional,
      },
      {
        name: 'page_token',
        number: 3,
        type: { scalar: 'string' },
        comment: ['The `next_page_token` of an earlier answer to the same request.'],
        ...optional,
      },
      {
        name: 'order_by',
        number: 4,
        type: { scalar: 'string' },
        comment: [
          `How the ${plural} are ordered: \`${plan.parts.at(-1)?.variable}\` or \`name\`, also with \` desc\`. Default: ascending.`,
        ],
        ...optional,
      },
      {
        name: 'filter',
        number: 5,
        type: { scalar: 'string' },
        comment: [
          `Which ${plural} are listed, by their fields: AIP-160’s comparisons with AND, OR, NOT and parentheses. Default: all.`,
          'A page may hold fewer than `page_size`, or none, and still have a next one.',
        ],
        ...optional,
      },
    ]),
    request(
      `${method}Response`,
      [
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
      'Response message',
    ),
  ];
}

function createRequest(wording: Wording): ProtoMessage {
  const { plan, the } = wording;
  const { message, singular } = plan.names;
  const id = `${singular}_id`;
  const from = wording.parentPattern === '' ? `\`${id}\`` : `\`parent\` and \`${id}\``;
  return request(`Create${message}Request`, [
    ...parentField(wording),
    {
      name: id,
      number: 2,
      type: { scalar: 'string' },
      comment: [
        `The last part of the new name: ${plan.parts.at(-1)?.looks}.`,
        ...(plan.numbered ? ['Without it the service gives a number; `request_id` and `validate_only` need it.'] : []),
      ],
      behavior: plan.numbered ? 'OPTIONAL' : 'REQUIRED',
    },
    {
      name: singular,
      number: 3,
      type: { message },
      comment: [`${capital(the)}. Its name is taken from ${from}, not from here.`],
      behavior: 'REQUIRED',
    },
    requestIdField(),
    VALIDATE_ONLY,
  ]);
}

function updateRequest({ plan, the }: Wording): ProtoMessage {
  const { message, singular } = plan.names;
  return request(`Update${message}Request`, [
    {
      name: singular,
      number: 1,
      type: { message },
      comment: [`${capital(the)} with its name and the new values. If it has an etag, the record must still have it.`],
      behavior: 'REQUIRED',
    },
    {
      name: 'update_mask',
      number: 2,
      type: { message: 'google.protobuf.FieldMask' },
      comment: ['The fields to update. Without it: all fields that are set. `*`: all fields.'],
      behavior: 'OPTIONAL',
    },
    {
      name: 'allow_missing',
      number: 3,
      type: { scalar: 'bool' },
      comment: ['Whether the record is created if it does not exist; the mask does not count then.'],
      behavior: 'OPTIONAL',
    },
    requestIdField(),
    VALIDATE_ONLY,
  ]);
}

function deleteRequest(wording: Wording): ProtoMessage {
  return request(`Delete${wording.plan.names.message}Request`, [
    nameField(wording),
    {
      name: 'etag',
      number: 2,
      type: { scalar: 'string' },
      comment: ['If given, the record is deleted only if it still has this etag.'],
      behavior: 'OPTIONAL',
    },
    requestIdField(),
    { ...VALIDATE_ONLY, comment: ['Whether the request is only checked: nothing is deleted.'] },
  ]);
}

/** AIP-155, with the number that every request has it under. */
function requestIdField(): ProtoField {
  return {
    name: 'request_id',
    number: 4,
    type: { scalar: 'string' },
    comment: [
      'Names this request, a UUID of version 4, so that it can be sent again after an unknown outcome: it is not done twice.',
      `The record remembers its last ${MAX_REMEMBERED}, for an hour.`,
    ],
    behavior: 'OPTIONAL',
    format: 'UUID4',
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
