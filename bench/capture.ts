import { setTimeout as sleep } from 'node:timers/promises';
import { Client, types } from 'cassandra-driver';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import type { ManagedServer } from '../stack/process.ts';
import { countProcessorTime, loadAverage } from './machine.ts';
import type { Effort } from './options.ts';
import type { CaptureFigure, RowCost } from './report.ts';
import { type BackendProcesses, type Backends, CONTROL_SCHEMA, KEYSPACE, SCHEMAS } from './services.ts';
import { median, medians } from './statistics.ts';

/** What the measurement needs. The target follows. */
export interface CaptureOptions {
  readonly backends: Backends;
  readonly processes: BackendProcesses;
  readonly crossfade: ManagedServer;
  readonly connection: Connection;
  readonly effort: Effort;
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal;
}

type Kind = 'own' | 'outside';

/** How often either kind is measured. */
const RUNS = 3;
/** Records that are looked for in Cassandra, evenly spread over the changes in their order. */
const MARKERS = 21;
/** The first of them that counts: by then the service, just started, is as warm as it is going to be. */
const FIRST_MARKER = 5;
const POLL_MS = 20;
const CARRIED_WITHIN_MS = 120_000;
/** Changes of one call of the procedure. */
const SLICE = 2_000;

/**
 * Stops the service, makes changes of one kind, one record a transaction, starts the service, and takes the time
 * in which they become visible in Cassandra. So it is the speed at which capture catches up, read from the log, decoded,
 * folded, touched where it must be, and acknowledged by the target.
 */
export async function measureCapture(options: CaptureOptions): Promise<CaptureFigure> {
  const { effort, backends, connection, onProgress } = options;
  const before = loadAverage();
  const client = new Client({
    contactPoints: [...backends.cassandra.contactPoints],
    localDataCenter: backends.cassandra.localDataCenter,
    protocolOptions: { port: backends.cassandra.port },
  });
  await client.connect();
  const runs: Record<Kind, number[]> = { own: [], outside: [] };
  const costs: Record<Kind, RowCost[]> = { own: [], outside: [] };
  try {
    await prepareChanges(connection, effort.changes);
    for (let run = 0; run < RUNS; run++) {
      for (const kind of ['own', 'outside'] as const) {
        const { rowsPerSecond, cost } = await carry(options, client, kind, `${kind} ${run}`);
        runs[kind].push(Math.round(rowsPerSecond));
        costs[kind].push(cost);
        onProgress(`capture of ${kind} changes ${run + 1}/${RUNS}: ${Math.round(rowsPerSecond)} rows/s`);
      }
    }
  } finally {
    await client.shutdown();
  }
  return {
    rows: effort.changes,
    rowsPerSecond: { own: median(runs.own), outside: median(runs.outside) },
    microsPerRow: { own: medians(costs.own), outside: medians(costs.outside) },
    runs,
    loadAverage: { before, after: loadAverage() },
  };
}

/** The records to change, in a table of their own, and the two ways to change them: as the service does, and as anybody does. */
async function prepareChanges(connection: Connection, changes: number): Promise<void> {
  const { crossfade: schema } = SCHEMAS;
  await connection.query(`CREATE TABLE ${schema}.bench_keys (
    at INT PRIMARY KEY, patient_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin, medication_id BIGINT UNSIGNED)`);
  await connection.query(`INSERT INTO ${schema}.bench_keys
    SELECT ROW_NUMBER() OVER (ORDER BY CRC32(CONCAT(patient_id, medication_id))) - 1, patient_id, medication_id
    FROM ${schema}.medications ORDER BY 1 LIMIT ${changes}`);
  // The side table's key: the patient's text and two zero bytes, then the number in nine bytes, 2^64 added.
  const key = "CONCAT(v_patient, x'000001', UNHEX(LPAD(HEX(v_medication), 16, '0')))";
  const bump = `INSERT INTO ${CONTROL_SCHEMA}.crossfade_version (resource, \`key\`, version)
    VALUES ('medications', ${key}, CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS UNSIGNED))
    ON DUPLICATE KEY UPDATE version = GREATEST(version + 1, VALUES(version));`;
  for (const [kind, first] of [
    ['own', bump],
    ['outside', ''],
  ] as const) {
    await connection.query(`CREATE PROCEDURE ${schema}.bench_${kind}(IN p_from INT, IN p_to INT, IN p_note VARCHAR(100))
      BEGIN
        DECLARE v_at INT DEFAULT p_from;
        DECLARE v_patient CHAR(36) CHARACTER SET ascii COLLATE ascii_bin;
        DECLARE v_medication BIGINT UNSIGNED;
        WHILE v_at < p_to DO
          SELECT patient_id, medication_id INTO v_patient, v_medication FROM ${schema}.bench_keys WHERE at = v_at;
          START TRANSACTION;
          ${first}
          UPDATE ${schema}.medications SET note = p_note WHERE patient_id = v_patient AND medication_id = v_medication;
          COMMIT;
          SET v_at = v_at + 1;
        END WHILE;
      END`);
  }
}

