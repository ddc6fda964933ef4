/**
 * The same copy with nothing but the two drivers, as somebody would write it for one weekend: one query streamed out of
 * MySQL, unlogged batches of one partition into Cassandra. It checks nothing, resumes nothing, and overwrites whatever is
 * newer. A process of its own, told what to do by messages, so that it is as warm as the service it is compared with.
 */
import { Client } from 'cassandra-driver';
import mysql from 'mysql2';

/** Where from and where to. */
export interface RawCopySettings {
  readonly mysql: { readonly host: string; readonly port: number; readonly user: string; readonly password: string };
  readonly schema: string;
  readonly cassandra: {
    readonly contactPoints: readonly string[];
    readonly port: number;
    readonly localDataCenter: string;
  };
  readonly keyspace: string;
}

/** What one copy measured. */
export interface RawCopyResult {
  readonly rows: number;
  readonly rowsPerSecond: number;
}

/** Measured best for rows of this size. */
const BATCH_ROWS = 50;
/** Batches under way: enough to keep a node busy. */
const BATCHES_IN_FLIGHT = 64;

const COLUMNS = {
  patient_id: 'text',
  medication_id: 'varint',
  encounter_id: 'text',
  payer_id: 'uuid',
  status: 'text',
  code: 'bigint',
  description: 'text',
  started_at: 'bigint',
  stopped_at: 'bigint',
  base_cost: 'decimal',
  payer_coverage: 'decimal',
  dispenses: 'int',
  total_cost: 'decimal',
  reason_code: 'bigint',
  reason_description: 'text',
  note: 'text',
  updated_at: 'bigint',
} as const;
const NAMES = Object.keys(COLUMNS);
const SELECT = `SELECT ${NAMES.join(', ')} FROM medications ORDER BY patient_id, medication_id`;

type Row = (string | number | Buffer | null)[];

/** Column by column, what the driver wants of what MySQL gives: bytes where its own objects would be slow. */
const CONVERT: readonly ((value: never) => unknown)[] = Object.values(COLUMNS).map((type, i) => {
  if (type === 'uuid') return (value: Buffer) => value;
  if (type === 'varint') return (value: string | number) => varint(BigInt(value));
  if (type === 'decimal') return (value: string) => decimal(value);
  if (type !== 'bigint') return (value: unknown) => value;
  return NAMES[i]?.endsWith('_at')
    ? (value: string) => bigint(micros(value))
    : (value: string) => bigint(BigInt(value));
});

async function prepareTable(client: Client, keyspace: string): Promise<string> {
  const table = `${keyspace}.medications`;
  const columns = Object.entries(COLUMNS).map(([name, type]) => `${name} ${type}`);
  await client.execute(
    `CREATE KEYSPACE IF NOT EXISTS ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  );
  await client.execute(
    `CREATE TABLE IF NOT EXISTS ${table} (${columns.join(', ')}, PRIMARY KEY ((patient_id), medication_id))`,
  );
  return table;
}

async function copy(connection: mysql.Connection, client: Client, table: string): Promise<RawCopyResult> {
  const insert = `INSERT INTO ${table} (${NAMES.join(', ')}) VALUES (${NAMES.map(() => '?').join(', ')})`;
  const options = { prepare: true, logged: false, isIdempotent: true };
  const startedMs = performance.now();
  const underWay = new Set<Promise<unknown>>();
  let failure: unknown;
  let rows = 0;
  let batch: { query: string; params: unknown[] }[] = [];
  let partition: unknown;
  const send = async (): Promise<void> => {
    if (batch.length === 0) return;
    const sent: Promise<void> = client
      .batch(batch, options)
      .then(() => {})
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => underWay.delete(sent));
    underWay.add(sent);
    batch = [];
    if (underWay.size >= BATCHES_IN_FLIGHT) await Promise.race(underWay);
    if (failure !== undefined) throw failure;
  };
  for await (const row of connection.query({ sql: SELECT, rowsAsArray: true }).stream({ highWaterMark: 2_000 })) {
    const values = row as Row;
    if (batch.length >= BATCH_ROWS || values[0] !== partition) await send();
    partition = values[0];
    batch.push({
      query: insert,
      params: values.map((value, i) => (value === null ? null : (CONVERT[i] as (value: unknown) => unknown)(value))),
    });
    rows++;
  }
  await send();
  await Promise.all(underWay);
  if (failure !== undefined) throw failure;
  return { rows, rowsPerSecond: (rows / (performance.now() - startedMs)) * 1000 };
}

function bigint(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function varint(value: bigint): Buffer {
  const hex = value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Buffer.from(Number.parseInt(even.slice(0, 2), 16) > 127 ? `00${even}` : even, 'hex');
}

/** Two digits after the point, as all three columns have; amounts are not negative. */
function decimal(text: string): Buffer {
  const scale = Buffer.from([0, 0, 0, 2]);
  return Buffer.concat([scale, varint(BigInt(text.replace('.', '')))]);
}

/** `2017-08-23 18:06:09.000123`, in UTC, as microseconds since 1970. */
function micros(text: string): bigint {
  const ms = Date.parse(`${text.slice(0, 10)}T${text.slice(11, 19)}Z`);
  return BigInt(ms) * 1000n + BigInt(text.slice(20, 26).padEnd(6, '0'));
}

async function run(settings: RawCopySettings): Promise<void> {
  const connection = mysql.createConnection({
    ...settings.mysql,
    database: settings.schema,
    timezone: 'Z',
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  const client = new Client({
    contactPoints: [...settings.cassandra.contactPoints],
    localDataCenter: settings.cassandra.localDataCenter,
    protocolOptions: { port: settings.cassandra.port },
    encoding: { useUndefinedAsUnset: false },
  });
  await client.connect();
  const table = await prepareTable(client, settings.keyspace);
  process.on('message', () => {
    copy(connection, client, table).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.send?.('ready');
}

// The channel to the program that asked is all that keeps this one alive.
process.on('disconnect', () => process.exit(0));
await run(JSON.parse(process.env.CROSSFADE_RAW_COPY ?? '{}') as RawCopySettings);
