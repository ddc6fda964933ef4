import type { Resource } from '../../domain/resource.ts';
import type { MysqlTableDescription } from '../../domain/table-description.ts';
import { bindResource } from '../../schema/bind-resource.ts';
import { findDefinitions } from '../../schema/definitions.ts';
import { loadDescriptors } from '../../schema/descriptors.ts';

/** What the service would make of an image: resources in the order of the tables, or its mistakes. */
export interface CheckedDefinitions {
  readonly resources: readonly Resource[];
  readonly mistakes: readonly string[];
}

/** Loads an image as the service does, and binds each of its resources to its table. */
export function checkDefinitions(image: Uint8Array, tables: readonly MysqlTableDescription[]): CheckedDefinitions {
  const { definitions, mistakes: found } = findDefinitions(loadDescriptors(image));
  const mistakes = [...found];
  const resources: Resource[] = [];
  for (const table of tables) {
    const definition = definitions.find(({ mysql }) => mysql.schema === table.schema && mysql.table === table.table);
    if (definition === undefined) {
      mistakes.push(`no definition for the table ${table.schema}.${table.table}`);
      continue;
    }
    const bound = bindResource(definition, table);
    if ('mistakes' in bound) mistakes.push(...bound.mistakes);
    else resources.push(bound.resource);
  }
  return { resources, mistakes };
}
