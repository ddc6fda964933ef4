import { systemClock, systemRandom } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';
import { createKeyCodec, type KeyCodec } from '../domain/key.ts';
import type { Log } from '../domain/log.ts';
import { numberedColumn, type Resource } from '../domain/resource.ts';
import { createAuthorityIds } from '../migration/authority-ids.ts';
import { defaultCaptureSettings } from '../migration/capture-settings.ts';
import { defaultJobSettings } from '../migration/chunk-worker.ts';
import type { Flags } from '../migration/flags.ts';
import { Lease } from '../migration/lease.ts';
import { OwnHand } from '../migration/logged-store.ts';
import type { Registers } from '../migration/registers.ts';
import {
  createResourceMigration,
  type MigrationSettings,
  type ResourceMigration,
  type ResourceMigrationOptions,
} from '../migration/resource-migration.ts';
import { SourceWitness } from '../migration/source-witness.ts';
import { type AssignedIds, createAssignedIds } from '../records/assigned-ids.ts';
import { createBatchService } from '../records/batch-service.ts';
import { createPageTokens } from '../records/page-token.ts';
import { createRecordService } from '../records/record-service.ts';
import { createBatchMethods } from '../rpc/batch-methods.ts';
import { type DashboardSubject, measuresOptions } from '../rpc/dashboard-subject.ts';
import type { UnaryMethod } from '../rpc/method-table.ts';
import type { MigrationSubject } from '../rpc/migration-service.ts';
import { createRecordMethods } from '../rpc/record-methods.ts';
import { intRange } from '../schema/canonical-values.ts';
import { createMessageCodec } from '../schema/message-codec.ts';
import { createNameCodec, type NameCodec } from '../schema/name-codec.ts';
import { type CopyTarget, createBatchedCopies } from '../stores/batched-copies.ts';
import { createBatchedReads } from '../stores/batched-reads.ts';
import { internalCall } from '../stores/call.ts';
import { createCassandraIdSequence } from '../stores/cassandra/id-sequence.ts';
import { type CassandraRecordStoreOptions, createCassandraRecordStore } from '../stores/cassandra/record-store.ts';
import type { IdSequences } from '../stores/id-sequence.ts';
import type { JobStore } from '../stores/job-store.ts';
import { createMysqlChangeLog } from '../stores/mysql/change-log.ts';
import { createMysqlIdSequence } from '../stores/mysql/id-sequence.ts';
import { createMysqlRecordStore } from '../stores/mysql/record-store.ts';
import { createSourceFence } from '../stores/mysql/source-fence.ts';
import { createMysqlSourceStates } from '../stores/mysql/source-state.ts';
import { observed } from '../stores/observed-store.ts';
import type {
  FollowerStore,
  ListQuery,
  ReadableRecords,
  RecordStore,
  Records,
  SourceStore,
} from '../stores/record-store.ts';
import { createRiakRecordStore } from '../stores/riak/record-store.ts';
import type { SourceFence } from '../stores/source-fence.ts';
import type { WriteAheadLog } from '../stores/write-ahead-log.ts';
import { bothMigrationMetrics, bothStoreMetrics } from '../telemetry/both-metrics.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { RecentMeasures } from '../telemetry/recent-measures.ts';
import type { Config } from './config.ts';
import { leftoversOf } from './leftovers.ts';
import type { ServedResource } from './load-resources.ts';
import type { Stores } from './open-stores.ts';
import { readForTargetAuthority } from './target-authority.ts';

/** What all resources of an instance share. */
export interface Surroundings {
  readonly config: Config;
  readonly stores: Stores;
  /** Whether Riak's buckets were found as they must be by now. */
  readonly riakIsFit: () => boolean;
  readonly registers: Registers;
  /** Null: the target can't be the authority. */
  readonly writeAheadLog: WriteAheadLog | null;
  readonly jobs: JobStore;
  readonly flags: Flags;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Changes the parts of a migration before they are put together: for runs that must go wrong. Default: nothing. */
  readonly rewire?: (parts: ResourceMigrationOptions) => ResourceMigrationOptions;
}

/** One resource, ready to be served. */
export interface WiredResource {
  readonly migration: ResourceMigration;
  readonly methods: readonly UnaryMethod[];
  readonly subject: MigrationSubject;
  /** Null: the config has no dashboard. */
  readonly dashboard: DashboardSubject | null;
}

