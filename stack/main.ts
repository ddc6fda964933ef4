/** `node stack/main.ts`: the private stack alone, up until Ctrl-C. */
import { rename, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type PartName, type StackOptions, startStack } from './stack.ts';

const HELP = `Starts the private stack on loopback and stays until Ctrl-C.

  node stack/main.ts [--only mysql,cassandra] [--state FILE] [--nodes 1|3]

  --only PARTS   of mysql, mariadb, cassandra, unleash, zipkin; default all but mariadb
  --state FILE   writes the addresses there as JSON once all are ready; CROSSFADE_STACK=FILE makes the tests use them
  --nodes N      Cassandra nodes, 1 (default) or 3
`;
const USUAL_PARTS: readonly PartName[] = ['mysql', 'cassandra', 'unleash', 'zipkin'];
const PARTS: readonly PartName[] = [...USUAL_PARTS, 'mariadb'];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    state: { type: 'string' },
    nodes: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(HELP);
} else {
  await run();
}

async function run(): Promise<void> {
  const stopped = Promise.withResolvers<void>();
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted.abort(new Error('interrupted'));
      stopped.resolve();
    });
  }
  try {
    const stack = await startStack({
      ...parts(),
      onProgress: (line) => console.error(line),
      signal: interrupted.signal,
    });
    try {
      const json = `${JSON.stringify({ ...stack.addresses, pid: process.pid }, undefined, 2)}\n`;
      console.log(json);
      if (values.state !== undefined) await writeState(values.state, json);
      await stopped.promise;
    } finally {
      if (values.state !== undefined) await rm(values.state, { force: true });
      await stack.stop();
    }
  } catch (error) {
    if (!interrupted.signal.aborted) console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

function parts(): StackOptions {
  const only = values.only?.split(',') ?? USUAL_PARTS;
  for (const name of only) {
    if (!PARTS.includes(name as PartName)) throw new Error(`--only: no part is called ${name} (${PARTS.join(', ')})`);
  }
  const nodes = values.nodes === '3' ? 3 : 1;
  return Object.fromEntries(only.map((name) => [name, name === 'cassandra' ? { nodes } : true]));
}

async function writeState(path: string, json: string): Promise<void> {
  const partial = `${path}.part`;
  await writeFile(partial, json);
  await rename(partial, path);
}
