import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { type ConfigFile, configSchema } from './config-schema.ts';
import { riakMistakes } from './riak-mistakes.ts';
import { securityMistakes } from './security-mistakes.ts';

/** The config, parsed once and frozen, with secrets from the environment and paths made absolute. */
export interface Config extends ConfigFile {
  readonly instance: string;
  readonly secrets: {
    readonly mysqlPassword: string;
    readonly cassandraPassword: string;
    readonly riakPassword: string;
    readonly unleashToken: string;
    readonly pageTokens: string;
  };
}

/** Every mistake of a config file at once, each naming its key. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly mistakes: readonly string[];

  constructor(path: string, mistakes: readonly string[]) {
    super(
      `${path} has ${mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`}:\n  ${mistakes.join('\n  ')}`,
    );
    this.mistakes = mistakes;
  }
}

/** Shorter secrets are found by trying, with a page token to try them on. */
const MIN_PAGE_TOKEN_SECRET_CHARS = 16;

/** Environment variables, for the secrets that the config names. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The process's own environment: the one place that reads it. */
export const environment: Environment = process.env;

/**
 * Reads and checks a config file.
 * Throws a ConfigError with every mistake: unknown and missing keys, wrong values, unset secrets, an unreadable file.
 */
export async function loadConfig(path: string, env: Environment = environment): Promise<Config> {
  const source = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(path, [`the file cannot be read (${error.code ?? 'unknown error'})`]);
  });
  return parseConfig(source, path, env);
}

/** The same for a config's text; `path` names it in errors and resolves the paths in it. */
export function parseConfig(source: string, path: string, env: Environment): Config {
  let document: unknown;
  try {
    document = parse(source);
  } catch (error) {
    throw new ConfigError(path, [`it is no YAML: ${(error as Error).message}`]);
  }
  const parsed = configSchema.safeParse(document ?? {});
  if (!parsed.success) throw new ConfigError(path, parsed.error.issues.map(describeIssue));
  const file = parsed.data;
  const mistakes: string[] = [];
  const secret = (name: string | undefined, key: string): string => {
    if (name === undefined) return '';
    const value = env[name];
    if (value === undefined) mistakes.push(`${key}: the environment variable ${name} is not set`);
    return value ?? '';
  };
  const { mysql, cassandra, riak } = file.stores;
  const secrets = {
    mysqlPassword: secret(mysql.passwordEnv, 'stores.mysql.passwordEnv'),
    cassandraPassword: secret(cassandra?.passwordEnv, 'stores.cassandra.passwordEnv'),
    riakPassword: secret(riak?.passwordEnv, 'stores.riak.passwordEnv'),
    unleashToken: secret(file.unleash?.tokenEnv, 'unleash.tokenEnv'),
    pageTokens: secret(file.pageTokenSecretEnv, 'pageTokenSecretEnv'),
  };
  if (file.pageTokenSecretEnv === undefined) {
    // Good enough to tell a token of this service from others, where nobody has to be kept from anything.
    secrets.pageTokens = `${mysql.host}:${mysql.port}/${mysql.controlSchema}`;
  } else if (env[file.pageTokenSecretEnv] !== undefined && secrets.pageTokens.length < MIN_PAGE_TOKEN_SECRET_CHARS) {
    mistakes.push(
      `pageTokenSecretEnv: ${file.pageTokenSecretEnv} has fewer than ${MIN_PAGE_TOKEN_SECRET_CHARS} characters: whoever has a page token ` +
        'could guess the secret and make others; take a random one, for example of openssl rand -hex 32',
    );
  }
  mistakes.push(...duplicates(file.resources.map((resource) => resource.type)));
  mistakes.push(...securityMistakes(file), ...riakMistakes(file));
  if (mistakes.length > 0) throw new ConfigError(path, mistakes);
  const instance = file.instance ?? `${hostname()}-${process.pid}`;
  return deepFreeze({ ...withAbsolutePaths(file, dirname(path)), instance, secrets });
}

function describeIssue(issue: { path: PropertyKey[]; message: string }): string {
  const key = issue.path.map(String).join('.');
  return key === '' ? issue.message : `${key}: ${issue.message}`;
}

function duplicates(types: readonly string[]): string[] {
  const twice = types.filter((type, index) => types.indexOf(type) !== index);
  return twice.map((type) => `resources: ${type} is named twice`);
}

/** Files that a config names are relative to it: `descriptors`, and every key that ends in `File`. */
function withAbsolutePaths<T>(value: T, folder: string): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(([key, inner]: [string, unknown]) => {
    const isPath = typeof inner === 'string' && (key === 'descriptors' || key.endsWith('File'));
    return [key, isPath ? resolve(folder, inner) : withAbsolutePaths(inner, folder)];
  });
  return Object.fromEntries(entries) as T;
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner as object);
  }
  return Object.freeze(value);
}
