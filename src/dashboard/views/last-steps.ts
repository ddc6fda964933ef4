/** The instances, and what only an administrator does: the fence, and the end. */

import { type Instance, type Leftover, Phase, Store } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { followingList, html, setText, show } from '../dom.ts';
import { count } from '../format.ts';
import { type Acting, actionButton, badge, card, type Section, type Seen } from './section.ts';

/** Creates both. */
export function createLastSteps(acting: Acting): Section {
  const instances = createInstances();
  const source = createSourceCard(acting);
  return {
    element: html('div', { class: 'pair' }, instances.element, source.element),
    update(seen) {
      instances.update(seen);
      source.update(seen);
    },
  };
}

function createInstances(): Section {
  const list = html('ul', { class: 'plain-list' });
  const following = followingList<Instance & { readonly newest: bigint }>(list, ({ id }) => id, createInstance);
  const control = html('p', { class: 'quiet' });
  return {
    element: card('instances', 'Instances', list, control),
    update({ resource: { migration } }) {
      const instances = migration?.instances ?? [];
      const newest = migration?.generation ?? 0n;
      following.update(instances.map((instance) => ({ ...instance, newest })));
      setText(
        control,
        migration === undefined
          ? ''
          : `Control record: epoch ${migration.epoch}, attach ${migration.attachNumber}, generation ${count(newest)}.`,
      );
    },
  };
}

function createInstance() {
  const id = html('code');
  const state = html('span', badge('good'));
  const element = html('li', {}, id, ' ', state);
  return {
    element,
    update(instance: Instance & { readonly newest: bigint }) {
      const behind = instance.generation < instance.newest;
      setText(id, instance.id);
      setText(state, instance.dead ? 'declared dead' : behind ? 'a step behind' : 'up to date');
      state.className = `badge ${instance.dead ? 'bad' : behind ? 'warn' : 'good'}`;
    },
  };
}

function createSourceCard({ actions, shown }: Acting): Section {
  const fenced = html('p');
  const written = html('p', { class: 'quiet' });
  const onShown = (act: (resource: Seen['resource']) => void) => () => {
    const resource = shown();
    if (resource !== undefined) act(resource);
  };
  const fence = actionButton('Fence the source', {}, onShown(actions.fence));
  const unfence = actionButton('Remove the fence', {}, onShown(actions.unfence));
  const end = actionButton('Decommission …', { class: 'grave' }, onShown(actions.decommission));
  const buttons = html('div', { class: 'buttons' }, fence, unfence, end);
  const leftovers = createLeftovers();
  return {
    element: card('source', 'The source, at the end', fenced, written, leftovers.element, buttons),
    update({ resource: { migration, facts }, names }) {
      const mayAdminister = facts?.mayAdminister === true && migration !== undefined;
      const isFenced = migration?.sourceFenced === true;
      const ended = migration?.phase === Phase.TARGET_ONLY;
      setText(
        fenced,
        isFenced
          ? `Fenced: ${names.source} refuses other programs' changes while authority leaves it and while it is away.`
          : `Not fenced: other programs may write to ${names.source} past the service.`,
      );
      const touched = migration?.capture?.touchedCount ?? 0n;
      setText(written, `Records that other programs changed since capture began here: ${count(touched)}.`);
      show(fence, mayAdminister && !isFenced && facts?.target !== undefined);
      show(unfence, mayAdminister && isFenced);
      show(end, mayAdminister && !ended && migration?.authority === Store.TARGET);
      show(buttons, mayAdminister);
      leftovers.update(migration?.leftovers ?? []);
    },
  };
}

function createLeftovers() {
  const list = html('ul', { class: 'leftovers' });
  const element = html('details', { hidden: true }, html('summary', {}, 'What remains to be dropped by hand'), list);
  const following = followingList<Leftover>(
    list,
    ({ description, sql }) => `${description} ${sql}`,
    ({ description, sql }) => {
      const item = html('li', {}, description);
      if (sql !== '') item.append(html('pre', { tabindex: 0 }, sql));
      return { element: item, update: () => {} };
    },
  );
  return {
    element,
    update(leftovers: readonly Leftover[]) {
      show(element, leftovers.length > 0);
      following.update(leftovers);
    },
  };
}
