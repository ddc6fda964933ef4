import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { loadMedications, memoryRecords, type Servers, startServers } from '../support/rpc-fixture.ts';

const BODY = '{"name":"patients/6f1c2f70-0d5c-4a5e-9a8e-0123456789ab/medications/1"}';

let servers: Servers | undefined;

afterEach(async () => {
  await servers?.stop();
  servers = undefined;
});

async function start(localHostsOnly: boolean): Promise<number> {
  const medications = await loadMedications();
  servers = await startServers({ medications, records: memoryRecords(medications.resource), localHostsOnly });
  return servers.httpPort;
}

/** The status of the answer to a request under this name. */
function ask(port: number, target: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', (data) => {
      resolve(data.toString('latin1').split(' ')[1] ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
    const head = `${target} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`;
    socket.write(`${head}content-length: ${BODY.length}\r\n\r\n${BODY}`);
  });
}

const GET = 'POST /hospital.v1.Medications/GetMedication';

describe('where loopback is all that keeps strangers away', () => {
  it.each([
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '[::1]evil.example',
  ])('a request under the name %s is refused: a page in a browser may have made it lead here', async (host) => {
    const port = await start(true);
    expect([await ask(port, GET, host), await ask(port, 'GET /healthz', host)]).toEqual(['421', '421']);
  });

  it.each(['localhost', 'LOCALHOST:8080', 'app.localhost:1', '127.0.0.1:8080', '[::1]:8080', '[::1]', '10.0.0.7'])(
    'a request under %s is answered',
    async (host) => {
      const port = await start(true);
      expect(await ask(port, GET, host)).toBe('404');
    },
  );

  it('elsewhere any name is good', async () => {
    expect(await ask(await start(false), GET, 'records.example')).toBe('404');
  });
});