/** All resources and the lease that they share. */
export interface WiredResources {
  readonly lease: Lease;
  readonly witness: SourceWitness;
  readonly resources: readonly WiredResource[];
}

/** Puts the resources together, each over its two stores. */
export async function wireResources(
  surroundings: Surroundings,
  served: readonly ServedResource[],
): Promise<WiredResources> {
  const { config, registers, writeAheadLog, log } = surroundings;
  const hands: OwnHand[] = [];
  const migrations = new Map<string, ResourceMigration>();
  const lease = new Lease({
    registers,
    instance: config.instance,
    settings: config.migration,
    clock: systemClock,
    random: systemRandom,
    log,
    onChange: (record) => migrations.get(record.resource)?.onChange(record),
    sourceSeen: () => witness.text,
    onSourceLost: (record) => migrations.get(record.resource)?.onSourceLost(record),
    ...(writeAheadLog && { logClosedUpTo: (incarnation) => writeAheadLog.closedUpTo(incarnation) }),
    isDone: () => hands.every((hand) => hand.isIdle),
  });
  const witness = createWitness(surroundings, served, { lease, migrations });
  const owner = systemRandom.id();
  const resources: WiredResource[] = [];
  for (const one of served) {
    const hand = new OwnHand();
    hands.push(hand);
    const wired = await wireResource(surroundings, one, { lease, witness, owner, hand });
    migrations.set(one.resource.id, wired.migration);
    resources.push(wired);
  }
  return { lease, witness, resources };
}

function createWitness(
  { stores, registers, log }: Surroundings,
  served: readonly ServedResource[],
  { lease, migrations }: { readonly lease: Lease; readonly migrations: ReadonlyMap<string, ResourceMigration> },
): SourceWitness {
  const { pool, controlPool } = stores.mysql;
  const witness = new SourceWitness({
    states: createMysqlSourceStates(controlPool),
    kept: registers.target,
    lease,
    resources: served.map(({ resource }) => resource.id),
    onLost: (record) => migrations.get(record.resource)?.onSourceLost(record),
    clock: systemClock,
    log,
  });
  for (const each of [pool, controlPool]) each.onBroken(() => witness.doubt());
  return witness;
}

/** What a migration takes part in beside its instance's surroundings. */
interface Sharing {
  readonly lease: Lease;
  readonly witness: SourceWitness;
  readonly owner: string;
  /** The resource's own. */
  readonly hand: OwnHand;
}

async function wireResource(shared: Surroundings, served: ServedResource, sharing: Sharing): Promise<WiredResource> {
  const { resource } = served;
  const measures = shared.config.dashboard.enabled ? new RecentMeasures(measuresOptions) : null;
  const surroundings = measures === null ? shared : { ...shared, metrics: alsoTold(shared.metrics, measures) };
  const { config, stores } = surroundings;
  const parts: Parts = {
    names: createNameCodec(resource),
    keys: createKeyCodec(resource),
    source: await createSource(surroundings, resource),
    target: createFollower(surroundings, resource, sharing.lease),
    fence: createSourceFence({ pool: stores.mysql.controlPool, resource }),
    sequences: createSequences(surroundings, resource),
  };
  const { names, keys, source, target, fence, sequences } = parts;
  const migration = await createMigration(surroundings, served, sharing, parts);
  const ids = sequences && createIds(resource, sequences, sharing.lease);
  const subject: MigrationSubject = {
    id: resource.id,
    nameOfBytes: (bytes) => names.nameOf(keys.fromBytes(bytes)),
    keyOfName: (name) => names.keyOf(name, 'records'),
    repair: migration.repair,
    confirmDecommission: migration.confirmDecommission,
    fence,
    leftovers: leftoversOf(config.stores.mysql, resource),
  };
  return {
    migration,
    methods: createMethods(config, served, { records: migration.records, names, ...(ids && { ids }) }),
    subject,
    dashboard: measures && { migration: subject, measures, ...placesOf(resource, source, target) },
  };
}

/** What one resource's migration and its methods are made of. */
interface Parts {
  readonly names: NameCodec;
  readonly keys: KeyCodec;
  readonly source: SourceStore;
  /** Null: the resource stays at the source. */
  readonly target: FollowerStore | null;
  readonly fence: SourceFence;
  readonly sequences: ReturnType<typeof createSequences>;
}

