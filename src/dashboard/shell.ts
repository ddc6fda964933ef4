/** The page around the views: header, list of resources, and which view is shown. */

import { createActions } from './actions/actions.ts';
import { createAnnouncer } from './actions/ask.ts';
import type { Api } from './api.ts';
import type { ConnectionState } from './connection.ts';
import { followingList, html, setAttributes, setText, show } from './dom.ts';
import type { DashboardState, ResourceState } from './model.ts';
import { createStatusLine } from './status-line.ts';
import { createThemeButton } from './theme.ts';
import type { TokenKeeper } from './token.ts';
import { createTokenForm } from './token-form.ts';
import { createDetail } from './views/detail.ts';
import { createOverview } from './views/overview.ts';

/** The page, and how it is brought up to date. */
export interface Shell {
  update(connection: ConnectionState, state: DashboardState | undefined): void;
}

/** Builds the page. `onRetry`: the stream should begin anew, at once. */
export function createShell(api: Api, tokens: TokenKeeper, onRetry: () => void): Shell {
  const overview = createOverview();
  const detail = createDetail(createActions(api));
  const status = createStatusLine(onRetry);
  const tokenForm = createTokenForm(tokens, onRetry);
  const header = createHeader(
    status.badge,
    () => detail.recolour(),
    () => {
      tokens.set('', false);
      onRetry();
    },
  );
  const nav = createNav();
  const wait = html('p', { class: 'empty' }, 'Waiting for the service …');
  const missing = html('p', { class: 'empty', hidden: true });
  const views = html('div', { class: 'views' }, overview.element, detail.element);
  const main = html('main', { id: 'main', tabindex: -1 }, wait, missing, tokenForm.element, views);
  const skip = html('a', { class: 'skip', href: '#main' }, 'Skip to the content');
  skip.addEventListener('click', (event) => {
    // The hash is the place in the page's own list, so it is not followed.
    event.preventDefault();
    main.focus();
  });
  document.body.append(skip, header.element, status.banner, nav.element, main, createAnnouncer());
  let last: { connection: ConnectionState; state: DashboardState | undefined } | undefined;
  let asked = false;
  const update: Shell['update'] = (connection, state) => {
    last = { connection, state };
    const refused = connection.kind === 'refused' && connection.unauthenticated;
    const resource = shownResource(state);
    const name = placeOf();
    status.update(connection, state);
    header.update(state);
    nav.update(state, resource?.name ?? '');
    show(wait, state === undefined && !refused);
    show(tokenForm.element, refused);
    if (refused)
      tokenForm.explain(tokens.current() === '' ? 'This service wants to know who looks.' : connection.cause);
    if (refused && !asked) tokenForm.focus();
    asked = refused;
    const shown = state !== undefined && !refused;
    show(missing, shown && resource === undefined && name !== '' && state.complete);
    setText(missing, `There is no ${name} here, or you may not read it.`);
    show(views, shown);
    setAttributes(views, { class: connection.kind === 'live' ? 'views' : 'views old' });
    show(overview.element, resource === undefined && name === '');
    show(detail.element, resource !== undefined);
    document.title = resource === undefined ? 'Crossfade' : `${resource.id} · Crossfade`;
    if (!shown) return;
    if (resource !== undefined) detail.update(state, resource);
    else overview.update(state);
  };
  window.addEventListener('hashchange', () => {
    if (last !== undefined) update(last.connection, last.state);
    window.scrollTo(0, 0);
    views.querySelector<HTMLElement>('article:not([hidden]) h2')?.focus();
  });
  return { update };
}

/** The migration that the address names; empty: none. */
function placeOf(): string {
  return decodeURIComponent(location.hash.replace(/^#\/?/, ''));
}

/** The resource that is shown; of a service with only one, that one. */
function shownResource(state: DashboardState | undefined): ResourceState | undefined {
  const name = placeOf();
  if (state === undefined) return undefined;
  if (name !== '') return state.resources.get(name);
  return state.complete && state.resources.size === 1 ? [...state.resources.values()][0] : undefined;
}

function createHeader(badge: HTMLElement, onTheme: () => void, onSignOut: () => void) {
  const instance = html('span', { class: 'instance' });
  const viewer = html('span', { class: 'viewer' });
  const signOut = html('button', { type: 'button', class: 'plain', hidden: true }, 'Forget token');
  signOut.addEventListener('click', onSignOut);
  const mark = html('img', { src: 'icon.svg', alt: '', width: 26, height: 26 });
  const element = html(
    'header',
    { class: 'top' },
    html('h1', {}, html('a', { href: '#/' }, mark, 'Crossfade')),
    badge,
    instance,
    html('span', { class: 'grow' }),
    viewer,
    signOut,
    createThemeButton(onTheme),
  );
  return {
    element,
    update(state: DashboardState | undefined) {
      setText(instance, state === undefined ? '' : `${state.instance.name} · ${state.instance.version}`);
      const principal = state?.viewer?.principal ?? '';
      const open = state?.viewer?.authenticationRequired === false;
      setText(viewer, principal !== '' ? principal : open ? 'authentication is off' : '');
      show(signOut, state?.viewer?.authenticationRequired === true);
    },
  };
}

function createNav() {
  const list = html('ul');
  const all = html('a', { href: '#/' }, 'All');
  const element = html('nav', { 'aria-label': 'Resources', hidden: true }, html('ul', {}, html('li', {}, all)), list);
  let current = '';
  const following = followingList<ResourceState>(
    list,
    ({ name }) => name,
    ({ id, name }) => {
      const link = html('a', { href: `#/${name}` }, id);
      const mark = html(
        'span',
        { class: 'mark', hidden: true },
        '!',
        html('span', { class: 'unseen' }, ' open mismatches'),
      );
      link.append(mark);
      const update = ({ migration }: ResourceState) => {
        setAttributes(link, { 'aria-current': name === current ? 'page' : undefined });
        show(mark, (migration?.openMismatchCount ?? 0n) > 0n);
      };
      return { element: html('li', {}, link), update };
    },
  );
  return {
    element,
    update(state: DashboardState | undefined, shown: string) {
      current = shown;
      setAttributes(all, { 'aria-current': shown === '' ? 'page' : undefined });
      show(element, (state?.resources.size ?? 0) > 1);
      following.update([...(state?.resources.values() ?? [])]);
    },
  };
}
