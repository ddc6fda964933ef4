import type { DescMessage, DescMethodUnary, DescService, Message, MessageInitShape } from '@bufbuild/protobuf';
import { type Client, ConnectError, createClient, type Transport, type UnaryResponse } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { createLeanGrpcTransport } from './grpc-transport.ts';
import { KnownVersions } from './known-versions.ts';
import { isNamed, isRead, nameOfAnswer, nameOfRequest, namesOfBatch } from './record-names.ts';
import { errorInfoOf, maySendAgain } from './retry.ts';

export { isOutcomeUnknown, reasonOf } from './retry.ts';

/** How to reach the service, and what to tell it of the caller. */
export interface SessionOptions {
  /** Instances of the service, `http://host:port` each; a failing one is passed over. At least one. */
  readonly addresses: readonly string[];
  /** Default: `grpc`, on the service's gRPC port; the others are for its HTTP port. */
  readonly protocol?: 'grpc' | 'grpc-web' | 'connect';
  /** The calling service's name: flags and traces see it. */
  readonly caller?: string;
  /** The user on whose behalf calls are made: flags see it. */
  readonly user?: string;
  /** How long a call may take if it says nothing itself, in milliseconds. Default: 5000. */
  readonly timeoutMs?: number;
  /** How often a call that may safely be sent again is. Default: 4. */
  readonly retries?: number;
  /** Where to begin among the addresses. Default: the first. */
  readonly startAt?: number;
  /** For `https:` addresses, PEM: whose certificates are good (default: those that Node knows), and the caller's own, if any. */
  readonly tls?: ClientTls;
  /** The token that goes with each call as `authorization: Bearer …`, or where to get it: asked for each, so that it can be renewed. */
  readonly token?: string | (() => string);
}

/** Trust and identity for TLS, in PEM. */
export interface ClientTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
}

/**
 * What one user, job or request reads and writes in order. The version that the service last gave for a record, or for
 * a parent's list, goes back with the next call, so that no read shows an older state than one before it: of a record always,
 * also after a NOT_FOUND; of a list as far as one version can say it, which is that of its newest record. A list gives no
 * versions of its records, so the first Get of a record after a List of its parent asks for the authority. A batch that is read has one
 * version too: where more is known of some of its records, the authority is asked. A write whose every record has a `request_id` is sent
 * again when its outcome is not known.
 */
export interface Session {
  /** A client of a service that protoc-gen-es has generated. */
  client<Service extends DescService>(service: Service): Client<Service>;
  /** The version last given for a record's name; 0: none. */
  versionOf(name: string): bigint;
}

/** The most records and lists whose versions a session remembers; what was not heard of for the longest is forgotten first. */
const MAX_VERSIONS = 10_000;
const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_RETRIES = 4;
/** The pause before the first retry; it doubles with each, half of it at random. */
const FIRST_PAUSE_MS = 20;
const VERSION = 'crossfade-version';
const CONSISTENCY = 'crossfade-consistency';

/** Begins a session. Sessions are cheap, and share nothing but the addresses. Throws a RangeError without an address. */
export function createSession(options: SessionOptions): Session {
  const transport = new SessionTransport(options);
  return {
    client: (service) => createClient(service, transport),
    versionOf: (name) => transport.versions.of(name),
  };
}

type HeadersGiven = ConstructorParameters<typeof Headers>[0];

class SessionTransport implements Transport {
  readonly versions = new KnownVersions(MAX_VERSIONS);
  readonly #options: SessionOptions;
  readonly #transports: readonly Transport[];
  #next: number;

