/** The migration API over stores in memory, and the commands that call it. */
import { Code, createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decommission } from '../../src/app/cli/decommission-command.ts';
import { fence, showHistory, showStatus } from '../../src/app/cli/migration-commands.ts';
import { systemClock, systemRandom } from '../../src/domain/clock.ts';
import { DomainError } from '../../src/domain/errors.ts';
import { FollowerState, Migrations, Store } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import type { Phase } from '../../src/migration/flags.ts';
import { Registers } from '../../src/migration/registers.ts';
import { migrationAccess } from '../../src/rpc/migration-access.ts';
import { createMigrationService } from '../../src/rpc/migration-service.ts';
import { createTypedMethods } from '../../src/rpc/typed-service.ts';
import type { ControlRecord, ControlStore, FollowerState as State } from '../../src/stores/control-store.ts';
import type { JobStore } from '../../src/stores/job-store.ts';
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
    const service = createMigrationService({
      subjects: [subject],
      registers: new Registers(control, targetControl),
      jobs,
      clock: systemClock,
      pageTokenSecret: Buffer.from('a secret of the test'),
    });
    servers = await startServers({
      medications,
      records: memoryRecords(medications.resource),
      methods: createTypedMethods(Migrations, service, migrationAccess),
      services: [Migrations],
    });
    await control.ensure(['medications'], testCall());
  });
  afterEach(() => servers.stop());

  const client = () =>
    createClient(
      Migrations,
      createConnectTransport({ baseUrl: `http://127.0.0.1:${servers.httpPort}`, httpVersion: '1.1' }),
    );

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
    return { lines, client: client(), output, signal: new AbortController().signal };
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
      await showStatus(status, 'medications', {});
      expect(status.lines.join('\n')).toMatch(/^ {2}fence {7}the source refuses other writers/m);
      const json = context(true);
      expect(await fence(json, NAME, { remove: true })).toBe(0);
      expect(JSON.parse(json.lines[0] ?? '')).not.toHaveProperty('sourceFenced');
      const after = context();
      await showStatus(after, 'medications', {});
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
