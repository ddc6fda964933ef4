import type { Call } from '../../stores/call.ts';
import type { CassandraClient } from '../../stores/cassandra/client.ts';
import { diagnose } from '../../stores/cassandra/diagnose.ts';
import { hasControlTables } from '../../stores/cassandra/schema-setup.ts';
import { countNodes, examineNode, type NodeSettings, nodeSettingNames } from '../../stores/cassandra/server-checks.ts';
import {
  examineKeyspace,
  type KeyspaceDescription,
  readKeyspace,
  replicationCure,
} from '../../stores/cassandra/table-checks.ts';
import type { Examined } from '../../stores/server-findings.ts';
import { type Answer, answerOf, answersOf, type Check, notChecked, ok, problem, warning } from './check.ts';
import type { Site } from './site.ts';
import { countText } from './text.ts';

const CASSANDRA: Pick<Check, 'needs'> = { needs: ['cassandra'] };

/** What each node is and is set to, and the keyspace for Crossfade's own tables. */
export const cassandraChecks: readonly Check[] = [
  { id: 'cassandra.reachable', proves: 'cassandra', run: checkReachable },
  { id: 'cassandra.nodes', ...CASSANDRA, run: checkNodes },
  nodeCheck('cassandra.version', 'version'),
  nodeCheck('cassandra.partitioner', 'partitioner'),
  nodeCheck('cassandra.settings', 'system_views.settings'),
  ...nodeSettingNames.map((setting) => nodeCheck(`cassandra.${setting}`, setting)),
  { id: 'cassandra.control_keyspace', ...CASSANDRA, run: checkControlKeyspace },
  {
    id: 'cassandra.control_replication',
    ...CASSANDRA,
    run: async (site, call) => {
      const { cassandra } = site.config.stores;
      return cassandra === undefined ? [] : checkReplication(site, cassandra.controlKeyspace, call);
    },
  },
];

async function checkReachable({ cassandra, riak }: Site, call: Call): Promise<readonly Answer[]> {
  if (riak !== null) return [];
  if (cassandra === null) return [notChecked('the config names no target: every resource stays at the source')];
  try {
    await cassandra.connect('follower', call);
    return [ok('answers')];
  } catch (error) {
    const { found, cure } = diagnose(error);
    return [problem(found, cure)];
  }
}

async function checkNodes({ cassandra }: Site, call: Call): Promise<readonly Answer[]> {
  if (cassandra === null) return [];
  const { all, up } = await cassandra.within('follower', call, () => countNodes(cassandra, call.deadlineMs));
  const found = `${up} up of ${countText(all, 'node')} in ${cassandra.localDataCenter}`;
  if (up >= all) return [ok(found)];
  return [warning(found, 'start the others, or take those that are gone for good out: nodetool removenode')];
}

/** One line if all nodes are alike, one for each that is not as it must be. */
function nodeCheck(id: string, setting: string): Check {
  return {
    id,
    ...CASSANDRA,
    run: async (site) => {
      if (site.cassandra === null) return [];
      const { consistency } = site.cassandra;
      const nodes = await site.nodes();
      const examined = nodes.flatMap((node) => examineOne(node, consistency, setting));
      if (examined.length === 0) return [notChecked('no node lets its settings be read', 'see cassandra.settings')];
      const values = [...new Set(examined.map(({ found }) => (found === '' ? 'none' : found)))];
      return answersOf(examined, values.join(', '));
    },
  };
}

function examineOne(node: NodeSettings, consistency: string, setting: string): readonly Examined[] {
  return examineNode(node, consistency)
    .filter((one) => one.setting === setting)
    .map((one) => ({ ...one, setting: node.address }));
}

async function checkControlKeyspace(site: Site, call: Call): Promise<readonly Answer[]> {
  const { cassandra: client, config } = site;
  const { cassandra } = config.stores;
  if (client === null || cassandra === undefined) return [];
  const { controlKeyspace: keyspace, createTables, replication } = cassandra;
  const { description, isComplete } = await client.within('authority', call, async () => ({
    description: await readKeyspace(client, keyspace, call.deadlineMs),
    isComplete: await hasControlTables(client, keyspace, call.deadlineMs),
  }));
  if (description === null && createTables) return [ok(`${keyspace} is not there; the start creates it`)];
  if (description === null) {
    return [
      warning(
        `${keyspace} is not there: authority can't move to Cassandra`,
        `CREATE KEYSPACE ${keyspace} WITH replication = ${cqlMap(replication)}, or stores.cassandra.createTables: true`,
      ),
    ];
  }
  return [ok(isComplete ? `${keyspace} is there` : `${keyspace} is there; the start creates its tables`)];
}

/** A quorum of one replica loses what that node loses; of two, it stops with either. */
export async function checkReplication(site: Site, keyspace: string, call: Call): Promise<readonly Answer[]> {
  const { cassandra: client } = site;
  if (client === null) return [];
  const read = () => readKeyspace(client, keyspace, call.deadlineMs);
  const description = await client.within('follower', call, read);
  if (description === null) return [await checkFutureReplication(site, client, keyspace)];
  const acknowledgesBeforeDisk = (await site.nodes()).some((node) => node.acknowledgesBeforeDisk);
  const wrong = examineKeyspace(description, { acknowledgesBeforeDisk })
    .filter(({ verdict }) => verdict !== 'ok')
    .map((one) =>
      answerOf({ ...one, found: one.setting.endsWith('replication') ? one.found : `${one.setting} is ${one.found}` }),
    );
  if (description.replicas === 2)
    return [...wrong.filter(({ outcome }) => outcome === 'problem'), quorumOfTwo(description, client)];
  return wrong.length > 0 ? wrong : [ok(`${keyspace}: ${description.replicas} replicas at ${client.consistency}`)];
}

function quorumOfTwo(description: KeyspaceDescription, client: CassandraClient): Answer {
  return problem(
    `${description.keyspace}: 2 replicas, of which ${client.consistency} needs both: it stops when either node is down`,
    replicationCure(description),
  );
}

async function checkFutureReplication(site: Site, client: CassandraClient, keyspace: string): Promise<Answer> {
  const { createTables, replication } = site.config.stores.cassandra ?? {};
  if (!createTables) return notChecked(`the keyspace ${keyspace} is not there`);
  const factors = Object.entries(replication ?? {}).filter(([name]) => name !== 'class');
  const most = Math.max(0, ...factors.map(([, factor]) => Number.parseInt(String(factor), 10)));
  const found = `${keyspace} will be created with ${countText(most, 'replica')}`;
  if (most >= 3) return ok(found);
  const cure = `stores.cassandra.replication: {class: NetworkTopologyStrategy, ${client.localDataCenter}: 3}`;
  return most === 2
    ? problem(`${found}, of which a quorum needs both`, cure)
    : warning(`${found}: what that node loses is lost`, cure);
}

function cqlMap(replication: Readonly<Record<string, string | number>>): string {
  return `{${Object.entries(replication)
    .map(([name, value]) => `'${name}': '${value}'`)
    .join(', ')}}`;
}
