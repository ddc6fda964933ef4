/** The commands of docs/init.md and docs/doctor.md in their order, on tables as init.md describes them. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../stack/command.ts';
import { accountOf } from './accounts.ts';
import { commandsIn, type DocumentedCommand } from './commands.ts';
import { installGrpcurl } from './grpcurl.ts';
import { type Block, readPages } from './pages.ts';
import { isReady, Reader } from './reader.ts';
import { startServers, variableIn } from './servers.ts';

const SERVE_MS = 60_000;
const IN_SYNC = 'order_lines synchronize …\n…\ntarget cassandra … follower in-sync\n…';

const pages = new Map(readPages().map((page) => [page.path, page]));

let reader: Reader;
let env: string;
let ports: readonly number[];
const prelude = ['crossfade() { node_modules/.bin/node src/main.ts "$@"; }'];

beforeAll(async () => {
  const grpcurl = await installGrpcurl();
  reader = await Reader.begin({ PATH: `${grpcurl}:${process.env.PATH ?? ''}` });
  const sql = join(ROOT, 'test/docs/init.sql');
  env = await startServers(reader, `npm run stack -- --only mysql,cassandra,unleash --sql ${sql} --env servers.env`);
  ports = [...(await reader.replacePorts([50051])), ...(await reader.replacePorts([8080]))];
  for (const [written, name] of [
    ['mysql://app@127.0.0.1:3306', 'MYSQL_SERVER'],
    ['127.0.0.1:9042', 'CASSANDRA'],
    ['http://unleash:4242', 'UNLEASH_URL'],
    ['MYSQL_PASSWORD=…', 'MYSQL_PASSWORD'],
    ['UNLEASH_TOKEN=…', 'UNLEASH_TOKEN'],
    ['UNLEASH_ADMIN_TOKEN=…', 'UNLEASH_ADMIN_TOKEN'],
  ] as const) {
    const value = variableIn(env, name);
    reader.replace(written, written.endsWith('=…') ? `${name}='${value}'` : value);
  }
  reader.replace('--config crossfade.yaml', '--config shop/crossfade.yaml');
  prelude.push(`export CROSSFADE_SERVER=http://127.0.0.1:${ports[1]}`);
  await reader.begins(prelude.join('\n'));
});
afterAll(() => reader?.end());

describe.each(['docs/init.md', 'docs/doctor.md'])('%s', (path) => {
  const blocks = pages.get(path)?.blocks ?? [];
  for (const [index, block] of blocks.entries()) {
    if (block.language !== 'sh') continue;
    const next = blocks[index + 1];
    for (const [position, command] of commandsIn(block).entries()) {
      if (accountOf(command)?.by !== 'init') continue;
      const isLast = position === commandsIn(block).length - 1;
      it(`line ${command.line}: ${command.plain}`, () => follow(command, isLast ? next : undefined));
    }
  }
});

async function follow({ text, plain }: DocumentedCommand, next: Block | undefined): Promise<void> {
  if (plain.startsWith('export ')) return await setVariable(text);
  if (plain.startsWith('crossfade serve')) return await serve(text);
  if (plain.includes('--watch')) return await reader.watch(text, IN_SYNC);
  if (plain.startsWith('crossfade doctor')) return await examine(text);
  const [, code = '0'] = /# exit code (\d)(?! if)/.exec(text) ?? [];
  const expected = next?.language === 'text' ? next.text : undefined;
  await reader.run(text, expected, Number(code));
}

async function setVariable(text: string): Promise<void> {
  prelude.push(reader.localized(text));
  await reader.begins(prelude.join('\n'));
}

async function serve(text: string): Promise<void> {
  const [grpc, http] = ports;
  const program = reader.stay(`${text} --grpc-port ${grpc} --http-port ${http}`);
  await program.until('ready', () => isReady(`http://127.0.0.1:${http}`), SERVE_MS);
}

/** The page shows another server's troubles: here there are only those of one node of Cassandra, and of foreign keys. */
async function examine(text: string): Promise<void> {
  const output = await reader.run(text);
  expect(output).toMatch(/^0 problems, \d+ warnings, \d+ ok, 0 not checked$/m);
}
