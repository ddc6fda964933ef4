import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dashboardQuestions, observabilityFolder } from '../../scripts/observability/dashboard.ts';
import { familyOf, groupingLabelsOf, selectorsOf } from '../../scripts/observability/selectors.ts';
import { labels, metricNames } from '../../src/telemetry/names.ts';
import { COLLECTOR_VERSION } from '../../stack/otel-collector.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface RuleTest {
  readonly promql_expr_test?: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[];
}

const read = (path: string) => readFileSync(join(observabilityFolder, path), 'utf8');
const groups = (parse(read('prometheus/crossfade.rules.yml')) as { groups: { rules: Rule[] }[] }).groups;
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const questions = [
  ...dashboardQuestions(),
  ...rules.map(({ alert, record, expr }) => ({ from: alert ?? record ?? '', expr })),
];

describe('alert rules', () => {
  const page = readFileSync(join(observabilityFolder, '../docs/alerts.md'), 'utf8');
  const names = alerts.map(({ alert }) => alert as string);

  it('have a runbook each, and each runbook has its alert', () => {
    const runbooks = [...page.matchAll(/^### (Crossfade\w+)$/gm)].map(([, name]) => name);
    expect(runbooks.toSorted()).toEqual(names.toSorted());
    for (const { alert, annotations } of alerts) {
      expect(annotations?.runbook_url).toBe(`docs/alerts.md#${alert?.toLowerCase()}`);
    }
  });

  it('say how urgent they are, what is so, and what to do first', () => {
    for (const { alert, labels: own, annotations } of alerts) {
      expect(['critical', 'warning'], alert).toContain(own?.severity);
      expect(annotations?.summary, alert).toMatch(/\S/);
      expect(annotations?.description?.length, alert).toBeGreaterThan(100);
    }
  });

  it('stand in the table of the runbooks with their severity', () => {
    for (const { alert, labels: own } of alerts)
      expect(page).toContain(`| [${alert}](#${alert?.toLowerCase()}) | ${own?.severity} |`);
  });

  it('have series for which they fire and others for which they do not', () => {
    const { tests } = parse(read('prometheus/crossfade.test.yml')) as { tests: RuleTest[] };
    const expectations = tests.flatMap((one) => one.promql_expr_test ?? []);
    for (const name of names) {
      const own = expectations.filter(({ expr }) => expr.includes(`alertname="${name}"`));
      expect(
        own.some(({ exp_samples }) => exp_samples.length > 0),
        `${name} fires`,
      ).toBe(true);
      expect(
        own.some(({ exp_samples }) => exp_samples.length === 0),
        `${name} does not fire`,
      ).toBe(true);
    }
  });
});

describe('rules and dashboard', () => {
  it('name only metrics and labels that the service has', () => {
    const metrics = new Set<string>(Object.values(metricNames));
    const known = new Set<string>([...Object.values(labels), 'le', 'instance', 'job', 'alertname', 'alertstate']);
    for (const { from, expr } of questions) {
      for (const { metric, labels: own } of selectorsOf(expr)) {
        expect(metrics, `${from}: ${expr}`).toContain(familyOf(metric));
        for (const label of own) expect(known, `${from}: ${expr}`).toContain(label);
      }
      for (const label of groupingLabelsOf(expr)) expect(known, `${from}: ${expr}`).toContain(label);
    }
  });

  it('use every recorded series that they record, and record every one that they use', () => {
    const recorded = rules.flatMap(({ record }) => record ?? []);
    const used = questions.flatMap(({ expr }) => [...expr.matchAll(/crossfade:[a-z_0-9:]+/g)].map(([name]) => name));
    expect(used.filter((name) => !recorded.includes(name))).toEqual([]);
    expect(recorded.filter((name) => !used.includes(name))).toEqual([]);
  });

  it('show every metric somewhere', () => {
    const shown = new Set(questions.flatMap(({ expr }) => selectorsOf(expr).map(({ metric }) => familyOf(metric))));
    expect(Object.values<string>(metricNames).filter((name) => !shown.has(name))).toEqual([]);
  });

  it('are drawn in panels that do not overlap, each with an explanation', () => {
    const { panels } = JSON.parse(read('grafana/dashboards/crossfade.json')) as {
      panels: {
        id: number;
        type: string;
        title: string;
        description?: string;
        gridPos: Record<'x' | 'y' | 'w' | 'h', number>;
      }[];
    };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { type, title, description, gridPos } of panels) {
      if (type !== 'row') expect(description, title).toMatch(/\S/);
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), title).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });
});

describe('the Collector', () => {
  const config = (name: string) => parse(read(`otel-collector/${name}`)) as Record<string, Record<string, unknown>>;

  it('is built with every component that its configuration names, all of one release', () => {
    const builder = config('builder.yaml') as unknown as Record<string, { gomod: string }[]> & {
      dist: { version: string };
    };
    expect(builder.dist.version).toBe(COLLECTOR_VERSION);
    for (const part of ['receivers', 'processors', 'exporters', 'extensions']) {
      const modules = (builder[part] ?? []).map(({ gomod }) => gomod);
      const wanted = [config('config.yaml'), config('zipkin.yaml')].flatMap((one) => Object.keys(one[part] ?? {}));
      for (const name of wanted) {
        const component = name.replaceAll('_', '');
        const found = modules.find((module) => module.includes(`/${component}${part.slice(0, -1)} `));
        expect(found, `${part}: ${name}`).toMatch(new RegExp(` v${COLLECTOR_VERSION}$`));
      }
    }
  });
});
