/** Everything about one resource. */
import type { Actions } from '../actions/actions.ts';
import { html } from '../dom.ts';
import type { DashboardState, ResourceState } from '../model.ts';
import { storeNames } from '../words.ts';
import { createComparisons } from './comparisons.ts';
import { createHeadline } from './headline.ts';
import { createHistory } from './history.ts';
import { createJobs } from './jobs.ts';
import { createLastSteps } from './last-steps.ts';
import { createLatency } from './latency.ts';
import { createMismatches } from './mismatches.ts';
import { createPictureCard } from './picture-card.ts';
import type { Section } from './section.ts';
import { createTiles } from './tiles.ts';
import { createTraffic } from './traffic.ts';

/** The view, and how it is brought up to date. */
export interface Detail {
  readonly element: HTMLElement;
  update(state: DashboardState, resource: ResourceState): void;
  recolour(): void;
}

/** Creates the view; it can show one resource after another. */
export function createDetail(actions: Actions): Detail {
  let shown: ResourceState | undefined;
  let newest = 0;
  const acting = { actions, shown: () => shown };
  const sections: readonly Section[] = [
    createHeadline(),
    createPictureCard(),
    createTiles(),
    createJobs(acting),
    createTraffic(),
    createLatency(),
    createComparisons(),
    createMismatches(acting),
    createHistory(),
    createLastSteps(acting),
  ];
  return {
    element: html('article', { class: 'detail' }, ...sections.map(({ element }) => element)),
    update(state, resource) {
      const { taken } = resource.samples;
      const newSamples = shown !== resource || newest !== taken;
      shown = resource;
      newest = taken;
      const seen = { resource, state, names: storeNames(resource.facts), now: new Date(state.readTimeMs), newSamples };
      for (const section of sections) section.update(seen);
    },
    recolour() {
      for (const section of sections) section.recolour?.();
    },
  };
}
