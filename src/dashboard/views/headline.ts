/** What a newcomer reads first: the resource, its state in sentences, and the steps with where it stands. */

import { Phase } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { html, setAttributes, setText, show } from '../dom.ts';
import { wantedReadShare } from '../flow.ts';
import { standingOf, stepsOf } from '../steps.ts';
import { followerSentence, phaseName, trafficSentence } from '../words.ts';
import { badge, type Section, type Seen } from './section.ts';

/** Creates it. */
export function createHeadline(): Section {
  const title = html('h2', { tabindex: -1 });
  const reached = html('span', badge('quiet'));
  const wanted = html('span', badge('busy'));
  const sentence = html('p', { class: 'sentence', 'aria-live': 'polite' });
  const rail = createRail();
  const element = html(
    'header',
    { class: 'headline' },
    html('div', { class: 'title-row' }, title, reached, wanted),
    sentence,
    rail.element,
  );
  return {
    element,
    update(seen) {
      const { migration } = seen.resource;
      setText(title, seen.resource.id);
      show(reached, migration !== undefined);
      show(wanted, migration !== undefined && migration.wantedPhase !== migration.phase);
      rail.update(seen);
      if (migration === undefined) {
        setText(sentence, 'The state of this migration could not be read yet.');
        return;
      }
      const share = wantedReadShare(seen.resource.flags, migration);
      setText(reached, `phase ${phaseName(migration.phase)}`);
      const nothing = migration.wantedPhase === Phase.UNSPECIFIED;
      setText(wanted, nothing ? 'the flag asks for nothing' : `wanted: ${phaseName(migration.wantedPhase)}`);
      setText(sentence, `${trafficSentence(migration, seen.names, share)} ${followerSentence(migration, seen.names)}`);
    },
  };
}

function createRail() {
  const marks = stepsOf({ source: '', target: '' }).map(() => {
    const title = html('span', { class: 'step-title' });
    const detail = html('span', { class: 'step-detail' });
    const note = html('span', { class: 'step-note' });
    return {
      title,
      detail,
      note,
      element: html('li', {}, html('span', { class: 'dot', 'aria-hidden': true }), title, detail, note),
    };
  });
  const element = html(
    'ol',
    { class: 'rail', 'aria-label': 'Steps of the migration' },
    ...marks.map((mark) => mark.element),
  );
  return {
    element,
    update({ resource, names }: Seen) {
      const { migration, flags } = resource;
      const standing = migration && standingOf(migration, wantedReadShare(flags, migration));
      for (const [index, step] of stepsOf(names).entries()) {
        const mark = marks[index];
        if (mark === undefined) continue;
        const here = standing?.reached === index;
        const wanted = standing?.wanted === index;
        setText(mark.title, step.title);
        setText(mark.detail, step.detail);
        setText(mark.note, here && wanted ? 'here, as wanted' : here ? 'here' : wanted ? 'wanted' : '');
        setAttributes(mark.element, {
          class:
            `${standing !== undefined && index < standing.reached ? 'past' : ''} ${here ? 'here' : ''} ${wanted ? 'wanted' : ''}`.trim() ||
            undefined,
          'aria-current': here ? 'step' : undefined,
        });
      }
    },
  };
}
