/** Open mismatches down to field paths, and their repair. */
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { DashboardMismatch } from '../../gen/crossfade/v1alpha1/dashboard_pb.ts';
import { followingList, html, setText, show } from '../dom.ts';
import { count, time } from '../format.ts';
import { finder, mismatchKind } from '../words.ts';
import { type Acting, actionButton, card, outerLink, pointAt, type Section } from './section.ts';

/** Creates it. */
export function createMismatches({ actions, shown }: Acting): Section {
  const chosen = new Set<string>();
  const none = html('p', { class: 'quiet' }, 'No mismatch is open.');
  const more = html('p', { class: 'quiet' });
  const search = outerLink('Search the traces of shadow reads that found a mismatch');
  const rows = html('tbody');
  const table = html('table', {}, head(), rows);
  const scroll = html(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Records that differ' },
    table,
  );
  const onRepair = (records: () => readonly string[]) => () => {
    const resource = shown();
    if (resource !== undefined) actions.repair(resource, records());
  };
  const repairChosen = actionButton(
    'Repair selected',
    { disabled: true },
    onRepair(() => [...chosen]),
  );
  const repairAll = actionButton(
    'Repair all',
    { class: 'primary' },
    onRepair(() => []),
  );
  const buttons = html('div', { class: 'buttons' }, repairChosen, repairAll);
  const choose = (record: string, isChosen: boolean) => {
    if (isChosen) chosen.add(record);
    else chosen.delete(record);
    repairChosen.disabled = chosen.size === 0;
  };
  const following = followingList<Row>(
    rows,
    ({ mismatch }) => String(mismatch.mismatch?.id),
    (row) => createRow(row, choose),
  );
  let resourceName = '';
  return {
    element: card('mismatches', 'Open mismatches', none, scroll, more, buttons, html('p', { class: 'search' }, search)),
    update({ resource, now }) {
      const { mismatches, migration, facts } = resource;
      const mayRepair = facts?.mayMigrate === true;
      const open = Number(migration?.openMismatchCount ?? 0n);
      const there = new Set(mismatches.map(({ mismatch }) => mismatch?.record ?? ''));
      if (resourceName !== resource.name) chosen.clear();
      for (const record of chosen) if (!there.has(record)) choose(record, false);
      resourceName = resource.name;
      show(none, mismatches.length === 0 && open === 0);
      show(scroll, mismatches.length > 0);
      table.classList.toggle('choosable', mayRepair);
      show(more, open > mismatches.length);
      setText(more, `Shown are the latest ${count(mismatches.length)} of ${count(open)}.`);
      show(buttons, mayRepair && open > 0);
      pointAt(search, facts?.mismatchTracesUrl ?? '');
      following.update(mismatches.map((mismatch) => ({ mismatch, now })));
    },
  };
}

interface Row {
  readonly mismatch: DashboardMismatch;
  readonly now: Date;
}

function head(): HTMLElement {
  const titles = ['Record', 'Difference', 'Fields', 'Found'];
  return html(
    'thead',
    {},
    html(
      'tr',
      {},
      html('th', { scope: 'col', class: 'choose' }, html('span', { class: 'unseen' }, 'Select')),
      ...titles.map((title) => html('th', { scope: 'col' }, title)),
    ),
  );
}

function createRow({ mismatch: { mismatch } }: Row, choose: (record: string, chosen: boolean) => void) {
  const record = mismatch?.record ?? '';
  const box = html('input', { type: 'checkbox', 'aria-label': `Select ${record}` });
  box.addEventListener('change', () => choose(record, box.checked));
  const kind = html('td');
  const fields = html('td', { class: 'mono' });
  const found = html('span');
  const traces = outerLink('traces');
  traces.setAttribute('aria-label', `Traces of requests that met ${record}`);
  const element = html(
    'tr',
    {},
    html('td', { class: 'choose' }, box),
    html('td', { class: 'mono record' }, record),
    kind,
    fields,
    html('td', {}, found, ' ', traces),
  );
  return {
    element,
    update({ mismatch: { mismatch: latest, tracesUrl }, now }: Row) {
      if (latest === undefined) return;
      setText(kind, mismatchKind(latest.kind));
      setText(fields, latest.fieldPaths.length === 0 ? 'the whole record' : latest.fieldPaths.join(', '));
      const at = latest.createTime === undefined ? '' : `, ${time(timestampDate(latest.createTime), now)}`;
      setText(found, `by ${finder(latest.foundBy)}${at}`);
      pointAt(traces, tracesUrl);
    },
  };
}
