/** The resource of `protos/…/all_types.proto`: a column of every type that is carried. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Resource } from '../../src/domain/resource.ts';
import type { MysqlTableDescription } from '../../src/domain/table-description.ts';
import { bindResource } from '../../src/schema/bind-resource.ts';
import type { ResourceDefinition } from '../../src/schema/definition.ts';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';

const PROTOS = join(import.meta.dirname, 'protos');

/** CREATE TABLE of its table, without a schema. */
export const allTypesSql = readFileSync(join(PROTOS, 'all-types.sql'), 'utf8');

/** Its table as MySQL describes it, in the schema `crossfade_test`; a contract test holds it to that. */
export const allTypesTable = JSON.parse(
  readFileSync(join(PROTOS, 'all-types-description.json'), 'utf8'),
) as MysqlTableDescription;

/** The resource's definition. */
export const allTypesDefinition = definition();

/** The resource, bound to {@link allTypesTable}. */
export const allTypesResource = bound();

function definition(): ResourceDefinition {
  const found = findDefinitions(loadDescriptors(readFileSync(join(PROTOS, 'all-types.binpb'))));
  const [only] = found.definitions;
  if (only === undefined || found.mistakes.length > 0) throw new Error(found.mistakes.join('\n'));
  return only;
}

function bound(): Resource {
  const result = bindResource(definition(), allTypesTable);
  if ('mistakes' in result) throw new Error(result.mistakes.join('\n'));
  return result.resource;
}
