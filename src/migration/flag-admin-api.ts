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

/** What the admin API has answered: 2xx, 404 or 409. */
export interface FlagApiAnswer {
  readonly status: number;
  /** Parsed from JSON; undefined: the answer was none. */
  readonly body: unknown;
}

/** A call of Unleash's admin API; `path` goes below the project's features, and `{environment}` in it is filled in. */
export type FlagApi = (method: string, path: string, body?: unknown) => Promise<FlagApiAnswer>;

const REQUEST_TIMEOUT_MS = 10_000;
/** Answers that a caller can make something of. */
const EXPECTED = new Set([404, 409]);

/** The admin API. Its calls throw `unavailable` or `failed_precondition` with the server's status, and with the cure. */
export function createFlagApi(options: FlagSetupOptions, signal?: AbortSignal): FlagApi {
  const base = `${options.url.replace(/\/+$/, '')}/api/admin/projects/${encodeURIComponent(options.project)}/features`;
  return async (method, path, body) => {
    const url = base + path.replace('{environment}', encodeURIComponent(options.environment));
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(url, {
      method,
      headers: { authorization: options.adminToken, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    }).catch((cause: unknown) => {
      throw new DomainError({
        kind: 'unavailable',
        reason: 'INTERNAL',
        message: `the flag server at ${options.url} cannot be reached; check --unleash-url`,
        cause,
      });
    });
    const text = await response.text();
    if (response.ok || EXPECTED.has(response.status)) return { status: response.status, body: parsed(text) };
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
