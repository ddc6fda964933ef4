/** A Cassandra 5.0 cluster of one or three nodes, set up to start quickly and to keep what it acknowledged. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, policies } from 'cassandra-driver';
import { type ArtifactContext, cached, fetchWithDependencies, megabytes, secondsSince } from './artifacts.ts';
import { reservePort } from './ports.ts';
import { probeCassandra } from './probes.ts';
import { ManagedServer } from './process.ts';

const VERSION = '5.0.9';
const ARTIFACT = `org.apache.cassandra:cassandra-all:${VERSION}`;
/** The cache's folder for the program. */
export const CASSANDRA_FOLDER = `cassandra-${VERSION}`;
const READY_WITHIN_MS = 120_000;
/** How long nodes that answer clients may take to know of each other, and the pause between two looks. */
const RING_WITHIN_MS = 30_000;
const RING_POLL_MS = 200;
/** The token ring's size, from which each node's one token is an even share. */
const RING = 2n ** 64n;
const RING_START = -(2n ** 63n);

/** What Cassandra 5.0 reaches into when it runs on Java 17, each opened to all its classes. */
const EXPORTED_PACKAGES = [
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.ref',
  'java.base/java.lang.ref',
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'jdk.unsupported/sun.misc',
  'jdk.compiler/com.sun.tools.javac.file',
  'jdk.attach/sun.tools.attach',
];
const OPENED_PACKAGES = [
  'java.base/java.lang',
  'java.base/java.lang.module',
  'java.base/java.lang.reflect',
  'java.base/java.io',
  'java.base/java.util',
  'java.base/sun.nio.ch',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.util.jar',
  'jdk.management/com.sun.management.internal',
  'jdk.compiler/com.sun.tools.javac',
];

/** How to reach the cluster: no password. */
export interface CassandraAddress {
  /** One address a node, without the port. */
  readonly contactPoints: readonly string[];
  /** The same on every node. */
  readonly port: number;
  readonly localDataCenter: string;
}

/** Settings of the cluster. */
export interface CassandraOptions {
  /** Default 1. Three listen on 127.0.0.1, .2 and .3. */
  readonly nodes?: 1 | 3;
  /** Heap of each node, in MiB. Default 768. */
  readonly heapMib?: number;
  /**
   * When a write is acknowledged: `batch` and `group` after the commit log is on disk, `periodic` before.
   * Default `batch`.
   */
  readonly commitLogSync?: 'batch' | 'group' | 'periodic';
  /**
   * How the JVM compiles: `quick` for runs of some minutes, in which compiling well would cost more than it saves, `thorough`
   * for measurements. Default `quick`.
   */
  readonly compiler?: 'quick' | 'thorough';
}

/** A cluster whose nodes are ready, or were. */
export interface CassandraCluster {
  readonly address: CassandraAddress;
  readonly nodes: readonly ManagedServer[];
}

interface NodeSettings {
  readonly index: number;
  readonly hosts: readonly string[];
  readonly nativePort: number;
  readonly storagePort: number;
  readonly heapMib: number;
  readonly compiler: 'quick' | 'thorough';
  readonly commitLogSync: 'batch' | 'group' | 'periodic';
}

/** Starts all the nodes from fetchCassandra's folder side by side and waits until each answers clients. */
export async function startCassandra(
  context: ArtifactContext,
  program: string,
  options: CassandraOptions = {},
): Promise<CassandraCluster> {
  const hosts = Array.from({ length: options.nodes ?? 1 }, (_, index) => `127.0.0.${index + 1}`);
  const nativePort = await reservePort(hosts);
  const storagePort = await reservePort(hosts);
  const nodes = await Promise.all(
    hosts.map((_, index) =>
      createNode(context, program, {
        index,
        hosts,
        nativePort,
        storagePort,
        heapMib: options.heapMib ?? 768,
        compiler: options.compiler ?? 'quick',
        commitLogSync: options.commitLogSync ?? 'batch',
      }),
    ),
  );
  await Promise.all(nodes.map((node) => node.start(context.signal)));
  const address = { contactPoints: hosts, port: nativePort, localDataCenter: 'datacenter1' };
  if (nodes.length > 1) await Promise.all(hosts.map((host) => waitForPeers(address, host, context.signal)));
  return { address, nodes };
}

/** Resolves when the node at `host` knows all the others: before that, a QUORUM through it may fail. */
async function waitForPeers(address: CassandraAddress, host: string, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(RING_WITHIN_MS)]);
  const peers = address.contactPoints.length - 1;
  const contactPoint = `${host}:${address.port}`;
  const client = new Client({
    contactPoints: [contactPoint],
    localDataCenter: address.localDataCenter,
    policies: {
      loadBalancing: new policies.loadBalancing.AllowListPolicy(new policies.loadBalancing.RoundRobinPolicy(), [
        contactPoint,
      ]),
    },
  });
  try {
    await client.connect();
    for (;;) {
      const { rowLength } = await client.execute('SELECT peer FROM system.peers_v2');
      if (rowLength >= peers) return;
      await sleep(RING_POLL_MS, undefined, { signal: deadline });
    }
  } finally {
    await client.shutdown();
  }
}

