import { hash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import {
  type Medication,
  Medication_Status,
  MedicationSchema,
} from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';

/** A value as mysql2 gives it by the binary protocol, with `supportBigNumbers` and `dateStrings`. */
export type ColumnValue = string | number | bigint | Buffer | null;

/** The values of {@link COLUMNS}, in their order. */
export type MedicationRow = readonly ColumnValue[];

/** The columns of the table as every SELECT asks for them. */
export const COLUMNS = [
  'patient_id',
  'medication_id',
  'encounter_id',
  'payer_id',
  'status',
  'code',
  'description',
  'started_at',
  'stopped_at',
  'base_cost',
  'payer_coverage',
  'dispenses',
  'total_cost',
  'reason_code',
  'reason_description',
  'note',
  'updated_at',
] as const;

/** A record's key: a patient and the number of one of its medications. */
export interface MedicationKey {
  readonly patient: string;
  readonly medication: string;
}

const NAME = /^patients\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/medications\/(0|[1-9]\d{0,19})$/;
const STATUS_NAMES = ['', 'active', 'stopped', 'draft'];

/** The key in a resource name; null: it is none. */
export function parseName(name: string): MedicationKey | null {
  const [, patient, medication] = NAME.exec(name) ?? [];
  return patient === undefined || medication === undefined ? null : { patient, medication };
}

/** A row as the API shows it. */
export function toMedication(row: MedicationRow): Medication {
  const [patient, id, encounter, payer, status, code, description, started, stopped, ...more] = row;
  const [baseCost, coverage, dispenses, totalCost, reasonCode, reason, note, updated] = more;
  return create(MedicationSchema, {
    name: `patients/${patient as string}/medications/${id as string | number}`,
    status: statusOf(status as string),
    code: code as number,
    description: description as string,
    startTime: toTimestamp(started as string),
    baseCost: baseCost as string,
    payerCoverage: coverage as string,
    dispenses: dispenses as number,
    totalCost: totalCost as string,
    updateTime: toTimestamp(updated as string),
    etag: etagOf(row),
    ...(encounter !== null && { encounterId: encounter as string }),
    ...(payer !== null && { payerId: uuidText(payer as Buffer) }),
    ...(stopped !== null && { stopTime: toTimestamp(stopped as string) }),
    ...(reasonCode !== null && { reasonCode: BigInt(reasonCode as string | number) }),
    ...(reason !== null && { reasonDescription: reason as string }),
    ...(note !== null && { note: note as string }),
  });
}

/** An etag of the record's content, as AIP-154 asks for. */
export function etagOf(row: MedicationRow): string {
  let text = '';
  for (const value of row)
    text += value === null ? '-\0' : `+${Buffer.isBuffer(value) ? value.toString('latin1') : value}\0`;
  return `"${hash('sha256', text, 'base64url').slice(0, 22)}"`;
}

/** The fields that a mask may name, with their columns and how their values are stored. */
export const UPDATABLE: ReadonlyMap<string, readonly [column: string, read: (from: Medication) => ColumnValue]> =
  new Map([
    ['encounter_id', ['encounter_id', (from: Medication) => from.encounterId ?? null]],
    ['payer_id', ['payer_id', (from: Medication) => uuidBytes(from.payerId)]],
    ['status', ['status', (from: Medication) => STATUS_NAMES[from.status] || 'draft']],
    ['code', ['code', (from: Medication) => from.code]],
    ['description', ['description', (from: Medication) => from.description]],
    ['start_time', ['started_at', (from: Medication) => toDatetime(from.startTime)]],
    ['stop_time', ['stopped_at', (from: Medication) => toDatetime(from.stopTime)]],
    ['base_cost', ['base_cost', (from: Medication) => from.baseCost]],
    ['payer_coverage', ['payer_coverage', (from: Medication) => from.payerCoverage]],
    ['dispenses', ['dispenses', (from: Medication) => from.dispenses]],
    ['total_cost', ['total_cost', (from: Medication) => from.totalCost]],
    ['reason_code', ['reason_code', (from: Medication) => from.reasonCode ?? null]],
    ['reason_description', ['reason_description', (from: Medication) => from.reasonDescription ?? null]],
    ['note', ['note', (from: Medication) => from.note ?? null]],
  ]);

function statusOf(name: string): Medication_Status {
  switch (name) {
    case 'active':
      return Medication_Status.ACTIVE;
    case 'stopped':
      return Medication_Status.STOPPED;
    default:
      return Medication_Status.DRAFT;
  }
}

/** `2017-08-23 18:06:09.000123`, in UTC. */
function toTimestamp(text: string): Pick<Timestamp, '$typeName' | 'seconds' | 'nanos'> {
  const ms = Date.UTC(
    Number(text.slice(0, 4)),
    Number(text.slice(5, 7)) - 1,
    Number(text.slice(8, 10)),
    Number(text.slice(11, 13)),
    Number(text.slice(14, 16)),
    Number(text.slice(17, 19)),
  );
  const nanos = Number(text.slice(20, 26).padEnd(6, '0')) * 1000;
  return { $typeName: 'google.protobuf.Timestamp', seconds: BigInt(ms / 1000), nanos };
}

function toDatetime(time: Timestamp | undefined): string | null {
  if (time === undefined) return null;
  const text = new Date(Number(time.seconds) * 1000).toISOString();
  const micros = String(Math.floor(time.nanos / 1000)).padStart(6, '0');
  return `${text.slice(0, 10)} ${text.slice(11, 19)}.${micros}`;
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function uuidBytes(text: string | undefined): Buffer | null {
  return text === undefined ? null : Buffer.from(text.replaceAll('-', ''), 'hex');
}
