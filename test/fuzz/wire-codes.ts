import { Code } from '@connectrpc/connect';

/**
 * How an input ended: a code of gRPC such as `NOT_FOUND`, `HTTP 415` for an answer that is none of an RPC's, or what
 * became of the connection: `closed`, `answered` (with frames that nobody counts), `open`; `hang`: nothing came in time.
 */
export type Ending = string;

/** What came back. */
export interface Seen {
  readonly ending: Ending;
  /** All that was said in return to an input that failed, for the search for canaries. */
  readonly text: string;
}

const names = Object.entries(Code).flatMap(([name, code]) =>
  typeof code === 'number' ? [[code, upperSnake(name)] as const] : [],
);
const byNumber = new Map<number, string>([[0, 'OK'], ...names]);

/** `NOT_FOUND` of 5. */
export function codeName(code: number): Ending {
  return byNumber.get(code) ?? `code ${code}`;
}

/** `NOT_FOUND` of `not_found`. */
export function connectCodeName(code: string): Ending {
  return code.toUpperCase() === 'CANCELED' ? 'CANCELLED' : code.toUpperCase();
}

function upperSnake(name: string): string {
  return name === 'Canceled' ? 'CANCELLED' : name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
