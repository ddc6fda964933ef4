import { snakeCase } from '../../schema/method-inspection.ts';
import type { LockedTable } from './lock-file.ts';
import { pascalName, pluralOf, singularOf, snakeName } from './naming.ts';
import type { ResourceNames } from './plan.ts';

/** Resources whose field, or whose id's field, in the standard methods' requests would be called as another one there. */
const TAKEN_BY_REQUESTS = ['parent', 'update_mask', 'allow_missing', 'request', 'request_id', 'validate_only'];
/** Ids of resources and names of tables in the target may not be longer. */
const MAX_ID = 40;
const MAX_CASSANDRA_NAME = 48;

/**
 * How a table's resource is called.
 *
 * @param locked the earlier run's names stay.
 * @param choice 1 is the table's own name; the others are for tables that would be called as another one is: `order_record`,
 *   `order_record2`, …
 */
export function namesOf(table: string, locked: LockedTable | undefined, choice: number): ResourceNames {
  const base = snakeName(table, 'table');
  const own = singularOf(base);
  const record = own.endsWith('_record') ? `${own}_other` : `${own}_record`;
  const other = choice === 2 ? record : `${record}${choice - 1}`;
  const singular = choice > 1 ? other : TAKEN_BY_REQUESTS.includes(own) ? record : own;
  const message = locked?.message ?? pascalName(singular);
  const usual = own === base ? pluralOf(base) : base;
  const plural = locked?.plural ?? (choice > 1 ? pluralOf(singular) : usual);
  const service = pascalName(plural);
  return {
    id: locked?.id ?? shortened(plural, MAX_ID, choice),
    message,
    singular: snakeCase(message),
    plural,
    service: service === message ? `${message}Service` : service,
    file: `${plural}.proto`,
    cassandraTable:
      locked?.cassandraTable ??
      (choice > 1 ? shortened(singular, MAX_CASSANDRA_NAME, choice) : cassandraTableOf(table)),
  };
}

/** What a table is called in the target, unless another one is called so. */
export function cassandraTableOf(table: string): string {
  return snakeName(table, 'table').slice(0, MAX_CASSANDRA_NAME);
}

/** Keyspaces that every Cassandra has. */
const SYSTEM_KEYSPACE = /^system(_(auth|distributed|schema|traces|views|virtual_schema))?$/;

/** The keyspace for the tables of a schema. @param schema its name in lower-case letters, digits and _. */
export function keyspaceOf(schema: string): string {
  return (SYSTEM_KEYSPACE.test(schema) ? `${schema}_records` : schema).slice(0, MAX_CASSANDRA_NAME);
}

/** A name that is cut off still tells the choices apart. */
function shortened(name: string, most: number, choice: number): string {
  if (name.length <= most) return name;
  const end = choice > 1 ? `_${choice}` : '';
  return `${name.slice(0, most - end.length).replace(/_+$/, '')}${end}`;
}
