/** Real servers for a test run: started once for all projects that ask, or taken from a stack that runs already. */
import { readFile } from 'node:fs/promises';
import type { Flavour } from '../../src/stores/mysql/server-checks.ts';
import type { CassandraAddress } from '../../stack/cassandra.ts';
import type { MysqlAddress } from '../../stack/mysql.ts';
import { type Stack, type StackAddresses, type StackOptions, startStack } from '../../stack/stack.ts';
import type { UnleashAddress } from '../../stack/unleash.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** In the projects `stores` and `e2e`; in `mariadb` the address of MariaDB. */
    mysql: MysqlAddress;
    /** Which of the two servers `mysql` is. */
    flavour: Flavour;
    /** In the projects `stores` and `e2e`. */
    mariadb: MysqlAddress;
    /** In the projects `stores` and `e2e`. */
    cassandra: CassandraAddress;
    /** In the project `e2e`. */
    unleash: UnleashAddress;
  }
}

/** Servers that several projects of one run use: the last one out stops them. */
interface SharedStack {
  readonly started: Promise<Stack>;
  users: number;
}

/** What a project's global set-up hands to vitest. */
export interface ServersInUse {
  readonly addresses: StackAddresses;
  release(): Promise<void>;
}

/**
 * The addresses of servers as `options` asks for them. With CROSSFADE_STACK=FILE (written by
 * `node stack/main.ts --state FILE`) they are that stack's, if it has them all; otherwise they are started here, once
 * for all callers that give the same `key`.
 */
export async function useServers(key: string, options: StackOptions): Promise<ServersInUse> {
  const running = await runningStack();
  const parts = (['mysql', 'mariadb', 'cassandra', 'unleash', 'zipkin'] as const).filter(
    (part) => options[part] !== undefined,
  );
  if (running !== undefined && parts.every((part) => running[part] !== undefined)) {
    return { addresses: running, release: async () => {} };
  }
  const shared = sharedStacks();
  const entry = shared.get(key) ?? {
    started: startStack({ ...options, storage: 'memory', onProgress: (line) => process.stderr.write(`${line}\n`) }),
    users: 0,
  };
  shared.set(key, entry);
  entry.users++;
  const stack = await entry.started;
  return {
    addresses: stack.addresses,
    async release() {
      entry.users--;
      if (entry.users > 0) return;
      shared.delete(key);
      await stack.stop();
    },
  };
}

/** Each project loads its own copy of this module, all in one process: what they share hangs on the process. */
function sharedStacks(): Map<string, SharedStack> {
  const holder = globalThis as Record<symbol, unknown>;
  const key = Symbol.for('crossfade.test-stacks');
  holder[key] ??= new Map<string, SharedStack>();
  return holder[key] as Map<string, SharedStack>;
}

/** The servers of a part that was asked for; throws when it is not there. */
export function present<T>(address: T | undefined, part: string): T {
  if (address === undefined) throw new Error(`the stack has no ${part}`);
  return address;
}

async function runningStack(): Promise<StackAddresses | undefined> {
  const file = process.env.CROSSFADE_STACK;
  if (file === undefined || file === '') return undefined;
  try {
    const { pid, ...addresses } = JSON.parse(await readFile(file, 'utf8')) as StackAddresses & { pid?: number };
    // Throws when the program that wrote the file is gone, and its servers with it.
    if (pid !== undefined) process.kill(pid, 0);
    return addresses;
  } catch (error) {
    const cure = 'start one with node stack/main.ts --state FILE, or unset CROSSFADE_STACK';
    throw new Error(`CROSSFADE_STACK names no running stack: ${cure}`, { cause: error });
  }
}
