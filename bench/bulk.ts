import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ManagedServer } from '../stack/process.ts';
import { countProcessorTime, loadAverage } from './machine.ts';
import type { MigrationControl } from './migration.ts';
import type { Effort } from './options.ts';
import type { RawCopyResult, RawCopySettings } from './raw-copy.ts';
import type { BulkFigure, RowCost } from './report.ts';
import { type BackendProcesses, type Backends, SCHEMAS } from './services.ts';
import { median, medians, rounded } from './statistics.ts';

/** What the measurement needs. */
export interface BulkOptions {
  readonly backends: Backends;
  readonly processes: BackendProcesses;
  readonly crossfade: ManagedServer;
  readonly migration: MigrationControl;
  readonly effort: Effort;
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal;
}

const RAW_KEYSPACE = 'raw_copy';

/**
 * The service's bulk copy and the raw drivers', one after the other, each into its own table of the same warm
 * Cassandra. The first copy of each is not counted.
 */
export async function measureBulk(options: BulkOptions): Promise<BulkFigure> {
  const { migration, effort, onProgress, signal } = options;
  const before = loadAverage();
  const raw = await RawCopy.start(options.backends);
  const ofRaw: Copied[] = [];
  const ofService: Copied[] = [];
  const copyRaw = () => counted(options, raw.process, () => raw.copy(signal));
  const copyByService = () => counted(options, options.crossfade, () => migration.copy(signal));
  try {
    await raw.copy(signal);
    await migration.copy(signal);
    for (let round = 0; round < effort.copies; round++) {
      await migration.detach(signal);
      const [first, second] = await inTurn(round % 2 === 0, copyRaw, copyByService);
      ofRaw.push(first);
      ofService.push(second);
      const [theirs, own] = [first.rowsPerSecond, second.rowsPerSecond];
      onProgress(
        `bulk ${round + 1}/${effort.copies}: crossfade ${Math.round(own)} rows/s, raw drivers ${Math.round(theirs)} rows/s, ratio ${rounded(own / theirs)}`,
      );
    }
  } finally {
    raw.stop();
  }
  const ratios = ofService.map((own, i) => rounded(own.rowsPerSecond / (ofRaw[i]?.rowsPerSecond ?? 0)));
  return {
    ratio: rounded(median(ratios)),
    ratios,
    rows: ofRaw[0]?.rows ?? 0,
    rowsPerSecond: {
      crossfade: Math.round(median(ofService.map(({ rowsPerSecond }) => rowsPerSecond))),
      raw: Math.round(median(ofRaw.map(({ rowsPerSecond }) => rowsPerSecond))),
    },
    microsPerRow: {
      crossfade: medians(ofService.map(({ cost }) => cost)),
      raw: medians(ofRaw.map(({ cost }) => cost)),
    },
    loadAverage: { before, after: loadAverage() },
  };
}

interface Copied {
  readonly rows: number;
  readonly rowsPerSecond: number;
  readonly cost: RowCost;
}

/** The service's part includes the attach: reading the flags, the barrier, looking for rows that only the target has. */
async function counted(
  { processes }: BulkOptions,
  copier: { readonly pid: number | undefined },
  copy: () => Promise<{ readonly rows: number; readonly rowsPerSecond: number }>,
): Promise<Copied> {
  const used = countProcessorTime({ copier, mysql: processes.mysql, cassandra: processes.cassandra });
  const { rows, rowsPerSecond } = await copy();
  return { rows, rowsPerSecond, cost: { ...used(rows) } };
}

/** Both, in the order asked for; the results in the order of the arguments. */
async function inTurn<A, B>(inOrder: boolean, one: () => Promise<A>, other: () => Promise<B>): Promise<[A, B]> {
  if (inOrder) return [await one(), await other()];
  const second = await other();
  return [await one(), second];
}

/** The process that copies with the raw drivers; it ends with this one. */
class RawCopy {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  get process(): { readonly pid: number | undefined } {
    return { pid: this.#child.pid };
  }

  static async start({ mysql, cassandra }: Backends): Promise<RawCopy> {
    const { host, port, user, password } = mysql;
    const settings: RawCopySettings = {
      mysql: { host, port, user, password },
      schema: SCHEMAS.crossfade,
      cassandra,
      keyspace: RAW_KEYSPACE,
    };
    const child = fork(join(import.meta.dirname, 'raw-copy.ts'), {
      env: { ...process.env, NODE_ENV: 'production', CROSSFADE_RAW_COPY: JSON.stringify(settings) },
    });
    const copy = new RawCopy(child);
    await copy.#answer(undefined);
    return copy;
  }

  async copy(signal: AbortSignal): Promise<RawCopyResult> {
    this.#child.send('copy');
    return (await this.#answer(signal)) as RawCopyResult;
  }

  stop(): void {
    this.#child.kill();
  }

  async #answer(signal: AbortSignal | undefined): Promise<unknown> {
    const given = signal === undefined ? {} : { signal };
    const ended = once(this.#child, 'exit', given).then(() => {
      throw new Error('the raw copy ended');
    });
    ended.catch(() => {});
    const [answer] = (await Promise.race([once(this.#child, 'message', given), ended])) as unknown[];
    return answer;
  }
}
