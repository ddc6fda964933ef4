/** The picture, and beside it what the controller waits for and what the flags say. */

import { type DashboardFlag, DashboardFlagState } from '../../gen/crossfade/v1alpha1/dashboard_pb.ts';
import type { Hold } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { followingList, html, setText, show } from '../dom.ts';
import { flowOf } from '../flow.ts';
import { percent } from '../format.ts';
import { createPicture } from '../picture.ts';
import { holdTitle, holdWords, phaseName } from '../words.ts';
import { card, outerLink, pointAt, type Section } from './section.ts';

/** Creates it. */
export function createPictureCard(): Section {
  const picture = createPicture();
  const holds = createHolds();
  const flags = createFlags();
  const element = html(
    'div',
    { class: 'split' },
    card('picture', 'Where reads and writes go', picture.element),
    html('div', { class: 'stack' }, holds.element, flags.element),
  );
  return {
    element,
    update(seen) {
      const flow = flowOf(seen.resource);
      show(picture.element, flow !== undefined);
      if (flow !== undefined) picture.update(flow);
      holds.update(seen);
      flags.update(seen);
    },
  };
}

function createHolds(): Section {
  const list = html('ul', { class: 'holds' });
  const none = html('p', { class: 'quiet' }, 'Nothing: what the flags ask for has been reached.');
  const element = card('holds', 'Waits for', html('div', { 'aria-live': 'polite' }, none, list));
  const following = followingList<Hold>(
    list,
    ({ reason }) => reason,
    ({ reason }) => {
      const message = html('p');
      const cure = html(
        'p',
        { class: 'cure' },
        html('b', {}, 'What to do: '),
        holdWords[reason]?.cure ?? 'See the message.',
      );
      const item = html('li', {}, html('h4', {}, holdTitle(reason), ' ', html('code', {}, reason)), message, cure);
      return { element: item, update: (hold: Hold) => setText(message, hold.message) };
    },
  );
  return {
    element,
    update({ resource: { migration } }) {
      const holds = migration?.holds ?? [];
      show(none, holds.length === 0);
      following.update(unique(holds));
    },
  };
}

/** Each reason once. */
function unique(holds: readonly Hold[]): readonly Hold[] {
  return [...new Map(holds.map((hold) => [hold.reason, hold])).values()];
}

function createFlags(): Section {
  const rows = [
    { title: 'Phase', of: 'phase', meaning: 'where the migration should be' },
    { title: 'Reads from the target', of: 'readTarget', meaning: 'which requests the target should answer' },
    { title: 'Shadow reads', of: 'shadowRead', meaning: 'which reads are repeated on the other store and compared' },
  ] as const;
  const list = html('dl', { class: 'flags' });
  const views = rows.map(({ title, of, meaning }) => {
    const value = html('b');
    const note = html('span', { class: 'quiet' });
    const link = outerLink('open');
    link.setAttribute('aria-label', `${title}: open the flag`);
    list.append(html('dt', {}, title), html('dd', {}, html('span', { class: 'flag-value' }, value, ' ', link), note));
    return { of, meaning, value, note, link };
  });
  const never = html(
    'p',
    { class: 'warning' },
    'The flag server was never reached: nothing moves, and reads go to the authority.',
  );
  const element = card('flags', 'Asked for by the flags', never, list);
  return {
    element,
    update({ resource: { flags } }) {
      show(never, flags !== undefined && !flags.fetched);
      for (const { of, meaning, value, note, link } of views) {
        const flag = flags?.[of];
        setText(value, flag === undefined ? '–' : flagValue(flag, of === 'phase'));
        setText(note, flag?.note === undefined || flag.note === '' ? meaning : flag.note);
        pointAt(link, flag?.url ?? '');
      }
    },
  };
}

function flagValue(flag: DashboardFlag, isPhase: boolean): string {
  switch (flag.state) {
    case DashboardFlagState.ABSENT:
      return 'no such flag';
    case DashboardFlagState.OFF:
      return 'switched off';
    case DashboardFlagState.ON:
      if (isPhase) return phaseName(flag.phase);
      return flag.percent === undefined ? 'by its strategies' : percent(flag.percent);
    default:
      return 'not known';
  }
}
