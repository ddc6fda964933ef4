/** `npm run check:observability`: what is configured for Prometheus, Grafana and the Collector, judged by their own tools. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runCommand } from '../../stack/command.ts';
import { collectorConfigs, fetchCollector, isCollectorBuilt } from '../../stack/otel-collector.ts';
import { fetchPrometheus } from '../../stack/prometheus.ts';
import { dashboardQuestions, observabilityFolder } from './dashboard.ts';

const help = `npm run check:observability -- [--collector]

Checks observability/ with the tools of those who read it: promtool for Prometheus' configuration, the rules, the series for
which each alert fires and does not, and every expression of the Grafana dashboard; the OpenTelemetry Collector for its
configuration, if it has been built.

  --collector   build the Collector first if the cache lacks it: needs Go, and some minutes`;

/** One tool's look at a file. */
const TOOL_TIMEOUT_MS = 2 * 60_000;

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());
const { values } = parseArgs({
  options: { collector: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (values.help) console.log(help);
else process.exitCode = await main(values.collector, stopping.signal);

async function main(withCollector: boolean, signal: AbortSignal): Promise<number> {
  const context = { signal, onProgress: (line: string) => console.error(line) };
  const folder = await mkdtemp(join(tmpdir(), 'crossfade-observability-'));
  let failed = 0;
  const check = async (what: string, program: string, args: readonly string[]): Promise<void> => {
    try {
      await runCommand(program, args, { timeoutMs: TOOL_TIMEOUT_MS, signal });
      console.log(`ok      ${what}`);
    } catch (error) {
      console.log(`FAILED  ${what}\n${error instanceof Error ? error.message : error}`);
      failed += 1;
    }
  };
  try {
    const { promtool } = await fetchPrometheus(context);
    const prometheus = join(observabilityFolder, 'prometheus');
    await check('Prometheus: configuration and rules', promtool, [
      'check',
      'config',
      join(prometheus, 'prometheus.yml'),
    ]);
    await check('Prometheus: each alert fires, and does not', promtool, [
      'test',
      'rules',
      join(prometheus, 'crossfade.test.yml'),
    ]);
    const { file, count } = await writeQuestions(folder);
    await check(`Grafana: ${count} expressions of the dashboard are PromQL`, promtool, ['check', 'rules', file]);
    if (withCollector || isCollectorBuilt()) {
      const collector = await fetchCollector(context);
      const { base, zipkin } = collectorConfigs;
      await check('Collector: configuration', collector, ['validate', '--config', base]);
      await check('Collector: with a Zipkin server', collector, ['validate', '--config', base, '--config', zipkin]);
    } else {
      console.log('skipped Collector: not built; `npm run check:observability -- --collector` builds it with Go');
    }
    return failed === 0 ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? `${error.message}\n${String(error.cause ?? '')}` : error);
    return 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** promtool parses expressions in rules only, so each becomes one. */
async function writeQuestions(folder: string): Promise<{ file: string; count: number }> {
  const questions = dashboardQuestions();
  const rules = questions.map(({ expr }, index) => ({ record: `dashboard:question_${index}`, expr }));
  const file = join(folder, 'dashboard.rules.yml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  return { file, count: questions.length };
}
