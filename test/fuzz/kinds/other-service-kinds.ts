import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Migrations } from '../../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Operations } from '../../../src/gen/google/longrunning/operations_pb.ts';
import type { Dice } from '../dice.ts';
import { framed } from '../grpc-wire.ts';
import { CANARY, hostileText } from '../hostile-text.ts';
import { INPUT_TIMEOUT_MS, type Input, type Kind } from '../kind.ts';
import type { Ending } from '../wire-codes.ts';
import { bend, garbage } from '../wire-garbage.ts';

const REFLECTION = ['v1', 'v1alpha'].map(
  (version) => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
);
const HEALTH = '/grpc.health.v1.Health/Check';
const HEALTH_WATCH = '/grpc.health.v1.Health/Watch';
const MIGRATIONS = `/${Migrations.typeName}`;

/** What is served beside the records. */
export const otherServiceKinds: readonly Kind[] = [
  {
    name: 'reflection-and-health',
    about: 'reflection and health, asked for what is not there, with messages that are none',
    share: 4,
    make: (dice) => (dice.chance(0.7) ? reflection(dice) : health(dice)),
  },
  {
    name: 'refused-changes',
    about: 'changes of a migration that its state, or a missing confirmation, must refuse',
    share: 2,
    make: (dice) => dice.pick([wrongConfirmation, backfillOutOfTurn, operationOfNobody])(dice),
  },
];

function text(field: number, value: string | Uint8Array): Uint8Array {
  const writer = new BinaryWriter().tag(field, WireType.LengthDelimited);
  return (typeof value === 'string' ? writer.string(value) : writer.bytes(value)).finish();
}

function send(path: string, body: Buffer, endings: readonly Ending[], streams = false): Input {
  return {
    what: `${path}: ${body.subarray(0, 200).toString('base64')}`,
    endings,
    send: ({ grpc }) => grpc.send({ path, body, streams }, INPUT_TIMEOUT_MS),
  };
}

function reflection(dice: Dice): Input {
  const question = (): Uint8Array =>
    dice.pick([
      () => text(3 + dice.int(2), hostileText(dice)),
      () => text(4, dice.pick(['hospital.v1.Medications', 'google.protobuf.Any', 'nothing'])),
      () => text(6, hostileText(dice)),
      () => text(5, text(1, hostileText(dice))),
      () => text(7, ''),
      () => garbage(dice),
      () => bend(text(4, 'hospital.v1.Medications'), dice),
    ])();
  const body = Buffer.concat(Array.from({ length: 1 + dice.int(8) }, () => framed(question())));
  return send(dice.pick(REFLECTION), body, ['OK', 'INVALID_ARGUMENT'], true);
}

function health(dice: Dice): Input {
  // Its answer names the service that was asked for, which is no field of a record.
  const message = dice.pick([
    () => text(1, hostileText(dice).replaceAll(CANARY, 'x')),
    () => dice.bytes(dice.int(60)),
  ])();
  const watches = dice.chance(0.5);
  return send(watches ? HEALTH_WATCH : HEALTH, framed(message), ['OK', 'NOT_FOUND', 'INVALID_ARGUMENT'], watches);
}

function wrongConfirmation(dice: Dice): Input {
  const confirmation = dice.pick(['', 'Medications', ' medications', 'medications ', 'encounters', hostileText(dice)]);
  const message = Buffer.concat([text(1, 'migrations/medications'), text(2, confirmation)]);
  return send(`${MIGRATIONS}/DecommissionMigration`, framed(message), ['INVALID_ARGUMENT']);
}

/** A bulk copy is for a follower that is syncing, and this one is in sync, or detached. */
function backfillOutOfTurn(): Input {
  return send(`${MIGRATIONS}/StartBackfill`, framed(text(1, 'migrations/medications')), ['FAILED_PRECONDITION']);
}

function operationOfNobody(dice: Dice): Input {
  const name = `migrations/medications/operations/${dice.bytes(16).toString('hex')}`;
  return send(`/${Operations.typeName}/CancelOperation`, framed(text(1, name)), ['NOT_FOUND']);
}
