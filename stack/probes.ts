/** Looks at whether a server answers in its own protocol, with nothing but sockets. */
import { connect } from 'node:net';

/** How long one look may take. */
const PROBE_DEADLINE_MS = 2_000;
/** The first byte of MySQL's greeting, after the four bytes of the packet's header: protocol version 10. */
const MYSQL_PROTOCOL_VERSION = 10;
/** An OPTIONS request of Cassandra's native protocol version 4, and the opcode of its answer, SUPPORTED. */
const CASSANDRA_OPTIONS = Buffer.from([0x04, 0, 0, 0, 0x05, 0, 0, 0, 0]);
const CASSANDRA_SUPPORTED = 0x06;
/** Postgres's request for an encrypted connection, and the answer of a server that has no certificate. */
const POSTGRES_SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);
const POSTGRES_REFUSES_SSL = 'N'.charCodeAt(0);

/** Resolves when a MySQL server greets. */
export function probeMysql(host: string, port: number, signal: AbortSignal): Promise<void> {
  return exchange(host, port, signal, undefined, (bytes) => bytes.length > 4 && bytes[4] === MYSQL_PROTOCOL_VERSION);
}

/** Resolves when a Cassandra node answers clients. */
export function probeCassandra(host: string, port: number, signal: AbortSignal): Promise<void> {
  return exchange(
    host,
    port,
    signal,
    CASSANDRA_OPTIONS,
    (bytes) => bytes.length > 4 && bytes[4] === CASSANDRA_SUPPORTED,
  );
}

/** Resolves when a GET of `url` answers 200. */
export async function probeHttp(url: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_DEADLINE_MS)]) });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
}

function exchange(
  host: string,
  port: number,
  signal: AbortSignal,
  request: Buffer | undefined,
  accepted: ((bytes: Buffer) => boolean) | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    const done = (error?: Error) => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.setTimeout(PROBE_DEADLINE_MS, () => done(new Error(`${host}:${port} did not answer`)));
    socket.once('error', done);
    socket.once('close', () => done(new Error(`${host}:${port} closed the connection`)));
    socket.once('connect', () => {
      if (request !== undefined) socket.write(request);
      if (accepted === undefined) done();
    });
    socket.once('data', (bytes: Buffer) => {
      if (accepted !== undefined)
        done(accepted(bytes) ? undefined : new Error(`${host}:${port} answered something else`));
    });
  });
}

/** Resolves when a Postgres server answers: it refuses encryption (`N`) only once it accepts connections at all. */
export function probePostgres(host: string, port: number, signal: AbortSignal): Promise<void> {
  return exchange(host, port, signal, POSTGRES_SSL_REQUEST, (bytes) => bytes[0] === POSTGRES_REFUSES_SSL);
}
