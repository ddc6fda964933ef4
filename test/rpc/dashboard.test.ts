/** The dashboard's stream over stores in memory. */
import { createHash } from 'node:crypto';
import { type CallOptions, type Client, Code, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Dashboard,
  DashboardFlagState,
  type DashboardResource,
  type WatchDashboardResponse,
} from '../../src/gen/crossfade/v1alpha1/dashboard_pb.ts';
import { FollowerState, MismatchKind, Phase, Store } from '../../src/gen/crossfade/v1alpha1/migrations_pb.ts';
import { sampleMeasures } from '../../src/rpc/dashboard-sampler.ts';
import { SAMPLE_SECONDS } from '../../src/rpc/dashboard-subject.ts';
import { RecentMeasures } from '../../src/telemetry/recent-measures.ts';
import { testCall } from '../support/calls.ts';
import { createDashboardBed, type DashboardBed, type DashboardBedOptions } from '../support/dashboard-bed.ts';
import { keepLog, openAccess } from '../support/secure-rpc.ts';
import { createTokenKey, jwksOf, signToken, type TokenKey } from '../support/tokens.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const HALF_SECOND = { nanos: 500_000_000 };
const PATIENCE = { timeout: 15_000, interval: 50 };

let bed: DashboardBed;
const viewers: AbortController[] = [];

async function start(options: DashboardBedOptions = {}): Promise<void> {
  bed = await createDashboardBed(options);
}

afterEach(async () => {
  for (const viewer of viewers.splice(0)) viewer.abort();
  await bed.servers.stop();
});

const client = (): Client<typeof Dashboard> =>
  createClient(
    Dashboard,
    createConnectTransport({ baseUrl: `http://127.0.0.1:${bed.servers.httpPort}`, httpVersion: '1.1' }),
  );

type Asked = { readonly name?: string; readonly skipHistory?: boolean };

/** Watches until the test's end; `messages` grows. */
function watch(request: Asked = {}, options: CallOptions = {}, of = client()) {
  const viewer = new AbortController();
  viewers.push(viewer);
  const messages: WatchDashboardResponse[] = [];
  const ended = (async () => {
    const asked = { interval: HALF_SECOND, ...request };
    for await (const message of of.watchDashboard(asked, { ...options, signal: viewer.signal })) messages.push(message);
  })();
  // Whoever looks at how it ended does so itself.
  ended.catch(() => {});
  const count = async (least: number): Promise<WatchDashboardResponse[]> => {
    await Promise.race([ended, expect.poll(() => messages.length, PATIENCE).toBeGreaterThanOrEqual(least)]);
    return messages;
  };
  /** The newest value of a field of the resource, as a page that keeps what it was told. */
  const newest = <Field extends keyof DashboardResource>(field: Field, id = 'medications') =>
    messages
      .flatMap(({ resources }) => resources)
      .filter(({ name }) => name === `migrations/${id}`)
      .map((resource) => resource[field])
      .findLast((value) => value !== undefined);
  return { messages, ended, count, newest, stop: () => viewer.abort() };
}

