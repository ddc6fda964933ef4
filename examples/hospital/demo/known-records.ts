import type mysql from 'mysql2/promise';
import { connectToHospital, HOSPITAL_DATABASE, type MysqlAddress } from '../mysql-connection.ts';
import { belongsToOutsideProgram } from '../outside-share.ts';
import type { KnownRecord } from '../pharmacy/messages.ts';
import { contentOf } from '../pharmacy/record-journal.ts';
import { OUTSIDE_SHARE } from './outside.ts';

/** Patients with so many records: neither trivial nor a list of ten pages. */
const RECORDS_OF_A_PATIENT = { least: 5, most: 60 } as const;
/** The patients that the example service looks after. */
const PATIENTS = 400;
const READ_TIMEOUT_MS = 30_000;

/** The records of some patients that are not the outside program's, as they stand in MySQL before the traffic begins. */
export async function readKnownRecords(address: MysqlAddress): Promise<KnownRecord[]> {
  const connection = await connectToHospital(address, HOSPITAL_DATABASE);
  try {
    const [patients] = await connection.query<mysql.RowDataPacket[]>({
      sql: `SELECT patient_id FROM medications GROUP BY patient_id HAVING COUNT(*) BETWEEN ${RECORDS_OF_A_PATIENT.least} AND ${RECORDS_OF_A_PATIENT.most} ORDER BY patient_id`,
      timeout: READ_TIMEOUT_MS,
    });
    const own = patients
      .map(({ patient_id: patient }) => String(patient))
      .filter((patient) => !belongsToOutsideProgram(patient, OUTSIDE_SHARE))
      .slice(0, PATIENTS);
    if (own.length === 0) throw new Error('no patient is the example service’s own');
    // Ids from the table itself: ASCII letters, digits and dashes.
    const list = own.map((patient) => connection.escape(patient)).join(',');
    const [rows] = await connection.query<mysql.RowDataPacket[]>({
      sql: `SELECT patient_id, CAST(medication_id AS CHAR) AS id, note FROM medications WHERE patient_id IN (${list})`,
      timeout: READ_TIMEOUT_MS,
    });
    return rows.map((row) => [`patients/${row.patient_id}/medications/${row.id}`, contentOf(row.note)]);
  } finally {
    await connection.end();
  }
}
