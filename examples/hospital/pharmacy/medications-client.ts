import { Code, ConnectError } from '@connectrpc/connect';
import { Medications } from '../../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession } from '../../../clients/typescript/src/session.ts';
import type { PharmacyOptions } from './messages.ts';
import { type Content, contentOf } from './record-journal.ts';
import { type ServedBy, servedBy } from './tally.ts';

/** A generated client of the records API in a session. */
export type MedicationsClient = ReturnType<typeof createMedicationsClient>;

/** A client whose session begins at one of the instances. */
export function createMedicationsClient(options: PharmacyOptions, startAt: number) {
  const { instances, retries } = options;
  return createSession({ addresses: instances, caller: 'pharmacy', retries, startAt }).client(Medications);
}

/** A record as a read found it. */
export interface Found extends ServedBy {
  readonly content: Content;
  readonly etag: string;
}

/** Reads one record; its absence is an answer too. Throws every other failure. */
export async function getMedication(client: MedicationsClient, name: string): Promise<Found> {
  let headers: Headers | undefined;
  const onHeader = (received: Headers): void => {
    headers = received;
  };
  try {
    const medication = await client.getMedication({ name }, { onHeader });
    return { content: contentOf(medication.note), etag: medication.etag, ...servedBy(headers) };
  } catch (error) {
    const failure = ConnectError.from(error);
    if (failure.code !== Code.NotFound) throw error;
    return { content: null, etag: '', ...servedBy(failure.metadata) };
  }
}

/** One page of a list. */
export interface Page extends ServedBy {
  readonly contents: readonly (readonly [name: string, content: Content])[];
  readonly nextPageToken: string;
}

/** Reads one page of a patient's medications. */
export async function listMedications(
  client: MedicationsClient,
  parent: string,
  pageSize: number,
  pageToken: string,
): Promise<Page> {
  let headers: Headers | undefined;
  const onHeader = (received: Headers): void => {
    headers = received;
  };
  const answer = await client.listMedications({ parent, pageSize, pageToken }, { onHeader });
  const contents = answer.medications.map(({ name, note }) => [name, contentOf(note)] as const);
  return { contents, nextPageToken: answer.nextPageToken, ...servedBy(headers) };
}
