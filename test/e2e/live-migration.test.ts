import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  FollowerState,
  JobState,
  Migrations,
  Phase,
  StartVerificationResponseSchema,
  Store,
} from '../../clients/typescript/gen/crossfade/v1alpha1/migrations_pb.ts';
import { Operations } from '../../clients/typescript/gen/google/longrunning/operations_pb.ts';
import { Medications } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession, reasonOf } from '../../clients/typescript/src/session.ts';
import { loadHospital } from '../../examples/hospital/load.ts';
import { parseConfig } from '../../src/app/config.ts';
import { type Service, startService } from '../../src/app/service.ts';
import { noLog } from '../../src/domain/log.ts';
import { createFlags } from '../../src/migration/flag-setup.ts';
import { flagNames } from '../../src/migration/unleash-flags.ts';
import { createTestDatabase, createTestKeyspace, type TestDatabase, type TestKeyspace } from '../support/databases.ts';
import { createFlagAdmin, type FlagAdmin } from '../support/flag-admin.ts';

/** Where the medications' flags stand is shared by every run on one flag server. */
const ROWS = 600;
const hospital = join(import.meta.dirname, '../../examples/hospital');

describe('a live migration through the API, driven by flags', () => {
  const stopping = new AbortController();
  const database = `hospital_${randomBytes(6).toString('hex')}`;
  let keyspace: TestKeyspace;
  let controlDatabase: TestDatabase;
  let services: Service[];
  let flags: FlagAdmin;
  let one: Client<typeof Medications>;
  let other: Client<typeof Medications>;
  let migrations: Client<typeof Migrations>;
  let operations: Client<typeof Operations>;
  let parents: string[];

  beforeAll(async () => {
    const mysql = inject('mysql');
    const unleash = inject('unleash');
    keyspace = await createTestKeyspace();
    controlDatabase = await createTestDatabase();
    await loadHospital({ mysql, database, rows: ROWS });
    flags = createFlagAdmin(unleash, 'medications');
    await createFlags(
      { url: unleash.url, adminToken: unleash.adminToken, project: 'default', environment: 'development' },
      'medications',
    );
    await flags.reset();
    const config = (instance: string) =>
      parseConfig(
        JSON.stringify({
          instance,
          grpc: { port: 0 },
          http: { port: 0 },
          descriptors: join(hospital, 'hospital.binpb'),
          resources: [
            { type: 'hospital.v1.Medication', mysqlSchema: database, cassandraKeyspace: keyspace.name },
            { type: 'hospital.v1.Encounter', mysqlSchema: database },
          ],
          stores: {
            mysql: {
              host: mysql.host,
              port: mysql.port,
              user: mysql.user,
              passwordEnv: 'MYSQL',
              controlSchema: controlDatabase.name,
            },
            cassandra: { ...inject('cassandra'), createTables: true, controlKeyspace: keyspace.name },
          },
          unleash: { url: `${unleash.url}/api`, tokenEnv: 'UNLEASH' },
          telemetry: { exporter: 'none' },
        }),
        'test.yaml',
        { MYSQL: mysql.password, UNLEASH: unleash.clientToken },
      );
    services = await Promise.all(
      ['one', 'other'].map((name) => startService(config(name), stopping.signal, { log: noLog })),
    );
    const addresses = services.map((service) => `http://${service.addresses.grpc}`);
    one = createSession({ addresses: addresses.slice(0, 1), caller: 'test' }).client(Medications);
    other = createSession({ addresses: addresses.slice(1), caller: 'test' }).client(Medications);
    const http = services.map((service) => service.addresses.http);
    const operator = createSession({ addresses: http, protocol: 'connect' });
    migrations = operator.client(Migrations);
    operations = operator.client(Operations);
    const connection = await createConnection({
      host: mysql.host,
      port: mysql.port,
      user: mysql.user,
      password: mysql.password,
    });
    const [rows] = await connection.query(
      `SELECT DISTINCT patient_id FROM ${database}.medications ORDER BY patient_id`,
    );
    await connection.end();
    parents = (rows as { patient_id: string }[]).map((row) => `patients/${row.patient_id}`);
  });

  afterAll(async () => {
    stopping.abort();
    await Promise.all((services ?? []).map((service) => service.ended));
    await controlDatabase.run(`DROP DATABASE IF EXISTS ${database}`);
    await Promise.all([controlDatabase.drop(), keyspace.drop()]);
  });

  const get = () => migrations.getMigration({ name: 'migrations/medications' });
  const becomes = async (state: FollowerState) => {
    await expect.poll(async () => (await get()).followerState, { timeout: 60_000, interval: 200 }).toBe(state);
  };
  const servedBy = async (client: Client<typeof Medications>, name: string): Promise<string> => {
    let header = '';
    await client.getMedication(
      { name },
      { onHeader: (headers) => (header = headers.get('crossfade-served-by') ?? '') },
    );
    return header;
  };
  const firstName = async (): Promise<string> => {
    const { medications } = await one.listMedications({ parent: parents[0] ?? '', pageSize: 1 });
    return medications[0]?.name ?? '';
  };

  it('serves what was there from the source', async () => {
    expect((await get()).phase).toBe(Phase.SOURCE_ONLY);
    const name = await firstName();
    const medication = await other.getMedication({ name });
    expect(medication.description).not.toBe('');
    expect(await servedBy(other, name)).toBe('source; reason=flag');
  });

  it('keeps etags, masks and errors by the AIPs', async () => {
    const name = await firstName();
    const { etag } = await one.getMedication({ name });
    const update = (note: string, given: string) =>
      one.updateMedication({ medication: { name, note, etag: given }, updateMask: { paths: ['note'] } });
    const updated = await update('by etag', etag);
    expect(updated.note).toBe('by etag');
    expect(updated.etag).not.toBe(etag);
    await expect(update('again', etag)).rejects.toMatchObject({ code: Code.Aborted });
    await expect(one.getMedication({ name: `${parents[0]}/medications/1` })).rejects.toMatchObject({
      code: Code.NotFound,
    });
    await expect(one.getMedication({ name: 'nonsense' })).rejects.toMatchObject({ code: Code.InvalidArgument });
  });

  it('fills the target while it is written, and verifies it by itself', async () => {
    await flags.setPhase('synchronize', true);
    const name = await firstName();
    for (let i = 0; i < 20; i++) {
      const client = i % 2 === 0 ? one : other;
      await client.updateMedication({
        medication: { name, note: `while copying ${i}` },
        updateMask: { paths: ['note'] },
      });
    }
    await controlDatabase.run(`UPDATE ${database}.medications SET note = 'by hand' WHERE dispenses > 5 LIMIT 50`);
    await becomes(FollowerState.IN_SYNC);
    await expect
      .poll(async () => (await get()).verification?.state, { timeout: 60_000, interval: 200 })
      .toBe(JobState.SUCCEEDED);
    const migration = await get();
    expect(Number(migration.backfill?.rowCount)).toBeGreaterThanOrEqual(ROWS);
    expect(migration.verification?.mismatchCount).toBe(0n);
    expect(migration.openMismatchCount).toBe(0n);
    expect(migration.instances.filter((instance) => !instance.dead)).toHaveLength(2);
  });

  it('reads from the target as the flag says, and shows every acknowledged write', async () => {
    await flags.setRollout('shadow-read', 100);
    await flags.setRollout('read-target', 100);
    const name = await firstName();
    await expect.poll(() => servedBy(one, name), { timeout: 10_000 }).toBe('target; reason=flag');
    await expect.poll(() => servedBy(other, name), { timeout: 10_000 }).toBe('target; reason=flag');
    for (let i = 0; i < 50; i++) {
      const [writer, reader] = i % 2 === 0 ? [one, other] : [other, one];
      await writer.updateMedication({ medication: { name, note: `fresh ${i}` }, updateMask: { paths: ['note'] } });
      expect((await reader.getMedication({ name })).note).toBe(`fresh ${i}`);
    }
  });

  it('creates and deletes in both stores', async () => {
    const parent = parents[1] ?? '';
    const medication = {
      code: 7,
      description: 'created',
      startTime: { seconds: 1_700_000_000n, nanos: 0 },
      note: 'new',
    };
    const created = await one.createMedication({ parent, medicationId: '18446744073709551615', medication });
    expect((await other.getMedication({ name: created.name })).note).toBe('new');
    const again = one.createMedication({ parent, medicationId: '18446744073709551615', medication });
    await expect(again).rejects.toMatchObject({ code: Code.AlreadyExists });
    await other.deleteMedication({ name: created.name });
    await expect(one.getMedication({ name: created.name })).rejects.toMatchObject({ code: Code.NotFound });
  });

  it('lists the same in the same order from either store, across a page token', async () => {
    const parent = parents.find(Boolean) ?? '';
    const asked = { parent, orderBy: 'name desc', filter: 'dispenses > 0 AND start_time > 1900-01-01T00:00:00Z' };
    const first = await one.listMedications({ parent, pageSize: 3 });
    const last = await one.listMedications({ ...asked, pageSize: 2 });
    await flags.setRollout('read-target', 0);
    await expect.poll(() => servedBy(one, first.medications[0]?.name ?? ''), { timeout: 10_000 }).toContain('source');
    const rest = await one.listMedications({ parent, pageSize: 1000, pageToken: first.nextPageToken });
    const whole = await one.listMedications({ parent, pageSize: 1000 });
    expect([...first.medications, ...rest.medications].map(({ name }) => name)).toEqual(
      whole.medications.map(({ name }) => name),
    );
    const before = await one.listMedications({ ...asked, pageSize: 1000, pageToken: last.nextPageToken });
    expect(last.medications).toHaveLength(2);
    expect([...last.medications, ...before.medications].map(({ name }) => name)).toEqual(
      whole.medications
        .filter(({ dispenses }) => dispenses > 0)
        .map(({ name }) => name)
        .toReversed(),
    );
    await flags.setRollout('read-target', 100);
  });

  it('gives the same answers while the target is the authority, and comes back', async () => {
    const authorityIs = async (authority: Store) => {
      await expect.poll(async () => (await get()).authority, { timeout: 60_000, interval: 100 }).toBe(authority);
      await becomes(FollowerState.IN_SYNC);
    };
    const parent = parents[2] ?? '';
    const medication = { code: 8, description: 'by the target', startTime: { seconds: 1_700_000_000n, nanos: 0 } };
    // What was changed past the service at first was found before any verification that counts.
    await migrations.startVerification({ name: 'migrations/medications' });
    const ids = Array.from({ length: 4 }, () => randomUUID());
    const early = { parent, medicationId: '78', medication, requestId: ids[0] ?? '' };
    const first = await one.createMedication(early);
    const noted = {
      medication: { name: first.name, note: 'early', etag: first.etag },
      updateMask: { paths: ['note'] },
      requestId: ids[1] ?? '',
    };
    await one.updateMedication(noted);
    await flags.setPhase('target-authority', true);
    await authorityIs(Store.TARGET);
    // Sent again in another epoch: no second effect, though the one is there already and the other's etag is not.
    const early2 = await other.createMedication(early);
    expect(early2).toMatchObject({ name: first.name, note: 'early' });
    expect(await other.updateMedication(noted)).toEqual(early2);
    await expect(other.createMedication({ ...early, requestId: randomUUID() })).rejects.toMatchObject({
      code: Code.AlreadyExists,
    });
    const reused = other.deleteMedication({ name: first.name, requestId: ids[0] ?? '' });
    await expect(reused).rejects.toSatisfy((error) => reasonOf(error) === 'REQUEST_ID_REUSED');
    const batch = {
      parent,
      requests: ['79', '80'].map((medicationId, i) => ({ medicationId, medication, requestId: ids[i + 2] ?? '' })),
    };
    const batched = await one.batchCreateMedications(batch);
    const gone = { name: first.name, requestId: randomUUID() };
    await one.deleteMedication(gone);
    const created = await one.createMedication({ parent, medicationId: '77', medication });
    // Defaults that MySQL would have put there.
    expect(created).toMatchObject({ dispenses: 0, description: 'by the target' });
    expect(created.updateTime).toBeDefined();
    const again = other.createMedication({ parent, medicationId: '77', medication });
    await expect(again).rejects.toMatchObject({ code: Code.AlreadyExists });
    const update = (client: typeof one, note: string, etag: string) =>
      client.updateMedication({ medication: { name: created.name, note, etag }, updateMask: { paths: ['note'] } });
    const updated = await update(other, 'changed', created.etag);
    expect(updated).toMatchObject({ note: 'changed', description: 'by the target' });
    await expect(update(one, 'again', created.etag)).rejects.toMatchObject({ code: Code.Aborted });
    await flags.setRollout('read-target', 0);
    await expect.poll(() => servedBy(one, created.name), { timeout: 10_000 }).toBe('source; reason=flag');
    const before = await one.listMedications({ parent, pageSize: 1 });
    await flags.setPhase('target-authority', false);
    await authorityIs(Store.SOURCE);
    expect(await other.batchCreateMedications(batch)).toEqual(batched);
    await other.deleteMedication(gone);
    await expect(other.deleteMedication({ name: first.name })).rejects.toMatchObject({ code: Code.NotFound });
    const rest = await other.listMedications({ parent, pageSize: 1000, pageToken: before.nextPageToken });
    expect([...before.medications, ...rest.medications].map(({ name }) => name)).toContain(created.name);
    expect(await other.getMedication({ name: created.name })).toMatchObject({ note: 'changed', etag: updated.etag });
    const { transitions } = await migrations.listTransitions({ parent: 'migrations/medications' });
    const moves = transitions.filter(({ toState }) => toState === FollowerState.MOVED);
    expect(moves.map(({ authority }) => authority)).toEqual([Store.SOURCE, Store.TARGET]);
    for (const { writePause } of moves) expect(writePause).toBeDefined();
    await flags.setRollout('read-target', 100);
  });

  it('finds a difference that somebody made in the target', async () => {
    const name = await firstName();
    const [, patient, , id] = name.split('/');
    await keyspace.run(
      `UPDATE ${keyspace.name}.medications USING TIMESTAMP ${BigInt(Date.now()) * 1000n + 60_000_000n} SET note = 'tampered'
        WHERE patient_id = '${patient}' AND medication_id = ${id}`,
    );
    const { name: operation } = await migrations.startVerification({ name: 'migrations/medications' });
    await expect
      .poll(async () => (await operations.waitOperation({ name: operation })).done, { timeout: 60_000 })
      .toBe(true);
    const { result } = await operations.getOperation({ name: operation });
    const verified = result.case === 'response' ? anyUnpack(result.value, StartVerificationResponseSchema) : undefined;
    expect(verified?.mismatchCount).toBeGreaterThan(0n);
    const { mismatches } = await migrations.listMismatches({ parent: 'migrations/medications' });
    expect(mismatches.map((mismatch) => mismatch.record)).toContain(name);
    expect(mismatches[0]?.fieldPaths).toContain('note');
  });

  it('names what it can not do', async () => {
    await expect(migrations.getMigration({ name: 'migrations/nobody' })).rejects.toMatchObject({ code: Code.NotFound });
    const backfill = migrations.startBackfill({ name: 'migrations/medications' });
    await expect(backfill).rejects.toSatisfy((error) => ConnectError.from(error).rawMessage.includes('in_sync'));
  });

  it('holds, and says so, while a difference is open', async () => {
    await flags.setPhase('target-authority', true);
    await expect
      .poll(async () => (await get()).holds.map((hold) => hold.reason), { timeout: 10_000 })
      .toContain('mismatches_open');
    await flags.setPhase('target-authority', false);
  });

  it('goes back to source-only when its strategy is disabled', async () => {
    await flags.setPhase('synchronize', false);
    await becomes(FollowerState.DETACHED);
    expect(await servedBy(other, await firstName())).toContain('source');
    expect(flagNames('medications').phase).toBe('crossfade.medications.phase');
  });
});
