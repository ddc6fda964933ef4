/** A chart over time: lines or bars, with a legend that says the values in words, and a table for who can't see it. */
import uPlot from 'uplot';
import { html, setText } from '../dom.ts';
import type { Column } from './columns.ts';
import { type Ink, ink } from './inks.ts';

/** One line or row of bars. */
export interface Line {
  readonly label: string;
  readonly ink: Ink;
  /** Default: a plain line. */
  readonly shape?: 'strong' | 'thin' | 'dotted' | 'area' | 'bars';
}

/** What a chart is of. */
export interface TimeChartOptions {
  readonly title: string;
  readonly lines: readonly Line[];
  /** A value as text, with its unit. */
  readonly format: (value: number) => string;
  readonly scale: 'linear' | 'logarithmic';
  /** Whether values are counts: nothing between whole numbers is on the axis. */
  readonly whole?: boolean;
  /** Charts of one group share the place of the cursor. */
  readonly group: string;
}

/** The chart, and how it is brought up to date. */
export interface TimeChart {
  readonly element: HTMLElement;
  /** Columns in the order of the lines. `range`: the least and the greatest value, where several charts share one scale. */
  update(times: number[], columns: readonly Column[], range?: readonly [number, number]): void;
  /** Draws again in other colours. */
  recolour(): void;
}

const HEIGHT = 150;
const TABLE_ROWS = 12;
const AXIS_FONT = '11px system-ui, sans-serif';
/** Steps of an axis of counts. */
const WHOLE_STEPS = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
const SECONDS_PER_MINUTE = 60;
const NOTHING_YET = 'nothing yet';

/** Creates a chart that follows the width of its place. */
export function createTimeChart(options: TimeChartOptions): TimeChart {
  const place = html('div', { class: 'plot', role: 'img' });
  const values = options.lines.map(() => html('dd', {}, NOTHING_YET));
  const legend = html('dl', { class: 'legend' });
  options.lines.forEach((line, index) => {
    const key = html('dt', {}, html('i', { class: `swatch ink-${line.ink} ${line.shape ?? ''}` }), line.label);
    legend.append(html('div', {}, key, values[index] as HTMLElement));
  });
  const table = createTable(options);
  const element = html(
    'figure',
    { class: 'chart' },
    html('figcaption', {}, html('h4', {}, options.title), legend),
    place,
    table.element,
  );
  let data: [number[], ...Column[]] = [[], ...options.lines.map(() => [])];
  let shared: readonly [number, number] | undefined;
  const say = (index: number | null | undefined) => {
    const at = index ?? data[0].length - 1;
    options.lines.forEach((_, line) => {
      const value = data[line + 1]?.[at];
      setText(values[line] as HTMLElement, typeof value === 'number' ? options.format(value) : '–');
    });
  };
  const plot = new uPlot(
    settings(options, () => shared, say),
    data as uPlot.AlignedData,
    place,
  );
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0);
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  }).observe(place);
  return {
    element,
    update(times, columns, range) {
      data = [times, ...columns];
      shared = range;
      plot.setData(data as uPlot.AlignedData);
      say(plot.cursor.idx);
      place.setAttribute('aria-label', summary(options, columns));
      table.update(times, columns);
    },
    recolour: () => plot.redraw(),
  };
}

/** `Latency of MySQL: p50 now 0.8 ms, at most 2 ms; …`. */
function summary({ title, lines, format }: TimeChartOptions, columns: readonly Column[]): string {
  const parts = lines.map(({ label }, index) => {
    const known = (columns[index] ?? []).filter((value) => value !== null);
    if (known.length === 0) return `${label}: ${NOTHING_YET}`;
    const most = known.reduce((greatest, value) => Math.max(greatest, value), 0);
    return `${label} now ${format(known.at(-1) as number)}, at most ${format(most)}`;
  });
  return `Chart of the last minutes. ${title}. ${parts.join('; ')}.`;
}

