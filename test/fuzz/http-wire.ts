/** HTTP/1.1 as node's client speaks it: Connect, gRPC-Web, and what is neither. */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { codeName, connectCodeName, type Seen } from './wire-codes.ts';

/** One request. */
export interface HttpRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
  /** The answer goes on: its first bytes are enough. */
  readonly streams?: boolean;
}

/** The wire. */
export interface HttpWire {
  send(request: HttpRequest, timeoutMs: number): Promise<Seen>;
  /** A page as text, such as `/metrics`. */
  page(path: string): Promise<string>;
  close(): void;
}

const MAX_SOCKETS = 32;
const TRAILERS_FLAG = 0x80;
const FRAME_HEAD_BYTES = 5;
const HTTP_OK = 200;

/** Opens the wire. */
export function openHttpWire(port: number): HttpWire {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  return {
    send: (request, timeoutMs) => exchange(port, agent, request, timeoutMs),
    page: async (path) => await (await fetch(`http://127.0.0.1:${port}${path}`)).text(),
    close: () => agent.destroy(),
  };
}

function exchange(port: number, agent: Agent, request: HttpRequest, timeoutMs: number): Promise<Seen> {
  return new Promise((resolve) => {
    const { method = 'POST', path, headers, body, streams } = request;
    const call = httpRequest({ host: '127.0.0.1', port, agent, method, path, headers });
    const timer = setTimeout(() => {
      resolve({ ending: 'hang', text: '' });
      call.destroy();
    }, timeoutMs);
    const end = (seen: Seen): void => {
      clearTimeout(timer);
      resolve(seen);
    };
    call.on('error', () => end({ ending: 'closed', text: '' }));
    // A connection that ends while its request is still being written may tell no error.
    call.on('close', () => end({ ending: 'closed', text: '' }));
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      const finish = (): void => end(seenOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks)));
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (!streams) return;
        finish();
        call.destroy();
      });
      response.on('end', finish);
      response.on('error', finish);
      response.on('close', finish);
    });
    call.end(body);
  });
}

function seenOf(status: number, headers: IncomingHttpHeaders, body: Buffer): Seen {
  const type = headers['content-type'] ?? '';
  const text = body.toString('latin1');
  if (type.startsWith('application/grpc')) return grpcWebSeen(headers, body, text);
  if (type.startsWith('application/connect+')) return connectStreamSeen(text);
  if (status === HTTP_OK) return { ending: 'OK', text: '' };
  const code = /"code":"([a-z_]+)"/.exec(text)?.[1];
  return { ending: code === undefined ? `HTTP ${status}` : connectCodeName(code), text: withDetails(text) };
}

/** A stream that fails says so in its last frame. */
function connectStreamSeen(text: string): Seen {
  const code = /"error":\{"code":"([a-z_]+)"/.exec(text)?.[1];
  return {
    ending: code === undefined ? 'OK' : connectCodeName(code),
    text: code === undefined ? '' : withDetails(text),
  };
}

function grpcWebSeen(headers: IncomingHttpHeaders, body: Buffer, text: string): Seen {
  const trailers = trailersIn(body);
  const status = headers['grpc-status'] ?? /grpc-status: *(\d+)/i.exec(trailers)?.[1];
  if (status === undefined) return { ending: body.length > 0 ? 'OK' : 'closed', text };
  return { ending: codeName(Number(status)), text: status === '0' ? '' : text };
}

function trailersIn(body: Buffer): string {
  for (let at = 0; at + FRAME_HEAD_BYTES <= body.length; ) {
    const length = body.readUInt32BE(at + 1);
    const end = at + FRAME_HEAD_BYTES + length;
    if ((body[at] ?? 0) & TRAILERS_FLAG) return body.subarray(at + FRAME_HEAD_BYTES, end).toString('latin1');
    at = end;
  }
  return '';
}

/** The text with its details decoded behind it: they are base64. */
function withDetails(text: string): string {
  const values = [...text.matchAll(/"value":"([A-Za-z0-9+/=_-]+)"/g)];
  return [text, ...values.map(([, value]) => Buffer.from(value ?? '', 'base64').toString('latin1'))].join(' ');
}
