import type { DescMessage, DescMethodUnary, DescService, Message, MessageInitShape } from '@bufbuild/protobuf';
import { type Client, ConnectError, createClient, type Transport, type UnaryResponse } from '@connectrpc/connect';
import { KnownVersions } from './known-versions.ts';
import { isNamed, isRead, nameOfAnswer, nameOfRequest, namesOfBatch } from './record-names.ts';
import { errorInfoOf, isInstanceFailing, maySendAgain, retryDelayMs } from './retry.ts';

/** What a read is for (docs/api.md): any store with all acknowledged writes, a state that is new enough, or what the authority says. */
export type Consistency = 'latency' | 'at-least' | 'authority';

/** Where a session finds the service, what it tells it of its caller, and how long it tries; the same wherever it runs. */
export interface SessionSettings {
  /** Instances of the service, `https://host:port` (TLS) or `http://host:port` each; a failing one is passed over. At least one. */
  readonly addresses: readonly string[];
  /** The calling service's name: flags and traces see it. */
  readonly caller?: string;
  /** The user on whose behalf calls are made: flags see it. */
  readonly user?: string;
  /** How long a call may take if it says nothing itself, its retries included, in milliseconds; not for streams. Default: 10000. */
  readonly timeoutMs?: number;
  /** How often a call that may safely be sent again is. Default: 8: some seconds, so that a rollout of all instances fails no call. */
  readonly retries?: number;
  /** Where to begin among the addresses. Default: the first. */
  readonly startAt?: number;
  /** The token that goes with each call as `authorization: Bearer …`, or where to get it: asked for each, so that it can be renewed. */
  readonly token?: string | (() => string);
  /**
   * Lets the token go without TLS, to `http:` addresses, where whoever is on the way can read it: for a proxy on the same machine that
   * does TLS. Default: false, and a session with a token and such an address can't be made.
   */
  readonly tokenInClear?: boolean;
  /** What reads are for that say nothing themselves, see {@link asking}. Default: the service's, `latency`. */
  readonly consistency?: Consistency;
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
/** Longer than a handover of authority may make writers wait, which is five seconds unless the service is told otherwise. */
const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_RETRIES = 8;
/** The pause before the first retry; it doubles with each up to the longest, half of it at random. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1_000;
const VERSION = 'crossfade-version';
const CONSISTENCY = 'crossfade-consistency';

/**
 * Begins a session over transports of one address each. Throws a RangeError without an address, and where a token would go without TLS
 * unasked.
 */
export function beginSession(settings: SessionSettings, createTransport: (address: string) => Transport): Session {
  const { addresses } = settings;
  if (addresses.length === 0) throw new RangeError('a session needs at least one address');
  refuseTokenInClear(settings);
  const transport = new SessionTransport(addresses.map(createTransport), settings);
  return {
    client: (service) => createClient(service, transport),
    versionOf: (name) => transport.versions.of(name),
  };
}

function refuseTokenInClear({ addresses, token, tokenInClear = false }: SessionSettings): void {
  if (token === undefined || tokenInClear) return;
  const clear = addresses.find((address) => new URL(address).protocol !== 'https:');
  if (clear === undefined) return;
  throw new RangeError(
    `a token is sent over TLS only, and ${clear} has none: use https:, or set tokenInClear to let others read it`,
  );
}

/** The options of one call that is for something else than its session's reads: `client.getMedication({ name }, asking('authority'))`. */
export function asking(consistency: Consistency): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { [CONSISTENCY]: consistency } };
}

type HeadersGiven = ConstructorParameters<typeof Headers>[0];

class SessionTransport implements Transport {
  readonly versions = new KnownVersions(MAX_VERSIONS);
  readonly #options: SessionSettings;
  readonly #transports: readonly Transport[];
  /** Which transport is used: counts on, and wraps around. */
  #current: number;

  constructor(transports: readonly Transport[], options: SessionSettings) {
    this.#options = options;
    this.#transports = transports;
    this.#current = options.startAt ?? 0;
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
      const used = this.#current;
      try {
        const leftMs = Math.max(1, Math.round(deadlineMs - performance.now()));
        const headers = batch.length > 0 ? this.#batchHeaders(header, batch, read) : this.#headers(header, name, read);
        if (read) this.#ask(headers);
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
        this.#passOver(used, error);
        if (attempt >= (this.#options.retries ?? DEFAULT_RETRIES) || !maySendAgain(error, kind)) throw error;
        const pauseMs = pauseBefore(attempt, error);
        if (performance.now() + pauseMs >= deadlineMs || signal?.aborted) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }

  stream: Transport['stream'] = (method, signal, timeoutMs, header, input, contextValues) =>
    this.#transport().stream(method, signal, timeoutMs, this.#headers(header, undefined, true), input, contextValues);

  #transport(): Transport {
    const transport = this.#transports[this.#current % this.#transports.length];
    if (transport === undefined) throw new RangeError('startAt is no place among the addresses');
    return transport;
  }

  /** An instance that is not there, or does not answer: the next call goes to another one. Calls that fail together move on together. */
  #passOver(used: number, error: unknown): void {
    if (used === this.#current && isInstanceFailing(error)) this.#current += 1;
  }

  /** What the session's reads are for, unless the call or what was read before asks for more. */
  #ask(headers: Headers): void {
    const { consistency } = this.#options;
    if (consistency !== undefined && !headers.has(CONSISTENCY)) headers.set(CONSISTENCY, consistency);
  }

  #headers(given: HeadersGiven, name: string | undefined, read: boolean): Headers {
    const headers = new Headers(given);
    const { caller, user, token } = this.#options;
    // What the call says itself counts.
    const say = (key: string, value: string | undefined): void => {
      if (value !== undefined && !headers.has(key)) headers.set(key, value);
    };
    if (token !== undefined && !headers.has('authorization')) headers.set('authorization', bearerOf(token));
    say('crossfade-caller', caller);
    say('crossfade-user', user);
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

function bearerOf(token: string | (() => string)): string {
  return `Bearer ${typeof token === 'string' ? token : token()}`;
}

/** At least as long as the service says, and then some: of callers who were refused together not all come back at once. */
function pauseBefore(attempt: number, error: unknown): number {
  const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return (retryDelayMs(error) ?? 0) + longestMs * (0.5 + Math.random() / 2);
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
