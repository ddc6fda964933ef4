/** What PromQL names of Crossfade's metrics, found by their look: enough to tell a name that does not exist. */

/** A selector: the metric as Prometheus shows it, and the labels by which its series are chosen. */
export interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** The selectors of an expression, in order; recorded series (`crossfade:…`) are not among them. */
export function selectorsOf(expr: string): readonly Selector[] {
  return [...expr.matchAll(/\b(crossfade_[a-z_0-9]+)(?:\{([^}]*)\})?/g)].map(([, metric = '', matchers = '']) => ({
    metric,
    labels: [...matchers.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label),
  }));
}

/** The labels by which an expression groups, joins or aggregates. */
export function groupingLabelsOf(expr: string): readonly string[] {
  return [...expr.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
}

/** A histogram's series are named after it. */
export function familyOf(metric: string): string {
  return metric.replace(/_seconds_(bucket|count|sum)$/, '_seconds');
}
