/** What the Grafana dashboard asks of Prometheus, as plain PromQL. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../stack/command.ts';

/** The folder of everything that is configured for other programs. */
export const observabilityFolder = join(ROOT, 'observability');

/** One question of a panel, an annotation or a variable. */
export interface Question {
  /** The panel's title, with its row where several have the same. */
  readonly from: string;
  readonly expr: string;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] };
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

/** Reads the dashboard and returns its questions; Grafana's own variables stand for everything, and for `window`. */
export function dashboardQuestions(window = '1m'): readonly Question[] {
  const file = join(observabilityFolder, 'grafana/dashboards/crossfade.json');
  const { panels, annotations } = JSON.parse(readFileSync(file, 'utf8')) as Dashboard;
  const ofPanels = panels.flatMap(({ id, title, targets = [] }) =>
    targets.map(({ expr }) => ({ from: `${title} (panel ${id})`, expr })),
  );
  const ofAnnotations = annotations.list.flatMap(({ name, expr }) =>
    expr === undefined ? [] : [{ from: `annotation ${name}`, expr }],
  );
  return [...ofPanels, ...ofAnnotations].map(({ from, expr }) => ({ from, expr: filledIn(expr, window) }));
}

/** A question without Grafana's variables. Throws where one is left that is not known here. */
function filledIn(expr: string, window: string): string {
  const filled = expr.replaceAll('$__rate_interval', window).replaceAll(/\$(resource|instance)\b/g, '.*');
  const left = /\$\w+/.exec(filled);
  if (left !== null) throw new Error(`the dashboard uses ${left[0]}, which is not known here: ${expr}`);
  return filled;
}
