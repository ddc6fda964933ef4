import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../src');

interface Import {
  /** The importing file, relative to src. */
  readonly from: string;
  /** A file relative to src, or a package's name. */
  readonly to: string;
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .filter((file) => !file.startsWith('gen/'));

function importsOf(file: string): Import[] {
  const source = readFileSync(join(root, file), 'utf8');
  const specifiers = [...source.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  return specifiers.map((specifier) => ({
    from: file,
    to: specifier.startsWith('.') ? relative(root, resolve(join(root, dirname(file)), specifier)) : specifier,
  }));
}

const imports = files.flatMap(importsOf);
const inner = imports.filter(({ to }) => files.includes(to) || to.startsWith('gen/'));

/** `stores/mysql`, `stores` for the ports themselves, `migration`. */
function roomOf(file: string): string {
  const [room = '', engine = ''] = file.split('/');
  return room === 'stores' && !engine.endsWith('.ts') ? `stores/${engine}` : room;
}

/** What each room may import besides itself. `app` and `main.ts` see everything. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  telemetry: [],
  security: ['domain'],
  schema: ['domain', 'gen'],
  stores: ['domain', 'telemetry'],
  'stores/memory': ['domain', 'stores'],
  'stores/mysql': ['domain', 'stores', 'telemetry'],
  'stores/cassandra': ['domain', 'stores', 'telemetry', 'schema'],
  'stores/riak': ['domain', 'stores', 'telemetry'],
  records: ['domain', 'stores', 'telemetry'],
  migration: ['domain', 'stores', 'telemetry'],
  dashboard: ['gen'],
  rpc: ['domain', 'gen', 'schema', 'stores', 'records', 'migration', 'telemetry', 'security'],
};

/** The one home of each vendor: a folder or a file. */
const homes: Readonly<Record<string, readonly string[]>> = {
  mysql2: ['stores/mysql/'],
  '@bufbuild/protovalidate': ['schema/request-rules.ts'],
  '@vlasky/zongji': ['stores/mysql/'],
  'cassandra-driver': ['stores/cassandra/'],
  'unleash-client': ['migration/unleash-flags.ts'],
  '@opentelemetry/': ['telemetry/'],
  '@grpc/grpc-js': ['rpc/'],
  '@connectrpc/connect-node': ['rpc/', 'app/cli/'],
  '@connectrpc/connect-web': ['dashboard/api.ts'],
  uplot: ['dashboard/charts/'],
  jose: ['security/'],
  commander: ['app/cli/'],
  'cli-progress': ['app/cli/'],
  yaml: ['app/'],
  zod: ['app/'],
};

describe('the rooms of src', () => {
  it('were found, with their imports', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(inner.length).toBeGreaterThan(200);
  });

  it('import only downwards', () => {
    const wrong = inner.filter(({ from, to }) => {
      const [room, target] = [roomOf(from), roomOf(to)];
      if (room === target || room === 'app' || room === 'main.ts') return false;
      return !(allowed[room] ?? []).includes(target);
    });
    expect(wrong).toEqual([]);
  });

  it('leave the engines to app alone', () => {
    const engines = inner.filter(({ to }) => /^stores\/(mysql|cassandra|riak|memory)\//.test(to));
    const wrong = engines.filter(({ from, to }) => roomOf(from) !== roomOf(to) && roomOf(from) !== 'app');
    expect(wrong).toEqual([]);
  });

  it('keep each vendor in its one home', () => {
    const wrong = imports.filter(({ from, to }) => {
      const vendor = Object.keys(homes).find(
        (name) => to === name || to.startsWith(name.endsWith('/') ? name : `${name}/`),
      );
      return vendor !== undefined && !(homes[vendor] ?? []).some((home) => from.startsWith(home));
    });
    expect(wrong).toEqual([]);
  });

  it('never reach out of src', () => {
    expect(imports.filter(({ to }) => to.startsWith('..'))).toEqual([]);
  });

  it('read the environment in one file only', () => {
    const readers = files.filter((file) => readFileSync(join(root, file), 'utf8').includes('process.env'));
    expect(readers).toEqual(['app/config.ts']);
  });

  it('name no example: resources are nothing but protos and config', () => {
    const knowing = files.filter((file) => /hospital\.v1|hospital_|pharmacy/i.test(stripComments(file)));
    expect(knowing).toEqual([]);
  });
});

function stripComments(file: string): string {
  return readFileSync(join(root, file), 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');
}
