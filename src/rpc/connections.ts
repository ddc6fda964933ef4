import type { Socket } from 'node:net';
import type { Clock } from '../domain/clock.ts';

/**
 * The connections of one port. Who has not shown that it may call can open as many as there may be, and keep them; so where
 * there is no room the oldest of those gives way, and callers get in.
 */
export interface Connections {
  /** A connection is there. It is closed at once where there is no room for it. */
  enter(socket: Socket): void;
  /** A request of a caller that is let in came on the connection from this address, as `host:port`: it stays. */
  prove(address: string): void;
  /** Breaks every connection. */
  destroy(): void;
}

/** A connection that has shown nothing for this long gives way: a good caller's first request has come by then, mostly. */
const STALE_MS = 500;

interface Connection {
  readonly socket: Socket;
  readonly sinceMs: number;
}

/** Creates the count of connections. `most`: at once. */
export function createConnections({ most, clock }: { readonly most: number; readonly clock: Clock }): Connections {
  const sockets = new Set<Socket>();
  // In the order in which they came: a Map keeps it.
  const unproven = new Map<string, Connection>();

  /** Whether there is room now. */
  const makeRoom = (): boolean => {
    if (sockets.size < most) return true;
    const [oldest] = unproven;
    if (oldest === undefined || oldest[1].sinceMs > clock.monotonicMs() - STALE_MS) return false;
    const [address, { socket }] = oldest;
    unproven.delete(address);
    sockets.delete(socket);
    socket.destroy();
    return true;
  };

  return {
    enter: (socket) => {
      if (!makeRoom()) {
        socket.destroy();
        return;
      }
      const address = addressOf(socket);
      const connection: Connection = { socket, sinceMs: clock.monotonicMs() };
      sockets.add(socket);
      unproven.set(address, connection);
      socket.once('close', () => {
        sockets.delete(socket);
        if (unproven.get(address) === connection) unproven.delete(address);
      });
    },
    prove: (address) => void unproven.delete(address),
    destroy: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The other end of a connection, as `host:port`. */
export function addressOf(socket: Pick<Socket, 'remoteAddress' | 'remotePort'> | undefined): string {
  return `${socket?.remoteAddress}:${socket?.remotePort}`;
}
