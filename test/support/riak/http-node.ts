import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Content, decodeClock, encodeClock, isDeleted, type RiakObject } from './causality.ts';
import type { RequestOptions, RiakCluster } from './cluster.ts';
import { RiakFailure } from './failure.ts';
import { quorumNames, type RequestQuorums } from './properties.ts';

/** How one node is reached. */
export interface HttpNodeOptions {
  readonly cluster: RiakCluster;
  readonly node: number;
  /** Security is on: these, over TLS only ("Security Basics"). */
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly tls?: TlsOptions;
}

/** A node's listener. */
export interface HttpNode {
  readonly port: number;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const BOUNDARY = 'YinLMzyUR9feB17okMytgKsylvh';

/** The HTTP API of one node, as far as clients of objects and indexes need it. */
export async function listen(options: HttpNodeOptions): Promise<HttpNode> {
  const { cluster, node, tls } = options;
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    // One that hangs takes requests, and answers none.
    if (!cluster.isAnswering(node)) return;
    answer(options, request, response).catch((error: unknown) => sendFailure(response, error));
  };
  const server: Server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    if (cluster.isDown(node)) socket.destroy();
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('request', (request) => {
    if (cluster.isDown(node)) request.socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(options: HttpNodeOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { cluster, node, credentials, tls } = options;
  const url = new URL(request.url ?? '', 'http://node');
  const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
  response.setHeader('server', 'MochiWeb/3.0.0 WebMachine/1.11.1 (greased slide to failure)');
  response.setHeader('vary', 'Accept-Encoding');
  if (credentials !== undefined) {
    if (tls === undefined)
      throw new RiakFailure(
        426,
        'Security is enabled and Riak does not accept credentials over HTTP. Try HTTPS instead.',
      );
    const wanted = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
    if (request.headers.authorization !== wanted)
      throw new RiakFailure(401, '', { 'www-authenticate': 'Basic realm="Riak"' });
  }
  if (parts[0] === 'ping') return send(response, 200, { 'content-type': 'text/html' }, 'OK');
  if (parts[0] === 'stats') return sendJson(response, statsOf(cluster, node));
  const [type, rest] = parts[0] === 'types' ? [parts[1] ?? '', parts.slice(2)] : ['default', parts];
  if (rest[0] === 'props') return sendJson(response, { props: cluster.properties(type) });
  if (rest[0] !== 'buckets') throw new RiakFailure(404, '');
  const [, bucket = '', what, ...names] = rest;
  if (what === 'props') return sendJson(response, { props: { name: bucket, ...cluster.properties(type) } });
  if (what === 'index') return sendIndex(options, { type, bucket, names, url }, response);
  if (what === 'keys' && names.length === 1) {
    return handleObject(options, { name: { type, bucket, key: names[0] ?? '' }, url, request }, response);
  }
  throw new RiakFailure(404, '');
}

interface ObjectRequest {
  readonly name: { readonly type: string; readonly bucket: string; readonly key: string };
  readonly url: URL;
  readonly request: IncomingMessage;
}

async function handleObject(
  { cluster, node }: HttpNodeOptions,
  { name, url, request }: ObjectRequest,
  response: ServerResponse,
): Promise<void> {
  cluster.properties(name.type);
  const options = requestOptions(url);
  const sent = request.headers['x-riak-vclock'];
  const context = typeof sent === 'string' ? decodeClock(sent) : null;
  if (request.method === 'GET') return sendObject(response, await cluster.get(node, name, options), { url, request });
  if (request.method === 'DELETE') {
    const wasThere = await cluster.delete(node, name, context, options);
    if (!wasThere) throw new RiakFailure(404, 'not found\n');
    return send(response, 204, {}, '');
  }
  if (request.method !== 'PUT') throw new RiakFailure(405, '');
  const contentType = request.headers['content-type'];
  if (contentType === undefined) throw new RiakFailure(400, 'Missing Content-Type request header');
  const content = {
    value: await bodyOf(request),
    contentType,
    deleted: false,
    indexes: indexesOf(request),
    metadata: headersWith(request, 'x-riak-meta-').map(([key, value]) => [`x-riak-meta-${key}`, value] as const),
  };
  const object = await cluster.put(node, name, { context: context ?? {}, content }, options);
  if (url.searchParams.get('returnbody') === 'true') return sendObject(response, object, { url, request });
  send(response, 204, {}, '');
}

function requestOptions(url: URL): RequestOptions {
  const quorums: Record<string, string> = {};
  for (const name of quorumNames) {
    const value = url.searchParams.get(name);
    if (value !== null) quorums[name] = value;
  }
  const notfoundOk = url.searchParams.get('notfound_ok');
  return {
    quorums: { ...(quorums as RequestQuorums), ...(notfoundOk !== null && { notfoundOk: notfoundOk === 'true' }) },
    timeoutMs: Number(url.searchParams.get('timeout') ?? DEFAULT_TIMEOUT_MS),
  };
}

function headersWith(request: IncomingMessage, prefix: string): readonly (readonly [string, string])[] {
  return Object.entries(request.headers).flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), String(value)] as const] : [],
  );
}

/** Several terms of one field are separated by commas. */
function indexesOf(request: IncomingMessage): readonly (readonly [string, string])[] {
  return headersWith(request, 'x-riak-index-').flatMap(([field, terms]) => {
    if (!/_(bin|int)$/.test(field)) throw new RiakFailure(400, `Unknown field type for field: '${field}'.\n`);
    return terms.split(',').map((term) => [field, term.trim()] as const);
  });
}

