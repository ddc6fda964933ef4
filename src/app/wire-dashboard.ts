import { readFile } from 'node:fs/promises';
import { systemClock } from '../domain/clock.ts';
import { Dashboard } from '../gen/crossfade/v1alpha1/dashboard_pb.ts';
import type { UnleashFlags } from '../migration/unleash-flags.ts';
import type { HttpRoute } from '../rpc/connect-server.ts';
import { DashboardFeed } from '../rpc/dashboard-feed.ts';
import { sampleMeasures } from '../rpc/dashboard-sampler.ts';
import { createDashboardService } from '../rpc/dashboard-service.ts';
import type { DashboardLinks, DashboardSubject } from '../rpc/dashboard-subject.ts';
import type { Method } from '../rpc/method-table.ts';
import { dashboardAccess } from '../rpc/migration-access.ts';
import { createTypedMethods } from '../rpc/typed-service.ts';
import type { Config } from './config.ts';
import { openDashboardPage } from './dashboard-files.ts';
import type { Surroundings, WiredResource } from './wire-resources.ts';
import { withoutUser } from './without-user.ts';

/** The dashboard of an instance: its page, what feeds it, and what goes on behind it. */
export interface WiredDashboard {
  readonly routes: ReadonlyMap<string, HttpRoute>;
  readonly methods: readonly Method[];
  /** Keeps the figures of the last minutes, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Without one: nothing is served, and nothing is measured for it. */
const none: WiredDashboard = { routes: new Map(), methods: [], run: () => Promise.resolve() };

/** Puts the dashboard together, if the config has it. `flags` undefined: there is no flag server. */
export async function wireDashboard(
  { config, registers, jobs, log }: Pick<Surroundings, 'config' | 'registers' | 'jobs' | 'log'>,
  resources: readonly WiredResource[],
  flags: UnleashFlags | undefined,
): Promise<WiredDashboard> {
  if (!config.dashboard.enabled) return none;
  const subjects = resources.map(({ dashboard }) => dashboard).filter((subject) => subject !== null);
  const links = linksOf(config);
  const clock = systemClock;
  const feed = new DashboardFeed({ subjects, registers, jobs, flags: flags ?? null, links, clock, log });
  const [version, routes] = await Promise.all([readVersion(), openDashboardPage()]);
  const service = createDashboardService({
    subjects,
    feed,
    links,
    maxViewers: config.dashboard.viewers,
    instance: config.instance,
    version,
    clock,
  });
  return {
    routes,
    methods: createTypedMethods(Dashboard, service, dashboardAccess),
    run: (signal) =>
      sampleMeasures(
        subjects.map(({ measures }: DashboardSubject) => measures),
        clock,
        signal,
      ),
  };
}

async function readVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** How to get to what others show. Whoever watches is given these: nothing secret may be in them. */
export function linksOf({ dashboard, unleash }: Config): DashboardLinks {
  // Unleash serves its page and its API from one address, the API below /api.
  const page =
    unleash &&
    withoutUser(unleash.url)
      .replace(/\/+$/, '')
      .replace(/\/api$/, '');
  const flag = page === undefined ? undefined : `${page}/projects/{project}/features/{flag}`;
  return { flag: dashboard.flagUrl ?? flag, traceSearch: dashboard.traceSearchUrl };
}