describe('a stream of the dashboard', () => {
  it('begins with everything, and goes on with what is new', async () => {
    await start();
    await bed.change('medications', 'syncing');
    await bed.wants('medications', 'synchronize', [{ reason: 'capture_stopped', message: 'start it' }]);
    const viewer = watch();
    const [first, second] = await viewer.count(2);
    expect(first).toMatchObject({
      instance: { name: 'one', version: '1.2.3', sampleLimit: 300 },
      viewer: { authenticationRequired: false, principal: '' },
      resourceCount: 1,
      trouble: '',
      resources: [
        {
          name: 'migrations/medications',
          migration: {
            wantedPhase: Phase.SYNCHRONIZE,
            authority: Store.SOURCE,
            followerState: FollowerState.SYNCING,
            holds: [{ reason: 'capture_stopped', message: 'start it' }],
          },
          facts: {
            source: { engine: 'mysql' },
            target: { engine: 'cassandra' },
            mayMigrate: true,
            mayAdminister: true,
          },
          transitions: { transitions: [{ toState: FollowerState.SYNCING, reason: 'to syncing' }] },
          mismatches: { mismatches: [] },
        },
      ],
    });
    const bounds = first?.instance?.histogramBoundsMs ?? [];
    expect(bounds.length).toBeGreaterThan(40);
    expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
    // A sign of life, and nothing in it.
    expect(second).toMatchObject({ resources: [], resourceCount: 1 });
    expect(second?.readTime).toBeDefined();
    await bed.change('medications', 'joining');
    await expect.poll(() => viewer.newest('migration')?.followerState, PATIENCE).toBe(FollowerState.JOINING);
    const news = viewer.messages.at(-1)?.resources[0];
    expect(news?.facts).toBeUndefined();
    expect(viewer.newest('transitions')?.transitions.map(({ toState }) => toState)).toEqual([
      FollowerState.JOINING,
      FollowerState.SYNCING,
    ]);
  });

  it('is the same over gRPC', async () => {
    await start();
    const baseUrl = `http://127.0.0.1:${bed.servers.grpcPort}`;
    const viewer = watch(
      { name: 'migrations/medications' },
      {},
      createClient(Dashboard, createGrpcTransport({ baseUrl })),
    );
    await viewer.count(2);
    expect(viewer.newest('migration')).toMatchObject({ followerState: FollowerState.DETACHED });
    viewer.stop();
  });

  it('brings the samples of before, each sample once, and histograms of the latest', async () => {
    await start();
    const measures = bed.measures.get('medications') as RecentMeasures;
    const { stores, migration } = measures.counters;
    for (let i = 1; i <= 3; i++) {
      for (let call = 0; call < i; call++) stores.storeCall('target', 'getMany', 'ok', 10);
      migration.read('medications', 'target', 'flag', 10);
      measures.step(BigInt(i) * 3_000_000n, 3);
    }
    const viewer = watch();
    const [first] = await viewer.count(1);
    const samples = () => viewer.messages.flatMap(({ resources }) => resources.flatMap((one) => one.samples));
    expect(samples().map(({ measures: of }) => of?.target?.reads?.count)).toEqual([1, 2, 3]);
    expect(first?.resources[0]?.samples[0]).toMatchObject({
      seconds: 3,
      endTime: { seconds: 3n },
      measures: { target: { answeredReadCount: 1, reads: { histogram: [] } } },
    });
    const reads = viewer.newest('latest')?.target?.reads;
    expect(reads?.count).toBe(6);
    expect(reads?.histogram).toHaveLength((first?.instance?.histogramBoundsMs.length ?? 0) + 1);
    expect(reads?.histogram.reduce((sum, one) => sum + one, 0)).toBe(6);
    expect(reads?.p50Ms).toBeGreaterThan(8);
    expect(reads?.p50Ms).toBeLessThan(12);
    measures.step(12_000_000n, 3);
    await expect.poll(() => samples().length, PATIENCE).toBe(4);
    await viewer.count(viewer.messages.length + 2);
    expect(samples()).toHaveLength(4);
    const late = watch({ skipHistory: true });
    await late.count(2);
    expect(late.messages.flatMap(({ resources }) => resources.flatMap((one) => one.samples))).toEqual([]);
  });

  it('shows open mismatches by field path, the newest first, with a search for the requests that met them', async () => {
    await start();
    const record = (key: string, foundBy: 'shadow_read' | 'verification') =>
      bed.jobs.recordMismatch(
        { resource: 'medications', key: Buffer.from(key), kind: 'different', fieldPaths: ['note'], foundBy },
        testCall(),
      );
    await record('a', 'verification');
    await record('b', 'shadow_read');
    const viewer = watch();
    await viewer.count(1);
    const keyHash = createHash('sha256').update('b').digest('hex').slice(0, 16);
    expect(viewer.newest('mismatches')).toMatchObject({
      mismatches: [
        {
          mismatch: {
            record: 'patients/b',
            fieldPaths: ['note'],
            kind: MismatchKind.DIFFERENT,
            foundBy: 'shadow_read',
          },
          tracesUrl: `https://traces.test/?q=crossfade.key_hash%3D${keyHash}`,
        },
        { mismatch: { record: 'patients/a' }, tracesUrl: '' },
      ],
    });
    expect(viewer.newest('facts')?.mismatchTracesUrl).toBe(
      'https://traces.test/?q=crossfade.shadow.outcome%3Dmismatch',
    );
    await record('c', 'verification');
    await expect.poll(() => viewer.newest('mismatches')?.mismatches.length, PATIENCE).toBe(3);
  });

  it('says of each flag what can be told, and where its page is', async () => {
    await start();
    const name = 'crossfade.medications.read-target';
    const strategy = { name: 'flexibleRollout', parameters: { rollout: '35', stickiness: 'recordKey' } };
    bed.flags = null;
    const viewer = watch();
    await viewer.count(1);
    expect(viewer.newest('flags')).toMatchObject({
      fetched: false,
      readTarget: { name, state: DashboardFlagState.UNSPECIFIED, note: expect.stringContaining('not answered') },
    });
    bed.flags = new Map([[name, { enabled: true, project: 'a b', strategies: [strategy] }]]);
    await expect.poll(() => viewer.newest('flags')?.readTarget?.percent, PATIENCE).toBe(35);
    expect(viewer.newest('flags')).toMatchObject({
      fetched: true,
      readTarget: { state: DashboardFlagState.ON, url: `https://flags.test/projects/a%20b/features/${name}`, note: '' },
      shadowRead: { state: DashboardFlagState.ABSENT, note: expect.stringContaining('flags create') },
    });
    bed.flags = new Map([[name, { enabled: true, strategies: [{ ...strategy, constraints: [{}] }] }]]);
    await expect.poll(() => viewer.newest('flags')?.readTarget?.note, PATIENCE).toContain('constraints');
    expect(viewer.newest('flags')?.readTarget?.percent).toBeUndefined();
    bed.flags = new Map([[name, { enabled: false, strategies: [strategy] }]]);
    await expect.poll(() => viewer.newest('flags')?.readTarget?.state, PATIENCE).toBe(DashboardFlagState.OFF);
  });

  it('outlives a flag in a form that nobody expects', async () => {
    await start();
    const viewer = watch();
    await viewer.count(1);
    bed.flags = new Map([['crossfade.medications.read-target', { enabled: true, strategies: [null as never] }]]);
    await expect.poll(() => viewer.messages.at(-1)?.trouble, PATIENCE).toContain('its log holds the cause');
    bed.flags = new Map();
    await expect.poll(() => viewer.messages.at(-1)?.trouble, PATIENCE).toBe('');
    await bed.change('medications', 'syncing');
    await expect.poll(() => viewer.newest('migration')?.followerState, PATIENCE).toBe(FollowerState.SYNCING);
  });

  it('spreads the beginning of many resources over messages, and is about one if it is named', async () => {
    const resources = Array.from({ length: 19 }, (_, i) => `r${String(i).padStart(2, '0')}`);
    await start({ resources });
    const viewer = watch();
    const messages = await viewer.count(3);
    expect(messages.slice(0, 3).map((message) => message.resources.length)).toEqual([8, 8, 3]);
    expect(messages.slice(0, 3).map(({ instance }) => instance !== undefined)).toEqual([true, false, false]);
    expect(messages.every(({ resourceCount }) => resourceCount === 19)).toBe(true);
    const names = messages.slice(0, 3).flatMap((message) => message.resources.map(({ name }) => name));
    expect(names).toEqual(resources.map((id) => `migrations/${id}`));
    const one = watch({ name: 'migrations/r07' });
    const [first] = await one.count(1);
    expect(first).toMatchObject({ resourceCount: 1, resources: [{ name: 'migrations/r07' }] });
  });

  it('goes on while the jobs can not be read: says so, and shows what the control records say', async () => {
    await start();
    await bed.change('medications', 'syncing');
    const viewer = watch();
    await viewer.count(1);
    const readAt = viewer.messages.at(-1)?.stateTime;
    bed.breakJobs(true);
    await expect.poll(() => viewer.messages.at(-1)?.trouble, PATIENCE).toBe('MySQL cannot be reached');
    await bed.change('medications', 'joining');
    await expect.poll(() => viewer.newest('migration')?.followerState, PATIENCE).toBe(FollowerState.JOINING);
    expect(viewer.messages.at(-1)?.stateTime?.seconds).toBeLessThanOrEqual((readAt?.seconds ?? 0n) + 3n);
    bed.breakJobs(false);
    await expect.poll(() => viewer.messages.at(-1)?.trouble, PATIENCE).toBe('');
    expect(bed.log.lines.filter(({ message }) => message.includes('dashboard'))).toHaveLength(1);
  });

  it('refuses what is no migration, and one viewer too many', async () => {
    await start({ maxViewers: 1 });
    await expect(watch({ name: 'medications' }).ended).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(watch({ name: 'migrations/others' }).ended).rejects.toMatchObject({ code: Code.NotFound });
    const first = watch();
    await first.count(1);
    await expect(watch().ended).rejects.toMatchObject({
      code: Code.ResourceExhausted,
      rawMessage: expect.stringContaining('dashboard.viewers'),
    });
    first.stop();
    await expect
      .poll(async () => {
        const next = watch();
        return next.count(1).then(
          (messages) => messages.length > 0,
          () => false,
        );
      }, PATIENCE)
      .toBe(true);
  });

  it('reads once for all viewers, and nothing while nobody watches', async () => {
    await start();
    const callsWithin = async (ms: number) => {
      const before = bed.jobCalls();
      await new Promise((resolve) => setTimeout(resolve, ms));
      return bed.jobCalls() - before;
    };
    expect(await callsWithin(1_500)).toBe(0);
    const first = watch();
    await first.count(2);
    const ofOne = await callsWithin(3_000);
    expect(ofOne).toBeGreaterThan(0);
    const more = Array.from({ length: 9 }, () => watch());
    for (const viewer of more) await viewer.count(1);
    expect(await callsWithin(3_000)).toBeLessThanOrEqual(ofOne * 2);
    for (const viewer of viewers) viewer.abort();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await callsWithin(1_500)).toBe(0);
  });
});

