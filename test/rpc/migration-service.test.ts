/** The migration API over stores in memory, and the commands that call it. */
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiClients, jobOf } from '../../src/app/cli/api.ts';
import { decommission } from '../../src/app/cli/decommission-command.ts';
import { fence, runJob, showHistory, showStatus } from '../../src/app/cli/migration-commands.ts';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/errors.ts';
import {
  FollowerState,
  JobKind,
  JobState,
  Migrations,
  StartBackfillResponseSchema,
  StartVerificationResponseSchema,
  Store,
} from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { type Operation, Operations } from '../../src/gen/google/longrunning/operations_pb.ts';
import { ErrorInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import type { Phase } from '../../src/migration/flags.ts';
import { Registers } from '../../src/migration/registers.ts';
import { migrationAccess, operationsAccess } from '../../src/rpc/migration-access.ts';
import { createMigrationService } from '../../src/rpc/migration-service.ts';
import { createOperationsService } from '../../src/rpc/operations-service.ts';
import { createTypedMethods } from '../../src/rpc/typed-service.ts';
import type { ControlRecord, ControlStore, FollowerState as State } from '../../src/stores/control-store.ts';
import type { Job, JobStore } from '../../src/stores/job-store.ts';
import { createMemoryControlStore } from '../../src/stores/memory/control-store.ts';
import { MemoryDatabase } from '../../src/stores/memory/database.ts';
import { createMemoryJobStore } from '../../src/stores/memory/job-store.ts';
import { testCall } from '../support/calls.ts';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

const NAME = 'migrations/medications';

describe('the migration API', () => {
  let servers: Servers;
  let control: ControlStore;
  let targetControl: ControlStore;
  let jobs: JobStore;
  /** How often the decommission was confirmed. */
  let confirmed: number;
  /** Whether the source is fenced, and why it can't be. */
  let fenced: boolean;
  let refusal: DomainError | null;

  beforeEach(async () => {
    const time = { clock: systemClock, random: systemRandom };
    control = createMemoryControlStore(new MemoryDatabase(time));
    targetControl = createMemoryControlStore(new MemoryDatabase(time));
    jobs = createMemoryJobStore(time);
    confirmed = 0;
    fenced = false;
    refusal = null;
    const subject = {
      id: 'medications',
      nameOfBytes: () => '',
      keyOfName: () => {
        throw new DomainError({ kind: 'internal', reason: 'INTERNAL', message: 'not in this test' });
      },
      repair: async () => ({ repaired: 0, open: 0 }),
      confirmDecommission: async () => {
        confirmed += 1;
      },
      fence: {
        isInstalled: async () => fenced,
        install: async () => {
          if (refusal !== null) throw refusal;
          fenced = true;
        },
        remove: async () => {
          fenced = false;
        },
      },
      leftovers: [
        { description: 'the table', sql: 'DROP TABLE a;\nDROP TABLE b;' },
        { description: 'the flags', sql: '' },
      ],
    };
    const medications = await loadMedications();
    const pageTokenSecret = Buffer.from('a secret of the test');
    const service = createMigrationService({
      subjects: [subject],
      registers: new Registers(control, targetControl),
      jobs,
      clock: systemClock,
      pageTokenSecret,
    });
    servers = await startServers({
      medications,
      records: memoryRecords(medications.resource),
      methods: [
        ...createTypedMethods(Migrations, service, migrationAccess),
        ...createTypedMethods(
          Operations,
          createOperationsService({ resources: ['medications'], jobs, clock: systemClock, pageTokenSecret }),
          operationsAccess,
        ),
      ],
      services: [Migrations, Operations],
    });
    await control.ensure(['medications'], testCall());
  });
  afterEach(() => servers.stop());

  const clients = () => createApiClients({ server: `http://127.0.0.1:${servers.httpPort}` });
  const client = () => clients().client;
  const operations = () => clients().operations;

  async function change(state: State, more: Partial<ControlRecord> = {}): Promise<void> {
    const [current] = await control.poll(testCall());
    if (current === undefined) throw new Error('there is no control record');
    const next = { ...current, generation: current.generation + 1, state, ...more };
    await control.compareAndSet(next, { instance: 'one', reason: `to ${state}` }, testCall());
  }

  async function handOver(): Promise<void> {
    await change('in_sync');
    await change('handing_over');
    await systemClock.sleep(20);
    await change('moved', { epoch: 2, authority: 'target' });
    await systemClock.sleep(20);
    const [decided] = await control.poll(testCall());
    if (decided === undefined) throw new Error('there is no control record');
    await targetControl.ensure(['medications'], testCall());
    const installed = { ...decided, generation: decided.generation + 1, state: 'in_sync' } as const;
    await targetControl.compareAndSet(installed, { instance: 'one', reason: 'to in_sync', replaces: 1 }, testCall());
  }

  const wants = (phase: Phase) =>
    jobs.leaseTask('controller/medications', 'one', 60_000, JSON.stringify({ wanted: phase, holds: [] }), testCall());

  /** What a command prints. */
  function context(json = false) {
    const lines: string[] = [];
    const output = { line: (text: string) => void lines.push(text), terminal: false, json };
    return { lines, ...clients(), output, signal: new AbortController().signal };
  }

  describe('shows a history', () => {
    it('of who, when and why, with epoch, authority and the pause of writes', async () => {
      await handOver();
      const { transitions } = await client().listTransitions({ parent: NAME });
      expect(transitions.map(({ toState, epoch, authority }) => [toState, epoch, authority])).toEqual([
        [FollowerState.IN_SYNC, 2n, Store.TARGET],
        [FollowerState.MOVED, 2n, Store.TARGET],
        [FollowerState.HANDING_OVER, 1n, Store.SOURCE],
        [FollowerState.IN_SYNC, 1n, Store.SOURCE],
      ]);
      const pauses = transitions.map(({ writePause }) => writePause);
      expect(pauses.map((pause) => pause !== undefined)).toEqual([false, true, false, false]);
      expect(pauses[1]?.nanos).toBeGreaterThanOrEqual(38_000_000);
      expect(transitions[1]).toMatchObject({ instance: 'one', reason: 'to moved' });
    });

    it('with the same pauses, whatever the pages', async () => {
      await handOver();
      const whole = (await client().listTransitions({ parent: NAME })).transitions;
      const paged = [];
      for (let pageToken = '', pages = 0; pages < 10; pages++) {
        const page = await client().listTransitions({ parent: NAME, pageSize: 1, pageToken });
        expect(page.transitions).toHaveLength(1);
        paged.push(...page.transitions);
        pageToken = page.nextPageToken;
        if (pageToken === '') break;
      }
      expect(paged).toEqual(whole);
    });

    it('on the command line', async () => {
      await handOver();
      const told = context();
      expect(await showHistory(told, 'medications', { limit: 2 })).toBe(0);
      expect(told.lines).toHaveLength(2);
      expect(told.lines[1]).toMatch(
        /handing-over -> moved +epoch 2, target {2}by one, writes paused \d+ ms: to moved$/,
      );
      const json = context(true);
      await showHistory(json, NAME, { limit: 1 });
      expect(JSON.parse(json.lines[0] ?? '')).toMatchObject({ toState: 'FOLLOWER_STATE_IN_SYNC', epoch: '2' });
    });
  });

  describe('fences the source', () => {
    it('and removes the fence, and shows whether it stands', async () => {
      expect((await client().getMigration({ name: NAME })).sourceFenced).toBe(false);
      expect(await client().fenceSource({ name: NAME })).toMatchObject({ name: NAME, sourceFenced: true });
      expect((await client().getMigration({ name: NAME })).sourceFenced).toBe(true);
      expect(await client().unfenceSource({ name: NAME })).toMatchObject({ name: NAME, sourceFenced: false });
      await expect(client().fenceSource({ name: 'migrations/others' })).rejects.toMatchObject({ code: Code.NotFound });
    });

    it('on the command line, and in the status', async () => {
      const told = context();
      expect(await fence(told, 'medications', {})).toBe(0);
      expect(told.lines).toEqual([expect.stringMatching(/^medications: fenced\./)]);
      const status = context();
      await showStatus(status, 'medications');
      expect(status.lines.join('\n')).toMatch(/^ {2}fence {7}the source refuses other writers/m);
      const json = context(true);
      expect(await fence(json, NAME, { remove: true })).toBe(0);
      expect(JSON.parse(json.lines[0] ?? '')).not.toHaveProperty('sourceFenced');
      const after = context();
      await showStatus(after, 'medications');
      expect(after.lines.join('\n')).not.toContain('fence');
    });

    it('says why it can not', async () => {
      const message = 'GRANT TRIGGER';
      refusal = new DomainError({ kind: 'failed_precondition', reason: 'MIGRATION_STATE', message });
      await expect(client().fenceSource({ name: NAME })).rejects.toMatchObject({
        code: Code.FailedPrecondition,
        message: expect.stringContaining(message),
      });
    });
  });

  describe('runs long work as operations', () => {
    const idOf = ({ name }: Operation) => name.split('/').at(-1) ?? '';
    const started = async (more: { rowsPerSecondLimit?: bigint; compareWithItself?: boolean } = {}) => {
      await change('in_sync');
      return await client().startVerification({ name: NAME, ...more });
    };

    it('that tell their progress, and end with a response', async () => {
      await change('syncing');
      const operation = await client().startBackfill({ name: NAME, rowsPerSecondLimit: 500n });
      expect(operation).toMatchObject({ done: false, result: { case: undefined } });
      expect(operation.name).toMatch(/^migrations\/medications\/operations\/[0-9a-f]{32}$/);
      expect(jobOf(operation)).toMatchObject({
        operation: operation.name,
        kind: JobKind.BACKFILL,
        state: JobState.RUNNING,
        rowsPerSecondLimit: 500n,
      });
      const id = idOf(operation);
      await jobs.updateJob(id, { stage: 'source', expectedRows: 1_000 }, testCall());
      await jobs.addChunks(id, 'source', [{ sequence: 1, range: 'all', expectedRows: 1_000 }], testCall());
      const chunk = await jobs.leaseChunk(id, 'source', 'one/1', 60_000, testCall());
      if (chunk === null) throw new Error('there is no chunk');
      const progress = { cursor: 'here', addRows: 400, addMismatches: 0, done: false, leaseMs: 60_000 };
      await jobs.saveChunk(chunk, 'one/1', progress, testCall());
      const underWay = jobOf(await operations().getOperation({ name: operation.name }));
      expect(underWay).toMatchObject({ rowCount: 400n, expectedRowCount: 1_000n, workerCount: 1, stage: 'source' });
      expect(underWay.rowsPerSecond).toBeGreaterThan(0);
      expect(underWay.remainingDuration).toBeDefined();
      expect((await client().getMigration({ name: NAME })).backfill?.operation).toBe(operation.name);
      await jobs.updateJob(id, { state: 'succeeded' }, testCall());
      const { done, result, metadata } = await operations().getOperation({ name: operation.name });
      expect(done).toBe(true);
      expect(result.case === 'response' && anyUnpack(result.value, StartBackfillResponseSchema)).toMatchObject({
        rowCount: 400n,
      });
      expect(metadata?.typeUrl).toBe('type.googleapis.com/crossfade.v1alpha1.Job');
    });

    it('of which one of a kind runs at a time', async () => {
      const first = await started();
      expect((await client().startVerification({ name: NAME })).name).toBe(first.name);
      const refused = { code: Code.FailedPrecondition };
      await expect(client().startBackfill({ name: NAME })).rejects.toMatchObject(refused);
      const negative = client().startVerification({ name: NAME, rowsPerSecondLimit: -1n });
      await expect(negative).rejects.toMatchObject({ code: Code.InvalidArgument });
    });

    it('that end with an error when they fail or are cancelled', async () => {
      const one = await started({ compareWithItself: true });
      expect(jobOf(one).compareWithItself).toBe(true);
      await operations().cancelOperation({ name: one.name });
      const cancelled = await operations().getOperation({ name: one.name });
      expect(cancelled).toMatchObject({ done: true, result: { case: 'error', value: { code: Code.Canceled } } });
      await operations().cancelOperation({ name: one.name });
      const two = await client().startVerification({ name: NAME });
      await jobs.updateJob(idOf(two), { state: 'failed', error: 'the cause and the cure' }, testCall());
      const failed = await operations().getOperation({ name: two.name });
      const status = failed.result.case === 'error' ? failed.result.value : undefined;
      expect(status).toMatchObject({ code: Code.Internal, message: 'the cause and the cure' });
      const [detail] = status?.details ?? [];
      expect(detail && anyUnpack(detail, ErrorInfoSchema)).toMatchObject({
        reason: 'JOB_FAILED',
        domain: 'crossfade.dev',
        metadata: { resource: 'medications' },
      });
    });

    it('of which the newest of each kind are shown, however many of the other came after', async () => {
      const ended = async (kind: Job['kind']): Promise<string> => {
        const asked = { resource: 'medications', kind, attach: 1, compareWithItself: false, rowsPerSecondLimit: 0 };
        const { id } = await jobs.createJob(asked, testCall());
        await jobs.updateJob(id, { state: 'succeeded' }, testCall());
        // Ids are in the order of their creation to the millisecond here.
        await systemClock.sleep(2);
        return `migrations/medications/operations/${id}`;
      };
      const copy = await ended('backfill');
      let last = '';
      for (let i = 0; i < 25; i++) last = await ended('verification');
      const shown = await client().getMigration({ name: 'migrations/medications' });
      expect([shown.backfill?.operation, shown.verification?.operation]).toEqual([copy, last]);
    });

    it('that can be waited for, up to a time', async () => {
      const { name } = await started();
      const soon = { seconds: 0n, nanos: 20_000_000 };
      expect((await operations().waitOperation({ name, timeout: soon })).done).toBe(false);
      // The request's own deadline ends the wait with an answer, too.
      expect((await operations().waitOperation({ name }, { timeoutMs: 600 })).done).toBe(false);
      const patience = new AbortController();
      const others = Array.from({ length: 100 }, () =>
        operations()
          .waitOperation({ name }, { timeoutMs: 20_000, signal: patience.signal })
          .catch(() => {}),
      );
      await expect.poll(() => servers.pipeline.running(), { timeout: 10_000 }).toBe(others.length);
      // One too many: it is told at once.
      expect((await operations().waitOperation({ name }, { timeoutMs: 20_000 })).done).toBe(false);
      expect(servers.pipeline.running()).toBe(others.length);
      patience.abort();
      await Promise.all(others);
      await expect.poll(() => servers.pipeline.running(), { timeout: 10_000 }).toBe(0);
      const waiting = operations().waitOperation({ name });
      await systemClock.sleep(50);
      await jobs.updateJob(name.split('/').at(-1) ?? '', { state: 'succeeded' }, testCall());
      const ended = await waiting;
      expect(
        ended.result.case === 'response' && anyUnpack(ended.result.value, StartVerificationResponseSchema),
      ).toBeTruthy();
    });

    it('that are listed newest first, page by page', async () => {
      const names: string[] = [];
      for (let i = 0; i < 3; i++) {
        const { name } = i === 0 ? await started() : await client().startVerification({ name: NAME });
        names.unshift(name);
        await operations().cancelOperation({ name });
        await systemClock.sleep(2);
      }
      const first = await operations().listOperations({ name: NAME, pageSize: 2 });
      const second = await operations().listOperations({ name: NAME, pageSize: 2, pageToken: first.nextPageToken });
      expect([...first.operations, ...second.operations].map(({ name }) => name)).toEqual(names);
      expect(second.nextPageToken).toBe('');
    });

    it('whose speed can be changed while they run', async () => {
      const { name } = await started({ rowsPerSecondLimit: 5n });
      expect((await client().throttleOperation({ name, rowsPerSecondLimit: 9n })).job?.rowsPerSecondLimit).toBe(9n);
      await operations().cancelOperation({ name });
      const late = client().throttleOperation({ name, rowsPerSecondLimit: 1n });
      await expect(late).rejects.toMatchObject({ code: Code.FailedPrecondition });
    });

    it('and says what it does not offer, and what is not there', async () => {
      const { name } = await started();
      const none = `${NAME}/operations/${'0'.repeat(32)}`;
      await expect(operations().getOperation({ name: none })).rejects.toMatchObject({ code: Code.NotFound });
      const foreign = name.replace('medications', 'others');
      await expect(operations().getOperation({ name: foreign })).rejects.toMatchObject({ code: Code.NotFound });
      for (const wrong of [NAME, 'operations/1', '']) {
        await expect(operations().getOperation({ name: wrong })).rejects.toMatchObject({ code: Code.InvalidArgument });
      }
      await expect(operations().listOperations({ name: '' })).rejects.toMatchObject({ code: Code.InvalidArgument });
      const others = operations().listOperations({ name: 'migrations/others' });
      await expect(others).rejects.toMatchObject({ code: Code.NotFound });
      const filtered = operations().listOperations({ name: NAME, filter: 'done = true' });
      await expect(filtered).rejects.toMatchObject({ code: Code.Unimplemented });
      await expect(operations().deleteOperation({ name })).rejects.toMatchObject({ code: Code.Unimplemented });
    });

    it('on the command line', async () => {
      await change('in_sync');
      const told = context(true);
      expect(await runJob(told, JobKind.VERIFICATION, 'medications', { wait: false, rate: 5 })).toBe(0);
      const { operation } = JSON.parse(told.lines[0] ?? '');
      expect(operation).toMatch(/^migrations\/medications\/operations\//);
      const faster = context(true);
      expect(await runJob(faster, JobKind.VERIFICATION, 'medications', { wait: false, rate: 7 })).toBe(0);
      expect(JSON.parse(faster.lines[0] ?? '')).toMatchObject({ operation, rowsPerSecondLimit: '7' });
      const ended = context();
      expect(await runJob(ended, JobKind.VERIFICATION, 'medications', { cancel: true })).toBe(0);
      expect(ended.lines).toEqual([expect.stringContaining('cancelled')]);
      await expect(runJob(context(), JobKind.VERIFICATION, 'medications', { cancel: true })).rejects.toThrow(
        'no such job',
      );
    });
  });

  describe('decommissions', () => {
    const decommissioned = (confirmation: string) => client().decommissionMigration({ name: NAME, confirmation });

    it("only with the resource's id, typed", async () => {
      await handOver();
      await wants('target-only');
      for (const confirmation of ['', 'Medications', NAME, 'medications ']) {
        await expect(decommissioned(confirmation)).rejects.toMatchObject({
          code: Code.InvalidArgument,
          message: expect.stringContaining('confirmation'),
        });
      }
      expect(confirmed).toBe(0);
    });

    it('only where the target is the authority and the flag asks for target-only', async () => {
      await wants('target-only');
      await expect(decommissioned('medications')).rejects.toMatchObject({ code: Code.FailedPrecondition });
      await handOver();
      await wants('target-authority');
      await expect(decommissioned('medications')).rejects.toMatchObject({
        code: Code.FailedPrecondition,
        message: expect.stringContaining('target-only'),
      });
      expect(confirmed).toBe(0);
      await wants('target-only');
      expect(await decommissioned('medications')).toMatchObject({ name: NAME, authority: Store.TARGET });
      expect(confirmed).toBe(1);
    });

    it('and says what remains, in an epoch of the target', async () => {
      expect((await client().getMigration({ name: NAME })).leftovers).toEqual([]);
      await handOver();
      expect((await client().getMigration({ name: NAME })).leftovers).toMatchObject([
        { sql: expect.stringContaining('DROP TABLE a') },
        { description: 'the flags' },
      ]);
    });

    it('on the command line, with the id as an option or typed', async () => {
      await handOver();
      await wants('target-only');
      const told = context();
      expect(await decommission(told, 'medications', { confirm: 'medications' }, null)).toBe(0);
      expect(told.lines.join('\n')).toContain('1. the table\n   DROP TABLE a;\n   DROP TABLE b;\n\n2. the flags');
      const asked: string[] = [];
      const ask = async (question: string) => {
        asked.push(question);
        return ' medications\r';
      };
      expect(await decommission(context(), 'medications', {}, ask)).toBe(0);
      expect(asked).toHaveLength(1);
      expect(confirmed).toBe(2);
      await expect(decommission(context(), 'medications', {}, async () => 'yes')).rejects.toThrow('confirmation');
      await expect(decommission(context(), 'medications', {}, null)).rejects.toMatchObject({ exitCode: 2 });
      expect(confirmed).toBe(2);
    });
  });
});