async function createMigration(
  surroundings: Surroundings,
  { resource, cascades }: ServedResource,
  sharing: Sharing,
  { names, keys, source, target, fence, sequences }: Parts,
): Promise<ResourceMigration> {
  const { config, stores, registers, writeAheadLog, jobs, flags, metrics, log } = surroundings;
  const { rewire = (options) => options } = surroundings;
  const { lease, witness, owner, hand } = sharing;
  const asAuthority = writeAheadLog && (await createTargetAuthority(surroundings, resource));
  const { controlPool: pool, address } = stores.mysql;
  const serverId = config.stores.mysql.captureServerId;
  const changeLog = createMysqlChangeLog({
    pool,
    connection: address,
    resource,
    cascades,
    ...(serverId !== undefined && { serverId }),
  });
  return createResourceMigration(
    rewire({
      resource,
      keys,
      instance: config.instance,
      owner,
      source,
      target,
      targetAuthority: asAuthority && writeAheadLog && { store: asAuthority, log: writeAheadLog, hand },
      ...(resource.riak && { whyTargetFollows: RIAK_FOLLOWS }),
      reads: {
        source: createBatchedReads(source, { clock: systemClock }),
        target: target && gatheredReads(target),
      },
      copies: {
        // One round trip each, in a transaction that is over at once: nothing is gained by waiting for others.
        source,
        target: target && gatheredCopies(target),
      },
      registers,
      changeLog,
      sourceFence: fence,
      ...(sequences && { sequences }),
      jobs,
      lease,
      witness,
      flags,
      metrics: metrics.migration,
      settings: settingsOf(config),
      clock: systemClock,
      random: systemRandom,
      log,
      nameOf: names.nameOf,
      parentNameOf: (parent) => parentNameOf(resource, parent),
    }),
  );
}

/** What callers of one resource's records may ask. */
function createMethods(
  { secrets, limits }: Config,
  { definition, resource }: ServedResource,
  { records, ...more }: { readonly records: Records; readonly names: NameCodec; readonly ids?: AssignedIds },
): readonly UnaryMethod[] {
  const messages = createMessageCodec(definition, resource);
  const { etagOf } = messages;
  const service = createRecordService({
    records,
    pageTokens: createPageTokens({ resource, secret: Buffer.from(secrets.pageTokens) }),
    etagOf,
    maxPageSize: limits.pageSize,
  });
  const batches = createBatchService({ records, etagOf, maxBatchSize: limits.batchSize });
  const maxMessageBytes = limits.messageBytes;
  const parts = { definition, resource, service, batches, messages, maxMessageBytes, ...more };
  return [...createRecordMethods(parts), ...createBatchMethods(parts)];
}

/** What is measured of one resource, told to those who look on as well. */
function alsoTold(metrics: Metrics, { counters }: RecentMeasures): Metrics {
  return {
    ...metrics,
    stores: bothStoreMetrics(metrics.stores, counters.stores),
    migration: bothMigrationMetrics(metrics.migration, counters.migration),
  };
}

function placesOf(
  { mysql, cassandra, riak }: Resource,
  source: SourceStore,
  target: FollowerStore | null,
): Pick<DashboardSubject, 'source' | 'target'> {
  const table = target?.engine === 'riak' ? riak?.bucket : cassandra && `${cassandra.keyspace}.${cassandra.table}`;
  return {
    source: { engine: source.engine, table: `${mysql.schema}.${mysql.table}` },
    target: target === null || table === undefined ? null : { engine: target.engine, table },
  };
}

/** In Riak each record is a request of its own: nothing is gained by going together, and one that fails would fail the others. */
function gatheredReads(target: FollowerStore): ReadableRecords {
  if (target.engine === 'riak') return target;
  return createBatchedReads(target, { clock: systemClock, maxStatements: TARGET_STATEMENTS });
}

function gatheredCopies(target: FollowerStore): CopyTarget {
  return target.engine === 'riak' ? target : createBatchedCopies(target, { clock: systemClock });
}

/** How long making a resource's procedures may take. */
const PREPARE_TIMEOUT_MS = 10_000;
/** Cassandra answers point reads side by side; batches only save the driver's own work. */
const TARGET_STATEMENTS = 32;

