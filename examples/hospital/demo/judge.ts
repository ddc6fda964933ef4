/**
 * The demo's own judgement of both stores, with the servers' drivers alone: nothing of the service is used here, so that
 * its mistakes can't hide themselves.
 */
import { Client, types } from 'cassandra-driver';
import type mysql from 'mysql2/promise';
import type { CassandraAddress } from '../../../stack/cassandra.ts';
import { connectToHospital, HOSPITAL_DATABASE, type MysqlAddress } from '../mysql-connection.ts';
import { contentOf, type FinalContent } from '../pharmacy/record-journal.ts';

/** A column in a common form: how each store is asked for it as text. */
interface JudgedColumn {
  readonly mysql: string;
  readonly cassandra: string;
}

const micros = (name: string): JudgedColumn => ({
  mysql: `CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', ${name}) AS CHAR)`,
  cassandra: `CAST(${name} AS text)`,
});
const number = (name: string): JudgedColumn => ({ mysql: `CAST(${name} AS CHAR)`, cassandra: `CAST(${name} AS text)` });
const text = (name: string): JudgedColumn => ({ mysql: name, cassandra: name });

/** All columns of `medications`; the first two are the key. */
const COLUMNS: readonly JudgedColumn[] = [
  text('patient_id'),
  number('medication_id'),
  text('note'),
  text('encounter_id'),
  { mysql: 'BIN_TO_UUID(payer_id)', cassandra: 'payer_id' },
  text('status'),
  number('code'),
  text('description'),
  micros('started_at'),
  micros('stopped_at'),
  number('base_cost'),
  number('payer_coverage'),
  number('dispenses'),
  number('total_cost'),
  number('reason_code'),
  text('reason_description'),
  micros('updated_at'),
];
const NOTE = 2;
const SCAN_TIMEOUT_MS = 120_000;
/** One replica alone may lack what was acknowledged. */
const READ_ALL = { prepare: true, fetchSize: 2_000, consistency: types.consistencies.quorum } as const;
const MAX_EXAMPLES = 5;

type JudgedRow = readonly (string | null)[];

/** What the judge found. */
export interface Judgement {
  readonly sourceRecords: number;
  readonly targetRecords: number;
  /** Records that the stores hold differently, or that one of them lacks. */
  readonly mismatches: number;
  /** Journaled records that do not hold what was last acknowledged, in either store. */
  readonly lostWrites: number;
  /** Names of some of them, with the store. */
  readonly examples: readonly string[];
}

/** Reads all records of both stores, compares them, and looks up what the journals say. Nobody may write meanwhile. */
export async function judgeStores(
  addresses: { readonly mysql: MysqlAddress; readonly cassandra: CassandraAddress },
  finals: readonly FinalContent[],
): Promise<Judgement> {
  const [source, target] = await Promise.all([scanMysql(addresses.mysql), scanCassandra(addresses.cassandra)]);
  const examples: string[] = [];
  const note = (example: string): void => {
    if (examples.length < MAX_EXAMPLES) examples.push(example);
  };
  let mismatches = 0;
  for (const name of new Set([...source.keys(), ...target.keys()])) {
    const difference = differenceOf(source.get(name), target.get(name));
    if (difference === null) continue;
    mismatches += 1;
    note(`${name}: ${difference}`);
  }
  let lostWrites = 0;
  for (const final of finals) {
    const lacking = [
      ...(holds(source.get(final.name), final) ? [] : ['MySQL']),
      ...(holds(target.get(final.name), final) ? [] : ['Cassandra']),
    ];
    if (lacking.length === 0) continue;
    lostWrites += 1;
    note(`${final.name}: ${lacking.join(' and ')} lack what was last acknowledged`);
  }
  return { sourceRecords: source.size, targetRecords: target.size, mismatches, lostWrites, examples };
}

/** Which fields differ, never what they hold. */
function differenceOf(source: JudgedRow | undefined, target: JudgedRow | undefined): string | null {
  if (source === undefined) return 'only Cassandra has it';
  if (target === undefined) return 'only MySQL has it';
  const differing = COLUMNS.filter((_, index) => source[index] !== target[index]);
  return differing.length === 0
    ? null
    : `the stores differ in ${differing.map(({ cassandra }) => cassandra).join(', ')}`;
}

function holds(row: JudgedRow | undefined, { allowed }: FinalContent): boolean {
  return allowed.includes(row === undefined ? null : contentOf(row[NOTE]));
}

async function scanMysql(address: MysqlAddress): Promise<Map<string, JudgedRow>> {
  const connection = await connectToHospital(address, HOSPITAL_DATABASE);
  try {
    const [rows] = await connection.query<mysql.RowDataPacket[]>({
      sql: `SELECT ${COLUMNS.map((column) => column.mysql).join(', ')} FROM medications`,
      rowsAsArray: true,
      timeout: SCAN_TIMEOUT_MS,
    });
    return byName(rows as unknown as JudgedRow[]);
  } finally {
    await connection.end();
  }
}

async function scanCassandra(address: CassandraAddress): Promise<Map<string, JudgedRow>> {
  const client = new Client({
    contactPoints: [...address.contactPoints],
    localDataCenter: address.localDataCenter,
    protocolOptions: { port: address.port },
    socketOptions: { readTimeout: SCAN_TIMEOUT_MS },
  });
  const columns = COLUMNS.map((column, index) => `${column.cassandra} AS c${index}`).join(', ');
  const rows: JudgedRow[] = [];
  try {
    const query = `SELECT ${columns}, crossfade_deleted FROM hospital.medications`;
    for await (const row of await client.execute(query, [], READ_ALL)) {
      const values = row.values() as (string | null)[];
      if (row.crossfade_deleted !== true) rows.push(values.slice(0, COLUMNS.length));
    }
  } finally {
    await client.shutdown();
  }
  return byName(rows);
}

function byName(rows: readonly JudgedRow[]): Map<string, JudgedRow> {
  return new Map(rows.map((row) => [`patients/${row[0]}/medications/${row[1]}`, row]));
}
