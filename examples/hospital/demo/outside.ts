import { createInterface } from 'node:readline';
import type { MysqlAddress } from '../mysql-connection.ts';
import type { OutsideCommit } from '../outside-journal.ts';
import { contentOf, type FinalContent } from '../pharmacy/record-journal.ts';
import { startChild } from './child.ts';

/** The part of all patients that belongs to the outside program. */
export const OUTSIDE_SHARE = 0.2;
/** The part of its transactions that change a column of other records, which the example service writes too. */
const SHARED_RATIO = 0.1;
const WRITES_PER_SECOND = 10;
const STOP_GRACE_MS = 10_000;
const PROGRAM = new URL('../outside-program.ts', import.meta.url);

/** What the outside program did. */
export interface OutsideResult {
  readonly commits: number;
  readonly changes: number;
  readonly finals: readonly FinalContent[];
}

/** The running outside program. */
export interface Outside {
  stop(): Promise<OutsideResult>;
  kill(): Promise<void>;
}

/** Starts the program that writes to MySQL with its own SQL, and keeps its journal. */
export function startOutside(mysql: MysqlAddress, seed: number, logFile: string): Outside {
  const child = startChild({
    program: PROGRAM,
    args: [
      ...['--mysql', urlOf(mysql)],
      ...['--seed', String(seed)],
      ...['--writes-per-second', String(WRITES_PER_SECOND)],
      ...['--share', String(OUTSIDE_SHARE)],
      ...['--shared-ratio', String(SHARED_RATIO)],
    ],
    logFile,
    pipeOutput: true,
    makesLoad: true,
  });
  const journal = new OutsideJournal();
  const { stdout } = child.process;
  if (stdout === null) throw new Error('the outside program has no output');
  const lines = createInterface({ input: stdout });
  lines.on('line', (line) => journal.take(JSON.parse(line) as OutsideCommit));
  const read = new Promise((resolve) => lines.once('close', resolve));
  return {
    stop: async () => {
      await child.end(STOP_GRACE_MS);
      await read;
      const code = await child.exited;
      if (code !== 0) throw new Error(`the outside program failed; the end of its log:\n${await child.logTail()}`);
      return journal.result();
    },
    kill: () => child.kill(),
  };
}

function urlOf({ user, password = '', host, port }: MysqlAddress): string {
  return `mysql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}`;
}

/** The last values by record; those of unknown outcome may or may not have come after. */
class OutsideJournal {
  readonly #allowed = new Map<string, FinalContent>();
  #commits = 0;
  #changes = 0;

  take({ outcome, changes }: OutsideCommit): void {
    if (outcome === 'committed') this.#commits += 1;
    for (const { table, patient, id, value } of changes) {
      this.#changes += 1;
      if (table !== 'medications') continue;
      const name = `patients/${patient}/medications/${id}`;
      const content = value === null ? null : contentOf(value);
      const before = outcome === 'unknown' ? (this.#allowed.get(name)?.allowed ?? []) : [];
      this.#allowed.set(name, { name, allowed: [content, ...before] });
    }
  }

  result(): OutsideResult {
    return { commits: this.#commits, changes: this.#changes, finals: [...this.#allowed.values()] };
  }
}
