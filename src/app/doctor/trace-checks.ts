import { connect } from 'node:net';
import { exporterAddress } from '../../telemetry/telemetry.ts';
import { type Answer, type Check, ok, warning } from './check.ts';
import type { Site } from './site.ts';

/** How long the exporter's server may take to let somebody in, in milliseconds. */
const TIMEOUT_MS = 3_000;

/** Where traces go. */
export const traceChecks: readonly Check[] = [{ id: 'traces.exporter', run: checkExporter }];

/** Connects only: a request would be a span that nobody made. */
async function checkExporter({ config: { telemetry } }: Site): Promise<readonly Answer[]> {
  const address = exporterAddress(telemetry);
  if (address === null) return [ok('telemetry.exporter is none: nothing is traced')];
  const failure = await tryToConnect(address);
  const what = `${telemetry.exporter} at ${address.origin}`;
  if (failure === null) return [ok(`${what} lets connections in`)];
  return [
    warning(
      `${what}: no connection (${failure}): traces are dropped`,
      'start it, mend telemetry.endpoint, or set telemetry.exporter: none',
    ),
  ];
}

/** Why there is no connection; null: there was one. */
function tryToConnect({ hostname, port, protocol }: URL): Promise<string | null> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port) || (protocol === 'https:' ? 443 : 80) });
    const end = (failure: string | null): void => {
      socket.destroy();
      resolve(failure);
    };
    socket.setTimeout(TIMEOUT_MS, () => end('no answer in time'));
    socket.once('connect', () => end(null));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'unknown error'));
  });
}
