import {
  type DescField,
  type DescMessage,
  type FileRegistry,
  getOption,
  hasOption,
  ScalarType,
} from '@bufbuild/protobuf';
import type { CassandraPlace, NamePart } from '../domain/resource.ts';
import {
  type CassandraTable,
  field as fieldOption,
  KeyFormat,
  type Storage,
  storage as storageOption,
  ZeroDates,
} from '../gen/crossfade/v1alpha1/options_pb.ts';
import { FieldBehavior, field_behavior } from '../gen/google/api/field_behavior_pb.ts';
import { type ResourceDescriptor, resource as resourceOption } from '../gen/google/api/resource_pb.ts';
import { batchMistakes } from './batch-methods.ts';
import type { ColumnFormat, FieldDefinition, KeyDefinition, ResourceDefinition } from './definition.ts';
import { indexesOf } from './index-definitions.ts';
import type { MethodsOwner } from './method-inspection.ts';
import { parsePattern } from './name-pattern.ts';
import { createRequestRules } from './request-rules.ts';
import { findMethods, ownerOfMethod } from './standard-methods.ts';

/** The resources of an image, and everything that is wrong with them; serve nothing if there are mistakes. */
export interface FoundDefinitions {
  readonly definitions: readonly ResourceDefinition[];
  readonly mistakes: readonly string[];
}

const ID = /^[a-z][a-z0-9_]{0,39}$/;
/** The most partitions that records without a parent are spread over: a list asks all of them. */
export const MAX_BUCKETS = 256;
/** Fields that no column holds. */
const UNSTORED = ['name', 'etag'];

/** A message with its options, on its way to a definition. */
interface Candidate extends MethodsOwner {
  readonly storage: Storage;
  readonly type: ResourceDescriptor;
  readonly name: readonly NamePart[];
}

/**
 * Finds the resources: messages with `google.api.resource` and `crossfade.v1alpha1.storage`, and their standard methods.
 * Looks at the proto alone; whether fields fit the table's columns is said by {@link bindResource}.
 */
export function findDefinitions(registry: FileRegistry): FoundDefinitions {
  const mistakes: string[] = [];
  const candidates: Candidate[] = [];
  const services = [];
  for (const type of registry) {
    if (type.kind === 'service') services.push(type);
    if (type.kind !== 'message' || !hasOption(type, storageOption)) continue;
    const candidate = candidateOf(type, mistakes);
    if (candidate !== undefined) candidates.push(candidate);
  }
  const rules = createRequestRules(registry, mistakes);
  const serving = services.filter((service) => service.methods.some((method) => ownerOfMethod(method, candidates)));
  for (const method of serving.flatMap((service) => service.methods)) {
    if (ownerOfMethod(method, candidates) !== undefined) continue;
    mistakes.push(`${method.parent.typeName}.${method.name}: is not a standard method of a stored resource`);
  }
  const definitions = candidates.flatMap((candidate) => {
    const { methods, mistakes: methodMistakes } = findMethods(serving, candidate);
    mistakes.push(...methodMistakes);
    // Compiled here, so that a rule which can't be is told of at the start.
    for (const method of Object.values(methods)) if (method !== undefined) rules.of(method.input);
    return define(candidate, { methods, rules }, mistakes) ?? [];
  });
  reportDuplicates(definitions, mistakes);
  if (candidates.length === 0 && mistakes.length === 0) {
    mistakes.push('the image has no message with the option crossfade.v1alpha1.storage');
  }
  return { definitions, mistakes };
}

function candidateOf(message: DescMessage, mistakes: string[]): Candidate | undefined {
  const storage = getOption(message, storageOption);
  if (!hasOption(message, resourceOption)) {
    mistakes.push(`${message.typeName}: has the option storage, but not google.api.resource with its name pattern`);
    return undefined;
  }
  const type = getOption(message, resourceOption);
  const [pattern] = type.pattern;
  const report = (text: string): void => void mistakes.push(`${message.typeName}: ${text}`);
  const name = type.pattern.length === 1 && pattern !== undefined ? parsePattern(pattern) : undefined;
  if (name === undefined) {
    mistakes.push(
      `${message.typeName}: needs exactly one name pattern of collections and variables by turns, such as "patients/{patient}/medications/{medication}"`,
    );
    return undefined;
  }
  const indexes = indexesOf(storage, message, name, report);
  return { message, storage, type, name, plural: type.plural, hasParent: name.length > 1, indexes };
}

