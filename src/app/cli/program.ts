import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { JobKind } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { phases } from '../../migration/unleash-flags.ts';
import { ConfigError } from '../config.ts';
import { StartError } from '../start-error.ts';
import { type ApiOptions, commandErrorOf, createApiClients, DEFAULT_SERVER } from './api.ts';
import { decommission, terminalPrompt } from './decommission-command.ts';
import { runDev } from './dev-command.ts';
import type { DoctorOptions } from './doctor-command.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { setUpFlags, switchFlags } from './flags-command.ts';
import type { InitCommandOptions } from './init-command.ts';
import {
  type CommandContext,
  fence,
  pollStatus,
  repair,
  runJob,
  showHistory,
  showStatus,
} from './migration-commands.ts';
import { createOutput } from './output.ts';
import type { ServeOptions } from './serve-command.ts';
import { plainLines } from './terminal-text.ts';
import { watchOptions, watchStatus } from './watch-command.ts';

interface CommonOptions extends ApiOptions {
  readonly json?: boolean;
}

/** Runs the command line `crossfade …` and resolves to its exit code. `signal` aborts on Ctrl-C and SIGTERM. */
export async function runProgram(argv: readonly string[], signal: AbortSignal): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = createProgram(signal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (error instanceof ConfigError || error instanceof StartError) {
      process.stderr.write(`crossfade: ${plainLines(error.message)}\n`);
      return exitCodes.usage;
    }
    const failure = error instanceof CommandError ? error : new CommandError((error as Error).message);
    process.stderr.write(`crossfade: ${plainLines(failure.message)}\n`);
    return failure.exitCode;
  }
}

/** The commands and their options. `exit` gets the exit code of the command that was run. */
export function createProgram(signal: AbortSignal, exit: (code: number) => void): Command {
  const program = new Command('crossfade')
    .description('Serves a typed records API over two stores, and moves a live table from MySQL to Cassandra.')
    .exitOverride()
    .showHelpAfterError()
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 wrong command line or config, 3 mismatches found, 4 service not reachable.

Examples:
  crossfade init --mysql mysql://app@127.0.0.1:3306/shop --tables order_lines --out shop
  crossfade doctor --config crossfade.yaml
  crossfade serve --config crossfade.yaml
  crossfade flags create medications --unleash-url http://127.0.0.1:4242
  crossfade status --watch
  crossfade history medications
  crossfade verify medications`,
    );
  addInit(program, signal, exit);
  addServe(program, signal, exit);
  addDoctor(program, signal, exit);
  addStatus(program, signal, exit);
  addHistory(program, signal, exit);
  addBackfill(program, signal, exit);
  addVerify(program, signal, exit);
  addRepair(program, signal, exit);
  addFence(program, signal, exit);
  addDecommission(program, signal, exit);
  addFlags(program, signal);
  addDev(program, signal, exit);
  return program;
}

/** A subcommand that talks to the migration API. */
function apiCommand(program: Command, name: string, description: string, examples: string): Command {
  return program
    .command(name)
    .description(description)
    .addOption(
      new Option('--server <url>', "the service's HTTP address").env('CROSSFADE_SERVER').default(DEFAULT_SERVER),
    )
    .option('--ca <file>', "the authorities for the service's certificate (PEM)")
    .option('--cert <file>', 'a certificate to prove who calls, with --key (PEM)')
    .option('--key <file>', "the certificate's key (PEM)")
    .option('--token-env <name>', 'the environment variable that holds a token to prove who calls')
    .option('--json', 'print JSON, one value a line')
    .addHelpText('after', `\nExamples:\n${examples}`);
}

async function withApi(
  options: CommonOptions,
  signal: AbortSignal,
  work: (context: CommandContext) => Promise<number>,
): Promise<number> {
  const context = {
    ...createApiClients(options),
    output: createOutput(options.json ?? false),
    signal,
  };
  try {
    return await work(context);
  } catch (error) {
    throw commandErrorOf(error, options.server);
  }
}

function addInit(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  program
    .command('init')
    .description(
      'Reads tables of a live MySQL or MariaDB and writes their definitions: protos, DDL, config (docs/init.md).',
    )
    .requiredOption('--mysql <url>', 'mysql://user@host:3306/schema')
    .option('--tables <names>', 'the tables, with commas; those of an earlier run are always among them')
    .requiredOption('--out <folder>', 'where everything is written')
    .option('--package <name>', "the protos' package; default: the schema's name with .v1")
    .option('--domain <name>', "the service's name in resource types, such as shop.example.com")
    .option('--keyspace <name>', "Cassandra's keyspace; default: the schema's name")
    .option('--password-env <name>', "the environment variable with MySQL's password; the config names it")
    .option('--cassandra <hosts>', 'contact points for the config, with commas, and a port', '127.0.0.1:9042')
    .option('--data-center <name>', "Cassandra's local data centre, for the config", 'datacenter1')
    .option('--replicas <n>', 'replicas of a keyspace that is created', wholeNumber, 1)
    .option('--unleash-url <url>', "Unleash's API, for the config", 'http://127.0.0.1:4242/api')
    .option('--dry-run', 'tell everything, write nothing')
    .option('--force', 'overwrite files that differ')
    .addHelpText(
      'after',
      `
Exit codes: 0 every table has its definition, 1 some were refused or nothing was written, 2 wrong command line.

Examples:
  crossfade init --mysql mysql://app@127.0.0.1:3306/shop --tables order_lines,carts --out shop --dry-run
  crossfade init --mysql mysql://app@127.0.0.1:3306/shop --password-env MYSQL_PASSWORD --tables order_lines --out shop
  crossfade init --mysql mysql://app@127.0.0.1:3306/shop --out shop --force`,
    )
    .action(async (options: InitCommandOptions) => {
      const { init } = await import('./init-command.ts');
      exit(await init(options, signal));
    });
}

