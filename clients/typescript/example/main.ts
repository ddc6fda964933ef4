/** Lists a patient's medications, prescribes one, changes it, reads it back and takes it away. */
import { randomUUID } from 'node:crypto';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { createSession, reasonOf } from '@crossfade/client';
import { Medications } from '@crossfade/client/gen/hospital/v1/medications_pb';

// Those of `npm run dev`, unless others are named.
const [address = '127.0.0.1:15051', parent = 'patients/007e7104-87fa-f67b-8ce7-2312b271e08a'] = process.argv.slice(2);

const session = createSession({ addresses: [`http://${address}`], caller: 'typescript-example' });
const medications = session.client(Medications);

for (const one of (await medications.listMedications({ parent, pageSize: 3 })).medications) {
  console.log(`${one.name}  ${one.description}`);
}

const { name } = await medications.createMedication({
  parent,
  medicationId: String(Date.now()),
  medication: { code: 243_670, description: 'aspirin 81 MG Oral Tablet', startTime: timestampNow() },
  // So that it is sent again by itself if its outcome is not known.
  requestId: randomUUID(),
});
console.log(`created  ${name} at version ${session.versionOf(name)}`);

await medications.updateMedication({ medication: { name, note: 'with water' }, updateMask: { paths: ['note'] } });
console.log(`note     ${(await medications.getMedication({ name })).note}`);

await medications.deleteMedication({ name });
await medications.getMedication({ name }).catch((error: unknown) => console.log(`deleted  ${reasonOf(error)}`));
