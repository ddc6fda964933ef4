/** The hospital's medications, served on both ports from a store in memory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DescService, FileRegistry } from '@bufbuild/protobuf';
import { type Clock, systemClock, systemRandom } from '../../src/domain/clock.ts';
import { createKeyCodec, type KeyCodec } from '../../src/domain/key.ts';
import type { Resource } from '../../src/domain/resource.ts';
import type { MysqlColumnDescription, MysqlTableDescription } from '../../src/domain/table-description.ts';
import { file_grpc_health_v1_health } from '../../src/gen/grpc/health/v1/health_pb.ts';
import { file_grpc_reflection_v1_reflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import type { AssignedIds } from '../../src/records/assigned-ids.ts';
import { createBatchService } from '../../src/records/batch-service.ts';
import { createPageTokens } from '../../src/records/page-token.ts';
import { createRecordService } from '../../src/records/record-service.ts';
import type { AccessControl } from '../../src/rpc/access.ts';
import { ARRIVAL_TIMEOUT_MS, createArrivals } from '../../src/rpc/arrivals.ts';
import { createBatchMethods } from '../../src/rpc/batch-methods.ts';
import { type ConnectServer, createConnectServer, type HttpRoute } from '../../src/rpc/connect-server.ts';
import type { DelayWatch } from '../../src/rpc/delay-watch.ts';
import { createFailureMapper, type ReportFault } from '../../src/rpc/errors.ts';
import { createReflectionGate, guardRoute } from '../../src/rpc/gates.ts';
import { createGrpcServer, type GrpcServer } from '../../src/rpc/grpc-server.ts';
import { createHealth, type Health } from '../../src/rpc/health.ts';
import type { MemoryWatch } from '../../src/rpc/memory-watch.ts';
import { createMethodTable, type Method } from '../../src/rpc/method-table.ts';
import { createPipeline, type Pipeline } from '../../src/rpc/pipeline.ts';
import { createRecordMethods } from '../../src/rpc/record-methods.ts';
import { addReflection } from '../../src/rpc/reflection.ts';
import type { RequestOptions } from '../../src/rpc/request.ts';
import { defaultRpcLimits, type RpcLimits } from '../../src/rpc/settings.ts';
import { ANSWER_TIMEOUT_MS, createUnreadAnswers } from '../../src/rpc/unread-answers.ts';
import { bindResource } from '../../src/schema/bind-resource.ts';
import type { ResourceDefinition } from '../../src/schema/definition.ts';
import { findDefinitions } from '../../src/schema/definitions.ts';
import { loadDescriptors } from '../../src/schema/descriptors.ts';
import { createMessageCodec, type MessageCodec } from '../../src/schema/message-codec.ts';
import { createNameCodec, type NameCodec } from '../../src/schema/name-codec.ts';
import type { ServerTls } from '../../src/security/server-tls.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createMemoryRecordStore, type MemoryRecordStore } from '../../src/stores/memory/record-store.ts';
import type { Records } from '../../src/stores/record-store.ts';
import { noTrace } from '../../src/telemetry/trace-scope.ts';

const IMAGE = join(import.meta.dirname, '../../examples/hospital/hospital.binpb');

/** The medications, compiled. */
export interface Medications {
  readonly registry: FileRegistry;
  readonly definition: ResourceDefinition;
  readonly resource: Resource;
  readonly keys: KeyCodec;
  readonly names: NameCodec;
  readonly messages: MessageCodec;
}

/** Reads and compiles the medications' definition. */
export async function loadMedications(): Promise<Medications> {
  const registry = loadDescriptors(await readFile(IMAGE));
  const { definitions, mistakes } = findDefinitions(registry);
  const definition = definitions.find(({ id }) => id === 'medications');
  if (definition === undefined) throw new Error(`no medications: ${mistakes.join('; ')}`);
  const bound = bindResource(definition, medicationsTable);
  if ('mistakes' in bound) throw new Error(bound.mistakes.join('; '));
  const { resource } = bound;
  return {
    registry,
    definition,
    resource,
    keys: createKeyCodec(resource),
    names: createNameCodec(resource),
    messages: createMessageCodec(definition, resource),
  };
}

