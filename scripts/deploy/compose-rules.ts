/** What must hold of compose.yaml beyond its syntax, each rule by its name, with what breaks it. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Config, parseConfig } from '../../src/app/config.ts';
import { ROOT } from '../../stack/command.ts';
import type { ComposeProject, ComposeService } from './compose.ts';

/** A version with at least two numbers, so that no tag moves by a release. */
const FIXED_TAG = /:v?\d+(?:\.\d+)+[\w.-]*$/;
const OWN_IMAGE = /^crossfade:/;
/** What is opened and closed besides draining. */
const STOP_ROOM_MS = 5_000;

/** The claims, each with what breaks it. */
export async function composeRules(project: ComposeProject): Promise<ReadonlyMap<string, readonly string[]>> {
  const services = Object.entries(project.services);
  const each = (look: (service: ComposeService, name: string) => readonly string[]): string[] =>
    services.flatMap(([name, service]) => look(service, name).map((complaint) => `${name}: ${complaint}`));
  const config = await serviceConfig(project);
  return new Map([
    ['every image has a fixed tag, no latest', each(({ image = '' }) => (FIXED_TAG.test(image) ? [] : [image]))],
    ['every port is bound to 127.0.0.1, and none twice', [...each(openPorts), ...portsTwice(project)]],
    ['every mounted file is there, and mounted read-only', each(badMounts)],
    ['every service has limits of memory and processors', each(unlimited)],
    ['what is waited for as healthy has a health check', each((service) => unhealthy(service, project))],
    ['the service runs with nothing writable and no capability', each(hardened)],
    ['the service has longer to stop than it drains', each((service) => stopTooSoon(service, config))],
    ['every host that a mounted config names is a service of it', await unknownHosts(project, config)],
  ]);
}

/** The service's own config, read as the service reads it, with the environment that compose gives. */
async function serviceConfig({ services }: ComposeProject): Promise<Config> {
  const path = join(ROOT, 'deploy/compose/crossfade.yaml');
  return parseConfig(await readFile(path, 'utf8'), path, services['crossfade-1']?.environment ?? {});
}

function openPorts({ ports = [] }: ComposeService): string[] {
  return ports.filter((port) => port.host_ip !== '127.0.0.1').map((port) => `${port.host_ip ?? '*'}:${port.published}`);
}

function portsTwice({ services }: ComposeProject): string[] {
  const published = Object.values(services).flatMap(({ ports = [] }) => ports.map((port) => port.published));
  return published.filter((port, index) => published.indexOf(port) !== index);
}

function badMounts({ volumes = [] }: ComposeService): string[] {
  const mounts = volumes.filter(({ type }) => type === 'bind');
  return [
    ...mounts.filter(({ source }) => !existsSync(source)).map(({ source }) => `there is no ${source}`),
    ...mounts.filter((mount) => mount.read_only !== true).map(({ source }) => `${source} can be written to`),
  ];
}

function unlimited({ deploy }: ComposeService): string[] {
  const { cpus, memory } = deploy?.resources?.limits ?? {};
  return cpus === undefined || memory === undefined ? ['no limits'] : [];
}

function unhealthy({ depends_on = {} }: ComposeService, { services }: ComposeProject): string[] {
  const waited = Object.entries(depends_on).filter(([, { condition }]) => condition === 'service_healthy');
  return waited.map(([name]) => name).filter((name) => services[name]?.healthcheck === undefined);
}

function hardened({ image = '', read_only, cap_drop = [] }: ComposeService): string[] {
  if (!OWN_IMAGE.test(image)) return [];
  return [...(read_only ? [] : ['its root can be written to']), ...(cap_drop.includes('ALL') ? [] : ['capabilities'])];
}

function stopTooSoon({ image = '', restart, stop_grace_period = '10s' }: ComposeService, { limits }: Config): string[] {
  if (!OWN_IMAGE.test(image) || restart === 'no') return [];
  const neededMs = limits.drainMs + STOP_ROOM_MS;
  const seconds = Number(/^(\d+)s$/.exec(stop_grace_period)?.[1] ?? 0);
  return seconds * 1_000 >= neededMs ? [] : [`${stop_grace_period}, needs ${neededMs} ms`];
}

async function unknownHosts({ services }: ComposeProject, config: Config): Promise<string[]> {
  const named = new Map<string, readonly string[]>([
    ['deploy/compose/crossfade.yaml', serviceHosts(config)],
    ['observability/prometheus/prometheus.yml', await hostsIn('observability/prometheus/prometheus.yml', 'targets')],
    [
      'observability/otel-collector/config.yaml',
      await hostsIn('observability/otel-collector/config.yaml', 'exporters'),
    ],
    [
      'observability/grafana/provisioning',
      await hostsIn('observability/grafana/provisioning/datasources/crossfade.yml', 'url'),
    ],
  ]);
  return [...named].flatMap(([file, hosts]) =>
    hosts.filter((host) => services[host] === undefined).map((host) => `${file}: ${host} is no service`),
  );
}

function serviceHosts({ stores, unleash, telemetry }: Config): string[] {
  const urls = [unleash?.url, telemetry.endpoint].filter((url) => url !== undefined);
  const { contactPoints = [] } = stores.cassandra ?? {};
  return [stores.mysql.host, ...contactPoints, ...urls.map((url) => new URL(url).hostname)];
}

/** The hosts of every address (`host:port` or a URL) below a key of this name. */
async function hostsIn(file: string, key: string): Promise<string[]> {
  const text = await readFile(join(ROOT, file), 'utf8').catch(() => undefined);
  if (text === undefined) return [`(no ${file})`];
  const texts: string[] = [];
  const walk = (value: unknown, below: boolean): void => {
    if (typeof value === 'string') {
      if (below) texts.push(value);
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) walk(inner, below || name === key);
    }
  };
  walk(parse(text), false);
  // What stands for a variable of the environment by default is what counts here.
  const addresses = texts.map((each) => each.replace(/^\$\{env:\w+:-(.*)\}$/, '$1'));
  return addresses.flatMap((address) => /^(?:https?:\/\/)?([a-z][a-z\d.-]*):\d+/i.exec(address)?.[1] ?? []);
}
