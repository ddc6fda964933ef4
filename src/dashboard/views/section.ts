/** The parts of a page about one resource. */
import type { Actions } from '../actions/actions.ts';
import { type Attributes, html } from '../dom.ts';
import type { DashboardState, ResourceState } from '../model.ts';
import type { StoreNames, Tone } from '../words.ts';

/** What a part is shown. */
export interface Seen {
  readonly resource: ResourceState;
  readonly state: DashboardState;
  readonly names: StoreNames;
  /** The instance's time. */
  readonly now: Date;
  /** Whether samples have come since the last update, or another resource is shown. */
  readonly newSamples: boolean;
}

/** A part of the page. */
export interface Section {
  readonly element: HTMLElement;
  update(seen: Seen): void;
  /** Draws again in other colours. */
  recolour?(): void;
}

/** A card with a heading. */
export function card(id: string, title: string, ...children: readonly (Node | string)[]): HTMLElement {
  return html('section', { class: 'card', 'aria-labelledby': id }, html('h3', { id }, title), ...children);
}

/** The attributes of a badge. */
export function badge(tone: Tone): Attributes {
  return { class: `badge ${tone}` };
}

/** A button that acts on the resource that is shown. */
export function actionButton(text: string, attributes: Attributes, act: () => void): HTMLButtonElement {
  const button = html('button', { type: 'button', ...attributes }, text);
  button.addEventListener('click', act);
  return button;
}

/** A link to another tool, in a tab of its own. */
export function outerLink(text: string): HTMLAnchorElement {
  return html('a', { target: '_blank', rel: 'noopener noreferrer', class: 'outer' }, text);
}

/** Follows an address that the service gave; only the web's own schemes are followed. */
export function pointAt(link: HTMLAnchorElement, url: string): boolean {
  const good = /^https?:\/\//i.test(url);
  if (good && link.href !== url) link.href = url;
  link.hidden = !good;
  return good;
}

/** What parts need to act. */
export interface Acting {
  readonly actions: Actions;
  /** The resource that is shown now. */
  shown(): ResourceState | undefined;
}
