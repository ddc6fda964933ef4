import type { Writable } from 'node:stream';
import { cut } from './terminal-text.ts';

/** What a screen needs of standard output. */
export interface TerminalStream extends Writable {
  readonly columns?: number;
  readonly rows?: number;
}

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
/** A frame is shown as a whole, where the terminal knows how (mode 2026); others do not mind. */
const BEGIN_FRAME = '\u001b[?2026h\u001b[H';
const END_FRAME = '\u001b[J\u001b[?2026l';
const END_LINE = '\u001b[K';
/** A terminal that does not tell its size. */
const DEFAULT_SIZE = { columns: 80, rows: 24 };

/**
 * A terminal's second screen, drawn again and again in place: each frame is one write that overwrites the last one, so nothing flickers.
 * The first screen comes back, as it was, when it is closed.
 */
export class Screen {
  readonly #stream: TerminalStream;
  readonly #draw: (width: number) => readonly string[];
  readonly #onResize = (): void => this.redraw();

  /** `draw`: the frame for a terminal of this width. */
  constructor(stream: TerminalStream, draw: (width: number) => readonly string[]) {
    this.#stream = stream;
    this.#draw = draw;
    stream.write(ENTER);
    stream.on('resize', this.#onResize);
  }

  /** Draws the frame of now, as much of it as there is room for. */
  redraw(): void {
    const { columns = DEFAULT_SIZE.columns, rows = DEFAULT_SIZE.rows } = this.#stream;
    const lines = this.#draw(columns);
    const shown =
      lines.length <= rows ? lines : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} lines more`];
    const text = shown.map((line) => cut(line, columns) + END_LINE).join('\r\n');
    this.#stream.write(BEGIN_FRAME + text + END_FRAME);
  }

  /** Gives the terminal back. */
  close(): void {
    this.#stream.off('resize', this.#onResize);
    this.#stream.write(LEAVE);
  }
}
