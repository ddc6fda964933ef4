/** A MySQL database or a Cassandra keyspace of a test file's own, on the servers that the run shares. */
import { randomBytes } from 'node:crypto';
import { Client } from 'cassandra-driver';
import { createConnection } from 'mysql2/promise';
import { inject } from 'vitest';
import type { CassandraAddress } from '../../stack/cassandra.ts';
import type { MysqlAddress } from '../../stack/mysql.ts';

/** Making and dropping keyspaces moves the schema, which takes seconds on a loaded machine. */
const SCHEMA_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 20_000;

/** A database that is there until it is dropped. */
export interface TestDatabase {
  readonly name: string;
  readonly address: MysqlAddress;
  /** Runs statements, separated by semicolons, in this database. */
  run(sql: string): Promise<void>;
  drop(): Promise<void>;
}

/** A keyspace (replication factor 1) that is there until it is dropped. */
export interface TestKeyspace {
  readonly name: string;
  readonly address: CassandraAddress;
  /** Runs one statement in this keyspace. */
  run(cql: string): Promise<void>;
  drop(): Promise<void>;
}

/** Makes an empty database with a random name. Call drop() in afterAll. */
export async function createTestDatabase(address: MysqlAddress = inject('mysql')): Promise<TestDatabase> {
  const name = randomName();
  await runMysql(address, undefined, `CREATE DATABASE ${name}`);
  return {
    name,
    address,
    run: (sql) => runMysql(address, name, sql),
    drop: () => runMysql(address, undefined, `DROP DATABASE IF EXISTS ${name}`),
  };
}

/** Makes an empty keyspace with a random name. Call drop() in afterAll. */
export async function createTestKeyspace(address: CassandraAddress = inject('cassandra')): Promise<TestKeyspace> {
  const name = randomName();
  const client = new Client({
    contactPoints: address.contactPoints.map((host) => `${host}:${address.port}`),
    localDataCenter: address.localDataCenter,
    socketOptions: { connectTimeout: CONNECT_TIMEOUT_MS, readTimeout: SCHEMA_TIMEOUT_MS },
  });
  await client.connect();
  await client.execute(
    `CREATE KEYSPACE ${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  );
  await client.execute(`USE ${name}`);
  return {
    name,
    address,
    async run(cql) {
      await client.execute(cql);
    },
    async drop() {
      await client.execute(`DROP KEYSPACE IF EXISTS ${name}`);
      await client.shutdown();
    },
  };
}

/** Letters and digits only: it goes into statements as it is. */
function randomName(): string {
  return `test_${randomBytes(6).toString('hex')}`;
}

async function runMysql(address: MysqlAddress, database: string | undefined, sql: string): Promise<void> {
  const { host, port, user, password } = address;
  const connection = await createConnection({
    host,
    port,
    user,
    password,
    multipleStatements: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(database === undefined ? {} : { database }),
  });
  try {
    await connection.query({ sql, timeout: SCHEMA_TIMEOUT_MS });
  } finally {
    await connection.end();
  }
}
