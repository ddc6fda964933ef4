/** What the demo shows while it runs: lines with the time since its start, and one line that changes. */
export interface Terminal {
  /** A line. */
  say(text: string): void;
  /** A line that the next one replaces on a terminal; elsewhere it is shown every few seconds at most. */
  status(text: string): void;
  /** Lines as they are. */
  print(text: string): void;
}

const LINE_EVERY_MS = 5_000;
const CLEAR_LINE = '\r\u001b[K';
const BAR_WIDTH = 28;

/** Standard output. */
export function createTerminal(stream: NodeJS.WriteStream = process.stdout): Terminal {
  const startedMs = performance.now();
  const stamp = () => `${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  `;
  const clear = () => (stream.isTTY ? CLEAR_LINE : '');
  let shownMs = performance.now();
  return {
    say: (text) => {
      shownMs = performance.now();
      stream.write(`${clear()}${stamp()}${text}\n`);
    },
    status: (text) => {
      if (stream.isTTY) {
        stream.write(`${CLEAR_LINE}${`${stamp()}${text}`.slice(0, (stream.columns ?? 120) - 1)}`);
      } else if (performance.now() - shownMs >= LINE_EVERY_MS) {
        shownMs = performance.now();
        stream.write(`${stamp()}${text}\n`);
      }
    },
    print: (text) => {
      stream.write(`${clear()}${text}\n`);
    },
  };
}

/** `[#####-----]  48 %`. */
export function progressBar(done: number, total: number): string {
  const part = total <= 0 ? 0 : Math.min(1, done / total);
  const filled = Math.round(part * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
}

/** `12,345`. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
