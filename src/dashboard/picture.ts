/** The migration as a picture: callers, both stores, and what goes where. */
import { setAttributes, setText, show, svg } from './dom.ts';
import type { Flow, StoreFlow } from './flow.ts';

/** The picture, and how it is brought up to date. */
export interface Picture {
  readonly element: HTMLElement;
  update(flow: Flow): void;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where everything stands, in the units of the view box. */
interface Layout {
  readonly width: number;
  readonly height: number;
  readonly callers: Box;
  readonly source: Box;
  readonly target: Box;
  /** From the source to the target, and back. */
  readonly copyPath: readonly [string, string];
  readonly copyLabel: { readonly x: number; readonly y: number };
  /** How far the read arrow is from the write arrow. */
  readonly spread: number;
  /** The longest name of a table that fits. */
  readonly tableLength: number;
  /** How far labels are above a store, and those of writes beside its middle. */
  readonly labels: { readonly reads: number; readonly writes: number; readonly inset: number };
}

const wide: Layout = {
  width: 760,
  height: 318,
  callers: { x: 260, y: 8, width: 240, height: 62 },
  source: { x: 10, y: 186, width: 250, height: 124 },
  target: { x: 500, y: 186, width: 250, height: 124 },
  copyPath: ['M268 262H490', 'M492 262H270'],
  copyLabel: { x: 380, y: 250 },
  spread: 44,
  tableLength: 34,
  labels: { reads: 40, writes: 18, inset: 56 },
};

const narrow: Layout = {
  width: 340,
  height: 398,
  callers: { x: 60, y: 6, width: 220, height: 60 },
  source: { x: 4, y: 200, width: 160, height: 124 },
  target: { x: 176, y: 200, width: 160, height: 124 },
  copyPath: ['M84 330C84 366 256 366 256 334', 'M256 330C256 366 84 366 84 334'],
  copyLabel: { x: 170, y: 388 },
  spread: 36,
  tableLength: 21,
  labels: { reads: 88, writes: 18, inset: 38 },
};

const NARROW = '(max-width: 700px)';
const CROWN = 'M0 13 -2 2l6 4 4-6 4 6 6-4-2 11z';
const LINE_HEIGHT = 16;
const THINNEST_ARROW = 2;
const ARROW_BY_PART = 5;

/** Draws for the window's width, and again when that changes. */
export function createPicture(): Picture {
  const frame = document.createElement('div');
  frame.className = 'picture';
  const media = window.matchMedia(NARROW);
  let drawing = draw(media.matches ? narrow : wide);
  let latest: Flow | undefined;
  frame.append(drawing.element);
  media.addEventListener('change', () => {
    drawing = draw(media.matches ? narrow : wide);
    frame.replaceChildren(drawing.element);
    if (latest !== undefined) drawing.update(latest);
  });
  return {
    element: frame,
    update(flow) {
      latest = flow;
      drawing.update(flow);
    },
  };
}

function draw(layout: Layout) {
  const title = svg('title', { id: 'picture-title' }, 'Where reads and writes go');
  const description = svg('desc', { id: 'picture-description' });
  const callers = drawCallers(layout);
  const copy = drawCopy(layout);
  const source = drawStore(layout, layout.source, 'source');
  const target = drawStore(layout, layout.target, 'target');
  const element = svg(
    'svg',
    {
      viewBox: `0 0 ${layout.width} ${layout.height}`,
      role: 'img',
      'aria-labelledby': 'picture-title',
      'aria-describedby': 'picture-description',
    },
    title,
    description,
    arrowHeads(),
    copy.element,
    source.arrows,
    target.arrows,
    callers.element,
    source.element,
    target.element,
  );
  return {
    element,
    update(flow: Flow) {
      setText(description, describe(flow));
      setText(callers.text, flow.callers);
      copy.update(flow);
      source.update(flow.source, flow.writesFlow);
      for (const part of [target.element, target.arrows]) show(part, flow.target !== undefined);
      if (flow.target !== undefined) target.update(flow.target, flow.writesFlow);
    },
  };
}

function arrowHeads(): SVGElement {
  const head = (name: string) =>
    svg(
      'marker',
      {
        id: `head-${name}`,
        class: name,
        viewBox: '0 0 10 10',
        refX: 7,
        refY: 5,
        markerWidth: 11,
        markerHeight: 11,
        markerUnits: 'userSpaceOnUse',
        orient: 'auto',
      },
      svg('path', { d: 'M0 0 10 5 0 10z' }),
    );
  return svg('defs', {}, head('reads-source'), head('reads-target'), head('writes'), head('copy'));
}

function drawCallers({ callers: { x, y, width, height } }: Layout) {
  const middle = x + width / 2;
  const text = svg('text', { x: middle, y: y + 46, class: 'small' });
  const element = svg(
    'g',
    { class: 'callers' },
    svg('rect', { x, y, width, height, rx: height / 2 }),
    svg('text', { x: middle, y: y + 25, class: 'strong' }, 'Callers'),
    text,
  );
  return { element, text };
}

function drawCopy({ copyPath, copyLabel }: Layout) {
  const path = svg('path', { class: 'arrow copy', 'marker-end': 'url(#head-copy)' });
  const label = svg('text', { ...copyLabel, class: 'small' });
  const element = svg('g', {}, path, label);
  return {
    element,
    update({ copy, source }: Flow) {
      show(element, copy.kind !== 'none');
      setAttributes(path, { d: copyPath[source.isAuthority ? 0 : 1], 'data-flowing': copy.kind === 'copy' });
      setText(label, copy.label);
    },
  };
}

function drawStore(layout: Layout, box: Box, side: 'source' | 'target') {
  const { x, y, width, height } = box;
  const middle = x + width / 2;
  const text = (dy: number, className: string) => svg('text', { x: middle, y: y + dy, class: className });
  const role = text(24, 'small role');
  const name = text(50, 'name');
  const table = text(70, 'small mono');
  const standing = text(103, 'standing');
  const plate = svg('rect', { class: 'plate', x: x + 16, y: y + 84, width: width - 32, height: 28, rx: 14 });
  const crown = svg('path', { class: 'crown', d: CROWN, transform: `translate(${x + 22} ${y + 13})` });
  const rect = svg('rect', { class: 'store', x, y, width, height, rx: 14 });
  const element = svg('g', { class: `store-box ${side}` }, rect, crown, role, name, table, plate, standing);
  const reads = drawArrow(layout, box, side, 'reads');
  const writes = drawArrow(layout, box, side, 'writes');
  const arrows = svg('g', { class: `arrows ${side}` }, reads.element, writes.element);
  return {
    element,
    arrows,
    update(flow: StoreFlow, writesFlow: boolean) {
      setText(role, flow.role);
      setText(name, flow.name);
      setText(table, shorten(flow.table, layout.tableLength));
      setText(standing, flow.standing);
      show(crown, flow.isAuthority);
      element.classList.toggle('authority', flow.isAuthority);
      element.classList.toggle('idle', flow.reads === '' && flow.writes === 'none' && flow.standing === 'not in use');
      reads.update(flow.reads === '' ? '' : `reads ${flow.reads}`, flow.readPart, flow.readsFlow);
      const written = { none: '', direct: 'writes', waiting: 'waiting' }[flow.writes];
      writes.update(written, 0.2, writesFlow && flow.writes === 'direct');
      writes.element.classList.toggle('waiting', flow.writes === 'waiting');
    },
  };
}

/** An arrow between the callers and a store, with its label on it: writes go down, answers to reads come up. */
function drawArrow(layout: Layout, box: Box, side: 'source' | 'target', kind: 'reads' | 'writes') {
  const outer = side === 'source' ? -1 : 1;
  const shift = (kind === 'reads' ? 1 : -1) * outer * layout.spread * 0.5;
  const top = {
    x: layout.callers.x + layout.callers.width * (side === 'source' ? 0.3 : 0.7) + shift * 0.6,
    y: layout.callers.y + layout.callers.height + 4,
  };
  const bottom = { x: box.x + box.width / 2 + shift * 1.6, y: box.y - 6 };
  const half = (bottom.y - top.y) / 2;
  const down = `M${top.x} ${top.y}C${top.x} ${top.y + half} ${bottom.x} ${bottom.y - half} ${bottom.x} ${bottom.y}`;
  const up = `M${bottom.x} ${bottom.y}C${bottom.x} ${bottom.y - half} ${top.x} ${top.y + half} ${top.x} ${top.y}`;
  const path = svg('path', {
    class: `arrow ${kind}`,
    d: kind === 'reads' ? up : down,
    'marker-end': `url(#head-${kind === 'reads' ? `reads-${side}` : kind})`,
  });
  const place = labelPlace(layout, box, side, kind);
  const text = svg('text', { class: `on-arrow ${kind}`, ...place });
  const second = svg('text', { class: `on-arrow ${kind}`, ...place, y: place.y + LINE_HEIGHT });
  const element = svg('g', { class: 'flow' }, path, text, second);
  return {
    element,
    update(label: string, part: number, flowing: boolean) {
      show(element, label !== '');
      const [first = '', rest = ''] = label.split(', ');
      setText(text, first);
      setText(second, rest);
      setAttributes(path, {
        'stroke-width': (THINNEST_ARROW + ARROW_BY_PART * part).toFixed(1),
        'data-flowing': flowing,
      });
    },
  };
}

/** Reads are labelled on the outer side of a pair of arrows, writes on the inner one. */
function labelPlace(layout: Layout, box: Box, side: 'source' | 'target', kind: 'reads' | 'writes') {
  const isSource = side === 'source';
  const edge = isSource ? box.x + 2 : box.x + box.width - 2;
  if (kind === 'reads') return { x: edge, y: box.y - layout.labels.reads, 'text-anchor': isSource ? 'start' : 'end' };
  const inner = box.x + box.width / 2 + (isSource ? 1 : -1) * layout.labels.inset;
  return { x: inner, y: box.y - layout.labels.writes, 'text-anchor': isSource ? 'start' : 'end' };
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function describe({ source, target, copy }: Flow): string {
  const stores = target === undefined ? [source] : [source, target];
  const sentences = stores.map((store) => {
    const reads = store.reads === '' ? 'no reads' : `reads ${store.reads}`;
    const writes = { none: 'no writes', direct: 'writes', waiting: 'writes that wait' }[store.writes];
    return `${store.role} ${store.name} ${store.standing}: ${reads}, ${writes}.`;
  });
  if (copy.kind !== 'none') sentences.push(`From one store to the other: ${copy.label}.`);
  return sentences.join(' ');
}
