import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Document, parse, parseAllDocuments } from 'yaml';
import type { ComposeProject, ComposeService } from '../../scripts/deploy/compose.ts';
import { composeRules } from '../../scripts/deploy/compose-rules.ts';
import type { ImageConfig } from '../../scripts/deploy/dockerfile.ts';
import { kubernetesRules } from '../../scripts/deploy/kubernetes-rules.ts';
import { createReport } from '../../scripts/deploy/report.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json'));
/** What compose puts in from its environment: `${NAME:?}`. */
const VARIABLE = /\$\{(\w+):\?\}/g;

describe("the image's papers", () => {
  const folder = mkdtempSync(join(tmpdir(), 'crossfade-bill-'));
  const file = join(folder, 'sbom.cdx.json');
  execFileSync(process.execPath, ['deploy/image/bill-of-materials.ts', file], { cwd: root });
  const bill = JSON.parse(readFileSync(file, 'utf8'));
  rmSync(folder, { recursive: true });
  const names: string[] = bill.components.map((component: { name: string }) => component.name);

  it('list every dependency and what is bundled, and no development tool', () => {
    expect(names).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)));
    expect(names).toEqual(expect.arrayContaining(JSON.parse(read('deploy/image/bundled.json'))));
    for (const tool of ['vitest', 'typescript', 'unleash-server', 'node']) expect(names).not.toContain(tool);
  });

  it('are the same for the same lock file', () => {
    expect(bill.serialNumber).toBeUndefined();
    expect(bill.metadata.timestamp).toBeUndefined();
    expect(bill.metadata.component.name).toBe('crossfade');
  });

  it('have the licence of each', () => {
    const licences = read('deploy/image/THIRD-PARTY-LICENCES.txt');
    const missing = bill.components.filter((each: { 'bom-ref': string }) => !licences.includes(`${each['bom-ref']} (`));
    expect(missing).toEqual([]);
  });
});

describe('the versions of what is deployed', () => {
  it("are the package's in every file that names one", () => {
    expect(read('Dockerfile')).toContain(`ARG VERSION=${manifest.version}\n`);
    const { services } = parse(read('compose.yaml'), { merge: true }) as ComposeProject;
    for (const name of ['crossfade-1', 'crossfade-2', 'flags', 'hospital-data', 'doctor']) {
      expect(services[name]?.image).toBe(`crossfade:${manifest.version}`);
    }
    expect(parse(read('deploy/kubernetes/example/kustomization.yaml')).images[0].newTag).toBe(manifest.version);
  });

  it("have the tests' Node in every stage", () => {
    const bases = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(new Set(bases)).toEqual(new Set([`node:${manifest.devDependencies.node}-bookworm-slim`]));
  });

  it('run the Collector that its config is tried with', () => {
    const { version } = parse(read('observability/otel-collector/builder.yaml')).dist;
    const { services } = parse(read('compose.yaml'), { merge: true }) as ComposeProject;
    expect(services['otel-collector']?.image).toBe(`otel/opentelemetry-collector-contrib:${version}`);
  });
});

describe('the secrets of compose.yaml', () => {
  const needed = new Set([...read('compose.yaml').matchAll(VARIABLE)].map(([, name]) => name));

  it('stand in the example by name, and without a value', () => {
    const example = read('deploy/compose/example.env').match(/^\w+=.*$/gm) ?? [];
    expect(new Set(example)).toEqual(new Set([...needed].map((name) => `${name}=`)));
  });

  it('are all made by the line in the documents', () => {
    const [, names = ''] = /for name in ([\w\s\\]+); do/.exec(read('docs/deployment.md')) ?? [];
    expect(new Set(names.split(/[\s\\]+/))).toEqual(needed);
  });
});

describe("the manifests' copy of the example", () => {
  it('is the example', () => {
    const copy = readFileSync(join(root, 'deploy/kubernetes/example/hospital.binpb'));
    expect(copy.equals(readFileSync(join(root, 'examples/hospital/hospital.binpb')))).toBe(true);
  });

  it('holds no secret', () => {
    const secrets = parseAllDocuments(read('deploy/kubernetes/example/secrets.example.yaml')) as Document[];
    const values = secrets.flatMap((secret) => Object.values<string>(secret.toJS()?.stringData ?? {}));
    expect(new Set(values)).toEqual(new Set(['replace-me']));
  });
});

