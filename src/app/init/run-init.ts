import { join } from 'node:path';
import { noLog } from '../../domain/log.ts';
import type { Resource } from '../../domain/resource.ts';
import type { MysqlPool } from '../../stores/mysql/pool.ts';
import { type Environment, loadConfig, parseConfig } from '../config.ts';
import { loadResources } from '../load-resources.ts';
import { StartError } from '../start-error.ts';
import { BUF_YAML, IMPORTS_FOLDER, PROTO_FOLDER } from './buf-text.ts';
import { cassandraText } from './cassandra-text.ts';
import { checkDefinitions } from './check-definitions.ts';
import { configText, IMAGE_FILE, type Servers } from './config-text.ts';
import { type Decisions, decideTables } from './decide-tables.ts';
import { findServerMistakes, findTables } from './find-tables.ts';
import { readImportedProtos } from './imported-protos.ts';
import { LOCK_ABOUT, LOCK_FILE, type LockFile, parseLock, printLock } from './lock-file.ts';
import { lockPlan } from './locked-plan.ts';
import { compareFiles, type FileChange, hashOf, readIfThere, writeFiles } from './output-files.ts';
import type { FoundTable, InitSettings, TablePlan } from './plan.ts';
import { buildImage } from './proto-descriptor.ts';
import { compareWithLock, withHandWritten } from './proto-numbers.ts';
import { printProto } from './proto-text.ts';
import { cassandraChanges, decisionLines, fileLines, uncarriedLines } from './report.ts';
import { keyspaceOf } from './resource-names.ts';
import { resourceProto } from './resource-proto.ts';

/** What `crossfade init` is asked for. */
export interface InitOptions {
  readonly pool: MysqlPool;
  readonly schema: string;
  /** Those of an earlier run are always among them. */
  readonly tables: readonly string[];
  readonly folder: string;
  /** Default: what the earlier run had, else made of the schema's name. */
  readonly packageName?: string;
  readonly host?: string;
  readonly keyspace?: string;
  readonly servers: Servers;
  readonly dryRun: boolean;
  /** Whether files that differ are overwritten. */
  readonly force: boolean;
}

/** Why init ends without having written anything. */
export class InitError extends Error {
  override readonly name = 'InitError';
}

const MAX_KEYSPACE = 48;
const CONFIG_FILE = 'crossfade.yaml';
const CQL_FILE = 'cassandra.cql';

/**
 * Describes tables, decides, tells what it has decided, and writes. `line` gets each line of the report.
 * Returns whether every table has got its definition. Throws an InitError when nothing was written.
 */