function addServe(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  program
    .command('serve')
    .description('Starts an instance of the service; ends gracefully on SIGTERM and Ctrl-C.')
    .requiredOption('--config <file>', 'the config file (docs/configuration.md)')
    .option('--grpc-port <port>', "the gRPC port, instead of the config's", port)
    .option('--http-port <port>', "the HTTP port, instead of the config's", port)
    .addHelpText(
      'after',
      '\nExamples:\n  crossfade serve --config crossfade.yaml\n  crossfade serve --config crossfade.yaml --grpc-port 50052 --http-port 8081',
    )
    .action(async (options: ServeOptions) => {
      // Loaded here: the other commands need none of the drivers.
      const { serve } = await import('./serve-command.ts');
      exit(await serve(options, signal));
    });
}

function addDoctor(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  program
    .command('doctor')
    .description(
      "Checks everything that would bite later, at the servers that the service's config names, and says how to mend it. Changes nothing.",
    )
    .requiredOption('--config <file>', 'the config file (docs/configuration.md)')
    .option(
      '--outage <time>',
      'the longest time that a server or the service may be away: 24h, 3d',
      duration,
      DAY_SECONDS,
    )
    .option('--scan-limit <time>', 'how long one question may read a whole table: 30s, 5m', duration, SCAN_SECONDS)
    .option('--strict', 'exit code 1 for warnings too')
    .option('--json', 'print JSON, one array')
    .addHelpText(
      'after',
      `
Exit codes: 0 no problem, 1 problems found, 2 wrong command line or config.
Every check: docs/doctor.md

Examples:
  crossfade doctor --config crossfade.yaml
  crossfade doctor --config crossfade.yaml --outage 3d --strict
  crossfade doctor --config crossfade.yaml --json | jq '.[] | select(.outcome == "problem")'`,
    )
    .action(async (options: DoctorOptions) => {
      // Loaded here: the other commands need none of the drivers.
      const { doctor } = await import('./doctor-command.ts');
      exit(await doctor(options, signal));
    });
}

