import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProxy, type TcpProxy } from '../../faults/tcp-proxy.ts';

describe('a TCP proxy', () => {
  let server: Server;
  let proxy: TcpProxy;
  const clients: Socket[] = [];

  beforeEach(async () => {
    // It answers with what it got.
    server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    proxy = await openProxy({ host: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0 });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await proxy.close();
    server.close();
  });

  async function connect(): Promise<Socket> {
    const client = createConnection({ host: '127.0.0.1', port: proxy.port, noDelay: true }).on('error', () => {});
    clients.push(client);
    await once(client, 'connect');
    return client;
  }

  /** Resolves to so many bytes of what comes. */
  async function read(client: Socket, length: number): Promise<string> {
    let text = '';
    while (text.length < length) text += String((await once(client, 'data'))[0]);
    return text;
  }

  it('lets everything through, both ways', async () => {
    const client = await connect();
    client.write('hello');
    expect(await read(client, 5)).toBe('hello');
  });

  it('breaks connections and refuses new ones while it is cut, and takes them again', async () => {
    const client = await connect();
    const closed = once(client, 'close');
    await proxy.cut();
    await closed;
    const refused = createConnection({ host: '127.0.0.1', port: proxy.port });
    clients.push(refused);
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    await proxy.mend();
    const again = await connect();
    again.write('again');
    expect(await read(again, 5)).toBe('again');
  });

  it('holds bytes back each way', async () => {
    const client = await connect();
    proxy.slow(60);
    const beganMs = performance.now();
    client.write('slow');
    expect(await read(client, 4)).toBe('slow');
    // A timer may fire a little early.
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(115);
  });

  it('keeps the order of bytes when it becomes fast again', async () => {
    const client = await connect();
    proxy.slow(60);
    client.write('1');
    await new Promise((resolve) => setTimeout(resolve, 20));
    await proxy.mend();
    client.write('2');
    expect(await read(client, 2)).toBe('12');
  });
});
