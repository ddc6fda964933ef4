import { createMysqlPool } from '../../stores/mysql/pool.ts';
import { environment as processEnvironment } from '../config.ts';
import { InitError, runInit } from '../init/run-init.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

/** The options of `crossfade init`, as the command line has them. */
export interface InitCommandOptions {
  readonly mysql: string;
  readonly tables?: string;
  readonly out: string;
  readonly package?: string;
  readonly domain?: string;
  readonly keyspace?: string;
  readonly passwordEnv?: string;
  readonly cassandra: string;
  readonly dataCenter: string;
  readonly replicas: number;
  readonly unleashUrl: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** A MySQL schema as a URL names it. */
export interface MysqlUrl {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Empty: none in the URL. */
  readonly password: string;
  readonly schema: string;
}

/** init needs few at once. */
const CONNECTIONS = 4;
const MYSQL_PORT = 3306;
const CASSANDRA_PORT = 9042;
/** What the config names where the URL has a password, which is written nowhere. */
const DEFAULT_PASSWORD_ENV = 'MYSQL_PASSWORD';
const PACKAGE = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*\.v[1-9]\d*((alpha|beta)[1-9]\d*)?$/;
const DOMAIN = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/;
const KEYSPACE = /^[a-zA-Z][a-zA-Z0-9_]{0,47}$/;

/** Writes the definitions of tables; resolves to the exit code. */
export async function init(options: InitCommandOptions, signal: AbortSignal): Promise<number> {
  const url = parseMysqlUrl(options.mysql);
  checkNames(options);
  const { password, passwordEnv } = passwordOf(url, options.passwordEnv);
  const { host, port, user, schema } = url;
  const pool = createMysqlPool({ host, port, user, password, connections: CONNECTIONS });
  try {
    const complete = await runInit(
      {
        pool,
        schema,
        tables: listOf(options.tables ?? ''),
        folder: options.out,
        ...(options.package !== undefined && { packageName: options.package }),
        ...(options.domain !== undefined && { host: options.domain }),
        ...(options.keyspace !== undefined && { keyspace: options.keyspace }),
        servers: {
          mysql: { host, port, user, ...(passwordEnv !== undefined && { passwordEnv }) },
          cassandra: {
            ...contactPointsOf(options.cassandra),
            dataCenter: options.dataCenter,
            replicas: options.replicas,
          },
          unleashUrl: options.unleashUrl,
        },
        dryRun: options.dryRun ?? false,
        force: options.force ?? false,
      },
      (text) => process.stdout.write(`${text}\n`),
      signal,
    );
    return complete ? exitCodes.ok : exitCodes.failed;
  } catch (error) {
    if (error instanceof InitError) throw new CommandError(error.message);
    throw error;
  } finally {
    await pool.close();
  }
}

/** Reads `mysql://user@host:3306/schema`. Throws a CommandError that says what is missing. */
export function parseMysqlUrl(text: string): MysqlUrl {
  const wrong = (what: string): CommandError =>
    new CommandError(`--mysql: ${what}; write mysql://user@host:3306/schema`, exitCodes.usage);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('not a URL');
  }
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') throw wrong(`${url.protocol}// is no MySQL`);
  const schema = decodeURIComponent(url.pathname.slice(1));
  if (url.hostname === '') throw wrong('no host');
  if (url.username === '') throw wrong('no user');
  if (schema === '' || schema.includes('/')) throw wrong('no schema');
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? MYSQL_PORT : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    schema,
  };
}

function passwordOf(url: MysqlUrl, passwordEnv: string | undefined) {
  if (passwordEnv === undefined) {
    return { password: url.password, passwordEnv: url.password === '' ? undefined : DEFAULT_PASSWORD_ENV };
  }
  const password = processEnvironment[passwordEnv] ?? url.password;
  if (password === '' && processEnvironment[passwordEnv] === undefined) {
    throw new CommandError(`--password-env: the environment variable ${passwordEnv} is not set`, exitCodes.usage);
  }
  return { password, passwordEnv };
}

function contactPointsOf(text: string): { readonly contactPoints: readonly string[]; readonly port: number } {
  const [, hosts = text, port] = /^(.*):(\d+)$/.exec(text) ?? [];
  return { contactPoints: listOf(hosts), port: port === undefined ? CASSANDRA_PORT : Number(port) };
}

function checkNames({ package: packageName, domain, keyspace }: InitCommandOptions): void {
  const usage = (text: string): CommandError => new CommandError(text, exitCodes.usage);
  if (packageName !== undefined && !PACKAGE.test(packageName)) {
    throw usage(`--package: "${packageName}" is no versioned package, such as shop.v1`);
  }
  if (domain !== undefined && !DOMAIN.test(domain))
    throw usage(`--domain: "${domain}" is no name such as shop.example.com`);
  if (keyspace !== undefined && !KEYSPACE.test(keyspace)) {
    throw usage(`--keyspace: "${keyspace}" is not of letters, digits and _, at most 48`);
  }
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
