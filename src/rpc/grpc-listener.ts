import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { namesOfPeer } from '../security/certificate-names.ts';
import type { ServerTls } from '../security/server-tls.ts';
import type { Peer } from './call-context.ts';

/** The gRPC port's socket: plain or TLS. grpc-js could listen by itself, but neither break its connections nor renew a certificate. */
export interface GrpcListener {
  readonly server: Server;
  /** Who is at the other end of the connection with this address, as `host:port`. */
  peerAt(address: string): Peer;
  /** Breaks every connection. */
  destroy(): void;
}

const NOBODY: readonly string[] = [];
/** What grpc-js speaks. */
const ALPN_PROTOCOLS = ['h2'];

/** Creates the listener, which hands each connection on when it is ready to carry HTTP/2. */
export function createGrpcListener(tls: ServerTls | null, carry: (socket: Socket) => void): GrpcListener {
  const sockets = new Set<Socket>();
  const peers = new Map<string, Peer>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const carryIdentified = (socket: TLSSocket): void => {
    // Whose connection breaks has nothing to be told.
    socket.on('error', () => {});
    const address = `${socket.remoteAddress}:${socket.remotePort}`;
    if (tls?.identifiesCallers) {
      peers.set(address, { address, names: namesOfPeer(socket) });
      socket.once('close', () => peers.delete(address));
    }
    carry(socket);
  };
  const server =
    tls === null
      ? createServer({ noDelay: true }, carry)
      : createTlsServer({ ...tls.options(), noDelay: true, ALPNProtocols: ALPN_PROTOCOLS }, carryIdentified);
  server.on('connection', track);
  if (tls !== null) tls.keepRenewed(server as ReturnType<typeof createTlsServer>);
  return {
    server,
    peerAt: (address) => peers.get(address) ?? { address, names: NOBODY },
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
