/** docs/tutorial.md, from its first command to its last, as a newcomer types it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'cassandra-driver';
import mysql from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../stack/command.ts';
import { COMMAND_LANGUAGES, commandsIn, type DocumentedCommand } from './commands.ts';
import { type Block, parsePage } from './pages.ts';
import { isReady, Reader } from './reader.ts';
import { startServers, variableIn } from './servers.ts';
import { hasShape } from './shape.ts';
import type { StayingProgram } from './terminal.ts';

const SERVE_MS = 60_000;

const { blocks } = parsePage('docs/tutorial.md', await readFile(join(ROOT, 'docs/tutorial.md'), 'utf8'));
const instances = [
  { grpc: 50051, http: 8080 },
  { grpc: 50052, http: 8081 },
] as const;

let reader: Reader;
let http: readonly number[];
/** The text of servers.env. */
let servers = '';

beforeAll(async () => {
  reader = await Reader.begin();
  await reader.replacePorts(instances.map(({ grpc }) => grpc));
  http = await reader.replacePorts(instances.map(({ http }) => http));
});
afterAll(() => reader?.end());

describe('the tutorial', () => {
  for (const [index, block] of blocks.entries()) {
    if (block.language === 'text') continue;
    it(`line ${block.line}: ${block.text.split('\n')[0]}`, async () => {
      const next = blocks[index + 1];
      await follow(block, next?.language === 'text' ? next.text : undefined);
    });
  }
});

/** Does what a block says, and compares with the output that stands below it. */
async function follow(block: Block, expected: string | undefined): Promise<void> {
  if (block.language === 'sql') return await runSql(block.text);
  if (block.language === 'cql') return await runCql(block.text);
  expect(COMMAND_LANGUAGES).toContain(block.language);
  const commands = commandsIn(block);
  for (const [index, command] of commands.entries()) {
    // What is shown is what the last one prints.
    await type(command, index === commands.length - 1 ? expected : undefined);
  }
}

async function type({ text, plain }: DocumentedCommand, expected: string | undefined): Promise<void> {
  // Tested by each run of .ci/run; here it would replace the packages of this very test.
  if (plain === 'npm ci') return;
  if (plain.startsWith('npm run stack')) return await startAll(text, expected);
  if (plain.startsWith('source ') || plain.startsWith('crossfade()')) return await beginTerminal(text);
  if (plain.startsWith('crossfade serve')) return await startInstance(text);
  if (plain.includes('--watch')) return await reader.watch(text, expected ?? '');
  const [, code = '0'] = /# exit code (\d)/.exec(text) ?? [];
  await reader.run(text, expected, Number(code));
}

async function startAll(text: string, expected: string | undefined): Promise<void> {
  servers = await startServers(reader, text);
  expect(hasShape(servers, expected ?? ''), servers).toBe(true);
}

const prelude: string[] = [];

async function beginTerminal(text: string): Promise<void> {
  prelude.push(text);
  await reader.begins(`${prelude.join('\n')}\nexport CROSSFADE_SERVER=http://127.0.0.1:${http[0]}`);
}

const running: StayingProgram[] = [];

async function startInstance(text: string): Promise<void> {
  const ports = instances[running.length] ?? { grpc: 0, http: 0 };
  // The first takes the ports of the config, which may not be free on this machine.
  const command = text.includes('--http-port') ? text : `${text} --grpc-port ${ports.grpc} --http-port ${ports.http}`;
  const program = reader.stay(command);
  const port = http[running.length];
  running.push(program);
  await program.until('ready', () => isReady(`http://127.0.0.1:${port}`), SERVE_MS);
}

async function runSql(statements: string): Promise<void> {
  const { hostname: host, port, username: user } = new URL(variableIn(servers, 'MYSQL_SERVER'));
  const password = variableIn(servers, 'MYSQL_PASSWORD');
  const connection = await mysql.createConnection({
    host,
    port: Number(port),
    user,
    password,
    multipleStatements: true,
  });
  try {
    await connection.query(statements);
  } finally {
    await connection.end();
  }
}

/** By then the tutorial has said that both instances are stopped. */
async function runCql(statements: string): Promise<void> {
  for (const instance of running.splice(0)) expect(await instance.interrupt()).toBe(0);
  const [host = '', port] = variableIn(servers, 'CASSANDRA').split(':');
  const client = new Client({
    contactPoints: [host],
    protocolOptions: { port: Number(port) },
    localDataCenter: 'datacenter1',
  });
  try {
    for (const statement of statements.split(';').filter((text) => text.trim() !== '')) {
      const { rowLength, columns } = await client.execute(statement);
      if (columns !== undefined && columns !== null) expect(rowLength, statement).toBeGreaterThan(0);
    }
  } finally {
    await client.shutdown();
  }
}
