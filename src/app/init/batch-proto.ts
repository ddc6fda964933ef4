import { MAX_BATCH_READS } from '../../records/batch-service.ts';
import { MAX_BATCH_CHANGES } from '../../stores/record-store.ts';
import { pascalName } from './naming.ts';
import type { ProtoField, ProtoMessage, ProtoMethod } from './proto-model.ts';
import { parentField, request, type Wording } from './proto-wording.ts';

/** The batch methods of a resource: those that are written are for records of one parent, as only they are in one partition. */
export function batchMethods(wording: Wording): ProtoMethod[] {
  const { plural, plan } = wording;
  const many = pascalName(plan.names.plural);
  return verbsOf(wording).map((verb) => ({
    name: `Batch${verb}${many}`,
    comment: [`${verb}s several ${plural}${verb === 'Get' ? '' : ' of one parent'}, all or none.`],
    input: `Batch${verb}${many}Request`,
    output: verb === 'Delete' ? 'google.protobuf.Empty' : `Batch${verb}${many}Response`,
    signature: verb === 'Get' ? 'parent,names' : 'parent,requests',
  }));
}

/** Their messages. */
export function batchMessages(wording: Wording): ProtoMessage[] {
  const { plan } = wording;
  const many = pascalName(plan.names.plural);
  return verbsOf(wording).flatMap((verb) => {
    const asked = request(`Batch${verb}${many}Request`, [
      ...(verb === 'Get' ? readParent(wording) : parentField(wording)),
      verb === 'Get' ? namesField(wording) : requestsField(wording, verb),
    ]);
    return verb === 'Delete' ? [asked] : [asked, response(wording, `Batch${verb}${many}Response`)];
  });
}

type Verb = 'Get' | 'Create' | 'Update' | 'Delete';

function verbsOf({ parentPattern, updatable }: Wording): readonly Verb[] {
  if (parentPattern === '') return [];
  return ['Get', 'Create', ...(updatable ? (['Update'] as const) : []), 'Delete'];
}

/** A batch that is read may leave the parent out. */
function readParent(wording: Wording): ProtoField[] {
  return parentField(wording).map((field) => ({
    ...field,
    comment: [...field.comment, 'Without it they may be of several parents.'],
    behavior: 'OPTIONAL',
  }));
}

function namesField({ type, plural }: Wording): ProtoField {
  return {
    name: 'names',
    number: 2,
    type: { scalar: 'string' },
    label: 'repeated',
    comment: [`The names of the ${plural}: at least one, at most ${MAX_BATCH_READS}.`],
    behavior: 'REQUIRED',
    reference: { type },
  };
}

function requestsField({ plan }: Wording, verb: Exclude<Verb, 'Get'>): ProtoField {
  const once = verb === 'Create' ? 'The parent of each is empty or that of the batch.' : 'Each record once.';
  return {
    name: 'requests',
    number: 2,
    type: { message: `${verb}${plan.names.message}Request` },
    label: 'repeated',
    comment: [`What to ${verb.toLowerCase()}: at least one record, at most ${MAX_BATCH_CHANGES}. ${once}`],
    behavior: 'REQUIRED',
  };
}

function response({ plan, plural }: Wording, name: string): ProtoMessage {
  const field: ProtoField = {
    name: plan.names.plural,
    number: 1,
    type: { message: plan.names.message },
    label: 'repeated',
    comment: [`The ${plural}, in the order of the request.`],
  };
  return request(name, [field], 'Response message');
}
