import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import {
  createRegistry,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type Message,
  type Registry,
} from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextKey,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from '@connectrpc/connect';
import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import { errorToJson } from '@connectrpc/connect/protocol-connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { Clock } from '../domain/clock.ts';
import { file_crossfade_v1alpha1_migrations } from '../gen/crossfade/v1alpha1/migrations_pb.ts';
import { file_google_rpc_error_details } from '../gen/google/rpc/error_details_pb.ts';
import { namesOfPeer } from '../security/certificate-names.ts';
import type { ServerTls } from '../security/server-tls.ts';
import type { AccessControl } from './access.ts';
import type { Arrivals } from './arrivals.ts';
import type { Inbound, Peer } from './call-context.ts';
import { type Arrival, admitMalformed, arrivalKey } from './connect-malformed.ts';
import { addressOf, type Connections, createConnections } from './connections.ts';
import { createCors } from './cors.ts';
import { type RpcFailure, toConnectError } from './errors.ts';
import { expectGoneCaller } from './gone-callers.ts';
import { listen } from './listen.ts';
import { refuseForeignHost } from './local-hosts.ts';
import type { Method, MethodTable, StreamingMethod, UnaryMethod } from './method-table.ts';
import type { Pipeline } from './pipeline.ts';
import type { Answer } from './request.ts';
import { metadataNames, type RpcLimits } from './settings.ts';
import type { UnreadAnswers } from './unread-answers.ts';
import { readRest, sparingRequests } from './unread-messages.ts';

/** Answers a request that is none of the API's, for example a scrape of the metrics. */
export type HttpRoute = (request: IncomingMessage, response: ServerResponse) => void;

/** The port for browsers and curl: Connect and gRPC-Web over HTTP/1.1. */
export interface ConnectServer {
  /** Listens; resolves with the port, which the system chooses if 0 was asked for. */
  listen(address: { readonly host: string; readonly port: number }): Promise<number>;
  /** From now on every answer asks its client to close the connection. */
  discourage(): void;
  /** Stops listening; requests under way are finished. Resolves when all connections are closed. */
  close(): Promise<void>;
  /** Breaks every connection. */
  destroy(): void;
}

/** What {@link createConnectServer} needs. */
export interface ConnectServerOptions {
  readonly table: MethodTable;
  readonly pipeline: Pipeline;
  readonly limits: RpcLimits;
  /** The types that may stand in a `google.protobuf.Any` of an answer. */
  readonly registry: Registry;
  /** Origins whose scripts may call; empty: none. */
  readonly corsOrigins: readonly string[];
  /** By path, such as `/metrics`; looked up before the API's methods. */
  readonly routes: ReadonlyMap<string, HttpRoute>;
  /** Null: plain text. */
  readonly tls: ServerTls | null;
  /** Null: whoever reaches the port may do everything. */
  readonly access: AccessControl | null;
  /** Whether only requests for this machine's own names are taken: where loopback is all that keeps strangers away. */
  readonly localHostsOnly: boolean;
  readonly arrivals: Arrivals;
  readonly answers: UnreadAnswers;
  readonly clock: Clock;
  /** What a failure is answered as; see `createFailureMapper`. */
  readonly toFailure: (error: unknown, method: string) => RpcFailure;
}

