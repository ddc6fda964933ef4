/** How the stream is, and what that means for what is shown. */
import type { ConnectionState } from './connection.ts';
import { html, setAttributes, setText, show } from './dom.ts';
import { duration } from './format.ts';
import type { DashboardState } from './model.ts';
import type { Tone } from './words.ts';

/** A badge in the header, and a banner when what is shown can't be trusted to be of now. */
export interface StatusLine {
  readonly badge: HTMLElement;
  readonly banner: HTMLElement;
  update(connection: ConnectionState, state: DashboardState | undefined): void;
}

const MS_PER_SECOND = 1_000;

/** Creates both. `onRetry`: a person does not want to wait for the next try. */
export function createStatusLine(onRetry: () => void): StatusLine {
  const badge = html('span', { class: 'badge quiet connection', role: 'status' });
  // Read out once; the countdown beside it changes each second.
  const text = html('p', { role: 'alert' });
  const countdown = html('span');
  const retry = html('button', { type: 'button' }, 'Try now');
  retry.addEventListener('click', onRetry);
  const banner = html('div', { class: 'banner', hidden: true }, text, countdown, retry);
  return {
    badge,
    banner,
    update(connection, state) {
      const [tone, word] = badges[connection.kind];
      setText(badge, word);
      setAttributes(badge, { class: `badge ${tone} connection` });
      const message = bannerText(connection, state);
      show(banner, message !== '');
      for (const part of [retry, countdown]) show(part, connection.kind === 'waiting');
      setText(countdown, connection.kind === 'waiting' ? `Next try in ${secondsUntil(connection.untilMs)}.` : '');
      setText(text, message);
    },
  };
}

const badges: Readonly<Record<ConnectionState['kind'], readonly [Tone, string]>> = {
  connecting: ['busy', 'connecting'],
  live: ['good', 'live'],
  stale: ['warn', 'silent'],
  waiting: ['bad', 'disconnected'],
  paused: ['quiet', 'paused'],
  refused: ['bad', 'refused'],
};

function bannerText(connection: ConnectionState, state: DashboardState | undefined): string {
  const old = state === undefined ? '' : ' What you see is as old as that.';
  switch (connection.kind) {
    case 'waiting':
      return `No connection: ${connection.cause}.${old}`;
    case 'stale':
      return `Nothing has come from the instance for some seconds.${old}`;
    case 'refused':
      return connection.unauthenticated ? '' : `The service refuses: ${connection.cause}`;
    case 'live':
      return state === undefined || state.trouble === '' ? '' : troubleText(state);
    default:
      return '';
  }
}

function secondsUntil(untilMs: number): string {
  return duration(Math.ceil(Math.max(0, untilMs - performance.now()) / MS_PER_SECOND));
}

function troubleText({ trouble, stateTimeMs, readTimeMs }: DashboardState): string {
  const age =
    stateTimeMs === undefined
      ? 'It was never read'
      : `What is shown of it is ${duration((readTimeMs - stateTimeMs) / MS_PER_SECOND)} old`;
  return `The state of the migrations can't be read: ${trouble}. ${age}; the figures of this instance go on.`;
}
