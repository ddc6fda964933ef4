import { type AddressInfo, connect } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  type CassandraClient,
  type CassandraConfig,
  createCassandraClient,
} from '../../src/stores/cassandra/client.ts';
import { testCall } from '../support/calls.ts';
import { type Authority, createAuthority } from '../support/certificates.ts';

const authority = createAuthority('nodes');
let server: Server;
let port: number;
let client: CassandraClient | undefined;

/** TLS in front of the node that the tests share, which has none: Cassandra's protocol is the same within. */
function start(by: Authority, ips: readonly string[]): Promise<void> {
  const node = inject('cassandra');
  const { cert, key } = by.issue({ commonName: 'node', ips });
  server = createServer({ cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: true }, (socket) => {
    const inner = connect({ host: node.contactPoints[0] ?? '127.0.0.1', port: node.port });
    socket.pipe(inner).pipe(socket);
    for (const [one, other] of [[socket, inner] as const, [inner, socket] as const]) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  });
  server.on('tlsClientError', () => {});
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      port = (server.address() as AddressInfo).port;
      resolve();
    });
  });
}

describe('Cassandra over TLS', () => {
  const own = authority.issue({ commonName: 'crossfade' });
  beforeAll(() => start(authority, ['127.0.0.1']));
  afterEach(async () => {
    await client?.close();
  });
  afterAll(() => {
    server.close();
  });

  async function ask(tls: NonNullable<CassandraConfig['tls']>): Promise<number> {
    client = createCassandraClient({ ...inject('cassandra'), contactPoints: ['127.0.0.1'], port, tls });
    const call = testCall({ deadlineMs: performance.now() + 10_000 });
    const opened = client;
    return opened.within('follower', call, async () => {
      await opened.connect('follower', call);
      return (await opened.run({ query: 'SELECT key FROM system.local', params: [] }, call.deadlineMs)).rowLength;
    });
  }

  it('is used with a node whose certificate is good and for its address, and shows its own', async () => {
    expect(await ask({ ca: authority.cert, ...own })).toBe(1);
  });

  it('is not used with a node of another authority', async () => {
    await expect(ask({ ca: createAuthority('others').cert, ...own })).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('is not used with a node without a certificate of its own that the node takes', async () => {
    await expect(ask({ ca: authority.cert })).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('checks a node’s address unless told to check its authority alone', async () => {
    server.close();
    await start(authority, ['10.9.8.7']);
    await expect(ask({ ca: authority.cert, ...own })).rejects.toMatchObject({ kind: 'unavailable' });
    await client?.close();
    expect(await ask({ ca: authority.cert, ...own, verify: 'ca' })).toBe(1);
  });
});