interface Carried {
  readonly rowsPerSecond: number;
  readonly cost: RowCost;
}

async function carry(options: CaptureOptions, client: Client, kind: Kind, note: string): Promise<Carried> {
  const { crossfade, effort, signal, processes } = options;
  await crossfade.stop();
  const changes = await makeChanges(options.connection, kind, note, effort.changes);
  const markers = await readMarkers(options.connection, changes);
  await crossfade.start(signal);
  const seen = watchMarkers(client, markers, note, signal, FIRST_MARKER);
  await seen.first;
  const used = countProcessorTime({ copier: crossfade, mysql: processes.mysql, cassandra: processes.cassandra });
  const seenMs = await seen.all;
  const [from, to] = [seenMs[FIRST_MARKER] ?? 0, seenMs.at(-1) ?? 0];
  const counted = (markers.at(-1)?.at ?? 0) - (markers[FIRST_MARKER]?.at ?? 0);
  const cost = used(counted);
  await checkAll(client, note, changes);
  return { rowsPerSecond: (counted / (to - from)) * 1000, cost: { ...cost } };
}

/** Without waiting for the disk, which is not what is measured; the server's settings are put back before the service starts. */
async function makeChanges(connection: Connection, kind: Kind, note: string, changes: number): Promise<number> {
  await setDurable(connection, false);
  try {
    const [[found]] = await connection.query<RowDataPacket[]>(
      `SELECT COUNT(*) AS keyCount FROM ${SCHEMAS.crossfade}.bench_keys`,
    );
    const total = Math.min(changes, Number(found?.keyCount));
    for (let from = 0; from < total; from += SLICE) {
      const to = Math.min(total, from + SLICE);
      await connection.query(`CALL ${SCHEMAS.crossfade}.bench_${kind}(?, ?, ?)`, [from, to, note]);
    }
    return total;
  } finally {
    await setDurable(connection, true);
  }
}

async function setDurable(connection: Connection, durable: boolean): Promise<void> {
  const value = durable ? 1 : 0;
  await connection.query(`SET GLOBAL sync_binlog = ${value}, GLOBAL innodb_flush_log_at_trx_commit = ${value}`);
}

interface Marker {
  readonly at: number;
  readonly patient: string;
  readonly medication: string;
}

async function readMarkers(connection: Connection, changes: number): Promise<readonly Marker[]> {
  const places = Array.from({ length: MARKERS }, (_, i) => Math.round((i * (changes - 1)) / (MARKERS - 1)));
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT at, patient_id, medication_id FROM ${SCHEMAS.crossfade}.bench_keys WHERE at IN (${places.join()}) ORDER BY at`,
  );
  return rows.map((row) => ({ at: row.at, patient: row.patient_id, medication: String(row.medication_id) }));
}

/** When each marker was first seen with the note, on the monotonic clock, and when so many of them were. */
function watchMarkers(
  client: Client,
  markers: readonly Marker[],
  note: string,
  signal: AbortSignal,
  before: number,
): { readonly first: Promise<void>; readonly all: Promise<readonly number[]> } {
  const select = `SELECT note FROM ${KEYSPACE}.medications WHERE patient_id = ? AND medication_id = ?`;
  const first = Promise.withResolvers<void>();
  const watch = async (): Promise<readonly number[]> => {
    const seenMs: number[] = [];
    const untilMs = performance.now() + CARRIED_WITHIN_MS;
    for (const { patient, medication } of markers) {
      const params = [patient, types.Integer.fromString(medication)];
      // One look at a time, at one marker: reads of more would compete with what is measured.
      while ((await client.execute(select, params, { prepare: true })).first()?.note !== note) {
        if (performance.now() > untilMs) {
          throw new Error(`the changes were not carried within ${CARRIED_WITHIN_MS / 1000} s`);
        }
        await sleep(POLL_MS, undefined, { signal });
      }
      seenMs.push(performance.now());
      if (seenMs.length > before) first.resolve();
    }
    return seenMs;
  };
  const all = watch();
  all.catch(first.reject);
  return { first: first.promise, all };
}

/** Every change must have arrived, not the markers alone; the last ones may still be on their way. */
async function checkAll(client: Client, note: string, changes: number): Promise<void> {
  const untilMs = performance.now() + CARRIED_WITHIN_MS;
  for (;;) {
    let found = 0;
    const rows = client.stream(`SELECT note FROM ${KEYSPACE}.medications`, [], { prepare: true, fetchSize: 5_000 });
    for await (const row of rows as unknown as AsyncIterable<{ note: unknown }>) if (row.note === note) found++;
    if (found === changes) return;
    if (performance.now() > untilMs) throw new Error(`${found} of ${changes} changes arrived in Cassandra`);
  }
}
