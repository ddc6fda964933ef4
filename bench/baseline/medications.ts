import { isFieldSet } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import type { Pool, PoolConnection, RowDataPacket } from 'mysql2/promise';
import {
  type Medication,
  MedicationSchema,
  type UpdateMedicationRequest,
} from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import {
  COLUMNS,
  type ColumnValue,
  etagOf,
  type MedicationKey,
  type MedicationRow,
  parseName,
  toMedication,
  UPDATABLE,
} from './medication-rows.ts';

/** What a request is refused with: a gRPC status and a text for the caller. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

/** The two methods that are measured. */
export interface MedicationMethods {
  get(name: string): Promise<Medication>;
  update(request: UpdateMedicationRequest): Promise<Medication>;
}

const SELECT = `SELECT ${COLUMNS.join(', ')} FROM medications WHERE patient_id = ? AND medication_id = ?`;
const SELECT_FOR_UPDATE = `${SELECT} FOR UPDATE`;

/** Straight SQL over one pool: nothing here knows of a second store. */
export function createMedications(pool: Pool): MedicationMethods {
  const updates = new Map<string, string>();
  return {
    get: async (name) => {
      const row = await selectOne(pool, SELECT, keyOf(name));
      if (row === null) throw notFound();
      return toMedication(row);
    },
    update: async ({ medication, updateMask }) => {
      if (medication === undefined) throw new Refusal(status.INVALID_ARGUMENT, 'medication: must be set');
      const key = keyOf(medication.name);
      const paths = updateMask?.paths ?? populated(medication);
      const set = paths.map((path) => assignmentOf(path, medication));
      const sql = cached(updates, paths.join(), () => updateSql(set.map(([column]) => column)));
      const values = set.map(([, value]) => value);
      return await inTransaction(pool, async (connection) => {
        const current = await selectOne(connection, SELECT_FOR_UPDATE, key);
        if (current === null) throw notFound();
        if (medication.etag !== '' && medication.etag !== etagOf(current)) {
          throw new Refusal(status.ABORTED, 'etag: the medication has been changed since');
        }
        await connection.execute(sql, [...values, key.patient, key.medication]);
        // MySQL sets updated_at by itself.
        return toMedication((await selectOne(connection, SELECT, key)) ?? current);
      });
    },
  };
}

function keyOf(name: string): MedicationKey {
  const key = parseName(name);
  if (key === null) throw new Refusal(status.INVALID_ARGUMENT, 'name: not of a medication');
  return key;
}

async function selectOne(
  from: Pick<Pool | PoolConnection, 'execute'>,
  sql: string,
  { patient, medication }: MedicationKey,
): Promise<MedicationRow | null> {
  const [rows] = await from.execute<RowDataPacket[][]>(sql, [patient, medication]);
  return (rows[0] as MedicationRow | undefined) ?? null;
}

function assignmentOf(path: string, medication: Medication): readonly [column: string, value: ColumnValue] {
  const found = UPDATABLE.get(path);
  if (found === undefined) throw new Refusal(status.INVALID_ARGUMENT, `update_mask: ${path} can't be updated`);
  const [column, read] = found;
  return [column, read(medication)];
}

/** Without a mask: the fields that are set (AIP-134). */
function populated(medication: Medication): readonly string[] {
  return MedicationSchema.fields
    .filter((field) => UPDATABLE.has(field.name) && isFieldSet(medication, field))
    .map((field) => field.name);
}

function updateSql(columns: readonly string[]): string {
  if (columns.length === 0) throw new Refusal(status.INVALID_ARGUMENT, 'update_mask: must be set');
  return `UPDATE medications SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE patient_id = ? AND medication_id = ?`;
}

function cached(map: Map<string, string>, key: string, make: () => string): string {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

async function inTransaction<T>(pool: Pool, work: (connection: PoolConnection) => Promise<T>): Promise<T> {
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    const result = await work(connection);
    await connection.commit();
    return result;
  } catch (error) {
    await connection.rollback();
    throw error;
  } finally {
    connection.release();
  }
}

function notFound(): Refusal {
  return new Refusal(status.NOT_FOUND, 'there is no such medication');
}
