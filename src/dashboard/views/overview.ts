/** All resources at a glance. */

import { JobState } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { followingList, html, setAttributes, setText, show } from '../dom.ts';
import { flowOf, progressOf, wantedReadShare } from '../flow.ts';
import { count, percent, rate } from '../format.ts';
import { type DashboardState, type ResourceState, ratesOf } from '../model.ts';
import { standingOf, stepsOf } from '../steps.ts';
import { holdTitle, phaseName, storeNames, trafficSentence } from '../words.ts';
import { badge } from './section.ts';

/** The view, and how it is brought up to date. */
export interface Overview {
  readonly element: HTMLElement;
  update(state: DashboardState): void;
}

/** Creates it. */
export function createOverview(): Overview {
  const list = html('ul', { class: 'overview' });
  const none = html('p', { class: 'empty', hidden: true }, 'There is no resource whose records you may read.');
  const following = followingList<ResourceState>(list, ({ name }) => name, createEntry);
  return {
    element: html('article', {}, html('h2', { tabindex: -1 }, 'Migrations'), none, list),
    update(state) {
      show(none, state.complete && state.resources.size === 0);
      following.update([...state.resources.values()]);
    },
  };
}

function createEntry({ id, name }: ResourceState) {
  const phase = html('span', badge('quiet'));
  const trouble = html('span', badge('bad'));
  const sentence = html('p');
  const waits = html('p', { class: 'quiet' });
  const steps = stepsOf({ source: '', target: '' }).map(() => html('i'));
  const rail = html('span', { class: 'mini-rail', role: 'img' }, ...steps);
  const figures = html('p', { class: 'mini-figures' });
  const element = html(
    'li',
    { class: 'card' },
    html('div', { class: 'title-row' }, html('h3', {}, html('a', { href: `#/${name}` }, id)), phase, trouble),
    rail,
    sentence,
    figures,
    waits,
  );
  return {
    element,
    update(resource: ResourceState) {
      const { migration, flags } = resource;
      const names = storeNames(resource.facts);
      const open = migration?.openMismatchCount ?? 0n;
      setText(phase, migration === undefined ? 'not read yet' : phaseName(migration.phase));
      show(trouble, open > 0n);
      setText(trouble, `${count(open)} open mismatches`);
      if (migration === undefined) return;
      const share = wantedReadShare(flags, migration);
      const { reached } = standingOf(migration, share);
      for (const [index, step] of steps.entries())
        setAttributes(step, { class: index < reached ? 'past' : index === reached ? 'here' : undefined });
      rail.setAttribute(
        'aria-label',
        `Step ${reached + 1} of ${steps.length}: ${stepsOf(names)[reached]?.title ?? ''}`,
      );
      setText(
        sentence,
        resource.facts !== undefined && resource.facts.target === undefined
          ? `${names.source} alone is read and written; there is no target.`
          : trafficSentence(migration, names, share),
      );
      setText(figures, figuresOf(resource));
      setText(
        waits,
        migration.holds.length === 0
          ? ''
          : `Waits: ${migration.holds.map((hold) => holdTitle(hold.reason)).join('; ')}.`,
      );
    },
  };
}

function figuresOf(resource: ResourceState): string {
  const { sourceReads, targetReads, writes } = ratesOf(resource.samples);
  const parts = [`${rate(sourceReads + targetReads)} reads`, `${rate(writes)} writes`];
  const { backfill, verification } = resource.migration ?? {};
  if (backfill?.state === JobState.RUNNING) parts.push(`copy ${percent(100 * progressOf(backfill))}`);
  if (verification?.state === JobState.RUNNING) parts.push(`verification ${percent(100 * progressOf(verification))}`);
  const copy = flowOf(resource)?.copy.label ?? '';
  if (copy !== '' && backfill?.state !== JobState.RUNNING) parts.push(copy);
  return parts.join(' · ');
}
