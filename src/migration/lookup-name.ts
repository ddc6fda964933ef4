import { createHash } from 'node:crypto';
import { createIndexCodecs } from '../domain/index-entry.ts';
import type { Resource } from '../domain/resource.ts';
import type { LookupQuery } from '../stores/record-store.ts';

/** What the flags see in a record's name's place for a lookup: the same for the same values, which it does not show. */
export function createLookupNames(resource: Resource): (query: LookupQuery) => string {
  const codecs = new Map(createIndexCodecs(resource).map((codec) => [codec.index.name, codec]));
  return ({ index, values }) => {
    const entry = codecs.get(index.name)?.entryOfValues(values) ?? '';
    return `${resource.id}:${index.name}:${createHash('sha256').update(entry).digest('hex')}`;
  };
}
