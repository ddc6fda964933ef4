import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Medications } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession } from '../../clients/typescript/src/session.ts';
import { loadHospital } from '../../examples/hospital/load.ts';
import { reservePort } from '../../stack/ports.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';

const root = join(import.meta.dirname, '../..');
const CALLERS = 12;
/** Both instances start twice, on a loaded machine. */
const ROLLOUT_TIMEOUT_MS = 120_000;
const READY_WITHIN_MS = 40_000;
const READY_POLL_MS = 100;
const PATIENT = 'patients/007e7104-87fa-f67b-8ce7-2312b271e08a';

interface Instance {
  readonly grpc: string;
  readonly http: string;
  readonly configFile: string;
  process: ChildProcess;
  log: Promise<string>;
}

/** Each instance is the program that a container runs, in a process of its own: a signal is its only warning. */
describe('a rollout, one instance after another', () => {
  const database = `hospital_${randomBytes(6).toString('hex')}`;
  const instances: Instance[] = [];
  let control: TestDatabase;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crossfade-rollout-'));
    control = await createTestDatabase();
    await loadHospital({ mysql: inject('mysql'), database, rows: 400 });
    for (const name of ['one', 'other']) instances.push(await startInstance(name));
    await Promise.all(instances.map(becomesReady));
  });

  afterAll(async () => {
    for (const instance of instances) instance.process.kill('SIGKILL');
    await control.run(`DROP DATABASE IF EXISTS ${database}`);
    await control.drop();
    await rm(folder, { recursive: true });
  });

  async function startInstance(name: string): Promise<Instance> {
    const { host, port, user } = inject('mysql');
    const [grpcPort, httpPort] = [await reservePort(), await reservePort()];
    const configFile = join(folder, `${name}.yaml`);
    const config = {
      instance: name,
      grpc: { port: grpcPort },
      http: { port: httpPort },
      descriptors: join(root, 'examples/hospital/hospital.binpb'),
      resources: [{ type: 'hospital.v1.Medication', mysqlSchema: database }],
      stores: { mysql: { host, port, user, passwordEnv: 'MYSQL', controlSchema: control.name } },
      telemetry: { exporter: 'none' },
    };
    await writeFile(configFile, JSON.stringify(config));
    const addresses = { grpc: `http://127.0.0.1:${grpcPort}`, http: `http://127.0.0.1:${httpPort}` };
    return { ...addresses, configFile, ...spawnInstance(configFile) };
  }

  function spawnInstance(configFile: string): Pick<Instance, 'process' | 'log'> {
    const started = spawn(process.execPath, [join(root, 'src/main.ts'), 'serve', '--config', configFile], {
      env: { ...process.env, MYSQL: inject('mysql').password },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return { process: started, log: started.stderr === null ? Promise.resolve('') : text(started.stderr) };
  }

  async function becomesReady({ http, log }: Instance): Promise<void> {
    const untilMs = performance.now() + READY_WITHIN_MS;
    while (performance.now() < untilMs) {
      const answer = await fetch(`${http}/readyz`).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.ok) return;
      await sleep(READY_POLL_MS);
    }
    throw new Error(`not ready within ${READY_WITHIN_MS} ms: ${await Promise.race([log, sleep(100)])}`);
  }

  /** Callers that read and write until they are told to stop. */
  function startCallers(): { stop(): Promise<{ answered: number; failures: unknown[] }> } {
    let stopping = false;
    let answered = 0;
    const failures: unknown[] = [];
    const call = async (_: unknown, index: number): Promise<void> => {
      const addresses = instances.map(({ grpc }) => grpc);
      const session = createSession({ addresses, caller: 'rollout', startAt: index % addresses.length });
      const client = session.client(Medications);
      const { medications } = await client.listMedications({ parent: PATIENT, pageSize: CALLERS });
      const name = medications[index % medications.length]?.name ?? '';
      for (let round = 0; !stopping; round++) {
        try {
          if (round % 3 === 0) {
            const note = `${index}:${round}`;
            await client.updateMedication({ medication: { name, note }, updateMask: { paths: ['note'] } });
          } else await client.getMedication({ name });
          answered += 1;
        } catch (error) {
          failures.push(error);
        }
      }
    };
    const calls = Array.from({ length: CALLERS }, call);
    return {
      stop: async () => {
        stopping = true;
        await Promise.all(calls);
        return { answered, failures };
      },
    };
  }

  it(
    'fails no call, and each ends with 0',
    async () => {
      const callers = startCallers();
      const codes: unknown[] = [];
      for (const instance of instances) {
        const exited = once(instance.process, 'exit');
        instance.process.kill('SIGTERM');
        const [code] = await exited;
        codes.push(code);
        Object.assign(instance, spawnInstance(instance.configFile));
        await becomesReady(instance);
      }
      const { answered, failures } = await callers.stop();
      expect(failures).toEqual([]);
      expect(codes).toEqual([0, 0]);
      expect(answered).toBeGreaterThan(CALLERS * 10);
    },
    ROLLOUT_TIMEOUT_MS,
  );
});