/** A store in memory as the use cases see it, with the versions of an attached follower. */
export function memoryRecords(resource: Resource, clock: Clock = systemClock): Records & { store: MemoryRecordStore } {
  const database = new MemoryDatabase({ clock, random: systemRandom });
  const control = { epoch: 1, attach: 1 };
  database.control.set(resource.id, {
    ...control,
    resource: resource.id,
    authority: 'source',
    floor: 0n,
    state: 'in_sync',
    generation: 1,
    copiedAttach: 1,
    attempt: null,
  });
  const store = createMemoryRecordStore({ database, resource });
  return {
    store,
    maxKeys: store.maxKeys,
    getMany: store.getMany,
    list: store.list,
    lookup: store.lookup,
    write: (change, call) => store.write(change, control, call),
    writeMany: (changes, call) => store.writeMany(changes, control, call),
  };
}

/** What {@link startServers} may be told. */
export interface ServersOptions {
  readonly medications: Medications;
  readonly records: Records;
  /** Default: creates must name their ids. */
  readonly ids?: AssignedIds;
  readonly limits?: Partial<RpcLimits>;
  readonly methods?: readonly Method[];
  readonly services?: readonly DescService[];
  readonly corsOrigins?: readonly string[];
  readonly localHostsOnly?: boolean;
  readonly routes?: readonly (readonly [string, HttpRoute])[];
  readonly reportFault?: ReportFault;
  readonly startRequest?: RequestOptions['startRequest'];
  readonly observe?: NonNullable<RequestOptions['observe']>;
  readonly tls?: ServerTls;
  readonly access?: AccessControl;
  readonly memory?: Pick<MemoryWatch, 'isShort'>;
  readonly delay?: Pick<DelayWatch, 'isBehind'>;
  readonly arrivalTimeoutMs?: number;
  readonly answerTimeoutMs?: number;
  /** Default: 127.0.0.1. */
  readonly host?: string;
}

/** Both servers, up. */
export interface Servers {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly grpc: GrpcServer;
  readonly connect: ConnectServer;
  readonly pipeline: Pipeline;
  readonly health: Health;
  stop(): Promise<void>;
}

