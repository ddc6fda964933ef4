import { equals } from '@bufbuild/protobuf';
import { MedicationSchema, Medications } from '../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession } from '../clients/typescript/src/session.ts';
import type { Service } from './services.ts';

/** Records that are asked of both. */
const SAMPLE = 50;

/** Makes sure that both services give the same answers, but for the etags, which each makes in its own way. */
export async function checkAgreement(names: readonly string[], crossfade: Service, baseline: Service): Promise<void> {
  const [one, other] = [crossfade, baseline].map(({ grpc }) =>
    createSession({ addresses: [`http://${grpc}`] }).client(Medications),
  );
  if (one === undefined || other === undefined) return;
  for (const name of names.slice(0, SAMPLE)) {
    const [own, theirs] = await Promise.all([one.getMedication({ name }), other.getMedication({ name })]);
    if (!equals(MedicationSchema, { ...own, etag: '' }, { ...theirs, etag: '' })) {
      throw new Error('the two services give different answers for the same record');
    }
  }
}
