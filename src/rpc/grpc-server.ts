import type { EventEmitter } from 'node:events';
import { constants, type Http2Server, type ServerHttp2Session } from 'node:http2';
import {
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  setLogVerbosity,
} from '@grpc/grpc-js';
import type { Clock } from '../domain/clock.ts';
import type { ServerTls } from '../security/server-tls.ts';
import type { AccessControl } from './access.ts';
import type { Arrivals } from './arrivals.ts';
import type { Inbound, Peer } from './call-context.ts';
import { addressOf, type Connections, createConnections } from './connections.ts';
import { type RpcFailure, toGrpcStatus } from './errors.ts';
import { createGrpcGate } from './grpc-gate.ts';
import { type GrpcHeadsOptions, guardHeads } from './grpc-heads.ts';
import { createGrpcListener, type GrpcListener } from './grpc-listener.ts';
import { listen } from './listen.ts';
import type { MethodTable, StreamingMethod, UnaryMethod } from './method-table.ts';
import type { Pipeline } from './pipeline.ts';
import type { Answer } from './request.ts';
import { metadataNames, type RpcLimits } from './settings.ts';
import type { UnreadAnswers } from './unread-answers.ts';

/** The gRPC port. */
export interface GrpcServer {
  /** For services that bring their own handlers, such as health and reflection. */
  readonly server: Server;
  /** What access control looks at of a call that such a service handles. */
  inboundOf(call: GrpcCall): Inbound;
  /** Listens; resolves with the port, which the system chooses if 0 was asked for. */
  listen(address: { readonly host: string; readonly port: number }): Promise<number>;
  /**
   * Stops listening and asks every client to go elsewhere; requests under way are finished. Resolves when all
   * connections are closed.
   */
  close(): Promise<void>;
  /** Breaks every connection. */
  destroy(): void;
}

/** What {@link createGrpcServer} needs. */
export interface GrpcServerOptions {
  readonly table: MethodTable;
  readonly pipeline: Pipeline;
  readonly limits: RpcLimits;
  readonly clock: Clock;
  /** Null: plain text. */
  readonly tls: ServerTls | null;
  /** Null: whoever reaches the port may do everything. */
  readonly access: AccessControl | null;
  readonly arrivals: Arrivals;
  readonly answers: UnreadAnswers;
  /** What a failure is answered as; see `createFailureMapper`. */
  readonly toFailure: GrpcHeadsOptions['toFailure'];
}

/** A call as grpc-js hands it to its handler. */
export type GrpcCall =
  | ServerUnaryCall<Buffer, Uint8Array>
  | ServerWritableStream<Buffer, Uint8Array>
  | ServerDuplexStream<Buffer, Buffer>;

type PeerOf = GrpcListener['peerAt'];

/**
 * How long a connection stays open after GOAWAY: more than a round trip. A client that has read the GOAWAY sends what came
 * too late for it elsewhere by itself; one whose connection was closed under a request can't know what became of it.
 */
const LEAVE_MS = 300;
/** A ping after this long without any tells a dead peer from an idle one. */
const KEEPALIVE_MS = 60_000;
/** How long its answer may take. */
const KEEPALIVE_TIMEOUT_MS = 20_000;

/**
 * Creates the gRPC server. Requests come in as bytes and answers go out as bytes; grpc-js frames them, and copies an answer
 * as soon as it gets it.
 */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const { table, pipeline, limits, clock, tls, access } = options;
  const peerAt: PeerOf = (address) => listener.peerAt(address);
  const connections = createConnections({ most: limits.maxConnections, clock });
  const { prove } = connections;
  // It writes what it complains of to the standard error output: metadata that it can't read, tokens among it.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxMessageBytes,
    'grpc.max_send_message_length': limits.maxMessageBytes,
    'grpc.max_concurrent_streams': limits.maxRequestsPerConnection,
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    // Counters that nobody here reads, kept for each connection and message.
    'grpc.enable_channelz': 0,
    ...(access && { interceptors: [createGrpcGate({ access, table, pipeline, peerAt, prove })] }),
  });
  // TLS, if any, ends before: grpc-js gets a connection that is ready for HTTP/2.
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  boundHeaders(server, limits.maxHeaderBytes);
  for (const http2 of heldBy(server).keys()) {
    guardHeads(http2, { ...options, ...limits });
    // Where nobody has to prove anything, who sends a request is a caller.
    if (access === null) http2.on('session', (session) => proveByRequest(session, prove));
  }
  const listener = createGrpcListener({ tls, connections, carry: (socket) => injector.injectConnection(socket) });
  for (const method of table.values()) {
    if (method.kind === 'unary') registerUnary(server, method, pipeline, peerAt);
    else registerStreaming(server, method, pipeline, peerAt);
  }
  return {
    server,
    inboundOf: (call) => new GrpcInbound(call, peerAt),
    listen: (address) => listen(listener.server, address),
    close: async () => {
      listener.server.close();
      for (const session of sessionsOf(server)) session.goaway(constants.NGHTTP2_NO_ERROR);
      await clock.sleep(LEAVE_MS);
      await new Promise<void>((resolve, reject) => {
        server.tryShutdown((error) => (error === undefined ? resolve() : reject(error)));
      });
    },
    destroy: () => {
      listener.server.close();
      connections.destroy();
    },
  };
}

