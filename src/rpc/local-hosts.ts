import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';

const MISDIRECTED = 421;
const TEXT =
  'this instance asks nobody who they are, so it answers under localhost and addresses only: a page in a browser can have ' +
  'any other name lead here. Ask it by one of those, let callers prove who they are, or set security.allowUnauthenticated\n';

/**
 * Refuses requests for a name that is not this machine's, with 421. A browser lets a page call the host that it came from, and
 * whoever made the page can have that host's name lead to 127.0.0.1 (DNS rebinding): then loopback alone keeps nobody out.
 * Returns whether the request was refused.
 */
export function refuseForeignHost({ headers }: IncomingMessage, response: ServerResponse): boolean {
  if (isLocal(headers.host)) return false;
  response.writeHead(MISDIRECTED, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(TEXT);
  return true;
}

/** An address can't be made to lead elsewhere. No browser leaves the host out. */
function isLocal(host: string | undefined): boolean {
  if (host === undefined) return true;
  const name = host.replace(/:\d*$/, '').toLowerCase();
  return name === 'localhost' || name.endsWith('.localhost') || isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}