/** Starts both servers. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const { medications, host = '127.0.0.1' } = options;
  const { registry, definition, resource, names, messages } = medications;
  const limits = { ...defaultRpcLimits, ...options.limits };
  const { tls = null, access = null } = options;
  const toFailure = createFailureMapper({ random: systemRandom, reportFault: options.reportFault ?? (() => {}) });
  const pipeline = createPipeline({
    limits,
    clock: systemClock,
    startRequest: options.startRequest ?? (() => noTrace),
    toFailure,
    ...(options.observe && { observe: options.observe }),
    access,
    memory: options.memory ?? null,
    delay: options.delay ?? null,
  });
  const service = createRecordService({
    records: options.records,
    pageTokens: createPageTokens({ resource, secret: Buffer.from('a secret of the test') }),
    etagOf: messages.etagOf,
    maxPageSize: limits.maxPageSize,
  });
  const batches = createBatchService({ records: options.records, etagOf: messages.etagOf });
  const maxMessageBytes = limits.maxMessageBytes;
  const ids = options.ids && { ids: options.ids };
  const parts = { definition, resource, service, batches, messages, names, maxMessageBytes, ...ids };
  const table = createMethodTable([
    ...createRecordMethods(parts),
    ...createBatchMethods(parts),
    ...(options.methods ?? []),
  ]);
  const serviceNames = [...new Set([...table.values()].map(({ desc }) => desc.parent.typeName))];
  const health = createHealth(serviceNames);
  const arrivals = createArrivals({
    most: limits.maxConcurrentRequests,
    timeoutMs: options.arrivalTimeoutMs ?? ARRIVAL_TIMEOUT_MS,
    clock: systemClock,
    memory: options.memory ?? null,
  });
  const answers = createUnreadAnswers({
    timeoutMs: options.answerTimeoutMs ?? ANSWER_TIMEOUT_MS,
    clock: systemClock,
    memory: options.memory ?? null,
  });
  const shared = { table, pipeline, limits, tls, access, arrivals, answers, toFailure, clock: systemClock };
  const grpc = createGrpcServer(shared);
  health.addTo(grpc.server);
  addReflection(grpc.server, {
    files: [
      ...registry.files,
      ...(options.services ?? []).map(({ file }) => file),
      file_grpc_health_v1_health,
      file_grpc_reflection_v1_reflection,
    ],
    services: [...serviceNames, 'grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection'],
    admit: createReflectionGate(access, grpc, toFailure),
  });
  const connect = createConnectServer({
    ...shared,
    registry,
    corsOrigins: options.corsOrigins ?? [],
    localHostsOnly: options.localHostsOnly ?? false,
    routes: new Map([
      ...health.routes,
      ...(options.routes ?? []).map(([path, route]) => [path, guardRoute(path, route, access)] as const),
    ]),
  });
  const [grpcPort, httpPort] = await Promise.all([grpc.listen({ host, port: 0 }), connect.listen({ host, port: 0 })]);
  health.setServing(true);
  return {
    grpcPort,
    httpPort,
    grpc,
    connect,
    pipeline,
    health,
    stop: async () => {
      const closed = connect.close();
      grpc.destroy();
      connect.destroy();
      await closed;
    },
  };
}

function column(name: string, columnType: string, more: Partial<MysqlColumnDescription> = {}): MysqlColumnDescription {
  const plain = { nullable: false, characterSet: null, collation: null, octetLength: null, hasDefault: false };
  return { name, columnType, ...plain, autoIncrement: false, onUpdate: false, generated: false, ...more };
}

const ascii = { characterSet: 'ascii', collation: 'ascii_bin', octetLength: 36 };
const nullable = { nullable: true, hasDefault: true };
const text = (octetLength: number) => ({ characterSet: 'utf8mb4', collation: 'utf8mb4_unicode_ci', octetLength });

/** `medications` of examples/hospital/schema.sql. */
const medicationsTable: MysqlTableDescription = {
  schema: 'hospital',
  table: 'medications',
  storageEngine: 'InnoDB',
  columns: [
    column('patient_id', 'char(36)', ascii),
    column('medication_id', 'bigint(20) unsigned'),
    column('encounter_id', 'char(36)', { ...ascii, ...nullable }),
    column('payer_id', 'binary(16)', { octetLength: 16, ...nullable }),
    column('status', "enum('active','stopped','draft')", { ...text(28), hasDefault: true }),
    column('code', 'int(10) unsigned'),
    column('description', 'varchar(255)', text(1020)),
    column('started_at', 'datetime(6)'),
    column('stopped_at', 'datetime(6)', nullable),
    column('base_cost', 'decimal(12,2)', { hasDefault: true }),
    column('payer_coverage', 'decimal(12,2)', { hasDefault: true }),
    column('dispenses', 'int(11)', { hasDefault: true }),
    column('total_cost', 'decimal(14,2)', { hasDefault: true }),
    column('reason_code', 'bigint(20)', nullable),
    column('reason_description', 'varchar(255)', { ...text(1020), ...nullable }),
    column('note', 'text', { ...text(65_535), ...nullable }),
    column('updated_at', 'timestamp(6)', { hasDefault: true, onUpdate: true }),
  ],
  primaryKey: ['patient_id', 'medication_id'],
  keys: [],
  foreignKeys: [],
};