describe('with authentication', () => {
  const roles = [
    { callers: ['clinic'], resources: ['medications'], verbs: ['read'] as const },
    { callers: ['operator'], resources: ['*'], verbs: ['read', 'migrate'] as const },
    { callers: ['root'], resources: ['*'], verbs: ['read', 'migrate', 'admin'] as const },
    { callers: ['writer'], resources: ['*'], verbs: ['write'] as const },
  ];
  let key: TokenKey;
  let close: () => void;

  async function startLocked(): Promise<ReturnType<typeof keepLog>> {
    const log = keepLog();
    key = await createTokenKey('one');
    const { mkdtemp, writeFile } = await import('node:fs/promises');
    const { tmpdir } = await import('node:os');
    const { join } = await import('node:path');
    const jwksFile = join(await mkdtemp(join(tmpdir(), 'crossfade-dashboard-')), 'jwks.json');
    await writeFile(jwksFile, JSON.stringify(await jwksOf(key)));
    const opened = await openAccess({ roles, keys: { jwksFile }, log });
    close = opened.close;
    await start({ resources: ['encounters', 'medications'], access: opened.access });
    return log;
  }
  afterEach(() => close());

  const as = async (sub: string, request: Asked = {}) =>
    watch(request, { headers: { authorization: `Bearer ${await signToken(key, { sub })}` } });

  it('shows a viewer what it may read, and says what it may do', async () => {
    await startLocked();
    const clinic = await as('clinic');
    const [first] = await clinic.count(1);
    expect(first).toMatchObject({
      viewer: { authenticationRequired: true, principal: 'clinic' },
      resourceCount: 1,
      resources: [{ name: 'migrations/medications', facts: { mayMigrate: false, mayAdminister: false } }],
    });
    const operator = await as('operator');
    await operator.count(1);
    expect(operator.messages[0]?.resourceCount).toBe(2);
    expect(operator.newest('facts', 'encounters')).toMatchObject({ mayMigrate: true, mayAdminister: false });
    const root = await as('root');
    await root.count(1);
    expect(root.newest('facts')).toMatchObject({ mayMigrate: true, mayAdminister: true });
  });

  it('refuses who has no token, who may read nothing, and what a viewer may not read', async () => {
    const log = await startLocked();
    await expect(watch().ended).rejects.toMatchObject({ code: Code.Unauthenticated });
    await expect((await as('writer')).ended).rejects.toMatchObject({ code: Code.PermissionDenied });
    await expect((await as('clinic', { name: 'migrations/encounters' })).ended).rejects.toMatchObject({
      code: Code.PermissionDenied,
    });
    const refusals = log.lines.filter(({ message }) => message === 'a call was refused');
    expect(refusals.map(({ reason }) => reason)).toEqual([
      'CREDENTIALS_MISSING',
      'PERMISSION_DENIED',
      'PERMISSION_DENIED',
    ]);
    expect(refusals[2]).toMatchObject({
      method: '/crossfade.v1alpha1.Dashboard/WatchDashboard',
      resource: 'encounters',
    });
  });
});

it('steps are taken every few seconds, by the time that has gone by', async () => {
  await start();
  const clock = new VirtualClock();
  const measures = new RecentMeasures({ samples: 4, latestSteps: 2 });
  const stopping = new AbortController();
  const sampling = sampleMeasures([measures], clock, stopping.signal);
  await clock.pass(2 * SAMPLE_SECONDS * 1_000 + 1);
  expect(measures.samplesAfter(0).map(({ seconds }) => seconds)).toEqual([SAMPLE_SECONDS, SAMPLE_SECONDS]);
  stopping.abort();
  await sampling;
});