describe('a rule of compose.yaml is broken by', () => {
  const sound: ComposeService = {
    image: 'crossfade:0.1.0',
    environment: { MYSQL_PASSWORD: 'p', UNLEASH_TOKEN: 't', PAGE_TOKENS: 'a secret of this test' },
    ports: [{ host_ip: '127.0.0.1', target: 8080, published: '8080' }],
    volumes: [{ type: 'bind', source: join(root, 'compose.yaml'), read_only: true }],
    deploy: { resources: { limits: { cpus: 1, memory: '1' } } },
    stop_grace_period: '20s',
    read_only: true,
    cap_drop: ['ALL'],
  };
  const hosts = ['mysql', 'cassandra', 'unleash', 'otel-collector', 'crossfade-2', 'jaeger', 'prometheus'];
  const rest = Object.fromEntries(hosts.map((name) => [name, { ...sound, ports: [] }]));

  async function broken(change: Partial<ComposeService>): Promise<string[]> {
    const rules = await composeRules({ services: { ...rest, 'crossfade-1': { ...sound, ...change } } });
    return [...rules].filter(([, complaints]) => complaints.length > 0).map(([claim]) => claim);
  }

  it('nothing, where all is as it must be', async () => {
    expect(await broken({})).toEqual([]);
  });

  it.each<[string, Partial<ComposeService>, string]>([
    ['a tag that moves', { image: 'crossfade:latest' }, 'fixed tag'],
    ['an image without a tag', { image: 'crossfade' }, 'fixed tag'],
    ['a port for everybody', { ports: [{ target: 8080, published: '8080' }] }, '127.0.0.1'],
    ['a file that is not there', { volumes: [{ type: 'bind', source: '/no/such', read_only: true }] }, 'mounted'],
    ['a mount that can be written to', { volumes: [{ type: 'bind', source: root }] }, 'mounted'],
    ['no limits', { deploy: {} }, 'limits'],
    ['waiting for what tells nothing', { depends_on: { mysql: { condition: 'service_healthy' } } }, 'health check'],
    ['a root that can be written to', { read_only: false }, 'nothing writable'],
    ['a stop that is shorter than draining', { stop_grace_period: '10s' }, 'longer to stop'],
  ])('%s', async (_, change, part) => {
    const claims = await broken(change);
    expect(claims).toHaveLength(1);
    expect(claims[0]).toContain(part);
  });

  it('a config that names a host which is none of its services', async () => {
    const { jaeger, ...others } = rest;
    const rules = await composeRules({ services: { ...others, 'crossfade-1': sound } });
    expect([...rules.values()].flat().join('\n')).toContain('jaeger is no service');
  });
});

describe('a rule of the manifests is broken by', () => {
  const image = { User: '10001:10001', Cmd: ['serve'] } as unknown as ImageConfig;
  const probe = { httpGet: { scheme: 'HTTPS', port: 'http' } };
  const container = {
    image: `crossfade:${manifest.version}`,
    args: ['serve'],
    ports: [
      { name: 'grpc', containerPort: 50051 },
      { name: 'http', containerPort: 8080 },
    ],
    env: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=768' }],
    envFrom: [{ secretRef: { name: 'secrets' } }],
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    resources: { limits: { memory: '1Gi' } },
    startupProbe: probe,
    readinessProbe: probe,
    livenessProbe: probe,
  };
  const pod = {
    terminationGracePeriodSeconds: 30,
    securityContext: { runAsUser: 10_001, runAsGroup: 10_001 },
  };
  const config = read('deploy/kubernetes/example/crossfade.yaml');
  const secrets = parse(read('deploy/kubernetes/example/secrets.example.yaml').split('---')[0] ?? '').stringData;

  async function broken(changes: { container?: object; pod?: object; replicas?: number; config?: string }) {
    const spec = { ...pod, ...changes.pod, containers: [{ ...container, ...changes.container }] };
    const objects = [
      {
        kind: 'Deployment',
        metadata: { name: 'crossfade' },
        spec: { replicas: changes.replicas ?? 3, template: { spec } },
      },
      {
        kind: 'ConfigMap',
        metadata: { name: 'crossfade-config-1' },
        data: { 'crossfade.yaml': changes.config ?? config },
      },
      { kind: 'Secret', metadata: { name: 'secrets' }, stringData: secrets },
    ];
    const rules = await kubernetesRules({ text: '', objects, findings: [] }, image);
    return [...rules].filter(([, complaints]) => complaints.length > 0).map(([claim]) => claim);
  }

  it('nothing, where all is as it must be', async () => {
    expect(await broken({})).toEqual([]);
  });

  it.each([
    ['one replica', { replicas: 1 }, 'two replicas'],
    ['an instance with a name in the config', { config: `instance: one\n${config}` }, 'name of its own'],
    ['another version', { container: { image: 'crossfade:0.0.9' } }, 'version'],
    ['another user', { pod: { securityContext: { runAsUser: 0, runAsGroup: 0 } } }, 'user'],
    ['a pod that has to stop too soon', { pod: { terminationGracePeriodSeconds: 15 } }, 'longer to stop'],
    ['a longer drain in the config', { config: `${config}\nlimits: { drainMs: 60000 }` }, 'longer to stop'],
    ['a probe in plain text', { container: { livenessProbe: { httpGet: { scheme: 'HTTP' } } } }, 'probes'],
    ['another port in the config', { config: config.replace('http: { host: 0.0.0.0', '$&, port: 9000') }, 'ports'],
    ['less memory than V8 takes', { container: { resources: { limits: { memory: '768Mi' } } } }, 'V8'],
  ])('%s', async (_, changes, part) => {
    const claims = await broken(changes);
    expect(claims).toHaveLength(1);
    expect(claims[0]).toContain(part);
  });
});

describe('a report', () => {
  it('counts what held and what did not, and says why', () => {
    const lines: string[] = [];
    const report = createReport((line) => lines.push(line));
    report.check('it holds', []);
    report.check('it does not', ['for a reason']);
    expect(report.counts).toEqual({ passed: 1, failed: 1 });
    expect(lines.join('\n')).toContain('for a reason');
  });
});
