import { z } from 'zod';
import { MAX_BATCH_CHANGES } from '../stores/record-store.ts';
import { clientTls, security } from './security-schema.ts';

// Every key has a default unless a deployment can't do without saying it, and a description: the reference in
// docs/configuration.md and crossfade.schema.json are generated from this file (`npm run generate`). `absent` says there
// what holds where neither the file nor the schema says anything.

const text = z.string().min(1);
const port = z.number().int().min(0).max(65_535);
const milliseconds = z.number().int().positive().max(86_400_000);
const count = z.number().int().positive();

const listen = (defaultPort: number) =>
  z.strictObject({
    host: text
      .default('127.0.0.1')
      .describe('the address to listen on; another than loopback needs authentication ([security.md](security.md))'),
    port: port.default(defaultPort).describe('the port; 0 picks a free one'),
  });

/** As a browser names it: scheme, host and port, no path. */
const origin = z.string().refine((value) => value === '*' || (URL.canParse(value) && new URL(value).origin === value), {
  error: 'must be an origin, such as https://app.example (no path, no slash at the end), or *',
});

const http = listen(8080).extend({
  corsOrigins: z
    .array(origin)
    .default([])
    .describe(
      "the origins whose pages may call the port from a browser, as `https://app.example`; `*`: any. The service's own pages need none",
    ),
});

const mysql = z.strictObject({
  host: text.describe('one primary; never a replica'),
  port: port.default(3306).describe('its port'),
  user: text.describe('the user, with the privileges below'),
  passwordEnv: text.optional().meta({ description: 'the variable with the password', absent: 'no password' }),
  connections: count
    .max(512)
    .default(16)
    .describe('connections of one instance for records; a few more serve leases and jobs'),
  controlSchema: text
    .default('crossfade')
    .describe(
      "the schema for Crossfade's own tables and procedures; created. Ids of resources are its own: the start refuses one that it knows as another table's",
    ),
  captureServerId: z
    .number()
    .int()
    .positive()
    .max(4_294_967_295)
    .optional()
    .meta({ description: "capture's server id as a replica, unique among the server's replicas", absent: 'random' }),
  tls: clientTls.optional().meta({
    description: 'TLS to MySQL, for records, control records and capture alike; `{}`: with the defaults',
    absent: 'plain text',
  }),
});

const cassandra = z.strictObject({
  contactPoints: z.array(text).min(1).describe('addresses of some nodes'),
  port: port.default(9042).describe('the port of all nodes'),
  localDataCenter: text.describe('the data centre that the service is in'),
  user: text.optional().meta({ description: 'the user', absent: 'no authentication' }),
  passwordEnv: text.optional().meta({ description: 'the variable with the password', absent: 'no password' }),
  scope: z
    .enum(['local', 'global'])
    .default('local')
    .describe('quorums and lightweight transactions of the local data centre, or of the whole cluster'),
  tls: clientTls.optional().meta({ description: 'TLS to all nodes; `{}`: with the defaults', absent: 'plain text' }),
  createTables: z
    .boolean()
    .default(false)
    .describe('whether keyspaces and tables that are missing are created at the start'),
  controlKeyspace: text
    .default('crossfade')
    .describe(
      "the keyspace for Crossfade's own tables, which authority needs in Cassandra; one for each deployment; created as those of the resources are",
    ),
  logTtlSeconds: count
    .default(10 * 24 * 3600)
    .describe(
      'how long entries of the write-ahead log stay (10 days): twice as long as the source may be away while Cassandra is the authority',
    ),
  replication: z
    .record(text, z.union([text, z.number()]))
    .default({ class: 'SimpleStrategy', replication_factor: 1 })
    .describe('the replication of keyspaces that are created'),
});

/** Riak KV, which follows and is read, and is never the authority: docs/riak.md. */
const riak = z.strictObject({
  nodes: z
    .array(text)
    .min(1)
    .describe('hosts, with or without a port: requests take turns, and a node that fails is asked last for a second'),
  port: port.default(8098).describe("where a node names none: the HTTP listener's, or with `tls` the HTTPS listener's"),
  bucketType: text
    .default('crossfade')
    .describe('of every bucket, with `allow_mult` and a backend that keeps secondary indexes; made with `riak-admin`'),
  user: text.optional().meta({ description: 'the user; needs `tls`', absent: 'no authentication' }),
  passwordEnv: text.optional().meta({ description: 'the variable with the password', absent: 'no password' }),
  connections: count.max(512).default(64).describe('the most connections of one instance to each node'),
  tls: clientTls.optional().meta({ description: 'TLS to all nodes; `{}`: with the defaults', absent: 'plain text' }),
});