const DAY_SECONDS = 86_400;
const SCAN_SECONDS = 5;

function addStatus(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  apiCommand(
    program,
    'status',
    'Shows where each migration is and what it waits for.',
    `  crossfade status
  crossfade status medications --json
  crossfade status --watch
  crossfade status medications --watch --server https://records.example:8080 --token-env TOKEN
  NO_COLOR=1 crossfade status --watch | tee watched.log`,
  )
    .argument('[resource]', 'only this one')
    .option('--watch', 'the whole picture, live, until Ctrl-C; lines where there is no terminal (docs/dashboard.md)')
    .action(async (resource: string | undefined, options: CommonOptions & { watch?: boolean }) => {
      exit(await withApi(options, signal, (context) => status(context, resource, options.watch ?? false)));
    });
}

function status(context: CommandContext, resource: string | undefined, watch: boolean): Promise<number> {
  const { json, terminal } = context.output;
  if (!watch) return showStatus(context, resource);
  return json ? pollStatus(context, resource) : watchStatus(context, resource, watchOptions(terminal));
}

function addHistory(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  apiCommand(
    program,
    'history',
    'Shows what happened to a migration, newest first: who, when, why, and how long writes paused.',
    '  crossfade history medications\n  crossfade history medications --limit 200 --json',
  )
    .argument('<resource>', "the resource's id")
    .option('--limit <changes>', 'the most changes to show', wholeNumber, 20)
    .action(async (resource: string, options: CommonOptions & { limit: number }) => {
      exit(await withApi(options, signal, (context) => showHistory(context, resource, options)));
    });
}

function addBackfill(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  addJobOptions(
    apiCommand(
      program,
      'backfill',
      'Watches the bulk copy, or starts it again after it failed or was cancelled.',
      '  crossfade backfill medications\n  crossfade backfill medications --rate 5000\n  crossfade backfill medications --cancel',
    ),
  ).action(async (resource: string, options: CommonOptions & { rate?: number; cancel?: boolean; wait?: boolean }) => {
    exit(await withApi(options, signal, (context) => runJob(context, JobKind.BACKFILL, resource, options)));
  });
}

function addVerify(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  addJobOptions(
    apiCommand(
      program,
      'verify',
      'Compares every record of both stores, both ways. Exit code 3 if it finds mismatches.',
      '  crossfade verify medications\n  crossfade verify medications --self\n  crossfade verify medications --no-wait --json',
    ),
  )
    .option('--self', 'compare each store with itself: the noise floor, which should be 0')
    .action(
      async (
        resource: string,
        options: CommonOptions & { rate?: number; cancel?: boolean; wait?: boolean; self?: boolean },
      ) => {
        exit(await withApi(options, signal, (context) => runJob(context, JobKind.VERIFICATION, resource, options)));
      },
    );
}

function addJobOptions(command: Command): Command {
  return command
    .argument('<resource>', "the resource's id")
    .option('--rate <rows>', 'the most rows a second, all instances together; 0: no limit', wholeNumber)
    .option('--cancel', 'cancel the one that runs')
    .option('--no-wait', 'start it and return');
}

function addRepair(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  apiCommand(
    program,
    'repair',
    'Repairs mismatches: the authority decides. Without records: the first 1000 open ones.',
    '  crossfade repair medications --list\n  crossfade repair medications\n  crossfade repair medications patients/p1/medications/7',
  )
    .argument('<resource>', "the resource's id")
    .argument('[records...]', 'names of records')
    .option('--list', 'list the open mismatches instead')
    .action(async (resource: string, records: string[], options: CommonOptions & { list?: boolean }) => {
      exit(await withApi(options, signal, (context) => repair(context, resource, records, options)));
    });
}

function addFence(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  apiCommand(
    program,
    'fence',
    'Fences the source by triggers: it refuses programs that write past the service while authority leaves it, and while it is away.',
    '  crossfade fence medications\n  crossfade fence medications --remove --json',
  )
    .argument('<resource>', "the resource's id")
    .option('--remove', 'remove the fence')
    .action(async (resource: string, options: CommonOptions & { remove?: boolean }) => {
      exit(await withApi(options, signal, (context) => fence(context, resource, options)));
    });
}