async function createSource({ stores, metrics }: Surroundings, resource: Resource): Promise<SourceStore> {
  const store = createMysqlRecordStore({ pool: stores.mysql.pool, resource, role: 'authority' });
  await store.prepare(internalCall(systemClock, PREPARE_TIMEOUT_MS));
  const { schema, table } = resource.mysql;
  return observed(store, { store: 'source', namespace: schema, table, metrics: metrics.stores });
}

/** Why authority is not offered to Riak, for people. */
const RIAK_FOLLOWS =
  'Riak can follow and be read, but never be the authority: it has no write that is conditional on what is there (docs/riak.md); go back to `synchronize`';

/** The target as the follower; null: there is none. */
function createFollower(surroundings: Surroundings, resource: Resource, lease: Lease): FollowerStore | null {
  const { config, stores, riakIsFit: isFit, metrics } = surroundings;
  const { riak: place } = resource;
  if (stores.riak === null || place === undefined) return createTarget(surroundings, resource, { role: 'follower' });
  const { markerTtlSeconds } = config.migration;
  const floor = (): bigint => lease.latest(resource.id)?.floor ?? 0n;
  const store = createRiakRecordStore({ client: stores.riak, resource, place, isFit, floor, markerTtlSeconds });
  const { bucketType: namespace, bucket: table } = place;
  return observed(store, { store: 'target', namespace, table, metrics: metrics.stores });
}

function createTarget(
  { config, stores, metrics }: Surroundings,
  resource: Resource,
  as: Pick<CassandraRecordStoreOptions, 'role' | 'serverValues'>,
): RecordStore | null {
  if (stores.cassandra === null || resource.cassandra === undefined) return null;
  const { markerTtlSeconds } = config.migration;
  const store = createCassandraRecordStore({ client: stores.cassandra, resource, markerTtlSeconds, ...as });
  const { keyspace, table } = resource.cassandra;
  return observed(store, { store: 'target', namespace: keyspace, table, metrics: metrics.stores });
}

/** Null: the resource's records are not numbered by the service. */
function createSequences({ config, stores }: Surroundings, resource: Resource): IdSequences | null {
  if (numberedColumn(resource) === undefined) return null;
  const keyspace = config.stores.cassandra?.controlKeyspace;
  const { cassandra: client } = stores;
  const hasTarget = client !== null && keyspace !== undefined && resource.cassandra !== undefined;
  return {
    source: createMysqlIdSequence({ pool: stores.mysql.pool, resource }),
    target: hasTarget ? createCassandraIdSequence({ client, keyspace, resource: resource.id }) : null,
  };
}

function createIds(resource: Resource, sequences: IdSequences, lease: Lease): AssignedIds | null {
  const column = numberedColumn(resource);
  if (column?.type.kind !== 'int') return null;
  const source = createAuthorityIds({ resource: resource.id, sequences, lease, clock: systemClock });
  return createAssignedIds({ source, column: column.mysqlName, greatest: intRange(column.type).max });
}

/** Null, with the reason in the log: the target can't do, or keep, what the source does, so it stays the follower. */
async function createTargetAuthority(surroundings: Surroundings, resource: Resource): Promise<RecordStore | null> {
  if (resource.cassandra === undefined) return null;
  try {
    const call = internalCall(systemClock, PREPARE_TIMEOUT_MS);
    const serverValues = await readForTargetAuthority(surroundings.stores.mysql.pool, resource, call);
    return createTarget(surroundings, resource, { role: 'authority', serverValues });
  } catch (error) {
    if (!isDomainError(error, 'failed_precondition')) throw error;
    surroundings.log.warn('authority can’t move to the target', { resource: resource.id, error });
    return null;
  }
}

function settingsOf({ migration }: Config): MigrationSettings {
  const { touchBatch, outsideWrites, chunkRows, chunkLeaseMs, jobWorkers, backfillShare, verificationShare } =
    migration;
  return {
    protocol: migration,
    capture: { ...defaultCaptureSettings, touchBatch, outsideWrites },
    jobs: {
      ...defaultJobSettings,
      workers: jobWorkers,
      chunkRows,
      chunkLeaseMs,
      shareBesideCallers: { backfill: backfillShare, verification: verificationShare },
    },
  };
}

function parentNameOf(resource: Resource, parent: ListQuery['parent']): string {
  return parent.map((value, index) => `${resource.name[index]?.collection}/${String(value)}`).join('/');
}
