/** The latest changes of the control record. */
import { durationMs, timestampDate } from '@bufbuild/protobuf/wkt';
import type { Transition } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { followingList, html, setText, show } from '../dom.ts';
import { milliseconds, time } from '../format.ts';
import { type StoreNames, stateName, storeName } from '../words.ts';
import { card, type Section } from './section.ts';

interface Row {
  readonly transition: Transition;
  readonly names: StoreNames;
  readonly now: Date;
}

/** Creates it. */
export function createHistory(): Section {
  const none = html('p', { class: 'quiet' }, 'Nothing has changed yet.');
  const list = html('ol', { class: 'history' });
  const following = followingList<Row>(
    list,
    ({ transition: { epoch, generation } }) => `${epoch}.${generation}`,
    createRow,
  );
  return {
    element: card('history', 'History', none, list),
    update({ resource: { transitions }, names, now }) {
      show(none, transitions.length === 0);
      following.update(transitions.map((transition) => ({ transition, names, now })));
    },
  };
}

function createRow({ transition, names }: Row) {
  const { fromState, toState, reason, instance, epoch, authority, writePause } = transition;
  const at = html('time');
  const pause = writePause === undefined ? '' : ` · writes paused ${milliseconds(durationMs(writePause))}`;
  const element = html(
    'li',
    {},
    at,
    html('b', {}, `${stateName(fromState)} → ${stateName(toState)}`),
    html('span', { class: 'reason' }, reason),
    html('span', { class: 'quiet' }, `epoch ${epoch}, ${storeName(authority, names)} decides · by ${instance}${pause}`),
  );
  return {
    element,
    update({ transition: { createTime }, now }: Row) {
      if (createTime === undefined) return;
      const date = timestampDate(createTime);
      at.dateTime = date.toISOString();
      setText(at, time(date, now));
    },
  };
}
