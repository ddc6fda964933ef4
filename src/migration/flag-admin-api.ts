import { DomainError } from '../domain/errors.ts';

/** Where flags are created and changed. */
export interface FlagSetupOptions {
  /** The server's address without a path, for example `http://127.0.0.1:4242`. */
  readonly url: string;
  /** A token of the admin API. */
  readonly adminToken: string;
  /** Default of Unleash's open-source edition: `default`. */
  readonly project: string;
  /** The environment whose strategies are created: `development`, `production`. */
  readonly environment: string;
}

/** What the admin API has answered: 2xx, or a status that the caller named. */
export interface FlagApiAnswer {
  readonly status: number;
  /** Parsed from JSON; undefined: the answer was none. */
  readonly body: unknown;
}

/** What a call sends, and what it takes for an answer. */
export interface FlagApiCall {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** A status besides 2xx that the caller can make something of. Default: none, all others are errors. */
  readonly expected?: number;
}

/** A call of Unleash's admin API; `path` goes below the project's features, and `{environment}` in it is filled in. */
export type FlagApi = (method: string, path: string, call?: FlagApiCall) => Promise<FlagApiAnswer>;

const REQUEST_TIMEOUT_MS = 10_000;

/** The admin API. Its calls throw `unavailable` or `failed_precondition` with the server's status, and with the cure. */
export function createFlagApi(options: FlagSetupOptions, signal?: AbortSignal): FlagApi {
  const base = `${options.url.replace(/\/+$/, '')}/api/admin/projects/${encodeURIComponent(options.project)}/features`;
  const send = async (method: string, url: string, body: unknown): Promise<{ response: Response; text: string }> => {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    try {
      const response = await fetch(url, {
        method,
        headers: { authorization: options.adminToken, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      return { response, text: await response.text() };
    } catch (cause) {
      throw new DomainError({
        kind: 'unavailable',
        reason: 'INTERNAL',
        message: `the flag server at ${options.url} cannot be reached; check --unleash-url`,
        cause,
      });
    }
  };
  return async (method, path, { body, expected } = {}) => {
    const url = base + path.replace('{environment}', encodeURIComponent(options.environment));
    const { response, text } = await send(method, url, body);
    if (response.ok || response.status === expected) return { status: response.status, body: parsed(text) };
    throw new DomainError({
      kind: 'failed_precondition',
      reason: 'INTERNAL',
      message: `the flag server answers ${response.status} to ${method} ${path || '/features'}; check the admin token, project and environment`,
    });
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
