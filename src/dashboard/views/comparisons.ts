/** What comparisons of the two stores found, over the last minutes. */
import { comparedBy, countsOver, endedAs, foundDiffering, ratesOver, times, total } from '../charts/columns.ts';
import { createTimeChart } from '../charts/time-chart.ts';
import { html, setText } from '../dom.ts';
import { count, rate } from '../format.ts';
import type { Outcome, Samples } from '../samples.ts';
import { card, type Section } from './section.ts';

const kinds: readonly {
  readonly key: Outcome;
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
        ratesOver(samples, comparedBy('shadowReads')),
        ratesOver(samples, comparedBy('verifications')),
      ]);
      differences.update(at, [countsOver(samples, foundDiffering()), countsOver(samples, endedAs('error'))]);
      totals.update(samples);
    },
    recolour() {
      compared.recolour();
      differences.recolour();
    },
  };
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
    update(samples: Samples) {
      for (const { key, bad, value, element } of views) {
        const records = total(samples, endedAs(key));
        setText(value, count(records));
        element.classList.toggle('bad', bad === true && records > 0);
      }
    },
  };
}
