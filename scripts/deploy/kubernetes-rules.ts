/** What must hold of the manifests beyond what an API server asks, each rule by its name, with what breaks it. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, parseConfig } from '../../src/app/config.ts';
import { ROOT } from '../../stack/command.ts';
import type { ImageConfig } from './dockerfile.ts';
import type { KubernetesObject, Manifests } from './tools.ts';

interface Probe {
  readonly httpGet?: { readonly scheme: string; readonly port: string };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly envFrom: readonly { readonly secretRef: { readonly name: string } }[];
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
}

interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly replicas: number;
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
        readonly containers: readonly [Container];
      };
    };
  };
}

const FOLDER = 'deploy/kubernetes/example';
/** Health's announcement, and the last spans. */
const STOP_ROOM_MS = 5_000;

/** The claims, each with what breaks it. */
export async function kubernetesRules(
  { objects }: Manifests,
  image: ImageConfig,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const deployment = objects.find(({ kind }) => kind === 'Deployment') as Deployment | undefined;
  if (deployment === undefined) return new Map([['there is a Deployment', ['none']]]);
  const { spec } = deployment.spec.template;
  const [container] = spec.containers;
  const config = await serviceConfig(objects, container);
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const graceMs = spec.terminationGracePeriodSeconds * 1_000;
  const neededMs = container.lifecycle.preStop.sleep.seconds * 1_000 + config.limits.drainMs + STOP_ROOM_MS;
  const user = `${spec.securityContext.runAsUser}:${spec.securityContext.runAsGroup}`;
  return new Map([
    ['at least two replicas', deployment.spec.replicas >= 2 ? [] : [String(deployment.spec.replicas)]],
    ['each instance has a name of its own: the config gives none', isNamedByPod(config) ? [] : [config.instance]],
    ["the image has the package's version", container.image.endsWith(`:${version}`) ? [] : [container.image]],
    ["its user and arguments are the image's", differing(image, user, container)],
    [
      'a pod has longer to stop than preStop and draining take',
      graceMs >= neededMs ? [] : [`${neededMs} ms are needed`],
    ],
    ["ports and probes are the config's", wrongPorts(container, config)],
    ["V8's limit is below the container's", heapComplaints(container)],
    ['the descriptors are those of the example', await staleDescriptors()],
  ]);
}

/** The mounted config, read as the service reads it, with the variables of its Secret. */
async function serviceConfig(objects: readonly KubernetesObject[], { envFrom }: Container): Promise<Config> {
  const map = objects.find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('crossfade-config'),
  );
  const secret = objects.find(
    ({ kind, metadata }) => kind === 'Secret' && metadata.name === envFrom[0]?.secretRef.name,
  );
  const text = (map?.data as Record<string, string> | undefined)?.['crossfade.yaml'] ?? '';
  // The example's values are none, and too short for some secrets: something random stands in for each.
  const names = Object.keys((secret?.stringData as Record<string, string>) ?? {});
  const variables = Object.fromEntries(names.map((name) => [name, randomBytes(24).toString('hex')]));
  return parseConfig(text, '/etc/crossfade/crossfade.yaml', variables);
}

/** The default, which begins with the host's name: in a pod, the pod's. */
function isNamedByPod({ instance }: Config): boolean {
  return instance.endsWith(`-${process.pid}`);
}

function differing(image: ImageConfig, user: string, { args }: Container): string[] {
  const command = image.Cmd.join(' ');
  return [
    ...(user === image.User ? [] : [`${user}, not ${image.User}`]),
    ...(args.join(' ') === command ? [] : [`${args.join(' ')}, not ${command}`]),
  ];
}

function wrongPorts({ ports, startupProbe, readinessProbe, livenessProbe }: Container, config: Config): string[] {
  const portOf = (name: string) => ports.find((port) => port.name === name)?.containerPort;
  const scheme = config.security.tls === undefined ? 'HTTP' : 'HTTPS';
  const probes = Object.entries({ startupProbe, readinessProbe, livenessProbe });
  return [
    ...(portOf('grpc') === config.grpc.port ? [] : ['grpc']),
    ...(portOf('http') === config.http.port ? [] : ['http']),
    ...probes.filter(([, probe]) => probe.httpGet?.scheme !== scheme).map(([name]) => `${name}: must ask by ${scheme}`),
    // Probes have no certificate.
    ...(config.security.tls?.requireClientCert ? ['security.tls.requireClientCert: the probes have none'] : []),
  ];
}

function heapComplaints({ env, resources }: Container): string[] {
  const options = env.find(({ name }) => name === 'NODE_OPTIONS')?.value ?? '';
  const heapMib = Number(/--max-old-space-size=(\d+)/.exec(options)?.[1] ?? Number.NaN);
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(resources.limits.memory) ?? [];
  const limitMib = Number(number) * (unit === 'Gi' ? 1024 : 1);
  return heapMib <= limitMib * 0.8 ? [] : [`${heapMib} MiB of ${resources.limits.memory}`];
}

async function staleDescriptors(): Promise<string[]> {
  const [copy, original] = await Promise.all([
    readFile(join(ROOT, FOLDER, 'hospital.binpb')),
    readFile(join(ROOT, 'examples/hospital/hospital.binpb')),
  ]);
  return copy.equals(original) ? [] : [`cp examples/hospital/hospital.binpb ${FOLDER}/`];
}