function sendObject(
  response: ServerResponse,
  object: RiakObject | undefined,
  { url, request }: Pick<ObjectRequest, 'url' | 'request'>,
): void {
  if (object === undefined) throw new RiakFailure(404, 'not found\n', { 'content-type': 'text/plain' });
  const clock = { 'x-riak-vclock': encodeClock(object.clock) };
  if (isDeleted(object)) {
    throw new RiakFailure(404, 'not found\n', { 'content-type': 'text/plain', 'x-riak-deleted': 'true', ...clock });
  }
  const vtag = url.searchParams.get('vtag');
  const contents = vtag === null ? object.contents : object.contents.filter((one) => one.vtag === vtag);
  const [only] = contents;
  if (only === undefined) throw new RiakFailure(404, 'not found\n');
  const accept = request.headers.accept ?? '*/*';
  if (contents.length === 1) {
    if (!acceptsType(accept, only.contentType)) throw new RiakFailure(406, '');
    send(response, 200, { ...clock, ...headersOf(only) }, only.value);
    return;
  }
  if (accept.includes('multipart/mixed')) {
    send(response, 300, { ...clock, 'content-type': `multipart/mixed; boundary=${BOUNDARY}` }, multipart(contents));
    return;
  }
  const list = `Siblings:\n${contents.map((one) => `${one.vtag}\n`).join('')}`;
  send(response, 300, { ...clock, 'content-type': 'text/plain' }, list);
}

function acceptsType(accept: string, type: string): boolean {
  const [family] = type.split('/');
  const wanted = accept.split(',').map((one) => one.split(';')[0]?.trim());
  return wanted.some((one) => one === '*/*' || one === `${family}/*` || one === type.split(';')[0]);
}

function headersOf(content: Content): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': content.contentType,
    link: '</buckets/b>; rel="up"',
    etag: content.vtag,
    'last-modified': new Date(content.lastModifiedMs).toUTCString(),
    ...(content.deleted && { 'x-riak-deleted': 'true' }),
  };
  for (const [name, value] of content.metadata) headers[name] = value;
  for (const [field, term] of content.indexes) {
    const name = `x-riak-index-${field}`;
    headers[name] = headers[name] === undefined ? term : `${headers[name]}, ${term}`;
  }
  return headers;
}

function multipart(contents: readonly Content[]): Buffer {
  const parts = contents.flatMap((content) => {
    const head = Object.entries(headersOf(content)).map(([name, value]) => `${name}: ${value}\r\n`);
    return [Buffer.from(`\r\n--${BOUNDARY}\r\n${head.join('')}\r\n`), content.value];
  });
  return Buffer.concat([...parts, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
}

interface IndexRequest {
  readonly type: string;
  readonly bucket: string;
  readonly names: readonly string[];
  readonly url: URL;
}

async function sendIndex(
  { cluster, node }: HttpNodeOptions,
  asked: IndexRequest,
  response: ServerResponse,
): Promise<void> {
  const { type, bucket, names, url } = asked;
  const [field = '', from = '', to = from] = names;
  if (!/_(bin|int)$/.test(field)) throw new RiakFailure(400, `Invalid query: {unknown_field_type,<<"${field}">>}\n`);
  const { searchParams } = url;
  const max = searchParams.get('max_results');
  if (max !== null && !(Number(max) > 0))
    throw new RiakFailure(400, `Invalid "max_results". "${max}" is not a positive integer`);
  const timeoutMs = Number(searchParams.get('timeout') ?? DEFAULT_TIMEOUT_MS);
  const all = await cluster.index(node, { type, bucket, field, from, to }, timeoutMs);
  const continuation = searchParams.get('continuation');
  const [term, key] =
    continuation === null ? ['', ''] : (JSON.parse(Buffer.from(continuation, 'base64').toString()) as [string, string]);
  const left = all.filter((one) => one.term > term || (one.term === term && one.key > key));
  const page = max === null ? left : left.slice(0, Number(max));
  const last = page.at(-1);
  // As Riak does: a full page has one, whether or not there is more.
  const more = max !== null && last !== undefined && page.length === Number(max);
  sendJson(response, {
    ...(searchParams.get('return_terms') === 'true'
      ? { results: page.map((one) => ({ [one.term]: one.key })) }
      : { keys: page.map((one) => one.key) }),
    ...(more && { continuation: Buffer.from(JSON.stringify([last.term, last.key])).toString('base64') }),
  });
}

function statsOf(cluster: RiakCluster, node: number): object {
  const nameOf = (one: number): string => `riak${one}@127.0.0.1`;
  return {
    nodename: nameOf(node),
    ring_members: Array.from({ length: cluster.nodes }, (_, one) => nameOf(one)),
    connected_nodes: cluster.connectedTo(node).map(nameOf),
    storage_backend: cluster.backend === 'leveldb' ? 'riak_kv_eleveldb_backend' : 'riak_kv_bitcask_backend',
    riak_kv_version: '2.2.3',
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function sendJson(response: ServerResponse, value: object): void {
  send(response, 200, { 'content-type': 'application/json' }, JSON.stringify(value));
}

function sendFailure(response: ServerResponse, error: unknown): void {
  if (error instanceof RiakFailure) send(response, error.status, error.headers, error.message);
  else send(response, 500, { 'content-type': 'text/plain' }, `Error:\n${String(error)}\n`);
}

function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Buffer,
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(status === 204 ? undefined : body);
}
