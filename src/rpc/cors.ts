import type { IncomingMessage, ServerResponse } from 'node:http';
import { cors } from '@connectrpc/connect';
import { metadataNames } from './settings.ts';

/** How long a browser may remember the answer to a preflight, in seconds: two hours, Chromium's limit. */
const PREFLIGHT_MAX_AGE = '7200';

const ALLOWED_METHODS = cors.allowedMethods.join(', ');
const ALLOWED_HEADERS = [...cors.allowedHeaders, ...Object.values(metadataNames), 'traceparent', 'tracestate'].join(
  ', ',
);
const EXPOSED_HEADERS = [...cors.exposedHeaders, metadataNames.version, metadataNames.servedBy].join(', ');

/**
 * Lets scripts of these origins call the service, `*` those of any; of none if the list is empty. Returns a function
 * that sets a response's headers, and says true if it has answered the request, which then was a preflight.
 */
export function createCors(
  origins: readonly string[],
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const allowed = new Set(origins);
  return (request, response) => {
    const { origin } = request.headers;
    if (origin === undefined || allowed.size === 0) return false;
    response.setHeader('vary', 'origin');
    if (!allowed.has('*') && !allowed.has(origin)) return false;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
    if (request.method !== 'OPTIONS') return false;
    response.writeHead(204, {
      'access-control-allow-methods': ALLOWED_METHODS,
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': PREFLIGHT_MAX_AGE,
    });
    response.end();
    return true;
  };
}
