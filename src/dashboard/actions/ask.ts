/** A dialog that says what will be done, does it, and says how it went. */
import { ConnectError } from '@connectrpc/connect';
import { html, setText, show } from '../dom.ts';

/** What is asked. */
export interface Question {
  readonly title: string;
  /** What it does, in sentences: one paragraph each. */
  readonly says: readonly string[];
  /** Fields to fill in, if any. */
  readonly fields?: HTMLElement;
  /** What stands on the button. */
  readonly confirm: string;
  /** Whether it can't be taken back, or stops something. */
  readonly grave?: boolean;
  /** Does it; the answer is announced. What it throws is shown, and the dialog stays. */
  readonly run: (signal: AbortSignal) => Promise<string>;
}

let announcer: HTMLElement | undefined;

/** A place that tells how actions went, read out by screen readers. */
export function createAnnouncer(): HTMLElement {
  announcer = html('p', { role: 'status', class: 'announcer' });
  return announcer;
}

/** Says how something went. */
export function announce(text: string): void {
  if (announcer !== undefined) setText(announcer, text);
}

/** Asks, and returns at once. Focus goes into the dialog, and back to where it was. */
export function ask(question: Question): void {
  const failure = html('p', { role: 'alert', class: 'failure', hidden: true });
  const confirm = html('button', { type: 'submit', class: question.grave ? 'grave' : 'primary' }, question.confirm);
  const cancel = html('button', { type: 'button' }, 'Cancel');
  const form = html(
    'form',
    { method: 'dialog' },
    html('h2', { id: 'question-title' }, question.title),
    ...question.says.map((sentence) => html('p', {}, sentence)),
    ...(question.fields === undefined ? [] : [question.fields]),
    failure,
    html('div', { class: 'buttons' }, cancel, confirm),
  );
  const dialog = html('dialog', { 'aria-labelledby': 'question-title' }, form);
  const stopping = new AbortController();
  const run = async () => {
    confirm.disabled = true;
    setText(confirm, 'Working …');
    show(failure, false);
    try {
      announce(await question.run(stopping.signal));
      dialog.close();
    } catch (error) {
      setText(failure, error instanceof ConnectError ? error.rawMessage : String(error));
      show(failure, true);
      confirm.disabled = false;
      setText(confirm, question.confirm);
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    stopping.abort();
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}