  constructor(options: SessionOptions) {
    if (options.addresses.length === 0) throw new RangeError('a session needs at least one address');
    this.#options = options;
    this.#transports = options.addresses.map((baseUrl) => createTransport(baseUrl, options));
    this.#next = options.startAt ?? 0;
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    header: HeadersGiven,
    input: MessageInitShape<I>,
    ...rest: unknown[]
  ): Promise<UnaryResponse<I, O>> {
    const batch = namesOfBatch(method, input as Message);
    const name = nameOfRequest(method, input as Message);
    const read = isRead(method);
    const kind = read ? 'read' : isNamed(method, input as Message) ? 'named' : 'write';
    const deadlineMs = performance.now() + (timeoutMs ?? this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    for (let attempt = 0; ; attempt++) {
      const { moment } = this.versions;
      try {
        const leftMs = Math.max(1, Math.round(deadlineMs - performance.now()));
        const headers = batch.length > 0 ? this.#batchHeaders(header, batch, read) : this.#headers(header, name, read);
        const sent = this.#transport().unary(method, signal, leftMs, headers, input, ...(rest as []));
        const response = await sent;
        const version = versionIn(response.header, response.trailer) ?? 0n;
        for (const one of batch) this.#remember(one, version, moment);
        if (batch.length === 0) this.#remember(name ?? nameOfAnswer(response.message), version, moment);
        return response;
      } catch (error) {
        // Of a batch the failure names the record.
        const failed = batch.length > 0 ? errorInfoOf(error)?.metadata.name : name;
        this.#remember(failed, versionOfFailure(error), moment);
        if (attempt >= (this.#options.retries ?? DEFAULT_RETRIES) || !maySendAgain(error, kind)) throw error;
        const pauseMs = FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random() / 2);
        if (performance.now() + pauseMs >= deadlineMs || signal?.aborted) throw error;
        this.#next += 1;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  stream: Transport['stream'] = (method, signal, timeoutMs, header, input, contextValues) =>
    this.#transport().stream(method, signal, timeoutMs, this.#headers(header, undefined, true), input, contextValues);

  #transport(): Transport {
    const transport = this.#transports[this.#next % this.#transports.length];
    if (transport === undefined) throw new RangeError('a session needs at least one address');
    return transport;
  }

  #headers(given: HeadersGiven, name: string | undefined, read: boolean): Headers {
    const headers = new Headers(given);
    const { caller, user, token } = this.#options;
    if (token !== undefined) headers.set('authorization', `Bearer ${typeof token === 'string' ? token : token()}`);
    if (caller !== undefined) headers.set('crossfade-caller', caller);
    if (user !== undefined) headers.set('crossfade-user', user);
    // What the caller says itself counts.
    if (name === undefined || headers.has(VERSION)) return headers;
    const version = this.versions.of(name);
    if (version > 0n) headers.set(VERSION, version.toString());
    if (read && this.versions.isShownByList(name) && !headers.has(CONSISTENCY)) headers.set(CONSISTENCY, 'authority');
    return headers;
  }

  /**
   * One version is compared with every record of a batch, so it is the least that is known of them; where others are known to be newer, the
   * authority is asked, which shows them all.
   */
  #batchHeaders(given: HeadersGiven, names: readonly string[], read: boolean): Headers {
    const headers = this.#headers(given, undefined, read);
    if (!read || headers.has(VERSION)) return headers;
    const versions = names.map((name) => this.versions.of(name));
    const least = versions.reduce((a, b) => (a < b ? a : b));
    if (least > 0n) headers.set(VERSION, least.toString());
    const isMore =
      versions.some((version) => version > least) || names.some((name) => this.versions.isShownByList(name));
    if (isMore && !headers.has(CONSISTENCY)) headers.set(CONSISTENCY, 'authority');
    return headers;
  }

  #remember(name: string | undefined, version: bigint | undefined, moment: number): void {
    if (name !== undefined && version !== undefined) this.versions.raise(name, version, moment);
  }
}

/** A failure may tell of the record too: that there is none, or one already. Its `ErrorInfo` survives every proxy. */
function versionOfFailure(error: unknown): bigint | undefined {
  return versionIn(ConnectError.from(error).metadata) ?? parseVersion(errorInfoOf(error)?.metadata.version);
}

function versionIn(...metadata: readonly Headers[]): bigint | undefined {
  return metadata.map((headers) => parseVersion(headers.get(VERSION))).find((version) => version !== undefined);
}

function parseVersion(text: string | null | undefined): bigint | undefined {
  return text != null && /^[0-9]{1,19}$/.test(text) ? BigInt(text) : undefined;
}

function createTransport(baseUrl: string, options: SessionOptions): Transport {
  const { tls = {} } = options;
  switch (options.protocol ?? 'grpc') {
    case 'grpc':
      return createLeanGrpcTransport(baseUrl, tls);
    case 'grpc-web':
      return createGrpcWebTransport({ baseUrl, httpVersion: '1.1', nodeOptions: tls });
    case 'connect':
      return createConnectTransport({ baseUrl, httpVersion: '1.1', nodeOptions: tls });
  }
}
