/** The stream that feeds the page: kept up, with a state that people can see. */
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import type { Dashboard, WatchDashboardResponse } from '../gen/crossfade/v1alpha1/dashboard_pb.ts';

/** How the stream is. */
export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** Nothing has come for longer than it should. */
  | { readonly kind: 'stale' }
  /** Broken; the next try is at this time of `performance.now()`. */
  | { readonly kind: 'waiting'; readonly untilMs: number; readonly cause: string }
  /** Nobody looks at the page. */
  | { readonly kind: 'paused' }
  /** The service wants to know who looks, or does not let them: trying again would not help. */
  | { readonly kind: 'refused'; readonly cause: string; readonly unauthenticated: boolean };

/** What the connection tells. */
export interface ConnectionListener {
  onState(state: ConnectionState): void;
  onMessage(message: WatchDashboardResponse): void;
}

/** A connection that is kept up until the page ends. */
export interface Connection {
  /** Begins anew, at once: with another token, or because a person asked. */
  restart(): void;
}

const INTERVAL_SECONDS = 1n;
/** Three signs of life that did not come. */
const STALE_AFTER_MS = 4_000;
/** From then on it is taken for dead. */
const DEAD_AFTER_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** A page in the background keeps no viewer's place for longer; what it missed comes with the next beginning. */
const HIDDEN_FOR_MS = 5 * 60_000;
/** Refusals that another try with the same token would meet again. */
const FINAL_CODES: readonly Code[] = [Code.Unauthenticated, Code.PermissionDenied, Code.Unimplemented];

/** Connects, and connects again after each failure, with pauses that double up to ten seconds. */
export function connect(client: Client<typeof Dashboard>, listener: ConnectionListener): Connection {
  let attempt = new AbortController();
  let pauseMs = FIRST_PAUSE_MS;
  let timer: number | undefined;
  const again = () => {
    window.clearTimeout(timer);
    attempt.abort();
    attempt = new AbortController();
    void follow(attempt.signal);
  };
  const wait = (cause: string) => {
    // Spread out: a service that comes back is not met by all its viewers at once.
    const delayMs = pauseMs * (0.75 + Math.random() / 2);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    listener.onState({ kind: 'waiting', untilMs: performance.now() + delayMs, cause });
    timer = window.setTimeout(again, delayMs);
  };
  const follow = async (signal: AbortSignal): Promise<void> => {
    listener.onState({ kind: 'connecting' });
    const watch = watchdog(() => listener.onState({ kind: 'stale' }));
    try {
      const request = { interval: { seconds: INTERVAL_SECONDS } };
      const stream = client.watchDashboard(request, { signal: AbortSignal.any([signal, watch.signal]) });
      for await (const message of stream) {
        if (signal.aborted) return;
        watch.live();
        pauseMs = FIRST_PAUSE_MS;
        listener.onMessage(message);
        listener.onState({ kind: 'live' });
      }
      if (!signal.aborted) wait('the instance ended the stream');
    } catch (error) {
      if (!signal.aborted) fail(ConnectError.from(error), watch.signal.aborted);
    } finally {
      watch.end();
    }
  };
  const fail = (error: ConnectError, dead: boolean) => {
    if (dead) wait('the instance has fallen silent');
    else if (!FINAL_CODES.includes(error.code)) wait(error.code === Code.Unknown ? 'no answer' : error.rawMessage);
    else {
      const unauthenticated = error.code === Code.Unauthenticated;
      listener.onState({ kind: 'refused', cause: error.rawMessage, unauthenticated });
    }
  };
  const restart = () => {
    pauseMs = FIRST_PAUSE_MS;
    again();
  };
  pauseWhileHidden(restart, () => {
    window.clearTimeout(timer);
    attempt.abort();
    listener.onState({ kind: 'paused' });
  });
  again();
  return { restart };
}

/** Ends a stream that has fallen silent. */
function watchdog(onStale: () => void) {
  const dead = new AbortController();
  let stale = 0;
  let end = 0;
  const stop = () => {
    window.clearTimeout(stale);
    window.clearTimeout(end);
  };
  const live = () => {
    stop();
    stale = window.setTimeout(onStale, STALE_AFTER_MS);
    end = window.setTimeout(() => dead.abort(), DEAD_AFTER_MS);
  };
  live();
  return { signal: dead.signal, live, end: stop };
}

function pauseWhileHidden(resume: () => void, pause: () => void): void {
  let timer: number | undefined;
  let paused = false;
  document.addEventListener('visibilitychange', () => {
    window.clearTimeout(timer);
    if (document.hidden) {
      timer = window.setTimeout(() => {
        paused = true;
        pause();
      }, HIDDEN_FOR_MS);
    } else if (paused) {
      paused = false;
      resume();
    }
  });
}
