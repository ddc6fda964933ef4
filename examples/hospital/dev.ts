/** `npm run dev`: the servers, the example hospital and one instance of the service, until Ctrl-C. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { StackAddresses } from '../../stack/stack.ts';
import { bringUp, setUpFlags } from './demo/bring-up.ts';
import { startInstance } from './demo/instances.ts';
import { createTerminal } from './demo/terminal.ts';

const help = `npm run dev -- [--rows N] [--grpc-port N] [--http-port N]

Brings up MySQL, Cassandra, Unleash and Zipkin on 127.0.0.1, fills MySQL with the example hospital's records, starts one
instance of the service, and stays until Ctrl-C.

  --rows N        rows of each table. Default: 20000
  --grpc-port N   default: 15051
  --http-port N   default: 18080

Examples:
  npm run dev
  npm run dev -- --rows 200000 --http-port 8080`;

/** Of `npm run example:browser` in clients/typescript. */
const EXAMPLE_PAGE = 'http://127.0.0.1:15180';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());
process.exitCode = await main(process.argv.slice(2), stopping.signal);

async function main(args: string[], signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string', default: '20000' },
      'grpc-port': { type: 'string', default: '15051' },
      'http-port': { type: 'string', default: '18080' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const ports = { grpc: Number(values['grpc-port']), http: Number(values['http-port']) };
  const terminal = createTerminal();
  const stops: (() => Promise<void>)[] = [];
  try {
    const stack = await bringUp({ rows: Number(values.rows) }, terminal, signal, (stop) => stops.push(stop));
    const addresses = stack.addresses as Required<StackAddresses>;
    await setUpFlags(addresses, terminal, signal);
    const folder = join(stack.root, 'dev');
    await mkdir(folder, { recursive: true });
    const onEnded = (_name: string, tail: string) => terminal.say(`the instance has ended:\n${tail}`);
    const corsOrigins = [EXAMPLE_PAGE];
    const options = { addresses, folder, sabotage: undefined, signal, onEnded, ports, corsOrigins };
    const instance = await startInstance('dev', options);
    stops.push(() => instance.stop());
    terminal.print(places(addresses, instance));
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return 0;
  } catch (error) {
    if (signal.aborted) return 130;
    terminal.say(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    terminal.say('stopping everything');
    for (const stop of stops.reverse()) await stop().catch(() => {});
  }
}

function places(
  { unleash, zipkin, mysql }: Required<StackAddresses>,
  instance: { grpc: string; http: string },
): string {
  const grpc = instance.grpc.replace('http://', '');
  return `
records API   gRPC ${grpc}, Connect ${instance.http}
dashboard     ${instance.http}/dashboard/
flags         ${unleash.url}/projects/default  (${unleash.user} / ${unleash.password})
traces        ${zipkin.url}/zipkin/
metrics       ${instance.http}/metrics
MySQL         mysql -h ${mysql.host} -P ${mysql.port} -u ${mysql.user} -p${mysql.password} hospital

Try, in another terminal:
  npx crossfade status --watch --server ${instance.http}
  curl -H 'content-type: application/json' -d '{"parent": "patients/007e7104-87fa-f67b-8ce7-2312b271e08a", "pageSize": 2}' \\
    ${instance.http}/hospital.v1.Medications/ListMedications
  grpcurl -plaintext -d '{"parent": "patients/007e7104-87fa-f67b-8ce7-2312b271e08a", "page_size": 2}' \\
    ${grpc} hospital.v1.Medications/ListMedications

Ctrl-C stops everything.`;
}
