/**
 * The image's HEALTHCHECK: exits 0 when `/readyz` of the instance in this container says that it takes requests. Asks
 * in plain text and, where the port speaks nothing but TLS, by TLS; whose the certificate is does not matter on
 * loopback.
 *
 *   HEALTH_CHECK_PORT   of the config's `http.port`. Default: 8080
 *   HEALTH_CHECK_CERT   a client certificate and its key in one file (PEM), where `security.tls.requireClientCert` asks for one
 */
import { readFileSync } from 'node:fs';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getByTls } from 'node:https';

/** Below the image's own time-out of a check, so that the reason is told. */
const TIMEOUT_MS = 1_500;
/** What comes of plain text at a port of TLS; not that nobody is there, or answers. */
const TALKS_OTHERWISE = /^(?:ECONNRESET|EPIPE|HPE_\w+)$/;
const { HEALTH_CHECK_PORT, HEALTH_CHECK_CERT } = process.env;
const address = { host: '127.0.0.1', port: Number(HEALTH_CHECK_PORT ?? 8080), path: '/readyz', timeout: TIMEOUT_MS };
const pem = HEALTH_CHECK_CERT === undefined ? undefined : readFileSync(HEALTH_CHECK_CERT);

function ask(send: (answered: (response: IncomingMessage) => void) => ReturnType<typeof getPlain>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = send((response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    request.on('error', reject);
  });
}

try {
  const byTls = { ...address, rejectUnauthorized: false, ...(pem && { cert: pem, key: pem }) };
  const status = await ask((answered) => getPlain(address, answered)).catch((error: NodeJS.ErrnoException) => {
    if (!TALKS_OTHERWISE.test(error.code ?? '')) throw error;
    return ask((answered) => getByTls(byTls, answered));
  });
  if (status !== 200) throw new Error(`/readyz answers ${status}`);
} catch (error) {
  console.error(`not ready: ${(error as Error).message}`);
  process.exitCode = 1;
}
