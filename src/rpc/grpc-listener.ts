import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { namesOfPeer } from '../security/certificate-names.ts';
import type { ServerTls } from '../security/server-tls.ts';
import type { Peer } from './call-context.ts';
import { addressOf, type Connections } from './connections.ts';

/** The gRPC port's socket: plain or TLS. grpc-js could listen by itself, but neither break its connections nor renew a certificate. */
export interface GrpcListener {
  readonly server: Server;
  /** Who is at the other end of the connection with this address, as `host:port`. */
  peerAt(address: string): Peer;
}

const NOBODY: readonly string[] = [];
/** What grpc-js speaks. */
const ALPN_PROTOCOLS = ['h2'];

/** What {@link createGrpcListener} needs. */
export interface GrpcListenerOptions {
  /** Null: plain text. */
  readonly tls: ServerTls | null;
  readonly connections: Connections;
  /** Gets each connection when it is ready to carry HTTP/2. */
  readonly carry: (socket: Socket) => void;
}

/** Creates the listener. */
export function createGrpcListener({ tls, connections, carry }: GrpcListenerOptions): GrpcListener {
  const peers = new Map<string, Peer>();
  /**
   * False where a connection from the same address is open already: of the two requests' addresses nobody could tell them apart,
   * and a caller would go by the other's name. It takes two addresses of this machine, and a port that is used for both.
   */
  const identify = (socket: TLSSocket): boolean => {
    const address = addressOf(socket);
    if (peers.has(address)) return false;
    const names = namesOfPeer(socket);
    peers.set(address, { address, names });
    socket.once('close', () => peers.delete(address));
    if (names.length > 0) connections.prove(address);
    return true;
  };
  const carryIdentified = (socket: TLSSocket): void => {
    // Whose connection breaks has nothing to be told.
    socket.on('error', () => {});
    if (tls?.identifiesCallers && !identify(socket)) {
      socket.destroy();
      return;
    }
    carry(socket);
  };
  const server =
    tls === null
      ? createServer({ noDelay: true }, carry)
      : createTlsServer({ ...tls.options(), noDelay: true, ALPNProtocols: ALPN_PROTOCOLS }, carryIdentified);
  server.on('connection', (socket: Socket) => connections.enter(socket));
  if (tls !== null) tls.keepRenewed(server as ReturnType<typeof createTlsServer>);
  return {
    server,
    peerAt: (address) => peers.get(address) ?? { address, names: NOBODY },
  };
}