async function createNode(context: ArtifactContext, program: string, settings: NodeSettings): Promise<ManagedServer> {
  const name = settings.hosts.length === 1 ? 'cassandra' : `cassandra-${settings.index + 1}`;
  const folder = join(context.supervisor.root, name);
  await mkdir(join(folder, 'tmp'), { recursive: true });
  await writeFile(join(folder, 'cassandra.yaml'), nodeConfiguration(folder, settings));
  await writeFile(join(folder, 'logback.xml'), LOGBACK);
  const jars = (await readdir(program)).filter((file) => file.endsWith('.jar'));
  const agent = jars.find((file) => file.startsWith('jamm-'));
  if (agent === undefined) throw new Error(`${ARTIFACT} came without jamm`);
  const host = hostOf(settings);
  return new ManagedServer(context.supervisor, {
    name,
    process: {
      command: 'java',
      args: [
        `-javaagent:${join(program, agent)}`,
        ...javaFlags(folder, settings),
        '-cp',
        join(program, '*'),
        'org.apache.cassandra.service.CassandraDaemon',
      ],
      cwd: folder,
    },
    probe: (signal) => probeCassandra(host, settings.nativePort, signal),
    readyWithinMs: READY_WITHIN_MS,
  });
}

function hostOf(settings: NodeSettings): string {
  const host = settings.hosts[settings.index];
  if (host === undefined) throw new Error(`there is no node ${settings.index}`);
  return host;
}

function javaFlags(folder: string, { heapMib, compiler }: NodeSettings): string[] {
  return [
    ...EXPORTED_PACKAGES.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
    ...OPENED_PACKAGES.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    '-Djdk.attach.allowAttachSelf=true',
    '-Dio.netty.tryReflectionSetAccessible=true',
    `-Djava.io.tmpdir=${join(folder, 'tmp')}`,
    `-Dcassandra.config=file://${join(folder, 'cassandra.yaml')}`,
    `-Dcassandra.storagedir=${folder}`,
    `-Dlogback.configurationFile=${join(folder, 'logback.xml')}`,
    // A node that waits for nobody: quick to start.
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.ring_delay_ms=100',
    '-Dcassandra.superuser_setup_delay_ms=0',
    // Classes that are known to be good need no check at each start.
    '-XX:+UnlockDiagnosticVMOptions',
    '-XX:-BytecodeVerificationRemote',
    ...(compiler === 'quick' ? ['-XX:TieredStopAtLevel=1'] : []),
    '-XX:+UseSerialGC',
    `-Xms${Math.min(heapMib, 256)}m`,
    `-Xmx${heapMib}m`,
    '-Xss256k',
    '-XX:+ExitOnOutOfMemoryError',
  ];
}

function nodeConfiguration(folder: string, settings: NodeSettings): string {
  const host = hostOf(settings);
  const token = RING_START + (RING / BigInt(settings.hosts.length)) * BigInt(settings.index);
  return `cluster_name: crossfade
num_tokens: 1
initial_token: ${token}
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "${settings.hosts.join(',')}"
listen_address: ${host}
rpc_address: ${host}
native_transport_port: ${settings.nativePort}
storage_port: ${settings.storagePort}
start_native_transport: true
data_file_directories: ["${folder}/data"]
commitlog_directory: "${folder}/commitlog"
saved_caches_directory: "${folder}/saved_caches"
hints_directory: "${folder}/hints"
cdc_raw_directory: "${folder}/cdc_raw"
${COMMIT_LOG_SYNC[settings.commitLogSync]}
commitlog_segment_size: 8MiB
commitlog_total_space: 64MiB
memtable_heap_space: 128MiB
memtable_offheap_space: 64MiB
file_cache_size: 64MiB
key_cache_size: 8MiB
counter_cache_size: 0MiB
concurrent_reads: 8
concurrent_writes: 32
concurrent_compactors: 1
native_transport_max_threads: 16
memtable:
  configurations:
    skiplist:
      class_name: SkipListMemtable
    trie:
      class_name: TrieMemtable
    default:
      inherits: trie
auto_snapshot: false
snapshot_before_compaction: false
disk_failure_policy: stop
commit_failure_policy: stop
storage_compatibility_mode: NONE
user_timestamps_enabled: true
auto_hints_cleanup_enabled: false
batch_size_warn_threshold: 256KiB
batch_size_fail_threshold: 2MiB
dynamic_snitch: ${settings.hosts.length > 1}
read_request_timeout: 5000ms
write_request_timeout: 5000ms
range_request_timeout: 10000ms
`;
}

const COMMIT_LOG_SYNC = {
  batch: 'commitlog_sync: batch',
  group: 'commitlog_sync: group\ncommitlog_sync_group_window: 2ms',
  periodic: 'commitlog_sync: periodic\ncommitlog_sync_period: 1000ms',
} as const;

const LOGBACK = `<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="STDOUT"/></root>
  <logger name="org.apache.cassandra.service.CassandraDaemon" level="INFO"/>
</configuration>
`;

/** Fetches the program where the cache lacks it, and returns its folder. */
export async function fetchCassandra(context: ArtifactContext): Promise<string> {
  return cached(CASSANDRA_FOLDER, context.signal, async (folder) => {
    const startedAt = performance.now();
    context.onProgress(
      `Cassandra ${VERSION}: fetching ${ARTIFACT} by Maven, 100 jars, 67 MB unless it has them already`,
    );
    await fetchWithDependencies(context, ARTIFACT, folder);
    context.onProgress(`Cassandra ${VERSION}: fetched, ${await megabytes(folder)} MB (${secondsSince(startedAt)})`);
  });
}