const BAD_REQUEST = 400;
const TOO_MANY_REQUESTS = 429;
/** How long a connection may be idle: longer than the usual minute of proxies, so that they close it and not we. */
const KEEP_ALIVE_MS = 75_000;
/** How long a request's headers may take to arrive, and the whole of it. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** Creates the server. Unknown fields in JSON are refused: a misspelt field would be ignored in silence. */
export function createConnectServer(options: ConnectServerOptions): ConnectServer {
  const { limits, access, clock } = options;
  const connections = createConnections({ most: limits.maxConnections, clock });
  const handleRpc = connectNodeAdapter({
    routes: (router) => addMethods(router, options, connections.prove),
    grpc: false,
    readMaxBytes: limits.maxMessageBytes,
    writeMaxBytes: limits.maxMessageBytes,
    contextValues: ({ socket }) => createContextValues().set(socketKey, socket as Socket),
    jsonOptions: {
      registry: createRegistry(options.registry, file_google_rpc_error_details, file_crossfade_v1alpha1_migrations),
      ignoreUnknownFields: false,
    },
  });
  const answerPreflight = createCors(options.corsOrigins);
  let closing = false;
  const server = createHttpServer(options, (request, response) => {
    // Where nobody has to prove anything, who sends a request is a caller.
    if (access === null) connections.prove(addressOf(request.socket));
    awaitReader(request, response, options);
    if (options.localHostsOnly && refuseForeignHost(request, response)) return;
    if (closing) response.setHeader('connection', 'close');
    const route = options.routes.get(pathOf(request));
    if (route !== undefined) route(request, response);
    else if (!answerPreflight(request, response)) receive(request, response, options, handleRpc);
  });
  server.on('connection', (socket) => connections.enter(socket));
  return {
    listen: (address) => listen(server, address),
    discourage: () => {
      closing = true;
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
      }),
    destroy: () => connections.destroy(),
  };
}

/** Hands a request on, unless its head can't be read or as many messages are on their way as may. */
function receive(
  request: IncomingMessage,
  response: ServerResponse,
  { arrivals, toFailure }: ConnectServerOptions,
  handle: HttpRoute,
): void {
  const path = request.url ?? '';
  try {
    const arrived = arrivals.enter(() => request.destroy());
    request.once('end', arrived);
    request.once('close', arrived);
    // Its rest is among the arrivals too: they bound its time.
    readRest(request, response);
  } catch (error) {
    refuse(response, toFailure(error, path));
    return;
  }
  expectGoneCaller(response);
  try {
    handle(request, response);
  } catch {
    // connect-node makes a URL of the path and the caller's Host, and throws where they are none.
    response.writeHead(BAD_REQUEST, { connection: 'close' }).end();
  }
}

/** Counts the answer as unread from its head on, unless it is a stream, which lasts. */
function awaitReader(
  request: IncomingMessage,
  response: ServerResponse,
  { table, answers }: ConnectServerOptions,
): void {
  if (table.get(pathOf(request))?.kind === 'server_streaming') return;
  const writeHead = response.writeHead.bind(response) as (...head: unknown[]) => ServerResponse;
  let read: (() => void) | null = null;
  response.writeHead = (...head: unknown[]) => {
    // Not the answer's own end: of those that a caller has asked for at once, the later ones wait for their turn.
    read ??= answers.enter(() => request.socket.destroy());
    return writeHead(...head);
  };
  response.once('close', () => read?.());
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

/** As Connect has its errors. gRPC-Web's callers go by the status. */
function refuse(response: ServerResponse, failure: RpcFailure): void {
  response.writeHead(TOO_MANY_REQUESTS, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(errorToJson(toConnectError(failure), undefined)));
}

function createHttpServer({ limits, tls }: ConnectServerOptions, listener: RequestListener): Server {
  const bounds = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxHeaderSize: limits.maxHeaderBytes,
  };
  const server =
    tls === null ? createServer(bounds, listener) : createTlsServer({ ...tls.options(), ...bounds }, listener);
  if (tls !== null) tls.keepRenewed(server as ReturnType<typeof createTlsServer>);
  return server;
}

/** Where a handler finds the connection that its request came on. */
const socketKey: ContextKey<Socket | undefined> = createContextKey<Socket | undefined>(undefined);
/** Of connections with TLS; looked at once each. */
const peers = new WeakMap<Socket, Peer>();

/** Who is at the other end of a connection of the HTTP port. */
export function peerOf(socket: Socket | undefined): Peer {
  const known = socket && peers.get(socket);
  if (known !== undefined) return known;
  const peer = { address: addressOf(socket), names: namesOfPeer(socket) };
  if (socket !== undefined) peers.set(socket, peer);
  return peer;
}

