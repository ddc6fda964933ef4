/** `node stack/main.ts`: the private stack alone, up until Ctrl-C. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { shellVariables } from './shell-variables.ts';
import { type PartName, type StackAddresses, type StackOptions, startStack } from './stack.ts';

const HELP = `Starts the private stack on loopback and stays until Ctrl-C.

  node stack/main.ts [--only mysql,cassandra] [--state FILE] [--nodes 1|3] [--sql FILE] [--env FILE]

  --only PARTS   of mysql, mariadb, cassandra, unleash, zipkin; default all but mariadb
  --state FILE   writes the addresses there as JSON once all are ready; CROSSFADE_STACK=FILE makes the tests use them
  --nodes N      Cassandra nodes, 1 (default) or 3
  --sql FILE     statements that MySQL runs once it is up: your tables
  --env FILE     writes the addresses there as variables of a shell, for docs/tutorial.md, once all are ready
`;
const USUAL_PARTS: readonly PartName[] = ['mysql', 'cassandra', 'unleash', 'zipkin'];
const PARTS: readonly PartName[] = [...USUAL_PARTS, 'mariadb'];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    state: { type: 'string' },
    nodes: { type: 'string', default: '1' },
    sql: { type: 'string' },
    env: { type: 'string' },
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
      if (values.sql !== undefined) await runSql(values.sql, stack.addresses);
      if (values.env !== undefined) await writeWhole(values.env, shellVariables(stack.addresses));
      if (values.state !== undefined) await writeWhole(values.state, json);
      await stopped.promise;
    } finally {
      for (const file of [values.state, values.env]) if (file !== undefined) await rm(file, { force: true });
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

/** Throws without a MySQL, and with the statement's own error. */
async function runSql(file: string, { mysql }: StackAddresses): Promise<void> {
  if (mysql === undefined) throw new Error('--sql: no MySQL was asked for by --only');
  const { host, port, user, password } = mysql;
  const connection = await createConnection({ host, port, user, password, multipleStatements: true });
  try {
    await connection.query(await readFile(file, 'utf8'));
    console.error(`${file}: done`);
  } finally {
    await connection.end();
  }
}

/** In one step: whoever waits for the file finds all of it. */
async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.part`;
  await writeFile(partial, text);
  await rename(partial, path);
}