const unleash = z.strictObject({
  url: z.url().describe("the API's address, ending in `/api`: `http://127.0.0.1:4242/api`"),
  tokenEnv: text.default('UNLEASH_TOKEN').describe('the variable with a client token of the environment'),
  appName: text.default('crossfade').describe("the application's name in Unleash"),
  caFile: text.optional().meta({
    description:
      'the authorities whose certificates are good for its address (PEM); with it, proxies of the environment are not used',
    absent: "Node's own",
  }),
  refreshMs: milliseconds.default(1_000).describe('how often the flags are fetched'),
});

const telemetry = z.strictObject({
  serviceName: text.default('crossfade').describe('`service.name` of every span'),
  exporter: z
    .enum(['otlp', 'zipkin', 'none'])
    .default('otlp')
    .describe('where traces go: OTLP over HTTP, Zipkin, or nowhere ([telemetry.md](telemetry.md))'),
  endpoint: z
    .url()
    .optional()
    .meta({ description: "the exporter's address", absent: "the exporter's own, on this machine" }),
  sampleRatio: z
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe('the part of requests that is traced where the caller does not say; shadowed requests always are'),
  metrics: z.boolean().default(true).describe('whether metrics are served at `/metrics` of the HTTP port'),
});

const resource = z.strictObject({
  type: text.describe("the message's full name: `library.v1.Book`"),
  mysqlSchema: text.optional().meta({ description: 'the schema of the MySQL table', absent: 'as in the proto' }),
  cassandraKeyspace: text
    .optional()
    .meta({ description: 'the keyspace of the Cassandra table', absent: 'as in the proto' }),
  riakBucket: text.max(256).optional().meta({
    description:
      "the bucket that the records move to where the target is Riak, this resource's alone ([riak.md](riak.md))",
    absent: 'with `stores.riak` it stays in MySQL',
  }),
});

const limits = z.strictObject({
  concurrentRequests: count
    .default(1_024)
    .describe('the most requests under way in one instance, both ports together; more are RESOURCE_EXHAUSTED'),
  concurrentRequestsPerCaller: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('the same of one caller, streams among them; callers without a name count as one; 0: no limit'),
  concurrentStreams: count
    .default(100)
    .describe('the same of streams, which last, such as of `crossfade status --watch`'),
  memoryShare: z
    .number()
    .min(0.2)
    .max(1)
    .default(0.85)
    .describe(
      "the part of V8's memory limit (`--max-old-space-size`), objects and buffers together, from which on an instance takes 16 requests at once; 1: never",
    ),
  connections: count
    .default(2_000)
    .describe(
      'the most connections open at once on each port; for more the oldest that brought no request gives way, or they are closed',
    ),
  requestsPerConnection: count
    .default(1_000)
    .describe('the most requests under way at once on one HTTP/2 connection; more wait at the client'),
  eventLoopDelayMs: z
    .number()
    .int()
    .min(0)
    .default(500)
    .describe(
      'the mean delay of the event loop within a second from which on an instance is behind: it takes 64 requests at once and no new stream until it has caught up; 0: never',
    ),
  pageSize: count.max(10_000).default(1_000).describe('the largest page of a List; who asks for more gets this'),
  batchSize: count
    .max(MAX_BATCH_CHANGES)
    .default(MAX_BATCH_CHANGES)
    .describe('the most records of one batch that writes: they are one transaction, and one batch of Cassandra'),
  messageBytes: count.default(4 * 1024 * 1024).describe('the largest request and answer, in bytes (4 MiB)'),
  headerBytes: count
    .min(4_096)
    .max(1024 * 1024)
    .default(16 * 1024)
    .describe('the largest head of a request, in bytes (16 KiB): all its metadata, a token among it'),
  defaultTimeoutMs: milliseconds.default(5_000).describe('the deadline of requests that bring none'),
  maxTimeoutMs: milliseconds.default(60_000).describe('the longest deadline; longer ones are cut'),
  drainMs: milliseconds.default(10_000).describe('how long requests under way may take after SIGTERM'),
});

/** A template of a page's address: only what a browser opens as a page. */
const pageUrl = z.string().regex(/^https?:\/\/[^\s]+$/, 'must begin with http:// or https://');

const dashboard = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('whether the HTTP port serves the dashboard, and the instance measures for it'),
  viewers: count
    .max(1_000)
    .default(20)
    .describe(
      'the most viewers at once of one instance, pages and `status --watch` together; more are RESOURCE_EXHAUSTED',
    ),
  flagUrl: pageUrl
    .optional()
    .meta({ description: "a flag's page in Unleash, with `{project}` and `{flag}`", absent: 'by `unleash.url`' }),
  traceSearchUrl: pageUrl.optional().meta({
    description: 'the search for spans by an attribute, with `{attribute}` and `{value}`',
    absent: 'there are no links to traces',
  }),
});

