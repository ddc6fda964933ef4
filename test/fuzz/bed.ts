/** Where inputs are thrown: records in real stores, the program that serves them, and what a caller knows of them. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { Client } from 'cassandra-driver';
import { createConnection } from 'mysql2/promise';
import { createFlagSwitches } from '../../examples/hospital/demo/unleash-admin.ts';
import { loadHospital } from '../../examples/hospital/load.ts';
import { Dashboard } from '../../src/gen/crossfade/v1alpha1/dashboard_pb.ts';
import { Migrations } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Operations } from '../../src/gen/google/longrunning/operations_pb.ts';
import { createFlags } from '../../src/migration/flag-setup.ts';
import { openGrpcWire } from './grpc-wire.ts';
import { openHttpWire } from './http-wire.ts';
import type { Material, Wires } from './kind.ts';
import { type Program, type ProgramOptions, startProgram } from './program.ts';
import { openSocketWire } from './socket-wire.ts';
import { type PageToken, pathOf, readSurface, type Surface, type World } from './surface.ts';

/** The bed. */
export interface Bed {
  readonly program: Program;
  readonly wires: Wires;
  readonly material: Material;
  /** Stops the program, and drops what was made for it. */
  close(): Promise<void>;
}

/** What it is made of. */
export type BedOptions = Pick<ProgramOptions, 'mysql' | 'target' | 'heapMib'> & {
  readonly say: (line: string) => void;
};

const ROWS = 2_000;
/** Parents whose records are asked for. */
const PARENTS = 12;
const IN_SYNC_WITHIN_MS = 120_000;
const IN_SYNC_POLL_MS = 500;
const RESOURCE = 'medications';
const KEYSPACE_TIMEOUT_MS = 30_000;

/** Makes the bed. With a target, both stores hold the medications and writes go to both. */
export async function makeBed(options: BedOptions): Promise<Bed> {
  const { mysql, target, heapMib, say } = options;
  const database = `fuzz_${randomBytes(5).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-fuzz-'));
  await loadHospital({ mysql, database, rows: ROWS });
  say(`MySQL holds ${ROWS} records of each kind`);
  if (target !== undefined) await createFlags(flagSetup(target.unleash), RESOURCE);
  const bounds = heapMib === undefined ? {} : { heapMib };
  const program = await startProgram({ mysql, ...(target && { target }), database, folder, ...bounds });
  const wires = openWires(program);
  const close = async (): Promise<void> => {
    for (const wire of [wires.grpc, wires.http, wires.sockets]) wire.close();
    await program.stop();
    if (target !== undefined) await askFor(target.unleash, false);
    await drop(options, database);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    if (target !== undefined) await moveIntoSync(target.unleash, wires, say);
    const surface = await readSurface();
    const world = await readWorld(options, database, surface, program.httpPort);
    return { program, wires, material: { surface, world }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function openWires({ grpcPort, httpPort }: Program): Wires {
  return {
    grpc: openGrpcWire(grpcPort),
    http: openHttpWire(httpPort),
    sockets: openSocketWire(),
    grpcPort,
    httpPort,
  };
}

type Unleash = NonNullable<ProgramOptions['target']>['unleash'];

function flagSetup({ url, adminToken }: Unleash) {
  return { url, adminToken, project: 'default', environment: 'development' };
}

async function askFor(unleash: Unleash, wanted: boolean): Promise<void> {
  const flags = createFlagSwitches(unleash, RESOURCE, AbortSignal.timeout(IN_SYNC_WITHIN_MS));
  await flags.setReadTarget(wanted ? 50 : 0);
  await flags.setPhase('synchronize', wanted);
}

async function moveIntoSync(unleash: Unleash, wires: Wires, say: (line: string) => void): Promise<void> {
  await askFor(unleash, true);
  const untilMs = performance.now() + IN_SYNC_WITHIN_MS;
  while (performance.now() < untilMs) {
    const migration = await callJson(wires.httpPort, '/crossfade.v1alpha1.Migrations/GetMigration', {
      name: `migrations/${RESOURCE}`,
    });
    if (JSON.stringify(migration).includes('"FOLLOWER_STATE_IN_SYNC"')) {
      say('both stores hold the medications');
      return;
    }
    await sleep(IN_SYNC_POLL_MS);
  }
  throw new Error('the follower did not come into sync');
}

async function callJson(port: number, path: string, message: object): Promise<Record<string, unknown>> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(message),
  });
  return (await answer.json()) as Record<string, unknown>;
}

async function readWorld({ mysql }: BedOptions, database: string, { methods }: Surface, port: number): Promise<World> {
  const migrations = [`migrations/${RESOURCE}`, 'migrations/encounters'];
  const ofMigrations = [Migrations, Operations, Dashboard].map((service) => [service, migrations] as const);
  const names = new Map<DescService, readonly string[]>(ofMigrations);
  const parents = new Map<DescService, readonly string[]>(ofMigrations);
  const tokens: PageToken[] = [];
  for (const method of methods.filter(({ name, parent }) => name.startsWith('List') && !names.has(parent))) {
    const some = await readParents(mysql, database, method.parent.name.toLowerCase());
    parents.set(method.parent, some);
    const listed = await Promise.all(some.map((parent) => list(method, parent, port)));
    names.set(
      method.parent,
      listed.flatMap((one) => one.names),
    );
    tokens.push(...listed.map((one) => one.token));
  }
  return { names, parents, tokens };
}

/** Parents with a few records each. */
async function readParents(mysql: ProgramOptions['mysql'], database: string, table: string): Promise<string[]> {
  const { host, port, user, password } = mysql;
  const connection = await createConnection({ host, port, user, password, database });
  try {
    const sql = `SELECT patient_id FROM ${table} GROUP BY patient_id HAVING COUNT(*) BETWEEN 3 AND 200 ORDER BY 1 LIMIT ${PARENTS}`;
    const [rows] = await connection.query(sql);
    return (rows as { patient_id: string }[]).map(({ patient_id }) => `patients/${patient_id}`);
  } finally {
    await connection.end();
  }
}

async function list(method: DescMethod, parent: string, port: number) {
  const page = await callJson(port, pathOf(method), { parent, pageSize: 2 });
  const records = Object.values(page).find(Array.isArray) as { readonly name: string }[] | undefined;
  const token = { method, parent, token: String(page.nextPageToken) };
  return { names: (records ?? []).map(({ name }) => name), token };
}

async function drop({ mysql, target }: BedOptions, database: string): Promise<void> {
  const { host, port, user, password } = mysql;
  const connection = await createConnection({ host, port, user, password });
  for (const name of [database, `${database}_control`]) await connection.query(`DROP DATABASE IF EXISTS ${name}`);
  await connection.end();
  if (target === undefined) return;
  const { contactPoints, port: cqlPort, localDataCenter } = target.cassandra;
  const client = new Client({
    contactPoints: contactPoints.map((point) => `${point}:${cqlPort}`),
    localDataCenter,
    socketOptions: { readTimeout: KEYSPACE_TIMEOUT_MS },
  });
  for (const name of [database, `${database}_control`]) await client.execute(`DROP KEYSPACE IF EXISTS ${name}`);
  await client.shutdown();
}
