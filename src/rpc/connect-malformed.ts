import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { type ContextKey, createContextKey, createContextValues } from '@connectrpc/connect';
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from '@connectrpc/connect/protocol';
import type { DomainError } from '../domain/errors.ts';
import { malformedRequest } from './typed-service.ts';

/*
 * connect-es decodes a request before it calls anything of ours, and answers what it can't decode by itself: with
 * INTERNAL for wire bytes, without ErrorInfo, past our traces and metrics. So a request that was refused like this is
 * handed in once more, with an empty message in place of its own and a note for the handler, which then refuses it as
 * any other. Connect goes on doing what it is here for: it frames the answer in the caller's protocol.
 */

/** How far a request came, shared between this wrapper and the handler. */
export interface Arrival {
  /** Set by the handler when it is called. */
  reached: boolean;
  /** What the handler has to refuse the request with; null: nothing. */
  malformed: DomainError | null;
}

/** Where the handler finds its request's {@link Arrival}. */
export const arrivalKey: ContextKey<Arrival> = createContextKey<Arrival>({ reached: false, malformed: null });

/**
 * Wraps a handler so that requests which can't be decoded reach it too. One that is not recognized (null: all are) comes to
 * it without its message, which is not even read: the handler refuses it.
 */
export function admitMalformed(
  handler: UniversalHandler,
  recognizes: ((request: UniversalServerRequest) => boolean | Promise<boolean>) | null,
): UniversalHandler {
  const handle = async (request: UniversalServerRequest): Promise<UniversalServerResponse> => {
    const arrival: Arrival = { reached: false, malformed: null };
    const contextValues = (request.contextValues ?? createContextValues()).set(arrivalKey, arrival);
    if (recognizes !== null && !(await recognizes(request))) {
      return await handler({ ...withEmptyMessage(request), contextValues });
    }
    const refused = await answerOf(handler, { ...request, contextValues }, arrival);
    if (refused.complaint === null) return refused.response;
    arrival.malformed = malformedRequest(...describe(refused.complaint));
    return await handler({ ...withEmptyMessage(request), contextValues });
  };
  return Object.assign(handle, handler);
}

/** What a handler answers, or what it complains of: then the request has not reached what is ours. */
async function answerOf(
  handler: UniversalHandler,
  request: UniversalServerRequest,
  arrival: Arrival,
): Promise<{ readonly complaint: null; readonly response: UniversalServerResponse } | { readonly complaint: string }> {
  try {
    const response = await handler(request);
    if (arrival.reached || response.body === undefined) return { complaint: null, response };
    const body = await readAll(response.body);
    const complaint = findComplaint(plain(body, response.header));
    return complaint === null ? { complaint, response: { ...response, body: once(body) } } : { complaint };
  } catch (error) {
    // A complaint that quotes half a character of the message can't be written by connect-es: it gives no answer at all.
    if (arrival.reached) throw error;
    return { complaint: '' };
  }
}

/** The answer of a request that never reached its handler: an error, some hundred bytes. */
async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A large complaint is compressed for callers that take that; in a stream it is behind the head of its frame. */
function plain(body: Buffer, header: UniversalServerResponse['header']): Buffer {
  const ofMessage = header?.get('content-encoding') ?? null;
  const encoding = ofMessage ?? header?.get('connect-content-encoding') ?? null;
  if (encoding === null) return body;
  const isCompressed = ofMessage !== null || ((body[0] ?? 0) & COMPRESSED_FLAG) !== 0;
  const content = ofMessage === null ? body.subarray(ENVELOPE_BYTES) : body;
  if (!isCompressed) return content;
  return encoding === 'br' ? brotliDecompressSync(content) : gunzipSync(content);
}

async function* once(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
}

/** The text of an answer that says INVALID_ARGUMENT or INTERNAL, in JSON or in gRPC-Web's trailers; null for any other. */
function findComplaint(body: Buffer): string | null {
  const text = body.toString('latin1');
  return /"code":"(internal|invalid_argument)"|grpc-status: *(13|3)\b/i.test(text) ? text : null;
}

/** What is looked at of a complaint: what it says stands at its beginning, and then it quotes the caller, in megabytes if need be. */
const MAX_COMPLAINT_CHARS = 2_000;

/** What is wrong, without the value that is: protobuf-es quotes it. */
function describe(text: string): [message: string, metadata: Record<string, string>] {
  const complaint = text.slice(0, MAX_COMPLAINT_CHARS);
  const [, unknown] = /key \\?"([\w.]{1,100})\\?" is unknown/.exec(complaint) ?? [];
  if (unknown !== undefined) return [`there is no field "${unknown}"`, { field: unknown }];
  const [, field] = /cannot decode field [\w.]*?([a-z0-9_]{1,100}) from JSON/.exec(complaint) ?? [];
  if (field !== undefined) return [`the value of "${field}" is not one of its type`, { field }];
  return ['not a message of its type', {}];
}

const ENVELOPE_BYTES = 5;
/** In the first byte of a frame. */
const COMPRESSED_FLAG = 1;
/** Headers that say something about the message that is no longer there. */
const MESSAGE_HEADERS = ['content-length', 'content-encoding', 'connect-content-encoding', 'grpc-encoding'];

function withEmptyMessage(request: UniversalServerRequest): UniversalServerRequest {
  const header = new Headers(request.header);
  for (const name of MESSAGE_HEADERS) header.delete(name);
  const url = new URL(request.url);
  const type = header.get('content-type') ?? `application/${url.searchParams.get('encoding')}`;
  const message = type.includes('json') ? '{}' : '';
  if (request.method === 'GET') {
    for (const name of ['base64', 'compression']) url.searchParams.delete(name);
    url.searchParams.set('message', message);
    return { ...request, header, url: url.toString() };
  }
  const enveloped = type.startsWith('application/connect+') || type.startsWith('application/grpc');
  const body = Buffer.alloc((enveloped ? ENVELOPE_BYTES : 0) + message.length);
  body.write(message, body.length - message.length);
  if (enveloped) body.writeUInt32BE(message.length, 1);
  return { ...request, header, body: once(body) };
}
