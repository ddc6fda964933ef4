/** `npm run test:clients`: the tests of every language's client against the real service, on real stores. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bringUp, setUpFlags } from '../../examples/hospital/demo/bring-up.ts';
import { createTerminal, type Terminal } from '../../examples/hospital/demo/terminal.ts';
import type { ClientLanguage } from '../../scripts/clients/language.ts';
import { languages } from '../../scripts/clients/languages.ts';
import type { Log } from '../../src/domain/log.ts';
import type { StackAddresses } from '../../stack/stack.ts';
import { startClientTestService } from './service.ts';

const help = `npm run test:clients -- [--only NAMES]

Brings up MySQL, Cassandra, Unleash and the example hospital's service, in plain text and behind TLS, lets half of the reads come from
either store, and runs the tests of every client against it.

  --only NAMES   of ${languages.map(({ name }) => name).join(', ')}, separated by commas. Default: all`;

/** Enough for both stores to have several patients. */
const ROWS = 2_000;
/** What is shown of the service's log where a test fails. */
const LOG_LINES = 30;

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());
process.exitCode = await main(process.argv.slice(2), stopping.signal);

async function main(args: string[], signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({ args, options: { only: { type: 'string' }, help: { type: 'boolean' } } });
  const names = values.only?.split(',') ?? languages.map(({ name }) => name);
  const unknown = names.filter((name) => !languages.some((language) => language.name === name));
  if (values.help || unknown.length > 0) {
    for (const name of unknown) console.error(`--only: there is no ${name}`);
    console.log(help);
    return values.help ? 0 : 2;
  }
  const terminal = createTerminal();
  const log = keepWarnings();
  try {
    const failed = await runAll(
      languages.filter(({ name }) => names.includes(name)),
      { terminal, log, signal },
    );
    if (failed > 0) terminal.print(log.tail());
    return failed === 0 ? 0 : 1;
  } catch (error) {
    if (signal.aborted) return 130;
    terminal.print(`${error instanceof Error ? error.message : error}\n${log.tail()}`);
    return 1;
  }
}

interface Surroundings {
  readonly terminal: Terminal;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Returns how many languages have failed; everything that was started is stopped by then. */
async function runAll(chosen: readonly ClientLanguage[], { terminal, log, signal }: Surroundings): Promise<number> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const stack = await bringUp({ rows: ROWS, zipkin: false }, terminal, signal, (stop) => stops.push(stop));
    const addresses = stack.addresses as Required<StackAddresses>;
    await setUpFlags(addresses, terminal, signal);
    const ending = new AbortController();
    const end = AbortSignal.any([signal, ending.signal]);
    const folder = join(stack.root, 'clients');
    const { env, services } = await startClientTestService(addresses, { folder, log, signal: end });
    stops.push(async () => {
      ending.abort();
      await Promise.all(services.map((service) => service.ended));
    });
    terminal.say('the service is up, and half of the reads come from Cassandra');
    let failed = 0;
    for (const language of chosen) {
      signal.throwIfAborted();
      if (!(await runOne(language, { ...process.env, ...env }, terminal))) failed += 1;
    }
    return failed;
  } finally {
    for (const stop of stops.reverse()) await stop().catch(() => {});
  }
}

async function runOne({ name, test }: ClientLanguage, env: NodeJS.ProcessEnv, terminal: Terminal): Promise<boolean> {
  try {
    const passed = await test(env);
    terminal.say(`${name.padEnd(10)}  ${passed} passed`);
    return true;
  } catch (error) {
    terminal.print(error instanceof Error ? error.message : String(error));
    terminal.say(`${name.padEnd(10)}  failed`);
    return false;
  }
}

/** Keeps the last warnings and errors. */
function keepWarnings(): Log & { tail(): string } {
  const lines: string[] = [];
  const keep = (message: string, fields: object = {}): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
    if (lines.length > LOG_LINES) lines.shift();
  };
  const tail = () => (lines.length === 0 ? '' : `\nThe service's last warnings:\n${lines.join('\n')}`);
  return { info: () => {}, warn: keep, error: keep, tail };
}
