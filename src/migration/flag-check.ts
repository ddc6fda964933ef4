import { DomainError } from '../domain/errors.ts';

/** The flag server as the service uses it. */
export interface FlagServer {
  /** The API's address, for example `http://127.0.0.1:4242/api`. */
  readonly url: string;
  /** A client token. */
  readonly token: string;
  readonly appName: string;
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
    const response = await fetch(url, { headers, signal });
    if (!response.ok) {
      await response.body?.cancel();
      return { status: response.status, flags: new Map() };
    }
    const { features } = (await response.json()) as { readonly features?: readonly Feature[] };
    return { status: response.status, flags: new Map((features ?? []).map(({ name, enabled }) => [name, enabled])) };
  } catch (cause) {
    const message = `the flag server at ${server.url} gives no answer`;
    throw new DomainError({ kind: 'unavailable', reason: 'INTERNAL', message, cause });
  }
}

/** The part of a flag that is looked at. */
interface Feature {
  readonly name: string;
  readonly enabled: boolean;
}
