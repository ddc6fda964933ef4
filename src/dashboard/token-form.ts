/** Where a viewer says who they are. */
import { html, setText } from './dom.ts';
import type { TokenKeeper } from './token.ts';

/** The panel that stands in place of the page, and how it is told why. */
export interface TokenForm {
  readonly element: HTMLElement;
  explain(cause: string): void;
  focus(): void;
}

/** Creates it. `onToken`: there is another token. */
export function createTokenForm(tokens: TokenKeeper, onToken: () => void): TokenForm {
  const cause = html('p', { role: 'alert' });
  const input = html('input', {
    type: 'password',
    id: 'token',
    autocomplete: 'off',
    required: true,
    'aria-describedby': 'token-note',
  });
  const keep = html('input', { type: 'checkbox', id: 'keep-token' });
  const form = html(
    'form',
    { class: 'card token-form' },
    html('h2', {}, 'Who are you?'),
    cause,
    html('p', { class: 'field' }, html('label', { for: 'token' }, 'Bearer token'), input),
    html('p', { class: 'check' }, keep, html('label', { for: 'keep-token' }, 'Keep it until this tab is closed')),
    html(
      'p',
      { class: 'quiet', id: 'token-note' },
      'It is sent to this service alone. Otherwise it is forgotten when the page is reloaded.',
    ),
    html('div', { class: 'buttons' }, html('button', { type: 'submit', class: 'primary' }, 'Show the dashboard')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    tokens.set(input.value.trim().replace(/^bearer\s+/i, ''), keep.checked);
    input.value = '';
    onToken();
  });
  return { element: form, explain: (text) => setText(cause, text), focus: () => input.focus() };
}