function addDecommission(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  apiCommand(
    program,
    'decommission',
    "Confirms that writing to the source may end, which can't be taken back, and prints what remains to be dropped by hand.",
    '  crossfade decommission medications\n  crossfade decommission medications --confirm medications --json',
  )
    .argument('<resource>', "the resource's id")
    .option('--confirm <resource>', 'the id once more; without it, it is asked for on a terminal')
    .action(async (resource: string, options: CommonOptions & { confirm?: string }) => {
      const ask = terminalPrompt(signal);
      exit(await withApi(options, signal, (context) => decommission(context, resource, options, ask)));
    });
}

function addFlags(program: Command, signal: AbortSignal): void {
  const flags = program.command('flags').description('Sets up and changes the feature flags.');
  flagsCommand(
    flags,
    'create',
    'Creates the three flags of each resource in Unleash where they are missing; changes no existing one.',
    '  UNLEASH_ADMIN_TOKEN=… crossfade flags create medications --unleash-url http://127.0.0.1:4242',
  )
    .argument('<resources...>', "the resources' ids")
    .action(async (resources: string[], options) => setUpFlags(resources, options, signal));
  flagsCommand(
    flags,
    'set',
    "Changes the flags of a resource, as a person does in Unleash's page.",
    [
      '  crossfade flags set medications --phase synchronize --unleash-url http://127.0.0.1:4242',
      '  crossfade flags set medications --read-target 10 --shadow-read 5 --unleash-url http://127.0.0.1:4242',
    ].join('\n'),
  )
    .argument('<resource>', "the resource's id")
    .addOption(
      new Option('--phase <phase>', 'enables its strategy, and disables those further on').choices(
        [...phases].reverse(),
      ),
    )
    .option('--read-target <percent>', 'the part of the reads that the target answers', percent)
    .option('--shadow-read <percent>', 'the part of the reads that are compared', percent)
    .action(async (resource: string, options) => switchFlags(resource, options, signal));
}

/** A subcommand that talks to Unleash's admin API. */
function flagsCommand(flags: Command, name: string, description: string, examples: string): Command {
  return flags
    .command(name)
    .description(description)
    .requiredOption('--unleash-url <url>', "the server's address, without /api")
    .option('--token-env <name>', 'the environment variable that holds a token of the admin API', 'UNLEASH_ADMIN_TOKEN')
    .option('--project <name>', "Unleash's project", 'default')
    .option('--environment <name>', "Unleash's environment", 'development')
    .option('--json', 'print JSON, one value a line')
    .addHelpText('after', `\nExamples:\n${examples}`);
}

function addDev(program: Command, signal: AbortSignal, exit: (code: number) => void): void {
  program
    .command('dev')
    .description('In a checkout: brings up real servers, an example and one instance, and stays until Ctrl-C.')
    .argument('[options...]', 'options of the example, after --; see crossfade dev -- --help')
    .addHelpText('after', '\nExamples:\n  crossfade dev\n  crossfade dev -- --rows 200000')
    .action(async (options: string[]) => exit(await runDev(options, signal)));
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError('must be a whole number, 0 or more');
  return number;
}

function percent(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && text !== '' && number >= 0 && number <= 100) return number;
  throw new InvalidArgumentError('must be a whole number from 0 to 100');
}

function port(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && text !== '' && number >= 0 && number <= 65_535) return number;
  throw new InvalidArgumentError('must be a port, 0 to 65535; 0 picks a free one');
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: DAY_SECONDS };

/** `90s`, `30m`, `24h`, `3d` in seconds. */
function duration(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const seconds = Number(digits) * (UNIT_SECONDS[unit] ?? Number.NaN);
  if (!(seconds > 0)) throw new InvalidArgumentError('must be a number of s, m, h or d, such as 24h');
  return seconds;
}
