/** Both stores' latencies side by side, on one scale: over time, and as a histogram of the last seconds. */
import { type Column, quantiles, times } from '../charts/columns.ts';
import { createHistogram } from '../charts/histogram.ts';
import { createTimeChart, type TimeChart } from '../charts/time-chart.ts';
import { html, setText } from '../dom.ts';
import { ABSENT, count, milliseconds } from '../format.ts';
import { type CallKind, measured } from '../samples.ts';
import { card, type Section, type Seen } from './section.ts';

const kinds: readonly { readonly kind: CallKind; readonly title: string; readonly meaning: string }[] = [
  {
    kind: 'reads',
    title: 'Reads',
    meaning: 'Every call of a store that reads records, those of shadow reads and verifications among them.',
  },
  {
    kind: 'shadowedReads',
    title: 'Same reads on both',
    meaning: 'Only requests that were read from both stores: the fair comparison. Shadow reads must be on.',
  },
  {
    kind: 'writes',
    title: 'Writes',
    meaning: 'Every call of a store that writes: for callers, as the follower, and by bulk copies.',
  },
];

/** Creates it. */
export function createLatency(): Section {
  let kind: CallKind = 'reads';
  let latest: Seen | undefined;
  const meaning = html('p', { class: 'quiet' });
  const charts = { source: quantileChart('Source', 'source'), target: quantileChart('Target', 'target') };
  const histogram = createHistogram();
  const table = createQuantileTable();
  const choice = createChoice((chosen) => {
    kind = chosen;
    if (latest !== undefined) update({ ...latest, newSamples: true });
  });
  const element = card(
    'latency',
    'Latency of both stores',
    choice,
    meaning,
    table.element,
    html('div', { class: 'pair' }, charts.source.element, charts.target.element),
    histogram.element,
  );
  const update = (seen: Seen) => {
    latest = seen;
    setText(meaning, `${kinds.find((one) => one.kind === kind)?.meaning ?? ''} Measured by this instance.`);
    table.update(seen, kind);
    const { samples, latest: now } = seen.resource;
    histogram.update({
      boundsMs: seen.state.instance.histogramBoundsMs,
      source: measured(now?.source, kind)?.histogram ?? [],
      target: measured(now?.target, kind)?.histogram ?? [],
      names: seen.names,
    });
    if (!seen.newSamples) return;
    const at = times(samples);
    const columns = { source: quantiles(samples, 'source', kind), target: quantiles(samples, 'target', kind) };
    const range = rangeOf([...columns.source, ...columns.target]);
    charts.source.update(at, columns.source, range);
    charts.target.update(at, columns.target, range);
  };
  return {
    element,
    update,
    recolour() {
      charts.source.recolour();
      charts.target.recolour();
    },
  };
}

function quantileChart(title: string, store: 'source' | 'target'): TimeChart {
  return createTimeChart({
    title,
    lines: [
      { label: 'p50', ink: store, shape: 'strong' },
      { label: 'p95', ink: store, shape: 'thin' },
      { label: 'p99', ink: store, shape: 'dotted' },
    ],
    format: milliseconds,
    scale: 'logarithmic',
    group: 'time',
  });
}

/** The least and the greatest of all columns: so that two charts have one scale. */
function rangeOf(columns: readonly Column[]): readonly [number, number] | undefined {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const column of columns) {
    for (const value of column) {
      if (value === null || value <= 0) continue;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
  }
  return most === 0 ? undefined : [least, most];
}

function createChoice(onChoice: (kind: CallKind) => void): HTMLElement {
  const group = html('fieldset', { class: 'choice' }, html('legend', { class: 'unseen' }, 'Which calls'));
  for (const [index, { kind, title }] of kinds.entries()) {
    const input = html('input', { type: 'radio', name: 'calls', value: kind, checked: index === 0 });
    input.addEventListener('change', () => onChoice(kind));
    group.append(html('label', {}, input, html('span', {}, title)));
  }
  return group;
}

const columnsOfTable = ['p50', 'p95', 'p99', 'calls'] as const;

function createQuantileTable() {
  const rows = (['source', 'target'] as const).map((store) => {
    const name = html('th', { scope: 'row' });
    const cells = columnsOfTable.map(() => html('td', { class: 'number' }));
    return { store, name, cells, element: html('tr', {}, name, ...cells) };
  });
  const heads = columnsOfTable.map((title) => html('th', { scope: 'col', class: 'number' }, title));
  const element = html(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Latency now' },
    html(
      'table',
      { class: 'quantiles' },
      html('caption', { class: 'unseen' }, 'Latency of both stores over the last seconds'),
      html('thead', {}, html('tr', {}, html('th', { scope: 'col' }, 'Last seconds'), ...heads)),
      html('tbody', {}, ...rows.map((row) => row.element)),
    ),
  );
  return {
    element,
    update({ resource, names }: Seen, kind: CallKind) {
      for (const { store, name, cells } of rows) {
        const latency = measured(resource.latest?.[store], kind);
        setText(name, names[store]);
        const values = [latency?.p50Ms, latency?.p95Ms, latency?.p99Ms].map((value) => milliseconds(value));
        values.push(latency === undefined ? ABSENT : count(latency.count));
        for (const [index, cell] of cells.entries()) setText(cell, values[index] ?? ABSENT);
      }
    },
  };
}
