import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { Code } from '@connectrpc/connect';
import type { DomainError } from '../domain/errors.ts';
import type { Arrivals } from './arrivals.ts';
import { type RpcFailure, toGrpcStatus } from './errors.ts';
import type { MethodTable } from './method-table.ts';
import { tooManyRequests } from './pipeline.ts';
import { malformedRequest } from './typed-service.ts';
import type { UnreadAnswers } from './unread-answers.ts';

/*
 * grpc-js answers by itself what it can't read: a time-out or a compressed message that is none is INTERNAL to it, any method
 * of HTTP is as good as POST, and the longest time-outs wrap around to none at all. It has no place for others to look at a
 * request before it does, so this stands between node's HTTP/2 server and it.
 */

/** What {@link guardHeads} needs. */
export interface GrpcHeadsOptions {
  readonly table: MethodTable;
  readonly arrivals: Arrivals;
  readonly answers: UnreadAnswers;
  /** The most streams at once of the methods below {@link BESIDE_PREFIX} that last. */
  readonly maxConcurrentStreams: number;
  /** The largest head, in bytes: nghttp2 holds a caller to it only when the caller has acknowledged the setting. */
  readonly maxHeaderBytes: number;
  /** What a failure is answered as; see `createFailureMapper`. */
  readonly toFailure: (error: unknown, method: string) => RpcFailure;
}

/** Health and reflection, which the pipeline does not see: their streams last as long as a caller likes. */
const BESIDE_PREFIX = '/grpc.';
/** The others of them. Not counted with the streams: probes must be answered while those are all taken. */
const UNARY_BESIDE: ReadonlySet<string> = new Set(['/grpc.health.v1.Health/Check', '/grpc.health.v1.Health/List']);
/** The protocol's form of a time-out: at most eight digits, and a unit. */
const TIMEOUT_PATTERN = /^(\d{1,8})([HMSmun])$/;
const MS_OF_UNIT: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 };
/** Beyond what node's timers hold; a request is cut to much less later. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
const LONGEST_TIMEOUT = '500H';

/** What each header counts besides its name and value (RFC 9113, section 6.5.2). */
const HEADER_OVERHEAD_BYTES = 32;

type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: string[],
) => void;

/** Puts itself before whoever listens to the server's streams so far. */
export function guardHeads(server: Http2Server, options: GrpcHeadsOptions): void {
  const behind = server.listeners('stream') as StreamListener[];
  const lasting = new Set<ServerHttp2Stream>();
  server.removeAllListeners('stream');
  const look: StreamListener = (stream, headers, flags, rawHeaders) => {
    const path = headers[':path'] ?? '';
    stream.on('error', () => {});
    if (sizeOf(rawHeaders) > options.maxHeaderBytes) return stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    if (headers[':method'] !== 'POST') return refuseMethod(stream);
    const refuse = (error: DomainError): void => respondWith(stream, options.toFailure(error, path));
    try {
      readTimeout(headers);
      if (isBeside(path)) countLasting(stream, lasting, options);
      else awaitMessage(stream, options.arrivals.enter(refuse));
    } catch (error) {
      refuse(error as DomainError);
      return;
    }
    const lasts = isBeside(path) || options.table.get(path)?.kind === 'server_streaming';
    onAnswer(stream, () => !lasts && awaitReader(stream, options.answers));
    for (const listener of behind) listener.call(server, stream, headers, flags, rawHeaders);
  };
  server.on('stream', look);
}

/** Names and values take turns. */
function sizeOf(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((sum, { length }) => sum + length, (rawHeaders.length / 2) * HEADER_OVERHEAD_BYTES);
}

function refuseMethod(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': constants.HTTP_STATUS_METHOD_NOT_ALLOWED, allow: 'POST' }, { endStream: true });
}

/** Throws `invalid_argument` for what is no time-out; cuts what is longer than grpc-js can count. */
function readTimeout(headers: IncomingHttpHeaders): void {
  const text = headers['grpc-timeout'];
  if (text === undefined) return;
  const [, digits, unit] = TIMEOUT_PATTERN.exec(String(text)) ?? [];
  if (digits === undefined || unit === undefined) {
    throw malformedRequest('its time-out is none', { field: 'grpc-timeout' });
  }
  const ms = Number(digits) * (MS_OF_UNIT[unit] ?? 1);
  if (ms > LONGEST_TIMEOUT_MS) headers['grpc-timeout'] = LONGEST_TIMEOUT;
}

function awaitMessage(stream: ServerHttp2Stream, arrived: () => void): void {
  stream.once('end', arrived).once('close', arrived);
}

function countLasting(stream: ServerHttp2Stream, lasting: Set<ServerHttp2Stream>, options: GrpcHeadsOptions): void {
  if (lasting.size >= options.maxConcurrentStreams) throw tooManyRequests();
  lasting.add(stream);
  stream.once('close', () => lasting.delete(stream));
}

/** A stream that the pipeline does not see. */
function isBeside(path: string): boolean {
  return path.startsWith(BESIDE_PREFIX) && !UNARY_BESIDE.has(path);
}

function awaitReader(stream: ServerHttp2Stream, answers: UnreadAnswers): void {
  const read = answers.enter(() => stream.close(constants.NGHTTP2_CANCEL));
  stream.once('close', read);
}

/**
 * Calls back when an answer begins. What grpc-js answers by itself in place of a handler is about a message that it could not
 * read, not a fault of the service.
 */
function onAnswer(stream: ServerHttp2Stream, begin: () => void): void {
  const respond = stream.respond.bind(stream);
  stream.respond = (headers?: OutgoingHttpHeaders, more?: Parameters<typeof respond>[1]): void => {
    begin();
    const isOwn = headers?.['grpc-status-details-bin'] !== undefined;
    const isFault = Number(headers?.['grpc-status']) === Code.Internal;
    if (isFault && !isOwn) respond({ ...headers, ...headersOf(unreadable) }, more);
    else respond(headers, more);
  };
}

const unreadable: RpcFailure = {
  code: Code.InvalidArgument,
  reason: 'MALFORMED_REQUEST',
  message: "the request can't be decoded: its message is not framed or compressed as it says",
  metadata: {},
};

/** A status in the place of an answer. */
function respondWith(stream: ServerHttp2Stream, failure: RpcFailure): void {
  if (stream.destroyed || stream.closed) return;
  if (stream.headersSent) stream.close(constants.NGHTTP2_CANCEL);
  else {
    const headers = { ':status': 200, 'content-type': 'application/grpc+proto', ...headersOf(failure) };
    stream.respond(headers, { endStream: true });
    // What is still to come of the message is not wanted.
    stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

function headersOf(failure: RpcFailure): OutgoingHttpHeaders {
  const { code, details, metadata } = toGrpcStatus(failure);
  return { 'grpc-status': code, 'grpc-message': encodeURI(details), ...metadata.toHttp2Headers() };
}
