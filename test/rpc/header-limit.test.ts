import type { DescMethod } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Caller, grpcCaller, methodsOf } from '../support/rpc-clients.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

const NAME = 'patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1';
const [NOT_FOUND, RESOURCE_EXHAUSTED] = [5, 8];
const MAX_HEADER_BYTES = 8 * 1024;

let servers: Servers;
let grpc: Caller;
let method: DescMethod;

beforeAll(async () => {
  const medications = await loadMedications();
  method = methodsOf(medications.registry, 'hospital.v1.Medications').GetMedication as DescMethod;
  const records = memoryRecords(medications.resource);
  servers = await startServers({ medications, records, limits: { maxHeaderBytes: MAX_HEADER_BYTES } });
  grpc = grpcCaller(servers.grpcPort);
});

afterAll(async () => {
  grpc.close();
  await servers.stop();
});

it('a head of a request that is larger than the limit is refused over gRPC, and the connection goes on', async () => {
  const headers = { filler: 'x'.repeat(MAX_HEADER_BYTES) };
  expect((await grpc.call(method, { name: NAME }, { headers })).code).toBe(RESOURCE_EXHAUSTED);
  const smaller = { filler: 'x'.repeat(MAX_HEADER_BYTES / 2) };
  expect((await grpc.call(method, { name: NAME }, { headers: smaller })).code).toBe(NOT_FOUND);
});

it('and over HTTP', async () => {
  const ask = (filler: string) =>
    fetch(`http://127.0.0.1:${servers.httpPort}/hospital.v1.Medications/GetMedication`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', filler },
      body: JSON.stringify({ name: NAME }),
    });
  expect((await ask('x'.repeat(MAX_HEADER_BYTES))).status).toBe(431);
  expect((await ask('x'.repeat(MAX_HEADER_BYTES / 2))).status).toBe(404);
});
