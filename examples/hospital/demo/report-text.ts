import type { DemoReport } from './report.ts';
import { grouped } from './terminal.ts';

/** An address to look at. */
export interface Place {
  readonly what: string;
  readonly address: string;
}

const WIDTH = 50;

/** The report for people. */
export function reportText(report: DemoReport, places: readonly Place[], leftovers: readonly string[]): string {
  const { latencyMs, freshReads, bulk, shadow, durations } = report;
  const { source, target, write } = latencyMs;
  return [
    '',
    'What happened',
    line('writes acknowledged to the example service', grouped(report.acknowledgedWrites + report.acknowledgedDeletes)),
    line(
      '  with a value of their own / deletes',
      `${grouped(report.acknowledgedWrites)} / ${grouped(report.acknowledgedDeletes)}`,
    ),
    line('transactions of the outside program', grouped(report.outsideCommits)),
    ...(report.kills > 0
      ? [
          line('instances killed', String(report.kills)),
          line('writes cut off, outcome unknown', grouped(report.unknownWrites)),
        ]
      : []),
    line('rows copied in bulk', `${grouped(bulk.rows)} at ${grouped(bulk.rowsPerSecond)} rows/s`),
    line(
      'reads compared (match / raced / mismatch)',
      `${grouped(shadow.match)} / ${grouped(shadow.raced)} / ${grouped(shadow.mismatch)}`,
    ),
    line('longest pause of writes', `${grouped(report.longestWritePauseMs)} ms`),
    line(
      'rollback, flag to last read of the target',
      report.rollbackMs === null ? 'not measured' : `${grouped(report.rollbackMs)} ms`,
    ),
    ...report.handovers.map(({ direction, pauseMs, failedRequests }) =>
      line(
        `authority moved ${direction === 'to-target' ? 'to Cassandra' : 'back to MySQL'}`,
        `writes paused for ${grouped(pauseMs)} ms, ${grouped(failedRequests)} requests failed`,
      ),
    ),
    '',
    `${'The two stores'.padEnd(WIDTH)}${columns('MySQL', 'Cassandra')}`,
    line(
      'reads answered',
      columns(grouped(report.readsBySource.source ?? 0), grouped(report.readsBySource.target ?? 0)),
    ),
    line('  begun within 100 ms of a write elsewhere', columns(grouped(freshReads.source), grouped(freshReads.target))),
    line('read of one record, p50', columns(ms(source.p50), ms(target.p50))),
    line('                    p95', columns(ms(source.p95), ms(target.p95))),
    line('                    p99', columns(ms(source.p99), ms(target.p99))),
    line('write, p50 / p95 / p99', `${ms(write.p50)} / ${ms(write.p95)} / ${ms(write.p99)}`),
    '',
    'Reads by the store that answered and why',
    ...sorted(report.readsByReason).map(([reason, count]) => line(`  ${reason}`, grouped(count))),
    '',
    'Writes and comparisons by stage',
    ...Object.entries(report.writesByStage)
      .filter(([stage]) => stage !== '')
      .map(([stage, writes]) =>
        line(`  ${stage}`, columns(grouped(writes), grouped(report.shadowByStage[stage]?.match ?? 0))),
      ),
    '',
    'Promises',
    ...report.bars.map(({ name, ok, found }) => `  ${ok ? 'ok    ' : 'NOT ok'}  ${name.padEnd(WIDTH - 8)}${found}`),
    ...problems(report),
    '',
    'What is left to be dropped by hand',
    ...leftovers.map((one) => `  ${one}`),
    '',
    'Where to look',
    ...places.map(({ what, address }) => line(what, address)),
    '',
    `${report.ok ? 'All as promised' : 'NOT as promised'}, in ${Math.round(durations.total ?? 0)} s.`,
    '',
  ].join('\n');
}

function problems({ failuresByKind, examples }: DemoReport): string[] {
  const kinds = [
    ...sorted(failuresByKind.reads).map(([kind, count]) => `  ${count} reads failed: ${kind}`),
    ...sorted(failuresByKind.writes).map(([kind, count]) => `  ${count} writes failed: ${kind}`),
    ...examples.map((example) => `  for example ${example}`),
  ];
  return kinds.length === 0 ? [] : ['', 'What went wrong', ...kinds];
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a);
}

function line(name: string, value: string): string {
  return `  ${name.padEnd(WIDTH - 2)}${value}`;
}

function columns(source: string, target: string): string {
  return `${source.padStart(12)}${target.padStart(12)}`;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
