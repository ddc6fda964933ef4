import { z } from 'zod';
import { MAX_BATCH_CHANGES } from '../stores/record-store.ts';
import { clientTls, security } from './security-schema.ts';

// Every key has a default unless a deployment can't do without saying it. The reference in docs/configuration.md follows
// this file.

const text = z.string().min(1);
const port = z.number().int().min(0).max(65_535);
const milliseconds = z.number().int().positive().max(86_400_000);
const count = z.number().int().positive();

const listen = (defaultPort: number) =>
  z.strictObject({
    /** The address to listen on. Default 127.0.0.1: everything else is for others to open on purpose. */
    host: text.default('127.0.0.1'),
    /** The port; 0 picks a free one. */
    port: port.default(defaultPort),
  });

const mysql = z.strictObject({
  host: text,
  port: port.default(3306),
  user: text,
  /** The name of the environment variable that holds the password; absent: no password. */
  passwordEnv: text.optional(),
  /** The most connections of one instance. */
  connections: count.max(512).default(16),
  /** The schema (database) for Crossfade's own tables and procedures; it is created. */
  controlSchema: text.default('crossfade'),
  /** The server id that capture uses as a replica: unique among the server's replicas. Default: derived from the instance. */
  captureServerId: z.number().int().positive().max(4_294_967_295).optional(),
  /** Absent: plain text. */
  tls: clientTls.optional(),
});

const cassandra = z.strictObject({
  contactPoints: z.array(text).min(1),
  port: port.default(9042),
  localDataCenter: text,
  user: text.optional(),
  /** The name of the environment variable that holds the password. */
  passwordEnv: text.optional(),
  /** Reads, writes and lightweight transactions stay in one scope: the data centre or the whole cluster. */
  scope: z.enum(['local', 'global']).default('local'),
  /** Absent: plain text. */
  tls: clientTls.optional(),
  /** Whether the service creates the keyspaces and tables of its resources where they are missing. */
  createTables: z.boolean().default(false),
  /** The keyspace for Crossfade's own tables, which authority needs in the target; created as those of the resources are. */
  controlKeyspace: text.default('crossfade'),
  /** How long entries of the write-ahead log stay, in seconds: longer than the source may be away while the target is the authority. */
  logTtlSeconds: count.default(10 * 24 * 3600),
  /** The replication of keyspaces that are created. */
  replication: z.record(text, z.union([text, z.number()])).default({ class: 'SimpleStrategy', replication_factor: 1 }),
});

const unleash = z.strictObject({
  /** The API's address, for example `http://127.0.0.1:4242/api`. */
  url: z.url(),
  /** The name of the environment variable that holds the client token. */
  tokenEnv: text.default('UNLEASH_TOKEN'),
  appName: text.default('crossfade'),
  /** The authorities whose certificates are good for its address. Default: those that Node knows. */
  caFile: text.optional(),
  /** How often the flags are fetched. */
  refreshMs: milliseconds.default(1_000),
});

const telemetry = z.strictObject({
  serviceName: text.default('crossfade'),
  /** Where traces go. `none`: nowhere. */
  exporter: z.enum(['otlp', 'zipkin', 'none']).default('otlp'),
  /** The exporter's address. Default: the exporter's own (OTLP over HTTP on 4318, Zipkin on 9411). */
  endpoint: z.url().optional(),
  /** The part of requests that is traced when the caller does not say; shadowed requests always are. */
  sampleRatio: z.number().min(0).max(1).default(0.01),
  /** Whether metrics are served at `/metrics` of the HTTP port. */
  metrics: z.boolean().default(true),
});

const resource = z.strictObject({
  /** The message's full name: `hospital.v1.Medication`. */
  type: text,
  /** Overrides the schema of the MySQL table in the definition. */
  mysqlSchema: text.optional(),
  /** Overrides the keyspace of the Cassandra table in the definition. */
  cassandraKeyspace: text.optional(),
});

