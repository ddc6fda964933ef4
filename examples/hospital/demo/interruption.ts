/** The exit code of a program that was interrupted. */
export const INTERRUPTED = 130;

/** Aborts at the first Ctrl-C, which then cleans up; the second ends at once, and everything ends with this process. */
export function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) process.exit(INTERRUPTED);
      interrupted.abort(new Error('interrupted'));
    });
  }
  return interrupted.signal;
}