function createTable({ title, lines, format }: TimeChartOptions) {
  const body = html('tbody');
  const head = html('tr', {}, html('th', { scope: 'col' }, 'Time'));
  for (const { label } of lines) head.append(html('th', { scope: 'col', class: 'number' }, label));
  const element = html(
    'details',
    {},
    html('summary', {}, 'As a table', html('span', { class: 'unseen' }, `: ${title}`)),
    html(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${title}, as a table` },
      html('table', {}, html('thead', {}, head), body),
    ),
  );
  let rows: readonly Node[] = [];
  const render = () => body.replaceChildren(...rows);
  element.addEventListener('toggle', render);
  return {
    element,
    update(times: readonly number[], columns: readonly Column[]) {
      if (!element.open) return;
      rows = times
        .map((_, index) => index)
        .slice(-TABLE_ROWS)
        .reverse()
        .map((index) => {
          const cells = columns.map((column) => {
            const value = column[index];
            return html('td', { class: 'number' }, typeof value === 'number' ? format(value) : '–');
          });
          return html('tr', {}, html('td', {}, clock(times[index] ?? 0)), ...cells);
        });
      render();
    },
  };
}

/** With seconds only where the axis has steps of less than a minute. */
function timeOfDay(seconds: number, step: number): string {
  return clock(seconds).slice(0, step < SECONDS_PER_MINUTE ? undefined : 'hh:mm'.length);
}

function clock(seconds: number): string {
  return new Date(seconds * 1_000).toLocaleTimeString('en-GB');
}

function settings(
  { lines, format, scale, group, whole }: TimeChartOptions,
  shared: () => readonly [number, number] | undefined,
  onCursor: (index: number | null | undefined) => void,
): uPlot.Options {
  const axis = {
    stroke: () => ink('text'),
    font: AXIS_FONT,
    grid: { stroke: () => ink('grid'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: 300,
    height: HEIGHT,
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: group }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx)] },
    scales: {
      x: { time: true },
      y:
        scale === 'logarithmic'
          ? { distr: 3, range: (_plot, least, most) => powersAround(shared() ?? [least, most]) }
          : { range: (_plot, _least, most) => [0, Math.max(most ?? 0, 1) * 1.1] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        space: 70,
        values: (_plot, splits, _axis, _space, step) => splits.map((split) => timeOfDay(split, step)),
      },
      {
        ...axis,
        size: 58,
        space: 28,
        ...(whole && { incrs: WHOLE_STEPS }),
        ...(scale === 'logarithmic' && {
          splits: (_plot: uPlot, _axis: number, least: number, most: number) => powersBetween(least, most),
        }),
        values: (_plot, splits) => splits.map((split) => label(split, format)),
      },
    ],
    series: [{}, ...lines.map(toSeries)],
  };
}

/** `10 ms` where a value would be `10.0 ms`. */
function label(split: number | null, format: (value: number) => string): string {
  return split === null ? '' : format(split).replace(/\.0+(?= )/, '');
}

/** On a logarithmic scale only whole powers of ten have a line. */
function powersBetween(least: number, most: number): number[] {
  const from = Math.round(Math.log10(least));
  return Array.from({ length: Math.round(Math.log10(most)) - from + 1 }, (_, index) => 10 ** (from + index));
}

function powersAround([least, most]: readonly [number | null, number | null]): [number, number] {
  const from = least === null || least <= 0 ? 0.1 : least;
  const to = most === null || most <= 0 ? 10 : most;
  const low = 10 ** Math.floor(Math.log10(from));
  return [low, Math.max(10 ** Math.ceil(Math.log10(to)), low * 10)];
}

function toSeries(line: Line): uPlot.Series {
  const colour = () => ink(line.ink);
  const bars = line.shape === 'bars' ? uPlot.paths.bars?.({ size: [0.8, 12] }) : undefined;
  return {
    label: line.label,
    stroke: colour,
    width: line.shape === 'strong' ? 2.5 : line.shape === 'bars' ? 0 : 1.5,
    points: {
      show: false,
      size: 4,
      fill: colour,
      filter: (plot, index) => (bars ? null : lonely(plot.data[index] ?? [])),
    },
    spanGaps: false,
    ...(line.shape === 'dotted' && { dash: [2, 4] }),
    ...((line.shape === 'area' || bars) && { fill: bars ? colour : () => faint(colour()) }),
    ...(bars && { paths: bars }),
  };
}

/** Values without a neighbour: no line shows them, so they are drawn as points. */
function lonely(values: ArrayLike<number | null | undefined>): number[] | null {
  const found: number[] = [];
  for (let index = 0; index < values.length; index++) {
    if (values[index] != null && values[index - 1] == null && values[index + 1] == null) found.push(index);
  }
  return found.length > 0 ? found : null;
}

function faint(colour: string): string {
  return colour.startsWith('rgb(') ? colour.replace('rgb(', 'rgba(').replace(')', ', 0.14)') : colour;
}