const limits = z.strictObject({
  /** The most requests under way in one instance; more are answered RESOURCE_EXHAUSTED. */
  concurrentRequests: count.default(1_024),
  /** The same for one caller, streams among them; 0: no limit. */
  concurrentRequestsPerCaller: z.number().int().min(0).default(0),
  /** The most streams under way in one instance, such as of `crossfade status --watch`. */
  concurrentStreams: count.default(100),
  /** The part of V8's memory limit in use from which on most requests are refused; 1: never. */
  memoryShare: z.number().min(0.2).max(1).default(0.85),
  /** The most connections open at once on each port; more are closed. */
  connections: count.default(2_000),
  /** The most requests under way at once on one HTTP/2 connection; more wait at the client. */
  requestsPerConnection: count.default(1_000),
  /** The mean delay of the event loop, in milliseconds, from which on most requests are refused; 0: never. */
  eventLoopDelayMs: z.number().int().min(0).default(500),
  /** The largest page of a List. */
  pageSize: count.max(10_000).default(1_000),
  /** The most records of one batch that writes: they are one transaction, and one batch of Cassandra. */
  batchSize: count.max(MAX_BATCH_CHANGES).default(MAX_BATCH_CHANGES),
  /** The largest message, in bytes. */
  messageBytes: count.default(4 * 1024 * 1024),
  /** The largest head of a request, all metadata together, in bytes: tokens are part of it. */
  headerBytes: count
    .min(4_096)
    .max(1024 * 1024)
    .default(16 * 1024),
  /** The deadline of a request that brings none, in milliseconds. */
  defaultTimeoutMs: milliseconds.default(5_000),
  /** The longest deadline, in milliseconds. */
  maxTimeoutMs: milliseconds.default(60_000),
  /** How long requests under way may take after SIGTERM, in milliseconds. */
  drainMs: milliseconds.default(10_000),
});

/** A template of a page's address: only what a browser opens as a page. */
const pageUrl = z.string().regex(/^https?:\/\/[^\s]+$/, 'must begin with http:// or https://');

const dashboard = z.strictObject({
  /** Whether the HTTP port serves the dashboard, and this instance measures for it. */
  enabled: z.boolean().default(true),
  /** The most viewers at once of one instance, pages and terminals together. */
  viewers: count.max(1_000).default(20),
  /** A flag's page in Unleash, with `{project}` and `{flag}`. Default: by `unleash.url`. */
  flagUrl: pageUrl.optional(),
  /** The search for spans by an attribute, with `{attribute}` and `{value}`. Absent: there are no links to traces. */
  traceSearchUrl: pageUrl.optional(),
});

/** A part of a whole: above 0, at most 1. */
const share = z.number().min(0.01).max(1);

const migration = z.strictObject({
  roundMs: milliseconds.default(200),
  leaseMs: milliseconds.default(1_000),
  marginMs: milliseconds.default(200),
  followerRetryBudgetMs: milliseconds.default(500),
  followerReadBudgetMs: milliseconds.default(250),
  /** How long writes may wait for authority to move before it stays where it was. */
  handoverTimeoutMs: milliseconds.default(5_000),
  skewBoundMs: milliseconds.default(50),
  markerTtlSeconds: count.default(20 * 24 * 3600),
  /** How long writes of an earlier attach may still reach the follower. */
  settleMs: milliseconds.default(5_000),
  verificationIntervalMs: milliseconds.default(86_400_000),
  /** Rows a second that a job may walk, all instances together; 0: no limit. */
  rowsPerSecondLimit: z.number().int().min(0).default(0),
  /** Rows of one chunk of a bulk copy or verification. */
  chunkRows: count.max(100_000).default(2_000),
  chunkLeaseMs: milliseconds.default(30_000),
  /** Chunks that one instance works on at once. */
  jobWorkers: count.max(64).default(2),
  /** The part of its time that an instance copies or verifies while callers are served. */
  backfillShare: share.default(1),
  verificationShare: share.default(0.25),
  /** Keys touched in one transaction. */
  touchBatch: count.max(1_000).default(200),
  /** What is done with changes of the source past the service while the target is the authority: set back, or held for a person. */
  outsideWrites: z.enum(['overwrite', 'hold']).default('overwrite'),
});

/** The config file's shape. Unknown keys are mistakes. */
export const configSchema = z.strictObject({
  /** The instance's name in heartbeats, logs and traces. Default: host name and process id. */
  instance: text.max(128).optional(),
  /** The records API over gRPC. */
  grpc: listen(50051).prefault({}),
  /** The records API over Connect and gRPC-Web, the migration API, the dashboard, health and metrics. */
  http: listen(8080).prefault({}),
  /** A FileDescriptorSet (`buf build -o`), relative to the config file. */
  descriptors: text,
  resources: z.array(resource).min(1),
  stores: z.strictObject({ mysql, cassandra: cassandra.optional() }),
  /** Absent: no flag server. Nothing moves, and reads go to the authority. */
  unleash: unleash.optional(),
  telemetry: telemetry.prefault({}),
  /** The page for operators, and what feeds it. */
  dashboard: dashboard.prefault({}),
  limits: limits.prefault({}),
  migration: migration.prefault({}),
  security: security.prefault({}),
  /**
   * The name of the environment variable that holds the secret which protects page tokens. All instances need the same.
   * Absent: one is made from the MySQL address and schema, which keeps tokens working but does not make them unforgeable.
   */
  pageTokenSecretEnv: text.optional(),
});

/** The config as parsed, with every default filled in. */
export type ConfigFile = z.infer<typeof configSchema>;
