import { isDomainError } from '../../domain/errors.ts';
import type { MysqlTableDescription } from '../../domain/table-description.ts';
import { constraintsOf } from '../../schema/target-authority.ts';
import type { Call } from '../../stores/call.ts';
import { cascadeTargetOf, describeChange, findCascades } from '../../stores/mysql/cascade-rules.ts';
import { missingPrivileges } from '../../stores/mysql/grants.ts';
import { identifier } from '../../stores/mysql/names.ts';
import { examineTable } from '../../stores/mysql/server-checks.ts';
import { readServerValues } from '../../stores/mysql/server-values.ts';
import { readStatistics } from '../../stores/mysql/table-scan.ts';
import { listReferences, listTriggers } from '../../stores/mysql/table-surroundings.ts';
import { type Answer, answersOf, notChecked, ok, problem, type ResourceCheck, warning } from './check.ts';
import type { ResourceSubject } from './site.ts';
import { bytesText, countText } from './text.ts';

const MYSQL: Pick<ResourceCheck, 'needs'> = { needs: ['mysql'] };

/** What a resource's table in MySQL is. */
export const sourceChecks: readonly ResourceCheck[] = [
  { id: 'source.definition', ...MYSQL, run: checkDefinition },
  { id: 'source.engine', ...MYSQL, run: withTable(checkEngine) },
  { id: 'source.foreign_keys', ...MYSQL, run: withTable(checkForeignKeys) },
  { id: 'source.unique_keys', ...MYSQL, run: withTable(checkUniqueKeys) },
  { id: 'source.triggers', ...MYSQL, run: withTable(checkTriggers) },
  { id: 'source.server_values', ...MYSQL, run: checkServerValues },
  { id: 'source.rows', ...MYSQL, run: withTable(checkRows) },
];

type TableCheck = (
  subject: ResourceSubject,
  table: MysqlTableDescription,
  call: Call,
) => Promise<readonly Answer[]> | readonly Answer[];

/** A check of a table that is there; that it is not is told once, by `source.definition`. */
export function withTable(check: TableCheck): ResourceCheck['run'] {
  return async (subject, call) => {
    const table = await subject.table();
    return table === null ? [notChecked('the table is not there')] : check(subject, table, call);
  };
}

async function checkDefinition(subject: ResourceSubject): Promise<readonly Answer[]> {
  const isThere = (await subject.table()) !== null;
  const bound = await subject.bound();
  if ('resource' in bound) return [ok(`every field has its column, ${bound.resource.columns.length} in all`)];
  const cure = isThere
    ? 'the message names it; see docs/types.md'
    : 'check the schema in the proto or resources[].mysqlSchema, and that the user has SELECT on it';
  return bound.mistakes.map((mistake) => problem(mistake, cure));
}

function checkEngine({ target }: ResourceSubject, table: MysqlTableDescription): readonly Answer[] {
  const engine = examineTable(table, target !== undefined).filter(({ setting }) => setting.endsWith(': engine'));
  return answersOf(engine, table.storageEngine);
}

/** What a foreign key changes by itself is not in the binary log; what it refuses, it refuses to a follower too. */
async function checkForeignKeys(
  subject: ResourceSubject,
  table: MysqlTableDescription,
  call: Call,
): Promise<readonly Answer[]> {
  const { site, source, target } = subject;
  if (target === undefined) return [];
  const examined = examineTable(table, true).filter(({ setting }) => setting.includes(': foreign key '));
  const hidden = examined.filter(({ verdict }) => verdict !== 'ok');
  const references = await listReferences(site.pool, source, call);
  const answers = [
    ...hidden.map(({ setting, found }) =>
      problem(
        `${setting} has ${found}: what it changes is not in the binary log`,
        remakeForeignKey(table, setting.slice(setting.indexOf(': foreign key ') + ': foreign key '.length)),
      ),
    ),
    ...(await checkCascades(subject, table, call)),
    ...table.foreignKeys.map(({ name, referencedTable }) => keeping(`${name}, to ${referencedTable},`)),
    ...references.map(({ name, table: from }) => keeping(`${name}, of ${from},`)),
  ];
  return answers.length > 0 ? answers : [ok('none')];
}

