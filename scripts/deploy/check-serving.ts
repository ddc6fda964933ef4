/** Lets the image do, from the real stores, what it does in compose.yaml: its jobs, two instances, and their end. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Medications } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession } from '../../clients/typescript/src/session.ts';
import { ROOT } from '../../stack/command.ts';
import type { ComposeProject } from './compose.ts';
import { type Container, type ContainerOptions, checkHealth, runContainer, startContainer } from './container.ts';
import type { ImageConfig } from './dockerfile.ts';
import type { Report } from './report.ts';
import { type Place, type Site, startSite } from './site.ts';

/** The image that was built. */
export interface BuiltImage {
  readonly root: string;
  readonly image: ImageConfig;
  /** For config files. */
  readonly folder: string;
}

/** Enough for lists of several patients. */
const ROWS = '2000';
const HEALTHY_WITHIN_MS = 60_000;
const START_ATTEMPTS = 3;
const HEALTH_INTERVAL_MS = 500;
/** limits.drainMs, and what comes before and after: below compose's `stop_grace_period`. */
const STOPPED_WITHIN_MS = 18_000;
const CALLERS = 16;
/** How long callers call before the instance is stopped. */
const TRAFFIC_MS = 2_000;
const PATIENT = 'patients/007e7104-87fa-f67b-8ce7-2312b271e08a';

/** Starts the servers, and tries everything. */
export async function checkServing(built: BuiltImage, project: ComposeProject, report: Report): Promise<void> {
  const aborting = new AbortController();
  const site = await startSite(project, join(built.folder, 'config'), aborting.signal);
  try {
    const first = await site.place('crossfade-1');
    const second = await site.place('crossfade-2');
    await checkJobs(built, project, site, first, report);
    await checkInstances(built, site, [first, second], report);
  } finally {
    aborting.abort();
    await site.stack.stop();
  }
}

async function checkJobs(
  { root, image }: BuiltImage,
  project: ComposeProject,
  site: Site,
  { mounts }: Place,
  report: Report,
): Promise<void> {
  const job = async (name: string, options: Partial<ContainerOptions>): Promise<string | undefined> => {
    const { code, output } = await runContainer({ root, image, env: site.env, mounts, ...options });
    report.check(`the job ${name} ends with 0`, code === 0 ? [] : [`${code}:`, ...output.split('\n').slice(-15)]);
    return code === 0 ? output : undefined;
  };
  const { entrypoint, command } = project.services['hospital-data'] ?? {};
  const loading = {
    entrypoint: entrypoint ?? [],
    // The address and the number of rows are the check's, the rest compose's.
    command: [...(command ?? []), '--mysql', site.mysqlUrl, '--rows', ROWS],
    mounts: { '/app/examples/hospital': join(ROOT, 'examples/hospital') },
  };
  await job('hospital-data', loading);
  await job('hospital-data, again', loading);
  const flags = project.services.flags?.command ?? [];
  await job('flags', {
    command: [...flags, '--unleash-url', site.unleashUrl],
    env: { UNLEASH_ADMIN_TOKEN: site.unleashAdminToken },
  });
  const doctor = await job('doctor', { command: [...(project.services.doctor?.command ?? []), '--json'] });
  if (doctor === undefined) return;
  const findings: { check: string; outcome: string; found: string }[] = JSON.parse(doctor);
  const settings = findings.filter(({ check }) => check.startsWith('mysql.'));
  const wrong = settings.filter(({ outcome }) => outcome !== 'ok');
  report.check(
    `doctor finds all ${settings.length} of MySQL's settings and rights as they must be, by compose's flags and users`,
    wrong.map(({ check, outcome, found }) => `${outcome}: ${check}: ${found}`),
  );
}

async function checkInstances({ root, image }: BuiltImage, site: Site, places: Place[], report: Report): Promise<void> {
  const containers: Container[] = [];
  const options = (place: Place): ContainerOptions => ({
    root,
    image,
    env: { ...site.env, HEALTH_CHECK_PORT: new URL(place.http).port },
    mounts: place.mounts,
  });
  try {
    for (const place of places) {
      const container = await startHealthy(options(place), report);
      if (container === undefined) return;
      containers.push(container);
    }
    const [place, other] = places;
    const [container] = containers;
    if (place === undefined || other === undefined || container === undefined) throw new Error('two are needed');
    await checkAnswers(place, report);
    report.note(`an instance that has just started has ${container.residentMib()} MiB in memory`);
    await checkEnd(options(place), place, container, report);
    await checkAnswers(other, report);
  } finally {
    for (const container of containers) container.kill();
    await Promise.all(containers.map((container) => container.ended));
  }
}

