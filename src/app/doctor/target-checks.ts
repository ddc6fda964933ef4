import type { Resource } from '../../domain/resource.ts';
import { checkCassandraTable, createTableCql } from '../../schema/cassandra-ddl.ts';
import { checkIndexTable, createIndexTableCql, indexTableOf } from '../../schema/cassandra-index-ddl.ts';
import type { Call } from '../../stores/call.ts';
import type { CassandraClient } from '../../stores/cassandra/client.ts';
import { describeTable } from '../../stores/cassandra/describe-table.ts';
import { examineTable } from '../../stores/cassandra/table-checks.ts';
import { checkReplication } from './cassandra-checks.ts';
import { type Answer, answersOf, notChecked, ok, problem, type ResourceCheck, warning } from './check.ts';
import type { ResourceSubject, Site } from './site.ts';
import { secondsText } from './text.ts';

const BOTH: Pick<ResourceCheck, 'needs'> = { needs: ['mysql', 'cassandra'] };
const CASSANDRA: Pick<ResourceCheck, 'needs'> = { needs: ['cassandra'] };

/** What a table gets whose definition does not say. */
const DEFAULT_GC_GRACE_SECONDS = 864_000;

/** What a resource's table in Cassandra is, or will be. */
export const targetChecks: readonly ResourceCheck[] = [
  { id: 'target.table', ...BOTH, run: checkTable },
  { id: 'target.options', ...CASSANDRA, run: checkOptions },
  { id: 'target.gc_grace_seconds', ...CASSANDRA, run: checkGrace },
  {
    id: 'target.replication',
    ...CASSANDRA,
    run: async ({ site, target }, call) => (target === undefined ? [] : checkReplication(site, target.keyspace, call)),
  },
];

async function checkTable(subject: ResourceSubject, call: Call): Promise<readonly Answer[]> {
  const { site, target } = subject;
  if (target === undefined || site.cassandra === null) return [];
  const bound = await subject.bound();
  if ('mistakes' in bound) return [notChecked('see source.definition')];
  const name = `${target.keyspace}.${target.table}`;
  const table = await describeTable(site.cassandra, target, call);
  if (table === null && mayCreate(site)) {
    return [ok(`${name} is not there; the start creates it`)];
  }
  if (table === null) {
    const cure = `stores.cassandra.createTables: true, or: ${createTableCql(bound.resource).replaceAll(/\s+/g, ' ')}`;
    return [problem(`${name} is not there`, cure)];
  }
  const mistakes = checkCassandraTable(bound.resource, table).filter(
    (mistake) => !mistake.includes('gc_grace_seconds'),
  );
  const indexes = await indexMistakes(bound.resource, site, site.cassandra, call);
  if (mistakes.length === 0 && indexes.length === 0) return [ok(`${name} has every column and the right key`)];
  return [...mistakes, ...indexes].map((mistake) =>
    problem(mistake, 'the message names it; nothing has been moved yet: or drop the table'),
  );
}

async function indexMistakes(resource: Resource, site: Site, client: CassandraClient, call: Call): Promise<string[]> {
  const mistakes: string[] = [];
  for (const index of resource.indexes ?? []) {
    const found = await describeTable(client, indexTableOf(resource, index), call);
    if (found !== null) mistakes.push(...checkIndexTable(resource, index, found));
    else if (!mayCreate(site)) mistakes.push(`the index "${index.name}": ${createIndexTableCql(resource, index)}`);
  }
  return mistakes;
}

async function checkOptions({ site, target }: ResourceSubject, call: Call): Promise<readonly Answer[]> {
  const { cassandra: client } = site;
  if (target === undefined || client === null) return [];
  const { markerTtlSeconds } = site.config.migration;
  const examine = () => examineTable(client, { ...target, markerTtlSeconds }, call.deadlineMs);
  // The grace has a check of its own, which knows the outage too.
  const examined = (await client.within('follower', call, examine)).filter(
    ({ setting, wanted }) => !(setting.endsWith('gc_grace_seconds') && wanted.includes('marker')),
  );
  if (examined.length === 0) return [ofAbsent(site)];
  return answersOf(examined, 'repairs what it reads, forgets nothing, keeps markers long enough');
}

function ofAbsent(site: Site): Answer {
  return mayCreate(site) ? ok('the start creates the table with the defaults') : notChecked('the table is not there');
}

function mayCreate({ config }: Site): boolean {
  return config.stores.cassandra?.createTables === true;
}

/** A node that was away for longer than the grace brings deleted records back. */
async function checkGrace({ site, target }: ResourceSubject, call: Call): Promise<readonly Answer[]> {
  if (target === undefined || site.cassandra === null) return [];
  const table = await describeTable(site.cassandra, target, call);
  if (table === null && !mayCreate(site)) return [notChecked('the table is not there')];
  const grace = table?.gcGraceSeconds ?? DEFAULT_GC_GRACE_SECONDS;
  const { outageSeconds } = site.expectations;
  const { markerTtlSeconds } = site.config.migration;
  if (markerTtlSeconds < grace) {
    const found = `${secondsText(grace)}, and markers of deleted records stay for ${secondsText(markerTtlSeconds)} only`;
    return [problem(found, `migration.markerTtlSeconds: ${grace}, on every instance`)];
  }
  const found = `${secondsText(grace)}, for an outage of up to ${secondsText(outageSeconds)}`;
  if (grace >= 2 * outageSeconds) return [ok(found)];
  const cure = `ALTER TABLE ${target.keyspace}.${target.table} WITH gc_grace_seconds = ${2 * outageSeconds}, and repair more often than that`;
  if (grace >= outageSeconds) {
    return [warning(`${found}: that leaves less time for the repair after it than it may last`, cure)];
  }
  return [problem(`${found}: a node that is away for longer brings deleted records back`, cure)];
}
