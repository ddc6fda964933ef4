/** Colours of the style sheet for canvases, which can't name its variables. */

/** What is drawn, by the class `ink-…` that gives its colour. */
export type Ink = 'source' | 'target' | 'good' | 'warn' | 'bad' | 'quiet' | 'grid' | 'text';

const probes = new Map<Ink, HTMLElement>();
const colours = new Map<Ink, string>();

/** The colour of an ink as it is now, light or dark. */
export function ink(name: Ink): string {
  let colour = colours.get(name);
  if (colour === undefined) {
    colour = getComputedStyle(probe(name)).color;
    colours.set(name, colour);
  }
  return colour;
}

/** To be called when the colours have changed. */
export function forgetInks(): void {
  colours.clear();
}

function probe(name: Ink): HTMLElement {
  let element = probes.get(name);
  if (element === undefined) {
    element = document.createElement('i');
    element.className = `ink-${name}`;
    element.hidden = true;
    document.body.append(element);
    probes.set(name, element);
  }
  return element;
}
