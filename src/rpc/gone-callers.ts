import type { ServerResponse } from 'node:http';

type WriteCallback = (error?: Error | null) => void;

/**
 * connect-node tells the standard error output, past the log, of each answer that can't be written, unless the error is one of
 * those that it knows for a caller that has hung up. A caller that hangs up in the midst of a large answer leaves others.
 */
export function expectGoneCaller(response: ServerResponse): void {
  const write = response.write.bind(response) as (...part: unknown[]) => boolean;
  response.write = (...part: unknown[]): boolean => {
    const told = part.at(-1);
    if (typeof told !== 'function') return write(...part);
    const tell = told as WriteCallback;
    return write(...part.slice(0, -1), ((error) => tell(error && gone(error))) satisfies WriteCallback);
  };
}

function gone(cause: Error): Error {
  return Object.assign(new Error('the caller is gone', { cause }), { code: 'ERR_STREAM_DESTROYED' });
}
