import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  type WatchDashboardResponse,
  WatchDashboardResponseSchema,
} from '../../gen/crossfade/v1alpha1/dashboard_pb.ts';
import { environment } from '../config.ts';
import { migrationName } from './api.ts';
import { exitCodes } from './exit-codes.ts';
import { type CommandContext, readMigrations } from './migration-commands.ts';
import { Screen, type TerminalStream } from './screen.ts';
import { pictureLines, summaryLine } from './status-picture.ts';
import { createPaint, type Paint, plain } from './terminal-text.ts';
import { WatchedState } from './watched-state.ts';

/** How the picture is shown. */
export interface WatchOptions {
  /** The terminal; null: lines are printed instead. */
  readonly terminal: TerminalStream | null;
  readonly paint: Paint;
}

/** How often the picture is drawn anew, so that a silence shows. */
const REDRAW_MS = 1_000;
/** How often a resource is told of where there is no terminal, if nothing of weight happens before. */
const LINE_EVERY_MS = 5_000;
/** Pauses before a stream that ended is begun again. */
const FIRST_PAUSE_MS = 500;
const PAUSE_GROWTH = 2;
const LONGEST_PAUSE_MS = 5_000;
/** A stream that says nothing for so long is behind. */
const SILENT_MS = 5_000;

/** By the process's own terminal. */
export function watchOptions(terminal: boolean): WatchOptions {
  // https://no-color.org: any value but an empty one.
  const color = terminal && (environment.NO_COLOR ?? '') === '';
  return { terminal: terminal ? process.stdout : null, paint: createPaint(color) };
}

/** Shows migrations until Ctrl-C: one if it is named, else all that the caller may read. */
export async function watchStatus(
  context: CommandContext,
  resource: string | undefined,
  options: WatchOptions,
): Promise<number> {
  const watch = new Watch(context, resource, options);
  return watch.run();
}

class Watch {
  readonly #context: CommandContext;
  readonly #name: string;
  readonly #options: WatchOptions;
  readonly #state = new WatchedState();
  readonly #told = new Map<string, { readonly atMs: number; readonly weight: string }>();
  #screen: Screen | null = null;
  #heardAtMs = 0;
  #offered = true;
  #loss = '';

  constructor(context: CommandContext, resource: string | undefined, options: WatchOptions) {
    this.#context = context;
    this.#name = resource === undefined ? '' : migrationName(resource);
    this.#options = options;
  }

  async run(): Promise<number> {
    const { signal } = this.#context;
    const drawing = setInterval(() => this.#screen?.redraw(), REDRAW_MS);
    try {
      let pauseMs = FIRST_PAUSE_MS;
      while (!signal.aborted) {
        const before = this.#heardAtMs;
        await this.#follow();
        pauseMs = this.#heardAtMs === before ? Math.min(pauseMs * PAUSE_GROWTH, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
        await sleep(pauseMs, undefined, { signal }).catch(() => {});
      }
    } finally {
      clearInterval(drawing);
      this.#screen?.close();
    }
    return exitCodes.ok;
  }

  /** Follows one stream to its end. Throws what no later stream would mend, and whatever ends the very first one. */
  async #follow(): Promise<void> {
    const { signal } = this.#context;
    try {
      for await (const message of this.#offered ? this.#stream() : this.#polled()) {
        this.#heardAtMs = performance.now();
        this.#loss = '';
        this.#state.learn(message);
        this.#show();
      }
    } catch (error) {
      if (signal.aborted) return;
      const { code, rawMessage } = ConnectError.from(error);
      // What Connect makes of a path that nobody serves: a service without the dashboard.
      const isMissing = code === Code.Unimplemented && this.#offered;
      if (isMissing) this.#offered = false;
      else if (this.#heardAtMs === 0 || !MENDABLE.has(code)) throw error;
      this.#loss = rawMessage;
    }
  }

  #stream(): AsyncIterable<WatchDashboardResponse> {
    const { dashboard, signal } = this.#context;
    const request = { name: this.#name, skipHistory: this.#heardAtMs !== 0 };
    // A stream lasts; 0 is no deadline.
    return dashboard.watchDashboard(request, { signal, timeoutMs: 0 });
  }

  /** What the migration API alone knows, in messages of the same kind. */
  async *#polled(): AsyncIterable<WatchDashboardResponse> {
    const { signal } = this.#context;
    while (!signal.aborted) {
      const migrations = await readMigrations(this.#context, this.#name === '' ? undefined : this.#name);
      const resources = migrations.map((migration) => ({ name: migration.name, migration }));
      yield create(WatchDashboardResponseSchema, { resources });
      await sleep(REDRAW_MS, undefined, { signal }).catch(() => {});
    }
  }

  #show(): void {
    const { terminal } = this.#options;
    if (terminal === null) {
      this.#print();
      return;
    }
    this.#screen ??= new Screen(terminal, (width) => this.#frame(width));
    this.#screen.redraw();
  }

  #frame(width: number): readonly string[] {
    const { paint } = this.#options;
    const { instance, trouble, resources } = this.#state;
    const time = new Date().toISOString().slice('YYYY-MM-DDT'.length, 'YYYY-MM-DDThh:mm:ss'.length);
    const silentMs = performance.now() - this.#heardAtMs;
    const silence =
      silentMs < SILENT_MS
        ? ''
        : `no news for ${Math.round(silentMs / 1_000)} s${this.#loss && `: ${plain(this.#loss)}`}`;
    return [
      `${paint('bold', 'crossfade')} ${plain(instance?.version ?? '')}  instance ${plain(instance?.name ?? '')}  ${time} UTC  ${paint('dim', 'Ctrl-C ends')}`,
      ...[silence, plain(trouble)].filter((text) => text !== '').map((text) => paint('red', text)),
      ...(resources.length === 0 ? ['', 'no migration that you may see'] : []),
      ...resources.flatMap((resource) => ['', ...pictureLines(resource, { width, paint })]),
    ];
  }

  /** A line for each resource: at once when something of weight changed, and every few seconds. */
  #print(): void {
    const nowMs = performance.now();
    for (const resource of this.#state.resources) {
      const { migration } = resource;
      const { phase, wantedPhase, authority, followerState, openMismatchCount, holds } = migration ?? {};
      const weight = [
        phase,
        wantedPhase,
        authority,
        followerState,
        openMismatchCount,
        ...(holds ?? []).map(({ reason }) => reason),
      ].join();
      const told = this.#told.get(resource.id);
      if (told !== undefined && told.weight === weight && nowMs - told.atMs < LINE_EVERY_MS) continue;
      this.#told.set(resource.id, { atMs: nowMs, weight });
      this.#context.output.line(`${new Date().toISOString()}  ${summaryLine(resource)}`);
    }
  }
}

/** After these another stream may do better: the instance stopped, or was short of something. */
const MENDABLE: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.Canceled,
  Code.Aborted,
  Code.DeadlineExceeded,
  Code.ResourceExhausted,
  Code.Unknown,
  Code.Internal,
]);