/** The HTTP/2 servers of grpc-js and their connections, which it keeps to itself. None if it has come to keep them elsewhere. */
function heldBy(server: Server): ReadonlyMap<Http2Server, { readonly sessions?: Iterable<ServerHttp2Session> }> {
  const servers: unknown = Reflect.get(server, 'http2Servers');
  return servers instanceof Map ? servers : new Map();
}

/**
 * The connections. If there are none to be found, clients are told to leave only when their connection is closed, and a
 * request that is on its way fails.
 */
function sessionsOf(server: Server): ServerHttp2Session[] {
  return [...heldBy(server).values()].flatMap(({ sessions }) => [...(sessions ?? [])]);
}

/** Bounds a request's head, which grpc-js has no option for; without its servers node's own bound holds, 64 KiB. */
function boundHeaders(server: Server, maxHeaderListSize: number): void {
  for (const http2 of heldBy(server).keys()) http2.updateSettings({ maxHeaderListSize });
}

function proveByRequest(session: ServerHttp2Session, prove: Connections['prove']): void {
  const address = addressOf(session.socket);
  session.once('stream', () => prove(address));
}

function registerUnary(server: Server, method: UnaryMethod, pipeline: Pipeline, peerAt: PeerOf): void {
  const handler = (call: ServerUnaryCall<Buffer, Uint8Array>, callback: sendUnaryData<Uint8Array>): void => {
    const decode = (): unknown => method.decode(call.request);
    pipeline.unary(method, decode, new GrpcInbound(call, peerAt), new GrpcAnswer(call, callback));
  };
  server.register(method.path, handler, asBuffer, asIs, 'unary');
}

function registerStreaming(server: Server, method: StreamingMethod, pipeline: Pipeline, peerAt: PeerOf): void {
  const handler = (call: ServerWritableStream<Buffer, Uint8Array>): void => {
    const decode = (): unknown => method.decode(call.request);
    void writeAll(call, pipeline.stream(method, decode, new GrpcInbound(call, peerAt), toGrpcStatus));
  };
  server.register(method.path, handler, asBuffer, asIs, 'serverStream');
}

/** Writes at the caller's pace: the next message is asked for when there is room for it. */
async function writeAll(
  call: ServerWritableStream<Buffer, Uint8Array>,
  messages: AsyncIterable<Uint8Array>,
): Promise<void> {
  try {
    for await (const message of messages) {
      if (!call.write(message) && !call.destroyed) await roomFor(call);
    }
    call.end();
  } catch (status) {
    call.emit('error', status);
  }
}

async function roomFor(call: ServerWritableStream<Buffer, Uint8Array>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  call.once('drain', resolve).once('close', resolve);
  await promise;
  call.off('drain', resolve).off('close', resolve);
}

/** A request's metadata and deadline as grpc-js has them. */
class GrpcInbound implements Inbound {
  readonly rpcSystem = 'grpc';
  readonly timeoutMs: number | undefined;
  readonly #call: GrpcCall;
  readonly #peerAt: PeerOf;

  constructor(call: GrpcCall, peerAt: PeerOf) {
    this.#call = call;
    this.#peerAt = peerAt;
    const deadline = Number(call.getDeadline());
    this.timeoutMs = Number.isFinite(deadline) ? deadline - Date.now() : undefined;
  }

  get(name: string): string | undefined {
    const [value] = this.#call.metadata.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  onCancel(listener: () => void): void {
    (this.#call as EventEmitter).once('cancelled', listener);
  }

  peer(): Peer {
    return this.#peerAt(this.#call.getPeer());
  }
}

class GrpcAnswer implements Answer {
  readonly #call: ServerUnaryCall<Buffer, Uint8Array>;
  readonly #callback: sendUnaryData<Uint8Array>;

  constructor(call: ServerUnaryCall<Buffer, Uint8Array>, callback: sendUnaryData<Uint8Array>) {
    this.#call = call;
    this.#callback = callback;
  }

  succeed(message: Uint8Array, version: bigint, servedBy: string): void {
    if (version > 0n || servedBy !== '') {
      const metadata = new Metadata();
      if (version > 0n) metadata.set(metadataNames.version, String(version));
      if (servedBy !== '') metadata.set(metadataNames.servedBy, servedBy);
      this.#call.sendMetadata(metadata);
    }
    this.#callback(null, message);
  }

  fail(failure: RpcFailure, servedBy: string): void {
    const status = toGrpcStatus(failure);
    if (servedBy !== '') status.metadata.set(metadataNames.servedBy, servedBy);
    this.#callback(status);
  }
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