function define(
  { message, storage, type, name, indexes }: Candidate,
  { methods, rules }: Pick<ResourceDefinition, 'methods' | 'rules'>,
  mistakes: string[],
): ResourceDefinition | undefined {
  const report = (text: string): void => void mistakes.push(`${message.typeName}: ${text}`);
  const id = storage.id === '' ? (name.at(-1)?.collection ?? '') : storage.id;
  if (!ID.test(id)) {
    report(`the id "${id}" is not of lower-case letters, digits and _, at most 40: set storage.id`);
  }
  if ((storage.mysql?.table ?? '') === '') report('storage.mysql.table is not set');
  if (type.nameField !== '' && type.nameField !== 'name') report('google.api.resource.name_field must be "name"');
  checkPartitioning(storage, name, report);
  mistakes.push(...batchMistakes(methods, { hasParent: name.length > 1, buckets: storage.cassandra?.buckets }));
  const nameField = plainString(message, 'name');
  if (nameField === undefined) {
    report('has no field "string name" (AIP-122)');
    return undefined;
  }
  const etagField = plainString(message, 'etag');
  if (etagField === undefined && message.field.etag !== undefined)
    report('the field etag must be a plain string (AIP-154)');
  return {
    id,
    typeName: message.typeName,
    message,
    pattern: type.pattern[0] ?? '',
    name,
    key: keyOf(storage, name, report),
    fields: storedFields(message, report),
    indexes,
    nameField,
    ...(etagField && { etagField }),
    methods,
    rules,
    mysql: { schema: storage.mysql?.schema ?? '', table: storage.mysql?.table ?? '' },
    ...(storage.cassandra && { cassandra: placeOf(storage.cassandra) }),
  };
}

function placeOf({ keyspace, table, buckets }: CassandraTable): CassandraPlace {
  return { keyspace, table, ...(buckets > 0 && { buckets }) };
}

function keyOf(storage: Storage, name: readonly NamePart[], report: (text: string) => void): KeyDefinition[] {
  const wanted = name.map((part) => part.variable);
  const given = storage.key.map((part) => part.variable);
  if (wanted.join() !== given.join()) {
    report(`storage.key must have one entry for each variable of the name pattern, in order: ${wanted.join(', ')}`);
  }
  return storage.key.map((part) => ({
    variable: part.variable,
    ...columnNames(part.variable, part.mysqlColumn, part.cassandraColumn),
    format: formatOf(part.format),
  }));
}

function checkPartitioning(storage: Storage, name: readonly NamePart[], report: (text: string) => void): void {
  const { cassandra } = storage;
  if (cassandra === undefined) return;
  const parent = name.slice(0, -1).map((part) => part.variable);
  const own = name.at(-1)?.variable ?? '';
  const { buckets } = cassandra;
  if (cassandra.table === '') report('storage.cassandra.table is not set');
  if (parent.length === 0 && (buckets < 1 || buckets > MAX_BUCKETS)) {
    report(
      `a resource without a parent has no partition key of its own: storage.cassandra.buckets must be 1 to ${MAX_BUCKETS}, one for each 50,000 records`,
    );
  } else if (parent.length > 0 && buckets > 0) {
    report('storage.cassandra.buckets is for resources without a parent: here the parent is the partition');
  }
  if (cassandra.partitionKey.join() !== parent.join()) {
    report(`storage.cassandra.partition_key must be the parent's variables, in order: ${parent.join(', ') || 'none'}`);
  }
  if (cassandra.clusteringKey.join() !== own)
    report(`storage.cassandra.clustering_key must be the last variable: ${own}`);
}

function storedFields(message: DescMessage, report: (text: string) => void): FieldDefinition[] {
  const fields = message.fields.filter((field) => !UNSTORED.includes(field.name));
  return fields
    .sort((a, b) => a.number - b.number)
    .map((field) => {
      const option = getOption(field, fieldOption);
      const behaviors = getOption(field, field_behavior);
      if (behaviors.includes(FieldBehavior.INPUT_ONLY))
        report(`the field ${field.name} is INPUT_ONLY, but what is stored is shown`);
      if (field.oneof !== undefined) report(`the field ${field.name} is part of a oneof: columns have no such thing`);
      return {
        field,
        ...columnNames(field.name, option.mysqlColumn, option.cassandraColumn),
        format: formatOf(option.format),
        outputOnly: behaviors.includes(FieldBehavior.OUTPUT_ONLY),
        required: behaviors.includes(FieldBehavior.REQUIRED),
        immutable: behaviors.includes(FieldBehavior.IMMUTABLE),
        ...zeroDatesOf(option.zeroDates),
      };
    });
}

function columnNames(name: string, mysql: string, cassandra: string): { mysqlColumn: string; cassandraColumn: string } {
  const mysqlColumn = mysql === '' ? name : mysql;
  return { mysqlColumn, cassandraColumn: cassandra === '' ? mysqlColumn : cassandra };
}

function formatOf(format: KeyFormat): ColumnFormat {
  return format === KeyFormat.UUID ? 'uuid' : 'plain';
}

function zeroDatesOf(option: ZeroDates): Pick<FieldDefinition, 'zeroDates'> {
  if (option === ZeroDates.NULL) return { zeroDates: 'null' };
  return option === ZeroDates.TEXT ? { zeroDates: 'text' } : {};
}

function plainString(message: DescMessage, name: string): DescField | undefined {
  const field = message.field[name];
  if (field?.fieldKind !== 'scalar' || field.scalar !== ScalarType.STRING || field.oneof !== undefined)
    return undefined;
  return field;
}

function reportDuplicates(definitions: readonly ResourceDefinition[], mistakes: string[]): void {
  const seen = new Map<string, string>();
  for (const { id, typeName } of definitions) {
    const other = seen.get(id);
    if (other !== undefined) mistakes.push(`${typeName}: the id "${id}" is that of ${other}: set storage.id`);
    seen.set(id, typeName);
  }
}