/** A part of a whole: above 0, at most 1. */
const share = z.number().min(0.01).max(1);

const migration = z.strictObject({
  roundMs: milliseconds.default(200).describe('how often the control records are polled'),
  leaseMs: milliseconds.default(1_000).describe('how long a polled control record is trusted'),
  marginMs: milliseconds.default(200).describe("added wherever another instance's lease is waited for"),
  followerRetryBudgetMs: milliseconds
    .default(500)
    .describe('how long a write tries to reach the follower before it demotes it'),
  followerReadBudgetMs: milliseconds
    .default(250)
    .describe('how long a read waits for the follower before the authority answers'),
  handoverTimeoutMs: milliseconds
    .default(5_000)
    .describe('how long writes may wait for authority to move before it stays where it was'),
  skewBoundMs: milliseconds.default(50).describe("the promised bound on the clocks' skew"),
  markerTtlSeconds: count
    .default(20 * 24 * 3600)
    .describe('how long markers of deleted records stay in Cassandra (20 days)'),
  settleMs: milliseconds.default(5_000).describe('how long writes of an earlier attach may still reach the follower'),
  verificationIntervalMs: milliseconds
    .default(86_400_000)
    .describe('how old the newest verification may become (24 h)'),
  rowsPerSecondLimit: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('rows a second of a bulk copy or verification, all instances together; 0: no limit'),
  chunkRows: count.max(100_000).default(2_000).describe('rows of one chunk of a bulk copy or verification'),
  chunkLeaseMs: milliseconds.default(30_000).describe('how long an instance may hold a chunk without a sign of life'),
  jobWorkers: count.max(64).default(2).describe('chunks that one instance works on at once'),
  backfillShare: share
    .default(1)
    .describe(
      'while callers are served, one worker of an instance goes on with a bulk copy, in small pages, for this part of its time',
    ),
  verificationShare: share.default(0.25).describe('the same of a verification'),
  touchBatch: count.max(1_000).default(200).describe('keys touched in one transaction'),
  outsideWrites: z
    .enum(['overwrite', 'hold'])
    .default('overwrite')
    .describe(
      'what becomes of changes of MySQL past the service while Cassandra is the authority: `overwrite` sets the record back; `hold` leaves it and records an open mismatch for a person ([operations.md](operations.md#programs-that-write-past-the-service))',
    ),
});

/** The config file's shape. Unknown keys are mistakes. */
export const configSchema = z.strictObject({
  instance: text
    .max(128)
    .optional()
    .meta({ description: "the instance's name in heartbeats, logs and traces", absent: 'host name and process id' }),
  grpc: listen(50051).prefault({}).describe('the records API over gRPC, with health and reflection'),
  http: http
    .prefault({})
    .describe(
      'the records API over Connect and gRPC-Web, the migration API, the [dashboard](dashboard.md), `/healthz`, `/readyz`, `/metrics`',
    ),
  descriptors: text.describe('a FileDescriptorSet (`buf build -o`), relative to the config file'),
  resources: z.array(resource).min(1).describe('the tables that are served'),
  stores: z
    .strictObject({
      mysql: mysql.describe('the source'),
      cassandra: cassandra
        .optional()
        .meta({ description: 'the target', absent: 'with no `stores.riak`: every resource stays at the source' }),
      riak: riak.optional().meta({
        description:
          'Riak KV as the target instead: it follows and is read, and is never the authority ([riak.md](riak.md))',
        absent: 'none',
      }),
    })
    .describe('the two stores'),
  unleash: unleash
    .optional()
    .meta({ description: 'the flag server', absent: 'nothing moves, and reads go to the authority' }),
  telemetry: telemetry.prefault({}).describe('traces and metrics'),
  dashboard: dashboard.prefault({}).describe('the page for operators, and what feeds it'),
  limits: limits.prefault({}).describe('what callers may use up'),
  migration: migration.prefault({}).describe('the times and sizes of a migration; all instances need the same'),
  security: security.prefault({}).describe('who may call; absent: whoever reaches a port may do everything'),
  pageTokenSecretEnv: text.optional().meta({
    description:
      'the variable with the secret that protects page tokens, 16 characters or more, the same on all instances; required with authentication',
    absent: 'tokens work, but can be forged',
  }),
});

/** The config as parsed, with every default filled in. */
export type ConfigFile = z.infer<typeof configSchema>;
