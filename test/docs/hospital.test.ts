/** The commands of the documents that speak of `medications`, against `npm run dev`, while Cassandra follows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountOf } from './accounts.ts';
import { commandsOf, type DocumentedCommand } from './commands.ts';
import { startDev } from './dev-servers.ts';
import { installGrpcurl } from './grpcurl.ts';
import { type Block, readPages } from './pages.ts';
import { Reader } from './reader.ts';

/** The admin token of the servers that a checkout brings up: the same every time, and good on loopback only. */
const ADMIN_TOKEN = '*:*.crossfade-admin';
const IN_SYNC =
  'medications\nphase synchronize, the flag asks for synchronize\n…\nfollower in-sync, attach 1, generation 5\n…\n';
const VERIFIED = `${IN_SYNC}verified succeeded, …\n…`;

const DRAWN = 'medications synchronize …\n…\ntarget cassandra … follower in-sync\n…';
const STREAMED = '{\n…\n}\n…';
const GRPCURL_DEADLINE_EXCEEDED = 68;

const pages = readPages();
const blocks = pages.flatMap((page) => page.blocks);
const commands = pages.flatMap(commandsOf).filter((command) => accountOf(command)?.by === 'hospital');

let reader: Reader;

beforeAll(async () => {
  const grpcurl = await installGrpcurl();
  reader = await Reader.begin({ UNLEASH_ADMIN_TOKEN: ADMIN_TOKEN, PATH: `${grpcurl}:${process.env.PATH ?? ''}` });
  const [grpc = 0] = await reader.replacePorts([15051]);
  const [http = 0] = await reader.replacePorts([18080]);
  reader.replace('127.0.0.1:50051', `127.0.0.1:${grpc}`);
  reader.replace('127.0.0.1:8080', `127.0.0.1:${http}`);
  const { unleash } = await startDev(reader, grpc, http);
  reader.replace('http://unleash:4242', unleash);
  reader.replace('http://127.0.0.1:4242', unleash);
  await reader.begins(
    `crossfade() { node_modules/.bin/node src/main.ts "$@"; }\nexport CROSSFADE_SERVER=http://127.0.0.1:${http}`,
  );
  await reader.run(`crossfade flags set medications --phase synchronize --unleash-url ${unleash}`);
  // The verification that follows an attach has ended too: authority could move, and nothing is in a command's way.
  await reader.run('crossfade status medications', VERIFIED);
});
afterAll(() => reader?.end());

describe('with medications in both stores', () => {
  it('there are commands to run', () => expect(commands.length).toBeGreaterThan(5));

  for (const command of commands) {
    it(`${command.page}:${command.line}: ${command.plain}`, () => follow(command));
  }
});

async function follow(command: DocumentedCommand): Promise<void> {
  const { text, plain } = command;
  if (plain.includes('--watch')) return await reader.watch(text, DRAWN);
  await namePlaces(plain);
  // It lasts until its time is over, which grpcurl calls a failure.
  if (plain.includes('WatchDashboard')) return void (await reader.run(text, STREAMED, GRPCURL_DEADLINE_EXCEEDED));
  const output = await reader.run(text, outputBelow(command));
  expect(output.trim()).not.toBe('');
}

/** Fills what a document leaves open: the operation is the newest one. */
async function namePlaces(plain: string): Promise<void> {
  if (!plain.includes('operations/…')) return;
  const status = JSON.parse(await reader.run('crossfade status medications --json')) as {
    verification: { operation: string };
  };
  reader.replace('migrations/medications/operations/…', status.verification.operation);
}

/** The output that stands below a block, if the command is the block's only one. */
function outputBelow({ page, line }: DocumentedCommand): string | undefined {
  const ofPage = blocks.filter((block) => block.page === page);
  const index = ofPage.findIndex((block) => block.line + 1 === line);
  const [block, next] = [ofPage[index], ofPage[index + 1]] as [Block | undefined, Block | undefined];
  return block === undefined || next?.language !== 'text' || block.text.trim().includes('\n') ? undefined : next.text;
}