/** What foreign keys change by themselves is followed from the parents' changes, if these tell enough. */
async function checkCascades(
  subject: ResourceSubject,
  table: MysqlTableDescription,
  call: Call,
): Promise<readonly Answer[]> {
  const bound = await subject.bound();
  if ('mistakes' in bound) return [];
  const { pool, foreignKeys } = subject.site;
  const { rules = [], mistake } = await findCascades(pool, cascadeTargetOf(bound.resource), call, foreignKeys);
  if (mistake !== undefined) return [problem(mistake, 'the message names it; see docs/operations.md')];
  if (rules.length === 0) return [];
  const watched = [...new Set(rules.map((rule) => `${rule.table.schema}.${rule.table.table}`))].join(', ');
  const unbounded = rules.filter((rule) => rule.unbounded !== null);
  return [
    ok(`capture watches ${watched} too, whose changes reach the table through foreign keys`),
    ...unbounded.map((rule) =>
      warning(
        `${describeChange(rule)} means that the whole table is copied again: nothing tells which rows the foreign key ${rule.foreignKey} has changed`,
        remakeForeignKey(table, rule.foreignKey),
      ),
    ),
  ];
}

function keeping(which: string): Answer {
  return warning(
    `authority can't move to Cassandra, which would not keep ${which} and MySQL would refuse copies`,
    'before authority is to move, drop it: the programs that use the API must keep to what it promises',
  );
}

/** A unique key that no index of the definition stands for can't be kept by Cassandra. */
async function checkUniqueKeys(subject: ResourceSubject, table: MysqlTableDescription): Promise<readonly Answer[]> {
  if (subject.target === undefined) return [];
  const bound = await subject.bound();
  if ('mistakes' in bound) return [notChecked('see source.definition')];
  const reasons = constraintsOf(bound.resource, { ...table, foreignKeys: [] }, []);
  if (reasons.length === 0) return [ok('Cassandra can keep unique what MySQL does')];
  return reasons.map((reason) =>
    warning(`authority can't move to Cassandra: ${reason}`, 'the message names it; copying and reading work without'),
  );
}

function remakeForeignKey({ schema, table, foreignKeys }: MysqlTableDescription, name: string): string {
  const path = `${identifier(schema)}.${identifier(table)}`;
  const referenced = foreignKeys.find((key) => key.name === name)?.referencedTable ?? '…';
  return (
    `ALTER TABLE ${path} DROP FOREIGN KEY ${identifier(name)}, ADD CONSTRAINT ${identifier(`${name}_restrict`)} ` +
    `FOREIGN KEY (…) REFERENCES ${identifier(referenced)} (…) ON DELETE RESTRICT ON UPDATE RESTRICT`
  );
}

async function checkTriggers(
  { site, source }: ResourceSubject,
  _table: MysqlTableDescription,
  call: Call,
): Promise<readonly Answer[]> {
  const { grants } = await site.grants();
  if (missingPrivileges(grants, ['TRIGGER'], source).length > 0) {
    return [notChecked('the user does not see triggers', 'see mysql.trigger_privilege')];
  }
  const triggers = await listTriggers(site.pool, source, call);
  if (triggers.length === 0) return [ok('none')];
  return triggers.map(({ name, when }) =>
    warning(
      `${name} (${when}) runs for the service's writes too, and for copies while MySQL follows Cassandra`,
      `before authority moves, do its work in the programs, and DROP TRIGGER ${identifier(source.schema)}.${identifier(name)}`,
    ),
  );
}

/** Cassandra can be the authority only if it can store what MySQL would have stored. */
async function checkServerValues(subject: ResourceSubject, call: Call): Promise<readonly Answer[]> {
  if (subject.target === undefined) return [];
  const bound = await subject.bound();
  if ('mistakes' in bound) return [notChecked('see source.definition')];
  try {
    await readServerValues(subject.site.pool, bound.resource, call);
    return [ok('Cassandra can store what MySQL fills in')];
  } catch (error) {
    if (!isDomainError(error, 'failed_precondition')) throw error;
    return [
      warning(
        `authority can't move to Cassandra: ${error.message}`,
        'give the columns constant defaults or none, and let the programs set them',
      ),
    ];
  }
}

async function checkRows(
  { site, source }: ResourceSubject,
  _table: MysqlTableDescription,
  call: Call,
): Promise<readonly Answer[]> {
  const statistics = await readStatistics(site.pool, source, call);
  if (statistics === null) return [notChecked('the server has no statistics')];
  const { rows, averageRowBytes, dataBytes } = statistics;
  const size = `${bytesText(dataBytes)}, ${bytesText(averageRowBytes)} a row`;
  return [ok(`about ${countText(rows, 'row')}, ${size} (the server's estimate)`)];
}