function addMethods(router: ConnectRouter, options: ConnectServerOptions, prove: Connections['prove']): void {
  for (const method of options.table.values()) addMethod(router, method, options.pipeline);
  const { access } = options;
  const recognizes =
    access &&
    (async (request: UniversalServerRequest) => {
      const head = headOf(request);
      const recognized = await access.recognizes(head);
      if (recognized) prove(head.peer().address);
      return recognized;
    });
  const handlers = router.handlers.map((handler) => admitMalformed(sparingRequests(handler), recognizes));
  router.handlers.splice(0, router.handlers.length, ...handlers);
}

/** What is known of a request before its message is read. */
function headOf({ header, contextValues }: UniversalServerRequest): Pick<Inbound, 'get' | 'peer'> {
  return {
    get: (name) => header.get(name) ?? undefined,
    peer: () => peerOf(contextValues?.get(socketKey)),
  };
}

function addMethod(router: ConnectRouter, method: Method, pipeline: Pipeline): void {
  if (method.kind === 'unary') {
    const desc = method.desc as DescMethodUnary;
    router.rpc(desc, (request, context) => callUnary(method, request, context, pipeline));
  } else {
    const desc = method.desc as DescMethodServerStreaming;
    router.rpc(desc, (request, context) => callStreaming(method, request, context, pipeline));
  }
}

function callUnary(
  method: UnaryMethod,
  request: Message,
  context: HandlerContext,
  pipeline: Pipeline,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const answer: Answer = {
      succeed: (bytes, version, servedBy) => {
        if (servedBy !== '') context.responseHeader.set(metadataNames.servedBy, servedBy);
        if (version > 0n) context.responseHeader.set(metadataNames.version, String(version));
        try {
          resolve(decodeOwn(method.desc.output, bytes));
        } catch (error) {
          reject(error);
        }
      },
      fail: (failure, servedBy) => {
        if (servedBy !== '') context.responseHeader.set(metadataNames.servedBy, servedBy);
        reject(toConnectError(failure));
      },
    };
    pipeline.unary(method, arrive(request, context), new ConnectInbound(context), answer);
  });
}

async function* callStreaming(
  method: StreamingMethod,
  request: Message,
  context: HandlerContext,
  pipeline: Pipeline,
): AsyncGenerator<Message> {
  const messages = pipeline.stream(method, arrive(request, context), new ConnectInbound(context), toConnectError);
  for await (const bytes of messages) yield decodeOwn(method.desc.output, bytes);
}

/** Notes that the request came through, and returns what stands for decoding it. */
function arrive(request: Message, context: HandlerContext): () => Message {
  const arrival: Arrival = context.values.get(arrivalKey);
  arrival.reached = true;
  return () => {
    if (arrival.malformed !== null) throw arrival.malformed;
    return request;
  };
}

/** Decodes from a copy: the message's bytes fields are parts of it, and the encoder uses its buffer again. */
function decodeOwn(desc: DescMessage, bytes: Uint8Array): Message {
  return fromBinary(desc, Uint8Array.from(bytes));
}

/** A request's metadata and deadline as connect-node has them. */
class ConnectInbound implements Inbound {
  readonly rpcSystem: Inbound['rpcSystem'];
  readonly timeoutMs: number | undefined;
  readonly #context: HandlerContext;

  constructor(context: HandlerContext) {
    this.#context = context;
    this.rpcSystem = context.protocolName === 'connect' ? 'connectrpc' : 'grpc';
    this.timeoutMs = context.timeoutMs();
  }

  get(name: string): string | undefined {
    return this.#context.requestHeader.get(name) ?? undefined;
  }

  onCancel(listener: () => void): void {
    const { signal } = this.#context;
    signal.addEventListener('abort', () => {
      // At the deadline the pipeline answers, with ErrorInfo; what comes through here then is Connect's own timer.
      if (ConnectError.from(signal.reason).code !== Code.DeadlineExceeded) listener();
    });
  }

  peer(): Peer {
    return peerOf(this.#context.values.get(socketKey));
  }
}
