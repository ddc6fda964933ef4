import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { NamePart } from '../domain/resource.ts';
import type { Storage } from '../gen/crossfade/v1alpha1/options_pb.ts';
import type { IndexDefinition, IndexedField } from './definition.ts';

/** So that the name of the index's table in Cassandra has room for the resource's own. */
const NAME = /^[a-z][a-z0-9_]{0,23}$/;
/** As many as a key of MySQL has columns, at most. */
const MAX_FIELDS = 16;
/** Each is one more write of every copy of a record. */
export const MAX_INDEXES = 16;
/** Fields that no column holds. */
const UNSTORED = ['name', 'etag'];

/** The indexes that a message's options name, as far as the proto alone can tell. */
export function indexesOf(
  storage: Storage,
  message: DescMessage,
  name: readonly NamePart[],
  report: (text: string) => void,
): IndexDefinition[] {
  if (storage.index.length > MAX_INDEXES) report(`has ${storage.index.length} indexes: at most ${MAX_INDEXES}`);
  const seen = new Map<string, string>();
  return storage.index.map(({ name: indexName, fields, unique }) => {
    const label = `the index "${indexName}"`;
    const tell = (text: string): void => report(`${label} ${text}`);
    if (!NAME.test(indexName)) tell('has no good name: lower-case letters, digits and _, at most 24');
    if (seen.has(`name ${indexName}`)) tell('is there twice');
    seen.set(`name ${indexName}`, indexName);
    if (fields.length === 0 || fields.length > MAX_FIELDS) tell(`has ${fields.length} fields: 1 to ${MAX_FIELDS}`);
    if (new Set(fields).size < fields.length) tell('names a field twice');
    const set = [...fields].sort().join();
    const other = seen.get(`fields ${set}`);
    if (other !== undefined) tell(`has the same fields as "${other}": a lookup could not tell them apart`);
    seen.set(`fields ${set}`, indexName);
    return { name: indexName, unique, fields: fields.flatMap((field) => indexedField(field, message, name, tell)) };
  });
}

function indexedField(
  name: string,
  message: DescMessage,
  pattern: readonly NamePart[],
  tell: (text: string) => void,
): IndexedField[] {
  const field: DescField | undefined = UNSTORED.includes(name)
    ? undefined
    : message.fields.find((each) => each.name === name);
  if (field !== undefined) return [{ name, field }];
  if (pattern.some(({ variable }) => variable === name)) return [{ name, field: null }];
  tell(`names "${name}", which is no stored field and no variable of the name pattern`);
  return [];
}
