import { writeFile } from 'node:fs/promises';
import { create, type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import {
  GetMedicationRequestSchema,
  UpdateMedicationRequestSchema,
} from '../clients/typescript/gen/hospital/v1/medications_pb.ts';

/** The names of `count` medications, spread over the whole table and in no order. */
export async function pickNames(connection: Connection, schema: string, count: number): Promise<readonly string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT patient_id, medication_id FROM ${schema}.medications ORDER BY CRC32(CONCAT(patient_id, medication_id)) LIMIT ${count}`,
  );
  return rows.map((row) => `patients/${row.patient_id}/medications/${row.medication_id}`);
}

/** Writes a Get of each. */
export async function writeGets(path: string, names: readonly string[]): Promise<void> {
  const requests = names.map((name) => create(GetMedicationRequestSchema, { name }));
  await writeDelimited(path, GetMedicationRequestSchema, requests);
}

/**
 * Writes two Updates of the note of each, with different notes, all the first ones before the second: however often ghz
 * goes round, each request finds another note and changes the row. `round` keeps rounds apart.
 */
export async function writeUpdates(path: string, names: readonly string[], round: string): Promise<void> {
  const requests = ['a', 'b'].flatMap((turn) =>
    names.map((name) =>
      create(UpdateMedicationRequestSchema, {
        medication: { name, note: `taken with breakfast, round ${round}${turn}` },
        updateMask: { paths: ['note'] },
      }),
    ),
  );
  await writeDelimited(path, UpdateMedicationRequestSchema, requests);
}

async function writeDelimited<Desc extends DescMessage>(
  path: string,
  schema: Desc,
  messages: readonly MessageShape<Desc>[],
): Promise<void> {
  const parts = messages.flatMap((message) => {
    const bytes = toBinary(schema, message);
    return [varint(bytes.length), bytes];
  });
  await writeFile(path, Buffer.concat(parts));
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}
