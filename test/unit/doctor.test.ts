import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { exitCodeOf, findingLines, printFindings, summaryOf } from '../../src/app/cli/doctor-command.ts';
import type { Output } from '../../src/app/cli/output.ts';
import type { Finding } from '../../src/app/doctor/check.ts';
import { checkIds } from '../../src/app/doctor/checks.ts';
import { bytesText, countText, secondsText } from '../../src/app/doctor/text.ts';
import { flagNames } from '../../src/migration/unleash-flags.ts';
import { examine, of } from '../support/doctor.ts';

const root = join(import.meta.dirname, '../..');
/** Nobody listens there. */
const CLOSED_PORT = 9;
const TOKEN = 'the-token-of-the-client';
const PASSWORD = 'the-password-of-mysql';

const bad: Finding = {
  check: 'mysql.log_bin',
  subject: 'MySQL db:3306',
  outcome: 'problem',
  found: 'OFF, must be ON',
  cure: 'set it',
};
const odd: Finding = { ...bad, check: 'mysql.sync_binlog', outcome: 'warning', found: '0, should be 1' };
const fine: Finding = { ...bad, check: 'mysql.version', outcome: 'ok', found: 'MySQL 8.4.0', cure: '' };
const unknown: Finding = { ...fine, outcome: 'not checked', found: "MySQL can't be reached" };

async function* inOrder(findings: readonly Finding[]): AsyncGenerator<Finding> {
  yield* findings;
}

function collecting(json: boolean): Output & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, json, terminal: false, line: (text) => void lines.push(text) };
}

describe('what a doctor prints', () => {
  it('is a line for each check under its subject, with the cure beneath, and a summary', async () => {
    const output = collecting(false);
    await printFindings(inOrder([fine, bad, { ...odd, subject: 'medications (hospital.medications)' }]), output);
    expect(output.lines).toEqual([
      'MySQL db:3306',
      '  ok           mysql.version                         MySQL 8.4.0',
      '  problem      mysql.log_bin                         OFF, must be ON',
      '               mend it: set it',
      '',
      'medications (hospital.medications)',
      '  warning      mysql.sync_binlog                     0, should be 1',
      '               mend it: set it',
      '\n1 problem, 1 warning, 1 ok, 0 not checked',
    ]);
  });

  it('says once why many checks were not made', async () => {
    const output = collecting(false);
    await printFindings(inOrder([bad, unknown, { ...unknown, check: 'mysql.privileges' }, unknown, fine]), output);
    expect(output.lines.filter((line) => line.includes('not checked  '))).toEqual([
      "  not checked  3 checks, mysql.version to mysql.version  MySQL can't be reached",
    ]);
    expect(findingLines(unknown)).toHaveLength(1);
  });

  it('is one array of findings as JSON, and nothing else', async () => {
    const output = collecting(true);
    await printFindings(inOrder([bad, fine]), output);
    expect(output.lines).toHaveLength(1);
    expect(JSON.parse(output.lines[0] ?? '')).toEqual([bad, fine]);
  });

  it('ends with 1 for problems, and for warnings only if asked to', () => {
    expect(exitCodeOf([fine, unknown, odd], false)).toBe(0);
    expect(exitCodeOf([fine, unknown, odd], true)).toBe(1);
    expect(exitCodeOf([fine, unknown], true)).toBe(0);
    expect(exitCodeOf([fine, bad], false)).toBe(1);
    expect(summaryOf([])).toBe('0 problems, 0 warnings, 0 ok, 0 not checked');
  });

  it('has numbers that a person reads', () => {
    expect([bytesText(100), bytesText(65_536), bytesText(1.5 * 1024 ** 3)]).toEqual(['100 bytes', '64 KiB', '1.5 GiB']);
    expect([secondsText(90), secondsText(86_400), secondsText(864_000), secondsText(300)]).toEqual([
      '90 s',
      '24 h',
      '10 d',
      '5 min',
    ]);
    expect([countText(1, 'row'), countText(1_234, 'row')]).toEqual(['1 row', '1,234 rows']);
  });
});

describe('the checks', () => {
  it('are all in docs/doctor.md, and nothing else is', () => {
    const documented = [...readFileSync(join(root, 'docs/doctor.md'), 'utf8').matchAll(/^\| `([a-z]+\.[a-z_]+)` \|/gm)];
    expect(documented.map(([, id]) => id)).toEqual(checkIds);
  });

  it('have ids of their own', () => {
    expect(new Set(checkIds).size).toBe(checkIds.length);
  });
});

interface Place {
  /** Of both stores. Default: where nobody listens. */
  readonly port?: number;
  readonly signal?: AbortSignal;
  readonly unleash?: object;
  readonly telemetry?: object;
  readonly type?: string;
  readonly descriptors?: string;
}

/** Every check where no store can be reached. */
function findingsWithoutStores(place: Place = {}): Promise<readonly Finding[]> {
  const port = place.port ?? CLOSED_PORT;
  const config = {
    descriptors: place.descriptors ?? join(root, 'examples/hospital/hospital.binpb'),
    resources: [{ type: place.type ?? 'hospital.v1.Medication' }],
    stores: {
      mysql: { host: '127.0.0.1', port, user: 'crossfade', passwordEnv: 'PASSWORD' },
      cassandra: { contactPoints: ['127.0.0.1'], port, localDataCenter: 'dc1' },
    },
    telemetry: place.telemetry ?? { exporter: 'none' },
    ...(place.unleash && { unleash: { tokenEnv: 'TOKEN', ...place.unleash } }),
  };
  return examine(config, { PASSWORD, TOKEN }, { ...(place.signal && { signal: place.signal }) });
}

