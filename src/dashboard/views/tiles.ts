/** The figures that are looked at most, in one row. */
import { durationMs } from '@bufbuild/protobuf/wkt';
import { html, setText } from '../dom.ts';
import { ABSENT, count, milliseconds, percent, rate } from '../format.ts';
import { ratesOf } from '../model.ts';
import { measured } from '../samples.ts';
import type { Section, Seen } from './section.ts';

interface Tile {
  readonly title: string;
  readonly read: (seen: Seen) => { readonly value: string; readonly note: string; readonly bad?: boolean };
}

const tiles: readonly Tile[] = [
  {
    title: 'Reads answered',
    read: ({ resource, names }) => {
      const { sourceReads, targetReads, targetShare } = ratesOf(resource.samples);
      const note = targetShare === undefined ? 'none lately' : `${percent(targetShare)} by ${names.target}`;
      return { value: rate(sourceReads + targetReads), note };
    },
  },
  {
    title: 'Writes acknowledged',
    read: ({ resource }) => {
      const { writes, refusedWrites } = ratesOf(resource.samples);
      const p95 = resource.latest?.writes?.count ? `p95 ${milliseconds(resource.latest.writes.p95Ms)}` : 'none lately';
      return { value: rate(writes), note: refusedWrites > 0 ? `${rate(refusedWrites)} refused` : p95 };
    },
  },
  {
    title: 'Read latency, p95',
    read: ({ resource: { latest }, names }) => {
      const of = (store: 'source' | 'target') => milliseconds(measured(latest?.[store], 'reads')?.p95Ms);
      return { value: of('source'), note: `${names.target}: ${of('target')}` };
    },
  },
  {
    title: 'Replication lag',
    read: ({ resource: { migration } }) => {
      const stopped = migration?.capture?.stoppedReason ?? '';
      if (stopped !== '') return { value: 'stopped', note: stopped, bad: true };
      const lag = migration?.capture?.lag;
      return {
        value: lag === undefined ? ABSENT : milliseconds(durationMs(lag)),
        note: lag === undefined ? 'nothing is captured' : 'commit to acknowledged',
      };
    },
  },
  {
    title: 'Open mismatches',
    read: ({ resource: { migration } }) => {
      const open = migration?.openMismatchCount ?? 0n;
      return { value: count(open), note: open === 0n ? 'none known' : 'records differ', bad: open > 0n };
    },
  },
];

/** Creates them. */
export function createTiles(): Section {
  const views = tiles.map((tile) => {
    const value = html('dd', { class: 'tile-value' });
    const note = html('dd', { class: 'tile-note' });
    return { tile, value, note, element: html('div', { class: 'tile' }, html('dt', {}, tile.title), value, note) };
  });
  return {
    element: html('dl', { class: 'tiles', 'aria-label': 'Now' }, ...views.map(({ element }) => element)),
    update(seen) {
      for (const { tile, value, note, element } of views) {
        const read = tile.read(seen);
        setText(value, read.value);
        setText(note, read.note);
        element.classList.toggle('bad', read.bad === true);
      }
    },
  };
}