/** One that ends before it is healthy is started again, as compose does: on a busy machine a server may not answer in time. */
async function startHealthy(options: ContainerOptions, report: Report): Promise<Container | undefined> {
  const startedAt = performance.now();
  let said = '';
  for (let attempt = 1; attempt <= START_ATTEMPTS; attempt++) {
    const container = await startContainer(options);
    said = await untilHealthy(options, container);
    if (said === '') {
      report.check(`HEALTHCHECK says that an instance is healthy (${secondsSince(startedAt)})`, []);
      return container;
    }
    container.kill();
    said += `\n${(await container.ended).output.slice(-1_000)}`;
    report.note(`start ${attempt} of ${START_ATTEMPTS}: ${said}`);
  }
  report.check('HEALTHCHECK says that an instance is healthy', [said]);
  return undefined;
}

/** Empty, or why it is not. */
async function untilHealthy(options: ContainerOptions, container: Container): Promise<string> {
  const untilMs = performance.now() + HEALTHY_WITHIN_MS;
  let ended = false;
  void container.ended.then(() => {
    ended = true;
  });
  let said = 'it has ended';
  while (!ended && performance.now() < untilMs) {
    const { code, output } = await checkHealth(options);
    if (code === 0) return '';
    said = output.trim();
    await sleep(HEALTH_INTERVAL_MS);
  }
  return said;
}

async function checkAnswers(place: Place, report: Report): Promise<void> {
  for (const [protocol, address] of [['grpc', `http://${place.grpc}`] as const, ['connect', place.http] as const]) {
    const session = createSession({ addresses: [address], protocol, caller: 'check' });
    const client = session.client(Medications);
    const answer = await client.listMedications({ parent: PATIENT, pageSize: 2 }).catch((error: Error) => error);
    const complaint = answer instanceof Error ? answer.message : answer.medications.length === 0 && 'no record';
    report.check(`a list over ${protocol} is answered`, complaint ? [complaint] : []);
  }
  const metrics = await fetch(`${place.http}/metrics`).then(
    ({ ok, status }) => (ok ? [] : [String(status)]),
    (error: Error) => [String(error.cause)],
  );
  report.check('metrics are served', metrics);
}

/** Stops an instance in the midst of traffic: what was begun by then is answered, and it ends with 0. */
async function checkEnd(options: ContainerOptions, place: Place, container: Container, report: Report): Promise<void> {
  const traffic = startTraffic(place);
  await sleep(TRAFFIC_MS);
  const underWay = traffic.underWay();
  report.note(`while ${CALLERS} callers list: ${container.residentMib()} MiB`);
  const startedAt = performance.now();
  container.stop();
  const { answered, failures } = await traffic.end();
  report.check(
    `of ${answered + failures.length} requests, ${underWay} of them under way when SIGTERM came, none failed`,
    [...(underWay === 0 ? ['none was under way: this says nothing'] : []), ...failures],
  );
  const ended = await Promise.race([container.ended, sleep(STOPPED_WITHIN_MS)]);
  const took = secondsSince(startedAt);
  if (ended === undefined) report.check('it ends by itself', [`it still runs after ${took}`]);
  else
    report.check(`it ends with 0 (${took})`, ended.code === 0 ? [] : [String(ended.code), ended.output.slice(-2_000)]);
  const health = await checkHealth(options);
  report.check('HEALTHCHECK says that it is gone', health.code === 1 ? [] : [`${health.code}: ${health.output}`]);
}

interface Traffic {
  underWay(): number;
  /** Begins nothing more, and waits for what is under way. */
  end(): Promise<{ answered: number; failures: string[] }>;
}

/** Callers that send nothing again: a request that fails once has failed. */
function startTraffic(place: Place): Traffic {
  const counts = { answered: 0, underWay: 0 };
  const failures: string[] = [];
  let stopping = false;
  const call = async (): Promise<void> => {
    while (!stopping) {
      counts.underWay += 1;
      try {
        const response = await fetch(`${place.http}/hospital.v1.Medications/ListMedications`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ parent: PATIENT, pageSize: 1000 }),
        });
        const text = await response.text();
        if (response.ok) counts.answered += 1;
        else failures.push(`${response.status}: ${text}`);
      } catch (error) {
        failures.push(`${(error as Error).message}: ${(error as Error).cause}`);
      }
      counts.underWay -= 1;
    }
  };
  const calls = Array.from({ length: CALLERS }, call);
  return {
    underWay: () => counts.underWay,
    end: async () => {
      stopping = true;
      await Promise.all(calls);
      return { answered: counts.answered, failures };
    },
  };
}

function secondsSince(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}
