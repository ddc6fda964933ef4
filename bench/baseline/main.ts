/**
 * The service to compare with: what somebody would write by hand for the same proto over MySQL alone, with grpc-js,
 * protobuf-es' generated code and mysql2's prepared statements. No migration, no second store, no traces.
 *
 * Told where to listen and which MySQL to use by CROSSFADE_BASELINE, as JSON.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import mysql from 'mysql2/promise';
import {
  GetMedicationRequestSchema,
  type Medication,
  MedicationSchema,
  Medications,
  UpdateMedicationRequestSchema,
} from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createMedications, Refusal } from './medications.ts';

/** What CROSSFADE_BASELINE holds. */
export interface BaselineSettings {
  readonly port: number;
  readonly mysql: { readonly host: string; readonly port: number; readonly user: string; readonly password: string };
  readonly database: string;
  readonly connections: number;
}

const settings = JSON.parse(process.env.CROSSFADE_BASELINE ?? '{}') as BaselineSettings;
const pool = mysql.createPool({
  ...settings.mysql,
  database: settings.database,
  connectionLimit: settings.connections,
  maxIdle: settings.connections,
  charset: 'utf8mb4',
  timezone: 'Z',
  rowsAsArray: true,
  supportBigNumbers: true,
  dateStrings: true,
});
const medications = createMedications(pool);
const server = new Server();

function register<Request>(
  method: string,
  decode: (bytes: Buffer) => Request,
  handle: (request: Request) => Promise<Medication>,
): void {
  const handler = (call: ServerUnaryCall<Request, Medication>, callback: sendUnaryData<Medication>): void => {
    handle(call.request).then(
      (medication) => callback(null, medication),
      (error: unknown) => callback(statusOf(error)),
    );
  };
  const encode = (medication: Medication): Buffer => {
    const bytes = toBinary(MedicationSchema, medication);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
  server.register(`/${Medications.typeName}/${method}`, handler, encode, decode, 'unary');
}

function statusOf(error: unknown): { code: status; details: string } {
  if (error instanceof Refusal) return { code: error.code, details: error.message };
  console.error(error);
  return { code: status.INTERNAL, details: 'internal error' };
}

register(
  'GetMedication',
  (bytes) => fromBinary(GetMedicationRequestSchema, bytes),
  ({ name }) => medications.get(name),
);
register(
  'UpdateMedication',
  (bytes) => fromBinary(UpdateMedicationRequestSchema, bytes),
  (request) => medications.update(request),
);

server.bindAsync(`127.0.0.1:${settings.port}`, ServerCredentials.createInsecure(), (error) => {
  if (error === null) return;
  console.error(error);
  process.exitCode = 1;
});
process.once('SIGTERM', () => {
  server.forceShutdown();
  void pool.end();
});
