import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, parseConfig } from '../../src/app/config.ts';

const least = `
descriptors: records.binpb
resources: [{ type: hospital.v1.Medication }]
stores:
  mysql: { host: db, user: crossfade, passwordEnv: DB_PASSWORD }
`;

function mistakesOf(source: string, env: Record<string, string> = {}): readonly string[] {
  try {
    parseConfig(source, '/etc/crossfade.yaml', env);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('the config', () => {
  it('needs little, and fills in the rest', () => {
    const config = parseConfig(least, '/etc/crossfade/crossfade.yaml', { DB_PASSWORD: 'secret' });
    expect(config.descriptors).toBe('/etc/crossfade/records.binpb');
    expect(config.grpc).toEqual({ host: '127.0.0.1', port: 50051 });
    expect(config.migration.leaseMs).toBe(1_000);
    expect(config.secrets.mysqlPassword).toBe('secret');
    expect(config.stores.cassandra).toBeUndefined();
  });

  it('takes origins as browsers name them, and nothing else', () => {
    const origins = (list: string) => mistakesOf(`${least}http: { corsOrigins: ${list} }\n`, { DB_PASSWORD: '' });
    expect(origins("['https://app.example', 'http://localhost:3000', '*']")).toEqual([]);
    for (const wrong of ['https://app.example/', 'app.example', 'https://app.example/path', 'HTTPS://app.example']) {
      expect(origins(`['${wrong}']`).join()).toContain('http.corsOrigins.0');
    }
  });

  it('is frozen', () => {
    const config = parseConfig(least, 'crossfade.yaml', { DB_PASSWORD: '' });
    expect(Object.isFrozen(config.stores.mysql)).toBe(true);
  });

  it('reports every mistake at once, by its key', () => {
    const mistakes = mistakesOf(`
resources: []
stores:
  mysql: { host: db, port: 99999, usr: crossfade }
  cassandra: { contactPoints: [] }
telemetry: { sampleRatio: 2 }
`);
    const text = mistakes.join('\n');
    for (const key of [
      'descriptors',
      'resources',
      'stores.mysql.port',
      'stores.mysql.user',
      'usr',
      'stores.cassandra.contactPoints',
      'stores.cassandra.localDataCenter',
      'telemetry.sampleRatio',
    ]) {
      expect(text).toContain(key);
    }
  });

  it('names the environment variables that are not set', () => {
    const withFlags = `${least}unleash: { url: 'http://flags/api' }\n`;
    expect(mistakesOf(withFlags)).toEqual([
      'stores.mysql.passwordEnv: the environment variable DB_PASSWORD is not set',
      'unleash.tokenEnv: the environment variable UNLEASH_TOKEN is not set',
    ]);
  });

  it('refuses a resource that is named twice, and what is no YAML', () => {
    const twice = least.replace('[{', '[{ type: hospital.v1.Medication }, {');
    expect(mistakesOf(twice, { DB_PASSWORD: '' })).toEqual(['resources: hospital.v1.Medication is named twice']);
    expect(mistakesOf('a: [b')[0]).toContain('no YAML');
  });

  it('keeps ports on loopback while nobody needs to prove anything', () => {
    const open = `${least}grpc: { host: 0.0.0.0 }\nhttp: { host: '::' }\n`;
    const mistakes = mistakesOf(open, { DB_PASSWORD: '' });
    expect(mistakes).toHaveLength(2);
    expect(mistakes[0]).toContain('grpc.host: 0.0.0.0 is reached from other machines');
    expect(mistakes[1]).toContain('security.allowUnauthenticated: true');
    expect(mistakesOf(`${open}security: { allowUnauthenticated: true }\n`, { DB_PASSWORD: '' })).toEqual([]);
    for (const host of ['localhost', '127.0.0.2', "'::1'"]) {
      expect(mistakesOf(`${least}grpc: { host: ${host} }\n`, { DB_PASSWORD: '' })).toEqual([]);
    }
  });

  it('asks for what authentication needs: roles, keys, a secret for page tokens', () => {
    const jwt = 'issuer: https://issuer/, audience: crossfade';
    const withJwt = (keys: string) => `${least}security: { jwt: { ${jwt}${keys} } }\n`;
    expect(mistakesOf(withJwt(''), { DB_PASSWORD: '' }).map((mistake) => mistake.split(':')[0])).toEqual([
      'security.roles',
      'pageTokenSecretEnv',
      'security.jwt',
    ]);
    expect(mistakesOf(withJwt(', jwksUrl: http://issuer/jwks'), { DB_PASSWORD: '' })).toContain(
      'security.jwt.jwksUrl: must be https',
    );
    const [named] = mistakesOf(withJwt(", jwksUrl: 'https://ann:hush@issuer/jwks'"), { DB_PASSWORD: '' }).slice(-1);
    expect(named).toBe('security.jwt.jwksUrl: must name no user and no password: a JWKS is public');
    const roles = "[{ callers: ['*'], resources: [medications], verbs: [read] }]";
    expect(mistakesOf(`${least}security: { roles: ${roles} }\n`, { DB_PASSWORD: '' })[0]).toContain(
      'nobody has a name',
    );
    const tls = 'tls: { certFile: a.crt, keyFile: a.key, requireClientCert: true }';
    expect(mistakesOf(`${least}security: { ${tls} }\n`, { DB_PASSWORD: '' })[0]).toContain('security.tls.clientCaFile');
    const shared = `, jwksFile: jwks.json, algorithms: [HS256]`;
    expect(mistakesOf(withJwt(shared), { DB_PASSWORD: '' })[0]).toContain('security.jwt.algorithms');
  });

  it('takes no secret for page tokens that could be guessed', () => {
    const source = `${least}pageTokenSecretEnv: PAGES\n`;
    for (const secret of ['', 'replace-me', 'fifteen letters']) {
      const [mistake = ''] = mistakesOf(source, { DB_PASSWORD: '', PAGES: secret });
      expect(mistake).toContain('pageTokenSecretEnv: PAGES has fewer than 16 characters');
      if (secret !== '') expect(mistake).not.toContain(secret);
    }
    expect(mistakesOf(source, { DB_PASSWORD: '', PAGES: 'sixteen letters!' })).toEqual([]);
    expect(mistakesOf(source, { DB_PASSWORD: '' })).toEqual([
      'pageTokenSecretEnv: the environment variable PAGES is not set',
    ]);
  });

  it('takes authentication on open ports, with files relative to the config', () => {
    const source = `${least}
grpc: { host: 0.0.0.0 }
pageTokenSecretEnv: PAGES
security:
  tls: { certFile: tls/server.crt, keyFile: /keys/server.key, clientCaFile: tls/clients.crt, requireClientCert: true }
  jwt: { jwksFile: jwks.json, issuer: 'https://issuer/', audience: [crossfade, records] }
  roles:
    - { callers: [clinic, { claim: groups, value: staff }], resources: ['*'], verbs: [read, write] }
`;
    const { security } = parseConfig(source, '/etc/crossfade/crossfade.yaml', {
      DB_PASSWORD: '',
      PAGES: 'sixteen letters!',
    });
    expect(security.tls).toMatchObject({ certFile: '/etc/crossfade/tls/server.crt', keyFile: '/keys/server.key' });
    expect(security.jwt).toMatchObject({ jwksFile: '/etc/crossfade/jwks.json', clockToleranceSeconds: 5 });
    expect(security.jwt?.algorithms.some((algorithm) => algorithm.startsWith('HS'))).toBe(false);
  });

  it('checks TLS to the stores', () => {
    const store = (host: string, tls: string) => least.replace('host: db', `host: ${host}, tls: ${tls}`);
    expect(mistakesOf(store('db', '{ caFile: ca.crt, certFile: own.crt }'), { DB_PASSWORD: '' })).toEqual([
      'stores.mysql.tls: certFile and keyFile come together',
    ]);
    expect(mistakesOf(store('10.0.0.1', '{}'), { DB_PASSWORD: '' })[0]).toContain('verify: ca');
    expect(mistakesOf(store('10.0.0.1', '{ verify: ca }'), { DB_PASSWORD: '' })).toEqual([]);
  });

  it('never holds a secret in an error', () => {
    const mistakes = mistakesOf(`${least}secret: 1\n`, { DB_PASSWORD: 'open sesame' });
    expect(mistakes.join()).not.toContain('open sesame');
    expect(mistakes.join()).toContain('secret');
  });

  it('is read from a file, or says that it can not be', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'crossfade-config-'));
    try {
      await writeFile(join(folder, 'crossfade.yaml'), least);
      const config = await loadConfig(join(folder, 'crossfade.yaml'), { DB_PASSWORD: 'x' });
      expect(config.descriptors).toBe(join(folder, 'records.binpb'));
      await expect(loadConfig(join(folder, 'other.yaml'), {})).rejects.toThrow('ENOENT');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
