import { grouped } from '../../examples/hospital/demo/terminal.ts';
import type { FuzzReport } from './run-fuzz.ts';

/** The report for people. */
export function reportText(report: FuzzReport): string {
  const { memory, probes } = report;
  const change = (100 * (memory.afterMib - memory.beforeMib)) / memory.beforeMib;
  const kinds = [...report.byKind]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([kind, endings]) => {
      const all = [...endings].sort(([, a], [, b]) => b - a);
      const count = all.reduce((sum, [, times]) => sum + times, 0);
      return `  ${kind.padEnd(24)}${grouped(count).padStart(8)}   ${all.map(([ending, times]) => `${ending} ${grouped(times)}`).join(', ')}`;
    });
  return [
    `seed ${report.seed}: ${grouped(report.inputs)} inputs in ${report.seconds.toFixed(0)} s`,
    ...kinds,
    '',
    `  crashes                 ${report.crashes}`,
    `  hangs                   ${report.hangs}`,
    `  breaches                ${report.breachCount}`,
    `  latency                 p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms`,
    `  good requests between   ${grouped(probes.count)} rounds of five, p99 ${probes.p99Ms.toFixed(0)} ms a round`,
    `  resident memory         ${memory.beforeMib.toFixed(0)} MiB after the warm-up, ${memory.afterMib.toFixed(0)} MiB at the end (${change.toFixed(1)} %), ${memory.mostMib.toFixed(0)} MiB at most`,
    `  searched for values     ${grouped(report.logLines)} lines of the log, ${grouped(report.spanRequests)} posts of spans, metrics, all errors`,
    ...report.breaches.flatMap(({ kind, index, what }) => [
      '',
      `BREACH ${kind} ${index}: ${what}`,
      ...(report.byKind.has(kind)
        ? [`  again: npm run fuzz -- --seed ${report.seed} --only ${kind} --from ${index} --count 1`]
        : []),
    ]),
    ...(report.breachCount > report.breaches.length ? [`and ${report.breachCount - report.breaches.length} more`] : []),
  ].join('\n');
}
