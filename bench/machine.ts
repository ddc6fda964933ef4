import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** What a figure says little without. */
export interface MachineState {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGib: number;
  readonly node: string;
  readonly platform: string;
}

/** The machine as it is. */
export function describeMachine(): MachineState {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryGib: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

/** Processes that ran or waited to run, on average over the last minute. */
export function loadAverage(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** Linux counts processor time in hundredths of a second. */
const TICK_MICROS = 10_000;
/** Of `/proc/PID/stat` behind the name in parentheses: `utime` and `stime`. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

/** The processor time that a process has used, in microseconds; 0 where that can't be read. */
export function processorMicros(pid: number | undefined): number {
  if (pid === undefined || process.platform !== 'linux') return 0;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD])) * TICK_MICROS;
  } catch {
    return 0;
  }
}

/** Named processes whose processor time is of interest. */
export type Processes = Readonly<Record<string, { readonly pid: number | undefined } | undefined>>;

/** Starts to count the processor time of processes; the answer tells what each has used since, for one item of `count`, in microseconds. */
export function countProcessorTime<Names extends Processes>(
  processes: Names,
): (count: number) => Record<keyof Names, number> {
  const now = (): [string, number][] =>
    Object.entries(processes).map(([name, process]) => [name, processorMicros(process?.pid)]);
  const before = new Map(now());
  return (count) => {
    const used = now().map(([name, micros]) => [
      name,
      Math.round(((micros - (before.get(name) ?? 0)) / count) * 10) / 10,
    ]);
    return Object.fromEntries(used) as Record<keyof Names, number>;
  };
}
