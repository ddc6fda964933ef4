/** A TCP proxy between one instance and one server that can be cut, and slowed both ways. */
import { createConnection, createServer, type Socket } from 'node:net';
import { reservePort } from '../../stack/ports.ts';

/** A proxy that lets everything through at once until told otherwise. */
export interface TcpProxy {
  /** Where it listens on 127.0.0.1. */
  readonly port: number;
  /** Breaks all connections and refuses new ones. */
  cut(): Promise<void>;
  /** Holds every byte back for so long, each way; 0: not at all. */
  slow(delayMs: number): void;
  /** Lets connections in again, and everything through at once. */
  mend(): Promise<void>;
  /** For good. */
  close(): Promise<void>;
}

/** Opens a proxy to a server. */
export async function openProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const port = await reservePort();
  const sockets = new Set<Socket>();
  let delayMs = 0;
  const server = createServer({ noDelay: true }, (near) => {
    const far = createConnection({ ...target, noDelay: true });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      const delayed = new DelayedBytes(to);
      from.on('data', (bytes) => delayed.pass(bytes, delayMs));
      from.on('error', () => {});
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  const cut = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen();
  return {
    port,
    cut,
    slow: (ms) => {
      delayMs = ms;
    },
    mend: async () => {
      delayMs = 0;
      if (!server.listening) await listen();
    },
    close: cut,
  };
}

/** One direction of one connection: bytes in their order, also where the delay has just become shorter. */
class DelayedBytes {
  readonly #to: Socket;
  readonly #waiting: Buffer[] = [];
  #lastMs = 0;

  constructor(to: Socket) {
    this.#to = to;
  }

  pass(bytes: Buffer, delayMs: number): void {
    if (delayMs === 0 && this.#waiting.length === 0) {
      this.#to.write(bytes);
      return;
    }
    const nowMs = performance.now();
    this.#lastMs = Math.max(this.#lastMs + 1, nowMs + delayMs);
    this.#waiting.push(bytes);
    // Each timer passes the oldest on: late ones of different lengths need not fire in the order of their ends.
    setTimeout(() => {
      const oldest = this.#waiting.shift();
      if (oldest !== undefined && this.#to.writable) this.#to.write(oldest);
    }, this.#lastMs - nowMs);
  }
}
