import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, JobKind, JobState, type Migration } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { type ApiClients, jobOf, migrationName } from './api.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import {
  JobProgress,
  jobJson,
  jobLine,
  migrationJson,
  migrationLines,
  type Output,
  transitionJson,
  transitionLine,
} from './output.ts';

/** What the commands on migrations share. */
export interface CommandContext extends ApiClients {
  readonly output: Output;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** How often a job is asked for while it is watched. */
const WATCH_MS = 500;
/** How long a repair may take: it waits for barriers. */
const REPAIR_TIMEOUT_MS = 60_000;
/** Pages of a list shown by one command. */
const MAX_PAGES = 100;
/** How often migrations are asked for where there is no stream of them. */
const POLL_MS = 1_000;

/** Reads one migration if it is named, else all. */
export async function readMigrations(
  { client, signal }: CommandContext,
  resource: string | undefined,
): Promise<readonly Migration[]> {
  if (resource !== undefined) return [await client.getMigration({ name: migrationName(resource) }, { signal })];
  const migrations: Migration[] = [];
  let pageToken = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const page = await client.listMigrations({ pageToken }, { signal });
    migrations.push(...page.migrations);
    if (page.nextPageToken === '') break;
    pageToken = page.nextPageToken;
  }
  return migrations;
}

/** Prints migrations: one if it is named, else all. */
export async function showStatus(context: CommandContext, resource: string | undefined): Promise<number> {
  const { output } = context;
  for (const migration of await readMigrations(context, resource)) {
    if (output.json) output.line(migrationJson(migration));
    else for (const line of migrationLines(migration)) output.line(line);
  }
  return exitCodes.ok;
}

/** The same again and again until Ctrl-C. */
export async function pollStatus(context: CommandContext, resource: string | undefined): Promise<number> {
  const { signal } = context;
  while (!signal.aborted) {
    await showStatus(context, resource).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  }
  return exitCodes.ok;
}

/** The page size of a history; the API gives no more than 1000. */
const HISTORY_PAGE = 1_000;

/** Prints the changes of a control record, newest first, as many as `limit`. */
export async function showHistory(
  { client, output, signal }: CommandContext,
  resource: string,
  { limit }: { readonly limit: number },
): Promise<number> {
  const parent = migrationName(resource);
  let pageToken = '';
  for (let left = limit; left > 0; left -= HISTORY_PAGE) {
    const pageSize = Math.min(left, HISTORY_PAGE);
    const { transitions, nextPageToken } = await client.listTransitions({ parent, pageSize, pageToken }, { signal });
    for (const transition of transitions) {
      output.line(output.json ? transitionJson(transition) : transitionLine(transition));
    }
    if (nextPageToken === '') break;
    pageToken = nextPageToken;
  }
  return exitCodes.ok;
}

/** What may be said about a job. */
export interface JobOptions {
  readonly rate?: number;
  readonly cancel?: boolean;
  readonly wait?: boolean;
  readonly self?: boolean;
}

/** Starts a job, or takes the one that runs; changes its rate, cancels it, watches it to its end. */
export async function runJob(
  context: CommandContext,
  kind: JobKind,
  resource: string,
  options: JobOptions,
): Promise<number> {
  const { client, operations, output, signal } = context;
  const name = migrationName(resource);
  const running = await findRunning(context, name, kind);
  if (options.cancel) {
    if (running === undefined) throw new CommandError(`no such job of ${resource} is running`);
    await operations.cancelOperation({ name: running.operation }, { signal });
    output.line(show(output, await readJob(context, running)));
    return exitCodes.ok;
  }
  const rowsPerSecondLimit = BigInt(options.rate ?? 0);
  let job: Job;
  if (running !== undefined && options.rate !== undefined) {
    const throttled = await client.throttleOperation({ name: running.operation, rowsPerSecondLimit }, { signal });
    job = throttled.job ?? running;
  } else if (running !== undefined) {
    job = running;
  } else if (kind === JobKind.BACKFILL) {
    job = jobOf(await client.startBackfill({ name, rowsPerSecondLimit }, { signal }));
  } else {
    const compareWithItself = options.self ?? false;
    job = jobOf(await client.startVerification({ name, rowsPerSecondLimit, compareWithItself }, { signal }));
  }
  if (options.wait === false) {
    output.line(show(output, job));
    return exitCodes.ok;
  }
  return watchJob(context, job);
}

