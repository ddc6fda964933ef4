/** A TCP link to a server that a test can hang, cut and mend. */
import { createConnection, createServer, type Socket } from 'node:net';

/** A link that is up until told otherwise. */
export interface BreakableLink {
  /** Where to connect, on 127.0.0.1. */
  readonly port: number;
  /** Nothing passes any more, and nobody is told: a server that hangs, or a cable that is pulled. */
  hang(): void;
  /** Requests pass, but no answer does: the server does what it is told, and nobody learns of it. */
  deafen(): void;
  /** Breaks all connections and refuses new ones: a server that was killed. */
  cut(): Promise<void>;
  /** Lets new connections in again; those that hang are broken. */
  mend(): Promise<void>;
  close(): Promise<void>;
}

/** Opens a link to a server on loopback. `port`: listen there; default a free one. */
export async function openLink(target: { readonly host: string; readonly port: number }): Promise<BreakableLink> {
  const sockets = new Set<Socket>();
  let hanging = false;
  let deaf = false;
  const server = createServer((near) => {
    const far = createConnection(target);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (!hanging && !(deaf && to === near)) to.write(bytes);
      });
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await listen(0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const cut = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    breakAll();
    await closed;
  };
  return {
    port,
    hang() {
      hanging = true;
    },
    deafen() {
      deaf = true;
    },
    cut,
    async mend() {
      breakAll();
      hanging = false;
      deaf = false;
      if (!server.listening) await listen(port);
    },
    close: cut,
  };
}