describe('a doctor where no store can be reached', () => {
  it('makes every check, names the two servers with cures, and knows nothing of what needs them', async () => {
    const findings = await findingsWithoutStores();
    expect(findings.filter(({ outcome }) => outcome === 'problem').map(({ check }) => check)).toEqual([
      'mysql.reachable',
      'cassandra.reachable',
    ]);
    for (const { outcome, cure } of findings) if (outcome === 'problem') expect(cure).toContain('check stores.');
    // One target, and what is asked of it, is enough.
    const ofRiak = ['riak.reachable', 'riak.nodes', 'target.bucket'];
    const asked = checkIds.filter((id) => !ofRiak.includes(id));
    expect([...new Set(findings.map(({ check }) => check))]).toEqual(asked);
    expect(of(findings, 'source.dates')).toMatchObject([
      { outcome: 'not checked', subject: 'medications (hospital.medications)', found: "MySQL can't be reached" },
    ]);
    expect(of(findings, 'flags.server')[0]?.found).toContain('names no flag server');
    const text = JSON.stringify(findings);
    for (const secret of [PASSWORD, TOKEN]) expect(text).not.toContain(secret);
  });

  it('ends in time where somebody takes connections and never answers', async () => {
    const silent = createTcpServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const findings = await findingsWithoutStores({ port });
    expect(of(findings, 'mysql.reachable')).toMatchObject([{ outcome: 'problem' }]);
    expect(of(findings, 'cassandra.reachable')).toMatchObject([{ outcome: 'problem' }]);
    expect(findings.at(-1)).toMatchObject({ check: 'target.replication', outcome: 'not checked' });
  });

  it('stops when it is told to', async () => {
    expect(await findingsWithoutStores({ signal: AbortSignal.abort() })).toEqual([]);
  });

  it('tells of descriptors that are not there, and of types that they lack', async () => {
    const lost = await findingsWithoutStores({ descriptors: '/nowhere.binpb' });
    expect(of(lost, 'config.definitions')).toMatchObject([{ outcome: 'problem' }]);
    const wrong = await findingsWithoutStores({ type: 'hospital.v1.Nurse' });
    expect(of(wrong, 'config.definitions')[0]?.found).toContain('hospital.v1.Nurse');
  });
});

describe('a doctor at a flag server', () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  async function serve(status: number, body: object): Promise<{ readonly url: string; readonly tokens: unknown[] }> {
    const tokens: unknown[] = [];
    server = createServer((request, response) => {
      tokens.push(request.headers.authorization);
      response.writeHead(request.url === '/api/client/features' ? status : 404).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`, tokens };
  }

  const names = Object.values(flagNames('medications'));

  it('finds everything as it should be', async () => {
    const { url, tokens } = await serve(200, { features: names.map((name) => ({ name, enabled: true })) });
    const findings = await findingsWithoutStores({ unleash: { url } });
    const flags = findings.filter(({ check }) => check.startsWith('flags.'));
    expect(flags.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok']);
    expect(new Set(tokens)).toEqual(new Set([TOKEN]));
  });

  it('names flags that are missing, with the command that makes them, and those that are off', async () => {
    const { url } = await serve(200, { features: [{ name: names[0], enabled: false }] });
    const [missing] = of(await findingsWithoutStores({ unleash: { url } }), 'flags.exist');
    expect(missing).toMatchObject({ outcome: 'problem', found: expect.stringContaining(names[1] ?? '') });
    expect(missing?.cure).toContain('crossfade flags create medications --unleash-url http://127.0.0.1:');
  });

  it('warns of a flag that is switched off', async () => {
    const features = names.map((name, i) => ({ name, enabled: i !== 0 }));
    const { url } = await serve(200, { features });
    const [off] = of(await findingsWithoutStores({ unleash: { url } }), 'flags.exist');
    expect(off).toMatchObject({ outcome: 'warning', found: expect.stringContaining(names[0] ?? '') });
  });

  it('tells a refused token from a wrong address, and shows neither token nor password', async () => {
    const { url } = await serve(401, {});
    const refused = await findingsWithoutStores({ unleash: { url } });
    expect(of(refused, 'flags.token')).toMatchObject([{ outcome: 'problem', cure: expect.stringContaining('TOKEN') }]);
    const withUser = url.replace('http://', 'http://somebody:hidden@').replace('/api', '/wrong');
    const wrong = await findingsWithoutStores({ unleash: { url: withUser } });
    expect(JSON.stringify([...refused, ...wrong])).not.toMatch(/hidden|the-token-of-the-client/);
  });

  it('names a server that nobody answers at', async () => {
    const findings = await findingsWithoutStores({ unleash: { url: `http://127.0.0.1:${CLOSED_PORT}/api` } });
    expect(of(findings, 'flags.server')).toMatchObject([{ outcome: 'problem' }]);
    expect(of(findings, 'flags.exist')).toMatchObject([{ outcome: 'not checked' }]);
  });

  it('connects to the trace server without sending it anything', async () => {
    const { url, tokens } = await serve(200, {});
    const endpoint = url.replace('/api', '');
    const there = await findingsWithoutStores({ telemetry: { exporter: 'zipkin', endpoint } });
    expect(of(there, 'traces.exporter')).toMatchObject([{ outcome: 'ok' }]);
    expect(tokens).toEqual([]);
    const gone = await findingsWithoutStores({
      telemetry: { exporter: 'otlp', endpoint: `http://127.0.0.1:${CLOSED_PORT}` },
    });
    expect(of(gone, 'traces.exporter')).toMatchObject([{ outcome: 'warning' }]);
  });
});
