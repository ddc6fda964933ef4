/** A reader at work: a folder that looks like a checkout, terminals, and the ports that are free on this machine. */
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../../stack/command.ts';
import { reservePort } from '../../stack/ports.ts';
import { hasShape } from './shape.ts';
import { StayingProgram, Terminal } from './terminal.ts';

/** What of the repository a command of the documents may need. */
const LINKS = [
  'node_modules',
  'src',
  'stack',
  'examples',
  'proto',
  'bench',
  'scripts',
  'package.json',
  'tsconfig.json',
  '.cache',
];

/** How long a command may take that ends by itself. */
const COMMAND_MS = 180_000;
/** How long what was asked for by a flag may take until it shows. */
const EFFECT_MS = 120_000;
const AGAIN_MS = 1_000;

/** Commands that only look: they are run again until they print what the document says, as a reader would. */
const LOOKS = /^(crossfade (status|history)\b|curl\b|for\b|grpcurl\b)/;

/** A reader of one document. */
export class Reader {
  /** Where the reader's files are. */
  readonly folder: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #terminal: Terminal;
  readonly #staying: StayingProgram[] = [];
  /** What a document writes, and what it is here: addresses, ports, placeholders. */
  readonly #here = new Map<string, string>();
  #prelude = '';

  private constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#env = env;
    this.#terminal = new Terminal(folder, env);
  }

  /** A reader in a new folder. `env` is what every terminal has. */
  static async begin(env: Readonly<Record<string, string>> = {}): Promise<Reader> {
    const folder = await mkdtemp(join(tmpdir(), 'crossfade-docs-'));
    await Promise.all(LINKS.map((name) => symlink(join(ROOT, name), join(folder, name))));
    return new Reader(folder, env);
  }

  /** Says what a text of the document is on this machine. */
  replace(written: string, here: string): void {
    this.#here.set(written, here);
  }

  /** Gives each port of the documents a free one of this machine. */
  async replacePorts(ports: readonly number[]): Promise<readonly number[]> {
    const free: number[] = [];
    for (const port of ports) {
      const chosen = await reservePort();
      this.replace(`127.0.0.1:${port}`, `127.0.0.1:${chosen}`);
      this.replace(`-port ${port}`, `-port ${chosen}`);
      free.push(chosen);
    }
    return free;
  }

  /** A command as it is on this machine. */
  localized(text: string): string {
    let local = text;
    for (const [written, here] of this.#here) local = local.replaceAll(written, here);
    return local;
  }

  /** What each further terminal begins with. */
  async begins(commands: string): Promise<void> {
    this.#prelude = commands;
    await this.run(commands);
  }

  /** Runs a command, and again if it only looks, until it prints `expected` and ends with `code`; resolves to what it printed. */
  async run(text: string, expected?: string, code = 0): Promise<string> {
    const command = this.localized(text);
    const deadline = performance.now() + EFFECT_MS;
    for (;;) {
      const printed = await this.#terminal.run(command, COMMAND_MS);
      const isAsSaid = expected === undefined || hasShape(printed.output, expected);
      if (isAsSaid && printed.code === code) return printed.output;
      if (!LOOKS.test(text) || performance.now() > deadline) {
        const said = expected === undefined ? '' : `\nwhere the document says\n${expected}`;
        throw new Error(`${command}\nended with ${printed.code} and printed\n${printed.output}${said}`);
      }
      await sleep(AGAIN_MS);
    }
  }

  /** One more terminal, in the same folder; whoever asks for it closes it. */
  terminal(): Terminal {
    return new Terminal(this.folder, this.#env);
  }

  /** Starts a program that stays, in a terminal of its own. */
  stay(text: string, { draws = false }: { readonly draws?: boolean } = {}): StayingProgram {
    const { folder } = this;
    const options = { folder, prelude: this.#prelude, env: this.#env, draws };
    const program = new StayingProgram(this.localized(text), options);
    this.#staying.push(program);
    return program;
  }

  /** Watches with a command until `expected` stands on the terminal, then Ctrl-C. */
  async watch(text: string, expected: string): Promise<void> {
    const program = this.stay(text, { draws: true });
    await program.until('as the document says', () => hasShape(program.output, expected), EFFECT_MS);
    const code = await program.interrupt();
    if (code !== 0) throw new Error(`${text}: Ctrl-C ended it with ${code}:\n${program.output}`);
  }

  /** A file of the reader's. */
  async read(name: string): Promise<string> {
    return await readFile(join(this.folder, name), 'utf8');
  }

  /** Ends everything, the newest first, and removes the folder. */
  async end(): Promise<void> {
    for (const program of this.#staying.splice(0).reverse()) await program.interrupt();
    this.#terminal.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Whether an instance serves at this HTTP address. */
export async function isReady(http: string): Promise<boolean> {
  try {
    return (await fetch(`${http}/readyz`)).ok;
  } catch {
    return false;
  }
}