export async function runInit(
  options: InitOptions,
  line: (text: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { pool, schema, folder } = options;
  const lock = await readLock(options);
  const settings = settingsOf(options, lock);
  const names = [...new Set([...Object.keys(lock?.tables ?? {}), ...options.tables])];
  if (names.length === 0) throw new InitError('name the tables: --tables orders,customers');
  const { found, refusals: notFound } = await findTables(pool, schema, names, signal);
  const decided = decideTables(found, settings, lock);
  const decisions = { plans: decided.plans, refusals: [...notFound, ...decided.refusals] };
  const print = (lines: readonly string[]): void => {
    for (const text of [...lines, '']) line(text);
  };
  print(uncarriedLines(decisions.plans, decisions.refusals));
  refuseLoss(decisions, lock);
  print(decisionLines(decisions.plans, settings));
  const tables = decisions.plans.map((plan) => tableOf(plan, found));
  const files = await filesOf({ options, settings, decisions, tables });
  const changes = await compareFiles(folder, files, await writtenBefore(folder, lock));
  print(fileLines(changes, { dryRun: options.dryRun, folder }));
  refuseUnknownProtos(changes, decisions.plans, settings, lock);
  if (!options.dryRun) await write(options, changes);
  const statements = cassandraChanges(decisions.plans, lock);
  if (statements.length > 0) print(statements);
  const movable = tables.filter((_, i) => decisions.plans[i]?.target !== undefined);
  const mistakes = options.dryRun ? await findServerMistakes(pool, movable, signal) : await loadWritten(options);
  if (mistakes.length > 0) print(['Before the service can start', ...mistakes.map((text) => `  ${text}`)]);
  return decisions.refusals.length === 0;
}

async function readLock({ folder, schema }: InitOptions): Promise<LockFile | null> {
  const text = await readIfThere(join(folder, LOCK_FILE));
  if (text === null) return null;
  let lock: LockFile;
  try {
    lock = parseLock(text.toString('utf8'));
  } catch (error) {
    throw new InitError((error as Error).message);
  }
  if (lock.schema !== schema) {
    throw new InitError(`${folder} describes the schema ${lock.schema}, not ${schema}: use another folder`);
  }
  return await withProtos(folder, lock);
}

/** Hashes by path of what an earlier run has written. The lock can't hold its own: as it could be read, it counts as written. */
async function writtenBefore(folder: string, lock: LockFile | null): Promise<LockFile['written']> {
  const own = await readIfThere(join(folder, LOCK_FILE));
  return { ...lock?.written, ...(own !== null && { [LOCK_FILE]: hashOf(own) }) };
}

/** The lock, checked against the protos that it was written with. */
async function withProtos(folder: string, lock: LockFile): Promise<LockFile> {
  const tables: LockFile['tables'] = {};
  const mistakes: string[] = [];
  for (const [table, locked] of Object.entries(lock.tables)) {
    const path = join(PROTO_FOLDER, ...lock.package.split('.'), `${locked.plural}.proto`);
    const text = (await readIfThere(join(folder, path)))?.toString('utf8') ?? '';
    mistakes.push(...compareWithLock(text, path, locked));
    tables[table] = withHandWritten(text, locked);
  }
  if (mistakes.length > 0) {
    throw new InitError(
      `${LOCK_FILE} and the protos contradict each other; bring them together first:\n  ${mistakes.join('\n  ')}`,
    );
  }
  return { ...lock, tables };
}

function settingsOf(options: InitOptions, lock: LockFile | null): InitSettings {
  const plain =
    options.schema
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^[^a-z]+|_+$/g, '') || 'records';
  const packageName = options.packageName ?? lock?.package ?? `${plain}.v1`;
  if (lock !== null && lock.package !== packageName) {
    throw new InitError(`${options.folder} holds the package ${lock.package}, not ${packageName}: use another folder`);
  }
  const domain = packageName.split('.')[0]?.replaceAll('_', '-') ?? plain;
  for (const key of ['host', 'keyspace'] as const) {
    if (lock !== null && options[key] !== undefined && options[key] !== lock[key]) {
      throw new InitError(
        `${options.folder} has the ${key} ${lock[key]}, not ${options[key]}: it can't be changed by init`,
      );
    }
  }
  return {
    packageName,
    host: lock?.host ?? options.host ?? `${domain}.example`,
    keyspace: lock?.keyspace ?? options.keyspace ?? keyspaceOf(plain),
  };
}

/** A definition that is served already must not go, only because its table has changed. */
function refuseLoss({ refusals }: Decisions, lock: LockFile | null): void {
  const lost = refusals.filter(({ table }) => lock?.tables[table] !== undefined).map(({ table }) => table);
  if (lost.length === 0) return;
  throw new InitError(
    `nothing was written, as ${lost.join(', ')} had a definition and would lose it. If the table is to be served no more, ` +
      `delete its proto and its entry in ${LOCK_FILE}`,
  );
}

/** A proto that the lock file does not know may have numbers of its own: they would move. */
function refuseUnknownProtos(
  changes: readonly FileChange[],
  plans: readonly TablePlan[],
  settings: InitSettings,
  lock: LockFile | null,
): void {
  const unknown = plans
    .filter(({ table }) => lock?.tables[table] === undefined)
    .map((plan) => `${PROTO_FOLDER}/${resourceProto(plan, settings).path}`)
    .filter((path) => changes.some((change) => change.path === path && !['new', 'same'].includes(change.state)));
  if (unknown.length === 0) return;
  throw new InitError(
    `nothing was written, as ${LOCK_FILE} does not know what is there already: ${unknown.join(', ')}. ` +
      `Bring ${LOCK_FILE} back, or delete the protos if nobody uses them`,
  );
}

