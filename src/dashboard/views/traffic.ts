/** Reads by the store that answered them, writes, and the replication lag, over the last minutes. */
import { lags, ratesOver, times } from '../charts/columns.ts';
import { createTimeChart } from '../charts/time-chart.ts';
import { html } from '../dom.ts';
import { milliseconds, rate } from '../format.ts';
import { card, type Section } from './section.ts';

/** Creates it. */
export function createTraffic(): Section {
  const traffic = createTimeChart({
    title: 'Requests a second',
    lines: [
      { label: 'Reads, source', ink: 'source', shape: 'strong' },
      { label: 'Reads, target', ink: 'target', shape: 'strong' },
      { label: 'Writes', ink: 'good', shape: 'thin' },
    ],
    format: rate,
    scale: 'linear',
    group: 'time',
  });
  const lag = createTimeChart({
    title: 'Replication lag',
    lines: [{ label: 'Longest of each step', ink: 'warn', shape: 'bars' }],
    format: milliseconds,
    scale: 'linear',
    group: 'time',
  });
  return {
    element: card('traffic', 'Traffic', html('div', { class: 'pair' }, traffic.element, lag.element)),
    update({ resource: { samples }, newSamples }) {
      if (!newSamples) return;
      const at = times(samples);
      const rates = (['sourceReads', 'targetReads', 'writes'] as const).map((field) => ratesOver(samples, [field]));
      traffic.update(at, rates);
      lag.update(at, [lags(samples)]);
    },
    recolour() {
      traffic.recolour();
      lag.recolour();
    },
  };
}
