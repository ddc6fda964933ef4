/** What comparisons of the two stores found, over the last minutes. */
import { comparisonsIn, countsBy, differing, type Outcomes, outcomesOf, ratesBy, times } from '../charts/columns.ts';
import { createTimeChart } from '../charts/time-chart.ts';
import { html, setText } from '../dom.ts';
import { count, rate } from '../format.ts';
import { card, type Section } from './section.ts';

const kinds: readonly {
  readonly key: keyof Outcomes;
  readonly title: string;
  readonly meaning: string;
  readonly bad?: boolean;
}[] = [
  { key: 'match', title: 'match', meaning: 'equal' },
  { key: 'raced', title: 'raced', meaning: 'equal when looked at again: a write was in between' },
  { key: 'mismatch', title: 'different', meaning: 'different content', bad: true },
  { key: 'missing', title: 'missing', meaning: 'missing in the follower', bad: true },
  { key: 'extra', title: 'extra', meaning: 'in the follower alone', bad: true },
  {
    key: 'missingInIndex',
    title: 'missing in an index',
    meaning: 'a lookup in the target would not find it',
    bad: true,
  },
  { key: 'error', title: 'error', meaning: 'could not be compared', bad: true },
  { key: 'dropped', title: 'dropped', meaning: 'not compared: too many shadow reads were under way' },
];

/** Creates it. */
export function createComparisons(): Section {
  const compared = createTimeChart({
    title: 'Records compared a second',
    lines: [
      { label: 'by shadow reads', ink: 'good', shape: 'area' },
      { label: 'by verification', ink: 'quiet', shape: 'strong' },
    ],
    format: rate,
    scale: 'linear',
    group: 'time',
  });
  const differences = createTimeChart({
    title: 'Differences found',
    lines: [
      { label: 'records that differ', ink: 'bad', shape: 'bars' },
      { label: 'could not be compared', ink: 'warn', shape: 'bars' },
    ],
    format: count,
    scale: 'linear',
    whole: true,
    group: 'time',
  });
  const totals = createTotals();
  return {
    element: card(
      'comparisons',
      'Comparisons',
      html('div', { class: 'pair' }, compared.element, differences.element),
      totals.element,
    ),
    update({ resource: { samples }, newSamples }) {
      if (!newSamples) return;
      const at = times(samples);
      compared.update(at, [
        ratesBy(samples, ({ shadowReads }) => sum(outcomesOf([shadowReads]))),
        ratesBy(samples, ({ verifications }) => sum(outcomesOf([verifications]))),
      ]);
      differences.update(at, [
        countsBy(samples, (measures) => differing(comparisonsIn(measures))),
        countsBy(samples, (measures) => comparisonsIn(measures).error),
      ]);
      totals.update(outcomesOf(samples.flatMap(({ measures }) => [measures?.shadowReads, measures?.verifications])));
    },
    recolour() {
      compared.recolour();
      differences.recolour();
    },
  };
}

/** Records that were compared, whatever came of it. */
function sum({ dropped: _dropped, ...outcomes }: Outcomes): number {
  return Object.values(outcomes).reduce((total, value) => total + value, 0);
}

function createTotals() {
  const views = kinds.map(({ key, title, meaning, bad }) => {
    const value = html('dd', {}, '0');
    return { key, bad, value, element: html('div', { title: meaning }, html('dt', {}, title), value) };
  });
  const element = html(
    'dl',
    { class: 'totals', 'aria-label': 'Outcomes of the last minutes' },
    ...views.map((view) => view.element),
  );
  return {
    element,
    update(outcomes: Outcomes) {
      for (const { key, bad, value, element } of views) {
        setText(value, count(outcomes[key]));
        element.classList.toggle('bad', bad === true && outcomes[key] > 0);
      }
    },
  };
}