async function findRunning(
  { operations, signal }: CommandContext,
  name: string,
  kind: JobKind,
): Promise<Job | undefined> {
  const newest = await operations.listOperations({ name, pageSize: 20 }, { signal });
  return newest.operations.map(jobOf).find((job) => job.kind === kind && job.state === JobState.RUNNING);
}

async function readJob({ operations, signal }: CommandContext, { operation }: Job): Promise<Job> {
  return jobOf(await operations.getOperation({ name: operation }, { signal }));
}

async function watchJob(context: CommandContext, started: Job): Promise<number> {
  const { output, signal } = context;
  const progress = new JobProgress(output, started.kind === JobKind.BACKFILL ? 'bulk copy' : 'verification');
  let job = started;
  try {
    while (job.state === JobState.RUNNING && !signal.aborted) {
      progress.update(job);
      await sleep(WATCH_MS, undefined, { signal }).catch(() => {});
      if (!signal.aborted) job = await readJob(context, job);
    }
  } finally {
    progress.stop();
  }
  output.line(show(output, job));
  if (job.state === JobState.SUCCEEDED) return job.mismatchCount > 0n ? exitCodes.mismatches : exitCodes.ok;
  if (job.state === JobState.RUNNING) output.line('the job goes on in the service; run the command again to watch it');
  return exitCodes.failed;
}

function show(output: Output, job: Job): string {
  return output.json ? jobJson(job) : `${job.operation}: ${jobLine(job)}`;
}

/** Lists open mismatches, or repairs them. */
export async function repair(
  context: CommandContext,
  resource: string,
  records: readonly string[],
  options: { list?: boolean },
): Promise<number> {
  const { client, output, signal } = context;
  const parent = migrationName(resource);
  if (options.list) return listMismatches(context, parent);
  const call = { signal, timeoutMs: REPAIR_TIMEOUT_MS };
  const { repairedCount, openCount } = await client.repairMismatches({ parent, records: [...records] }, call);
  output.line(
    output.json
      ? JSON.stringify({ repairedCount: Number(repairedCount), openCount: Number(openCount) })
      : `${repairedCount} repaired, ${openCount} still open`,
  );
  return openCount > 0n ? exitCodes.mismatches : exitCodes.ok;
}

async function listMismatches({ client, output, signal }: CommandContext, parent: string): Promise<number> {
  let pageToken = '';
  let found = 0;
  for (let page = 0; page < MAX_PAGES; page++) {
    const response = await client.listMismatches({ parent, pageToken }, { signal });
    for (const { record, fieldPaths, kind } of response.mismatches) {
      found += 1;
      output.line(output.json ? JSON.stringify({ record, kind, fieldPaths }) : `${record}  ${fieldPaths.join(', ')}`);
    }
    pageToken = response.nextPageToken;
    if (pageToken === '') break;
  }
  if (!output.json) output.line(`${found} open`);
  return found > 0 ? exitCodes.mismatches : exitCodes.ok;
}

/** How long a fence may take: it waits for transactions that use the table. */
const FENCE_TIMEOUT_MS = 60_000;

/** Installs the fence of the source, or removes it. */
export async function fence(
  { client, output, signal }: CommandContext,
  resource: string,
  { remove }: { readonly remove?: boolean },
): Promise<number> {
  const name = migrationName(resource);
  const call = { signal, timeoutMs: FENCE_TIMEOUT_MS };
  const migration = remove ? await client.unfenceSource({ name }, call) : await client.fenceSource({ name }, call);
  if (output.json) output.line(migrationJson(migration));
  else output.line(fenceLine(migration));
  return exitCodes.ok;
}

function fenceLine({ name, sourceFenced }: Migration): string {
  const id = name.slice('migrations/'.length);
  return sourceFenced
    ? `${id}: fenced. The source refuses other writers while authority leaves it, and while it is away.`
    : `${id}: not fenced. Programs may write to the source past the service, whoever has authority.`;
}
