/** Both stores' latencies, bucket by bucket, one above the other. */
import { html, setAttributes, setText, svg } from '../dom.ts';
import { milliseconds, percent } from '../format.ts';
import type { StoreNames } from '../words.ts';

/** What is drawn. The histograms have one bucket more than there are bounds. */
export interface Histograms {
  readonly boundsMs: readonly number[];
  readonly source: readonly number[];
  readonly target: readonly number[];
  readonly names: StoreNames;
}

/** The chart, and how it is brought up to date. */
export interface HistogramChart {
  readonly element: HTMLElement;
  update(histograms: Histograms): void;
}

const WIDTH = 640;
const HALF = 74;
const AXIS = 20;
const HEIGHT = HALF * 2 + AXIS;
const GAP = 1;

/** Source upwards, target downwards, each as a part of its own calls: so the shapes compare, whatever the counts are. */
export function createHistogram(): HistogramChart {
  const plot = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: 'img',
    class: 'histogram',
    preserveAspectRatio: 'none',
  });
  const labels = html('div', { class: 'histogram-axis', 'aria-hidden': true });
  const source = html('span');
  const target = html('span');
  const body = html('tbody');
  const heads = {
    source: html('th', { scope: 'col', class: 'number' }),
    target: html('th', { scope: 'col', class: 'number' }),
  };
  const table = html(
    'table',
    {},
    html('thead', {}, html('tr', {}, html('th', { scope: 'col' }, 'Up to'), heads.source, heads.target)),
    body,
  );
  const details = html(
    'details',
    {},
    html('summary', {}, 'As a table', html('span', { class: 'unseen' }, ': how long calls took')),
    html(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'How long calls took, as a table' },
      table,
    ),
  );
  const element = html(
    'figure',
    { class: 'chart' },
    html(
      'figcaption',
      {},
      html('h4', {}, 'How long calls took, last seconds'),
      html(
        'p',
        { class: 'legend' },
        html('span', {}, html('i', { class: 'swatch ink-source area' }), source),
        html('span', {}, html('i', { class: 'swatch ink-target area' }), target),
      ),
    ),
    html('div', { class: 'histogram-frame' }, plot, labels),
    details,
  );
  const bars: SVGRectElement[] = [];
  return {
    element,
    update(histograms) {
      const shown = visibleBuckets(histograms);
      setText(source, `${histograms.names.source}, above`);
      setText(target, `${histograms.names.target}, below`);
      drawBars(plot, bars, histograms, shown);
      labelAxis(labels, histograms.boundsMs, shown);
      plot.setAttribute('aria-label', summary(histograms));
      if (!details.open) return;
      setText(heads.source, histograms.names.source);
      setText(heads.target, histograms.names.target);
      body.replaceChildren(...tableRows(histograms, shown));
    },
  };
}

/** From the first to the last bucket that has something, in either store; some, where both are empty. */
function visibleBuckets({ source, target, boundsMs }: Histograms): readonly [number, number] {
  const filled = boundsMs
    .map((_, index) => index)
    .concat(boundsMs.length)
    .filter((index) => (source[index] ?? 0) + (target[index] ?? 0) > 0);
  const first = filled[0] ?? 0;
  return [Math.max(0, first - 1), Math.min(boundsMs.length, Math.max((filled.at(-1) ?? 0) + 1, first + 8))];
}

function drawBars(
  plot: SVGSVGElement,
  bars: SVGRectElement[],
  { source, target }: Histograms,
  [first, last]: readonly [number, number],
): void {
  const width = WIDTH / (last - first + 1);
  const parts = [partsOf(source), partsOf(target)] as const;
  const most = Math.max(...parts[0], ...parts[1], Number.EPSILON);
  let used = 0;
  for (let bucket = first; bucket <= last; bucket++) {
    for (const [side, part] of parts.entries()) {
      const height = ((part[bucket] ?? 0) / most) * (HALF - 4);
      const bar = bars[used] ?? appendBar(plot, bars);
      const y = side === 0 ? HALF - height : HALF + AXIS;
      setAttributes(bar, {
        class: side === 0 ? 'ink-source' : 'ink-target',
        x: ((bucket - first) * width + GAP / 2).toFixed(2),
        y: y.toFixed(2),
        width: (width - GAP).toFixed(2),
        height: height.toFixed(2),
      });
      used++;
    }
  }
  for (const bar of bars.splice(used)) bar.remove();
}

function appendBar(plot: SVGSVGElement, bars: SVGRectElement[]): SVGRectElement {
  const bar = svg('rect');
  plot.append(bar);
  bars.push(bar);
  return bar;
}

function partsOf(histogram: readonly number[]): readonly number[] {
  const total = histogram.reduce((sum, value) => sum + value, 0);
  return total === 0 ? histogram : histogram.map((value) => value / total);
}

const LABELS = 5;

/** The axis between the halves: some of the bounds, evenly spaced as the buckets are. */
function labelAxis(axis: HTMLElement, boundsMs: readonly number[], [first, last]: readonly [number, number]): void {
  while (axis.childElementCount < LABELS) axis.append(html('span'));
  for (const [index, label] of [...axis.children].entries()) {
    const bucket = Math.round(first + ((last - first) * index) / (LABELS - 1));
    setText(label, bucket >= boundsMs.length ? 'more' : milliseconds(boundsMs[bucket]));
  }
}

function tableRows({ boundsMs, source, target }: Histograms, [first, last]: readonly [number, number]): Node[] {
  const [ofSource, ofTarget] = [partsOf(source), partsOf(target)];
  const rows: Node[] = [];
  for (let bucket = first; bucket <= last; bucket++) {
    const bound = bucket >= boundsMs.length ? 'more' : milliseconds(boundsMs[bucket]);
    const cell = (part: number | undefined) => html('td', { class: 'number' }, percent((part ?? 0) * 100));
    rows.push(html('tr', {}, html('td', {}, bound), cell(ofSource[bucket]), cell(ofTarget[bucket])));
  }
  return rows;
}

function summary({ source, target, boundsMs, names }: Histograms): string {
  const peak = (histogram: readonly number[]) => {
    const most = Math.max(...histogram, 0);
    if (most === 0) return 'nothing';
    const bound = boundsMs[histogram.indexOf(most)];
    return bound === undefined ? 'mostly longer than the last bound' : `mostly up to ${milliseconds(bound)}`;
  };
  return `Histogram of the last seconds. ${names.source}: ${peak(source)}. ${names.target}: ${peak(target)}.`;
}
