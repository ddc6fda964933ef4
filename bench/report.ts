import type { MachineState } from './machine.ts';
import type { FigureName } from './options.ts';

/** One service under load: medians over the counted rounds. */
export interface Load {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the service's process for one request. */
  readonly serviceMicrosPerRequest: number;
  /** Likewise of MySQL's. */
  readonly mysqlMicrosPerRequest: number;
}

/** What the machine did besides, as its load averages say. */
export interface LoadAverages {
  readonly before: number;
  readonly after: number;
}

/** Two services side by side. */
export interface Comparison {
  /** Crossfade's requests a second by the baseline's: the median of the rounds' ratios. */
  readonly ratio: number;
  /** Each pair of rounds on its own. */
  readonly ratios: readonly number[];
  readonly crossfade: Load;
  readonly baseline: Load;
  readonly loadAverage: LoadAverages;
}

/** Processor time for one row, in microseconds, by process. `copier`: the service, or the raw drivers' process. */
export interface RowCost {
  readonly copier: number;
  readonly mysql: number;
  readonly cassandra: number;
}

/** The bulk copy beside the raw drivers. */
export interface BulkFigure {
  /** The service's rows a second by the raw drivers': the median of the rounds' ratios. */
  readonly ratio: number;
  readonly ratios: readonly number[];
  readonly rows: number;
  readonly rowsPerSecond: { readonly crossfade: number; readonly raw: number };
  readonly microsPerRow: { readonly crossfade: RowCost; readonly raw: RowCost };
  readonly loadAverage: LoadAverages;
}

/** Capture, from the binary log into Cassandra. */
export interface CaptureFigure {
  readonly rows: number;
  readonly rowsPerSecond: {
    /** Changes that the service made: they carry their version. */
    readonly own: number;
    /** Changes by plain SQL: each record is touched. */
    readonly outside: number;
  };
  readonly microsPerRow: { readonly own: RowCost; readonly outside: RowCost };
  /** Each run on its own. */
  readonly runs: { readonly own: readonly number[]; readonly outside: readonly number[] };
  readonly loadAverage: LoadAverages;
}

/** The report; figures that were not asked for are absent. */
export interface Report {
  readonly startedAt: string;
  readonly seconds: number;
  readonly machine: MachineState;
  readonly loadAverage: LoadAverages;
  readonly concurrency: number;
  readonly connections: number;
  readonly get?: Comparison;
  readonly updateSourceOnly?: Comparison;
  readonly bulk?: BulkFigure;
  readonly updateBoth?: Comparison;
  readonly capture?: CaptureFigure;
}

/** What is aimed at, by figure. */
export const AIMS = {
  get: 1.0,
  updateSourceOnly: 0.8,
  bulk: 0.8,
  updateBoth: 0.45,
  capture: { own: 15_000, outside: 5_000 },
} as const satisfies Record<FigureName, unknown>;

/** The report as lines for a person. */
export function reportLines(report: Report): string[] {
  const { get, updateSourceOnly, bulk, updateBoth, capture, machine, loadAverage } = report;
  const lines = [
    `${machine.cores} cores (${machine.cpu}), Node ${machine.node}, load average ${loadAverage.before} before, ${loadAverage.after} after`,
  ];
  const compared = { get, updateSourceOnly, updateBoth };
  for (const [name, figure] of Object.entries(compared) as [keyof typeof compared, Comparison | undefined][]) {
    if (figure === undefined) continue;
    lines.push(verdict(`${name}.ratio`, figure.ratio, AIMS[name]));
    lines.push(`    crossfade ${loadLine(figure.crossfade)}`, `    baseline  ${loadLine(figure.baseline)}`);
  }
  if (bulk !== undefined) {
    lines.push(verdict('bulk.ratio', bulk.ratio, AIMS.bulk));
    const { crossfade, raw } = bulk.rowsPerSecond;
    lines.push(
      `    crossfade ${Math.round(crossfade)} rows/s, ${costLine(bulk.microsPerRow.crossfade)}`,
      `    raw       ${Math.round(raw)} rows/s, ${costLine(bulk.microsPerRow.raw)}`,
    );
  }
  if (capture !== undefined) {
    const { own, outside } = capture.rowsPerSecond;
    lines.push(verdict('capture.rowsPerSecond.own', Math.round(own), AIMS.capture.own));
    lines.push(`    ${costLine(capture.microsPerRow.own)}`);
    lines.push(verdict('capture.rowsPerSecond.outside', Math.round(outside), AIMS.capture.outside));
    lines.push(`    ${costLine(capture.microsPerRow.outside)}`);
  }
  return lines;
}

function verdict(name: string, value: number, aim: number): string {
  return `${name.padEnd(30)} ${String(value).padStart(8)}   aim ${aim}${value < aim ? '   below' : ''}`;
}

function loadLine({ requestsPerSecond, p50Ms, p99Ms, serviceMicrosPerRequest, mysqlMicrosPerRequest }: Load): string {
  return (
    `${Math.round(requestsPerSecond)} requests/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ` +
    `${Math.round(serviceMicrosPerRequest)} µs of the service and ${Math.round(mysqlMicrosPerRequest)} µs of MySQL a request`
  );
}

function costLine({ copier, mysql, cassandra }: RowCost): string {
  return `${copier} µs of the copying process, ${mysql} µs of MySQL and ${cassandra} µs of Cassandra a row`;
}
