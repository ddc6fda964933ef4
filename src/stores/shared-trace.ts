import { noTrace, type TraceScope } from '../telemetry/trace-scope.ts';

/**
 * The scope of work that several requests share, such as one statement for many reads: what is said about it is said in
 * the trace of each request that records.
 */
export function shareTrace(scopes: readonly TraceScope[]): TraceScope {
  const recording = scopes.filter((scope) => scope.recording);
  const [first] = recording;
  if (first === undefined) return noTrace;
  if (recording.length === 1) return first;
  return {
    recording: true,
    traceId: first.traceId,
    set: (name, value) => {
      for (const scope of recording) scope.set(name, value);
    },
    child: (name, kind) => shareTrace(recording.map((scope) => scope.child(name, kind))),
    keep: () => {
      for (const scope of recording) scope.keep();
    },
    fail: (reason) => {
      for (const scope of recording) scope.fail(reason);
    },
    end: () => {
      for (const scope of recording) scope.end();
    },
  };
}
