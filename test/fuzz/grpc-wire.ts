/** gRPC by hand, over node's HTTP/2: whatever is asked for is sent, right or wrong. */
import {
  type ClientHttp2Session,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { codeName, type Seen } from './wire-codes.ts';

/** One request. */
export interface GrpcRequest {
  readonly path: string;
  /** In place of, or besides, the usual ones; undefined: without it. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Everything that is sent, framing and all. */
  readonly body: Buffer;
  /** The stream goes on: its first answer is enough. */
  readonly streams?: boolean;
  /** The stream is reset after its body, with this code of HTTP/2. */
  readonly resetWith?: number;
}

/** The wire. */
export interface GrpcWire {
  send(request: GrpcRequest, timeoutMs: number): Promise<Seen>;
  close(): void;
}

/** Connections that are shared by all requests. */
const SESSIONS = 4;

/** Opens the wire. */
export function openGrpcWire(port: number): GrpcWire {
  const sessions = new Map<number, ClientHttp2Session>();
  let turn = 0;
  const session = (): ClientHttp2Session => {
    const slot = turn++ % SESSIONS;
    const known = sessions.get(slot);
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const fresh = connect(`http://127.0.0.1:${port}`);
    fresh.on('error', () => {});
    sessions.set(slot, fresh);
    return fresh;
  };
  return {
    send: (request, timeoutMs) => exchange(session(), request, timeoutMs),
    close: () => {
      for (const each of sessions.values()) each.destroy();
    },
  };
}

function exchange(session: ClientHttp2Session, request: GrpcRequest, timeoutMs: number): Promise<Seen> {
  return new Promise((resolve) => {
    const stream = session.request(headersOf(request), { endStream: false });
    const headers: IncomingHttpHeaders = {};
    const data: Buffer[] = [];
    const end = (seen: Seen): void => {
      clearTimeout(timer);
      resolve(seen);
    };
    const timer = setTimeout(() => {
      end({ ending: 'hang', text: '' });
      stream.close(constants.NGHTTP2_CANCEL);
    }, timeoutMs);
    stream.on('response', (head) => Object.assign(headers, head));
    stream.on('trailers', (trailers) => Object.assign(headers, trailers));
    stream.on('data', (chunk: Buffer) => {
      data.push(chunk);
      if (!request.streams) return;
      end(seenOf(headers, data));
      stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('error', () => {});
    stream.on('close', () => end(seenOf(headers, data)));
    if (request.resetWith === undefined) stream.end(request.body);
    else {
      stream.write(request.body);
      stream.close(request.resetWith);
    }
  });
}

function headersOf({ path, headers = {} }: GrpcRequest): OutgoingHttpHeaders {
  const usual = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const all = Object.entries({ ...usual, ...headers });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

function seenOf(headers: IncomingHttpHeaders, data: readonly Buffer[]): Seen {
  const status = headers['grpc-status'];
  const details = Buffer.from(String(headers['grpc-status-details-bin'] ?? ''), 'base64').toString('latin1');
  const text = `${decodeURI(String(headers['grpc-message'] ?? ''))} ${details}`;
  if (status !== undefined) return { ending: codeName(Number(status)), text };
  if (data.length > 0) return { ending: 'OK', text: '' };
  const http = headers[':status'];
  return { ending: http === undefined || Number(http) === 200 ? 'closed' : `HTTP ${http}`, text };
}

/** A message in gRPC's frame: flag, length, bytes. */
export function framed(message: Uint8Array, flag = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([head, message]);
}
