import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { DomainError } from '../domain/errors.ts';

/** The flag server as the service uses it. */
export interface FlagServer {
  /** The API's address, for example `http://127.0.0.1:4242/api`. */
  readonly url: string;
  /** A client token. */
  readonly token: string;
  readonly appName: string;
  /** The authorities whose certificates are good for its address (PEM). Default: those that Node knows. */
  readonly ca?: string;
}

/** What the flag server answered. */
export interface FlagServerAnswer {
  /** The HTTP status: 401 and 403 speak against the token. */
  readonly status: number;
  /** The flags that the token may see, and whether each is switched on; none unless the status is 200. */
  readonly flags: ReadonlyMap<string, boolean>;
}

/** Asks for the flags once, as the service does all the time. Throws `unavailable` if nobody answers. */
export async function readFlagServer(server: FlagServer, signal: AbortSignal): Promise<FlagServerAnswer> {
  const url = `${server.url.replace(/\/+$/, '')}/client/features`;
  const headers = { authorization: server.token, 'unleash-appname': server.appName };
  try {
    const { status, body } = await get(new URL(url), headers, server.ca, signal);
    if (status !== OK) return { status, flags: new Map() };
    const { features } = JSON.parse(body) as { readonly features?: readonly Feature[] };
    return { status, flags: new Map((features ?? []).map(({ name, enabled }) => [name, enabled])) };
  } catch (cause) {
    const message = `the flag server at ${server.url} gives no answer`;
    throw new DomainError({ kind: 'unavailable', reason: 'INTERNAL', message, cause });
  }
}

const OK = 200;

/** By node's client, as `fetch` takes no authorities. */
async function get(
  url: URL,
  headers: Readonly<Record<string, string>>,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const call =
    url.protocol === 'https:'
      ? httpsRequest(url, { headers, signal, ...(ca !== undefined && { ca }) }, resolve)
      : httpRequest(url, { headers, signal }, resolve);
  call.on('error', reject).end();
  const response = await promise;
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** The part of a flag that is looked at. */
interface Feature {
  readonly name: string;
  readonly enabled: boolean;
}
