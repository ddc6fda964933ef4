/** Bytes on a connection of their own. */
import { connect, type Socket } from 'node:net';
import type { Seen } from './wire-codes.ts';

/** What is sent, and what happens then. */
export interface SocketInput {
  readonly port: number;
  readonly chunks: readonly Buffer[];
  /** Milliseconds between chunks. Default: none. */
  readonly pauseMs?: number;
  /** The connection is left as it is, for as long as the bound on such connections lets it. */
  readonly hold?: boolean;
  /** Answers are not read. */
  readonly deaf?: boolean;
}

/** The wire. */
export interface SocketWire {
  send(input: SocketInput): Promise<Seen>;
  /** How many connections are held. */
  held(): number;
  close(): void;
}

/** Connections that are held at once: beyond, the oldest goes. */
const MOST_HELD = 200;
/** A server that has said nothing for so long has nothing to say. */
const QUIET_MS = 60;
/** The longest that one input may take, answers that go on for ever included. */
const LONGEST_MS = 4_000;

/** Opens the wire. */
export function openSocketWire(): SocketWire {
  const held: Socket[] = [];
  return {
    held: () => held.length,
    send: async (input) => {
      const socket = connect({ host: '127.0.0.1', port: input.port, noDelay: true });
      const seen = await talk(socket, input);
      if (input.hold && !socket.destroyed) held.push(socket);
      else socket.destroy();
      if (held.length > MOST_HELD) held.shift()?.destroy();
      return seen;
    },
    close: () => {
      for (const socket of held.splice(0)) socket.destroy();
    },
  };
}

function talk(socket: Socket, { chunks, pauseMs = 0, deaf }: SocketInput): Promise<Seen> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const startedMs = performance.now();
    let sent = false;
    let quiet: NodeJS.Timeout | undefined;
    const end = (isClosed: boolean): void => {
      clearTimeout(quiet);
      const text = Buffer.concat(received).toString('latin1');
      const http = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      const answered = text === '' ? 'open' : 'answered';
      resolve({ ending: http === undefined ? (isClosed ? 'closed' : answered) : `HTTP ${http}`, text });
    };
    const wait = (): void => {
      clearTimeout(quiet);
      if (!sent) return;
      const leftMs = LONGEST_MS - (performance.now() - startedMs);
      quiet = setTimeout(() => end(socket.destroyed), Math.max(1, Math.min(QUIET_MS, leftMs)));
    };
    socket.on('error', () => {});
    socket.on('close', () => end(true));
    if (!deaf) {
      socket.on('data', (chunk: Buffer) => {
        received.push(chunk);
        wait();
      });
    }
    socket.on('connect', () => {
      void write(socket, chunks, pauseMs).then(() => {
        sent = true;
        wait();
      });
    });
  });
}

/** At the server's pace, but never longer than it takes to see that it does not read any more. */
async function write(socket: Socket, chunks: readonly Buffer[], pauseMs: number): Promise<void> {
  for (const chunk of chunks) {
    if (socket.destroyed) return;
    if (!socket.write(chunk)) await drained(socket);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, QUIET_MS);
    function done(): void {
      clearTimeout(timer);
      socket.off('drain', done).off('close', done);
      resolve();
    }
    socket.on('drain', done).on('close', done);
  });
}