function tableOf(plan: TablePlan, found: readonly FoundTable[]): FoundTable {
  const table = found.find(({ description }) => description.table === plan.table);
  if (table === undefined) throw new TypeError(`${plan.table} was planned, but not found`);
  return table;
}

interface Writing {
  readonly options: InitOptions;
  readonly settings: InitSettings;
  readonly decisions: Decisions;
  readonly tables: readonly FoundTable[];
}

/** Every file's content by its path. */
async function filesOf({ options, settings, decisions, tables }: Writing) {
  const { plans } = decisions;
  if (plans.length === 0) throw new InitError('nothing was written: no table can have a definition');
  const protos = plans.map((plan) => resourceProto(plan, settings));
  const image = buildImage(protos);
  const resources = checked(image, tables);
  const movable = resources.some((resource) => resource.cassandra !== undefined);
  const types = plans.map((plan) => `${settings.packageName}.${plan.names.message}`);
  const files = new Map<string, Uint8Array>();
  const add = (path: string, text: string): unknown => files.set(path, Buffer.from(text));
  for (const proto of protos) add(`${PROTO_FOLDER}/${proto.path}`, printProto(proto));
  for (const [path, content] of await readImportedProtos()) files.set(`${IMPORTS_FOLDER}/${path}`, content);
  add('buf.yaml', BUF_YAML);
  files.set(IMAGE_FILE, image);
  if (movable) add(CQL_FILE, cassandraText(resources, options.servers));
  const existing = (await readIfThere(join(options.folder, CONFIG_FILE)))?.toString('utf8');
  const controlPlace = `crossfade_${settings.keyspace}`.slice(0, MAX_KEYSPACE);
  const config = configText(types, options.servers, {
    movable,
    controlPlace,
    ...(existing !== undefined && { existing }),
  });
  parseConfig(config, join(options.folder, CONFIG_FILE), anySecrets);
  add(CONFIG_FILE, config);
  add(LOCK_FILE, printLock(lockOf(options, settings, plans, files)));
  return files;
}

function checked(image: Uint8Array, tables: readonly FoundTable[]): readonly Resource[] {
  const { resources, mistakes } = checkDefinitions(
    image,
    tables.map(({ description }) => description),
  );
  if (mistakes.length === 0) return resources;
  throw new InitError(
    `what init has made can't be served, which is a mistake of init itself; please report it:\n  ${mistakes.join('\n  ')}`,
  );
}

function lockOf(
  options: InitOptions,
  settings: InitSettings,
  plans: readonly TablePlan[],
  files: ReadonlyMap<string, Uint8Array>,
): LockFile {
  return {
    about: LOCK_ABOUT,
    package: settings.packageName,
    schema: options.schema,
    host: settings.host,
    keyspace: settings.keyspace,
    tables: Object.fromEntries(plans.map((plan) => [plan.table, lockPlan(plan)])),
    written: Object.fromEntries([...files].map(([path, content]) => [path, hashOf(content)])),
  };
}

async function write({ folder, force }: InitOptions, changes: readonly FileChange[]): Promise<void> {
  const differing = changes.filter(({ state }) => state === 'changed' || state === 'edited').map(({ path }) => path);
  if (differing.length > 0 && !force) {
    throw new InitError(
      `nothing was written, as these files would change; say --force to let them:\n  ${differing.join('\n  ')}`,
    );
  }
  await writeFiles(folder, changes);
}

/** Loads what was written as `serve` does; answers what would keep it from starting, which is for MySQL to be changed. */
async function loadWritten({ folder, pool }: InitOptions): Promise<readonly string[]> {
  const config = await loadConfig(join(folder, CONFIG_FILE), anySecrets);
  try {
    await loadResources(config, pool, noLog);
    return [];
  } catch (error) {
    if (error instanceof StartError) return error.mistakes;
    throw error;
  }
}

/** An environment in which every variable is set: whether the secrets are there is for `serve` to say. */
const anySecrets: Environment = new Proxy({}, { get: () => 'set' });
