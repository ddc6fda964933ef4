/** Elements made and changed by the DOM's own calls: data only ever becomes text. */

type Child = Node | string;
/** `class` and attributes; those that are undefined or false are left out, true is an empty one. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const SVG = 'http://www.w3.org/2000/svg';

/** An element of HTML. */
export function html<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** An element of SVG. */
export function svg<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  const element = document.createElementNS(SVG, tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** Sets these attributes, touching only what changes. */
export function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value))
      element.setAttribute(name, value === true ? '' : String(value));
  }
}

/** Sets the text unless it is there already: what does not change is not announced, and a selection in it survives. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Shows or hides. */
export function show(element: HTMLElement | SVGElement, shown: boolean): void {
  element.toggleAttribute('hidden', !shown);
}

/** A list of elements that follows a list of items: those that stay keep their element, and with it focus and selection. */
export interface FollowingList<Item> {
  update(items: readonly Item[]): void;
}

/** What an item's element is, and how it is brought up to date. */
export interface ItemView<Item> {
  readonly element: Element;
  update(item: Item): void;
}

/** Keeps the children of `parent` in step with items. Keys must differ. */
export function followingList<Item>(
  parent: Element,
  keyOf: (item: Item) => string,
  create: (item: Item) => ItemView<Item>,
): FollowingList<Item> {
  const views = new Map<string, ItemView<Item>>();
  return {
    update(items) {
      const gone = new Set(views.keys());
      let next = parent.firstElementChild;
      for (const item of items) {
        const key = keyOf(item);
        gone.delete(key);
        let view = views.get(key);
        if (view === undefined) {
          view = create(item);
          views.set(key, view);
        }
        view.update(item);
        if (view.element === next) next = next.nextElementSibling;
        else parent.insertBefore(view.element, next);
      }
      for (const key of gone) {
        views.get(key)?.element.remove();
        views.delete(key);
      }
    },
  };
}
