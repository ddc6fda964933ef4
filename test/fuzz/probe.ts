import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { framed } from './grpc-wire.ts';
import type { Wires } from './kind.ts';

/** A patient whose records no input names. */
const PARENT = 'patients/ffffffff-0000-4000-8000-0123456789ab';
const SERVICE = '/hospital.v1.Medications';
/** How long one good request may take. */
const TIMEOUT_MS = 5_000;
/** What a good caller tries again. */
const RETRIED = ['UNAVAILABLE', 'RESOURCE_EXHAUSTED'];
const TRIES = 4;
const RETRY_MS = 250;

/** Creates a record over HTTP, reads it over gRPC, lists it and deletes it. Undefined: as it should be; else what was not. */
export async function probe(wires: Wires, turn: number): Promise<string | undefined> {
  const name = `${PARENT}/medications/${turn}`;
  const medication = { code: 1, description: 'a probe', startTime: '2024-01-01T00:00:00Z' };
  const create = { parent: PARENT, medicationId: String(turn), medication };
  const steps = [
    ['create', () => post(wires, 'CreateMedication', create)],
    ['get', () => get(wires, name)],
    ['list', () => post(wires, 'ListMedications', { parent: PARENT })],
    ['delete', () => post(wires, 'DeleteMedication', { name })],
    ['readyz', () => ready(wires)],
  ] as const;
  for (const [step, send] of steps) {
    const ending = await withRetries(send);
    if (ending !== 'OK') return `${step}: ${ending}`;
  }
  return undefined;
}

async function withRetries(send: () => Promise<string>): Promise<string> {
  for (let left = TRIES; ; left--) {
    const ending = await send();
    if (!RETRIED.includes(ending) || left === 1) return ending;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function post({ http }: Wires, method: string, message: object): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const request = { path: `${SERVICE}/${method}`, headers, body: JSON.stringify(message) };
  return (await http.send(request, TIMEOUT_MS)).ending;
}

async function get({ grpc }: Wires, name: string): Promise<string> {
  const body = framed(new BinaryWriter().tag(1, WireType.LengthDelimited).string(name).finish());
  return (await grpc.send({ path: `${SERVICE}/GetMedication`, body }, TIMEOUT_MS)).ending;
}

async function ready({ http }: Wires): Promise<string> {
  return (await http.page('/readyz').catch(() => '')).startsWith('ok') ? 'OK' : 'not ready';
}
