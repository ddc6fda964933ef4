import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Clock, systemClock } from '../../domain/clock.ts';
import { isDomainError } from '../../domain/errors.ts';
import type { Call } from '../call.ts';
import { type Answer, cancelled, deadlineExceeded, unavailable } from './errors.ts';
import { AVOID_MS, DEFAULT_CONNECTIONS, MAX_RESPONSE_BYTES, MAX_TRIES, MAX_UNDER_WAY } from './limits.ts';

/** A node's HTTP or HTTPS listener, or what stands before several. */
export interface RiakNode {
  readonly host: string;
  readonly port: number;
}

/** Where the cluster is, and who asks. */
export interface RiakConfig {
  /** At least one. */
  readonly nodes: readonly RiakNode[];
  /** The most connections to each node; requests beyond it wait for one. Default 64. */
  readonly connections?: number;
  /** Sent as basic authentication. Riak takes them over TLS only ("Security Basics"). */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** Absent: plain text. */
  readonly tls?: RiakTls;
}

/** How the client checks the nodes, and proves itself; PEM. */
export interface RiakTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** `identity`: a good certificate, for the name that was connected to. `ca`: any good one. `none`: none, for tests. */
  readonly verify: 'identity' | 'ca' | 'none';
}

/** One request. It must be one that may be carried out twice, or late: all of this engine's are. */
export interface RiakRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Encoded, with its query; the time that is left is added to it. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** An answer, whatever its status. */
export interface RiakResponse extends Answer {
  readonly headers: IncomingHttpHeaders;
}

/** The connections to one cluster, shared by all resources. It may be created while the cluster is down. */
export interface RiakClient {
  readonly nodes: readonly RiakNode[];
  /**
   * Asks one node, and if it can't be reached, fails or is silent for half of the time, another one. Throws `unavailable`,
   * `deadline_exceeded`, `cancelled`.
   */
  request(request: RiakRequest, call: Pick<Call, 'deadlineMs' | 'signal'>): Promise<RiakResponse>;
  /** Asks this node alone. Throws as `request` does. */
  requestOf(node: RiakNode, request: RiakRequest, call: Pick<Call, 'deadlineMs' | 'signal'>): Promise<RiakResponse>;
  /** Closes all connections; what is under way fails. */
  close(): void;
}

/** Creates the client: one pool of kept connections a node; nodes take turns. */
export function createRiakClient(config: RiakConfig, clock: Clock = systemClock): RiakClient {
  const { nodes } = config;
  if (nodes.length === 0) throw new RangeError('a client of Riak needs a node');
  const send = createSender(config);
  const turns = new Turns(nodes, clock);
  let underWay = 0;
  const askOne = async (node: RiakNode, request: RiakRequest, call: Limits, shareOfTime = 1): Promise<RiakResponse> => {
    if (call.signal?.aborted) throw cancelled();
    const leftMs = call.deadlineMs - clock.monotonicMs();
    if (leftMs <= 0) throw deadlineExceeded();
    if (underWay >= MAX_UNDER_WAY) throw unavailable('too many requests are under way');
    underWay += 1;
    try {
      const timeoutMs = Math.max(1, Math.ceil(leftMs * shareOfTime));
      return await send(node, request, { timeoutMs, ...(call.signal && { signal: call.signal }) });
    } finally {
      underWay -= 1;
    }
  };
  return {
    nodes,
    requestOf: askOne,
    request: async (request, call) => {
      const candidates = turns.next(MAX_TRIES);
      for (const [i, node] of candidates.entries()) {
        const isLast = i === candidates.length - 1;
        try {
          const response = await askOne(node, request, call, isLast ? 1 : 0.5);
          if (isLast || response.status < 500) return response;
        } catch (error) {
          if (isDomainError(error, 'cancelled')) throw error;
          turns.avoid(node);
          if (isLast || call.deadlineMs <= clock.monotonicMs()) throw error;
        }
      }
      throw unavailable('there is no node to ask');
    },
    close: () => send.close(),
  };
}

type Limits = Pick<Call, 'deadlineMs' | 'signal'>;

/** Nodes take turns; one that has failed lately is asked last. */
class Turns {
  readonly #nodes: readonly RiakNode[];
  readonly #clock: Clock;
  readonly #avoidedUntilMs = new Map<RiakNode, number>();
  #turn = 0;

  constructor(nodes: readonly RiakNode[], clock: Clock) {
    this.#nodes = nodes;
    this.#clock = clock;
  }

  next(most: number): readonly RiakNode[] {
    const first = this.#turn++ % this.#nodes.length;
    const inTurn = [...this.#nodes.slice(first), ...this.#nodes.slice(0, first)];
    if (this.#avoidedUntilMs.size === 0) return inTurn.slice(0, most);
    const nowMs = this.#clock.monotonicMs();
    const isAvoided = (node: RiakNode): boolean => (this.#avoidedUntilMs.get(node) ?? 0) > nowMs;
    return [...inTurn.filter((node) => !isAvoided(node)), ...inTurn.filter(isAvoided)].slice(0, most);
  }

  avoid(node: RiakNode): void {
    this.#avoidedUntilMs.set(node, this.#clock.monotonicMs() + AVOID_MS);
  }
}

interface SendLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

interface Sender {
  (node: RiakNode, request: RiakRequest, limits: SendLimits): Promise<RiakResponse>;
  close(): void;
}

function createSender({ connections = DEFAULT_CONNECTIONS, credentials, tls }: RiakConfig): Sender {
  const pool = { keepAlive: true, maxSockets: connections, scheduling: 'lifo' as const };
  const secure = tls && tlsOptions(tls);
  const agent = secure === undefined ? new HttpAgent(pool) : new HttpsAgent({ ...pool, ...secure });
  const open = secure === undefined ? httpRequest : httpsRequest;
  const own = credentials && { authorization: basic(credentials) };
  const begin = (
    node: RiakNode,
    { method, path, headers, body }: RiakRequest,
    { timeoutMs }: SendLimits,
    alone = false,
  ) =>
    open({
      ...node,
      ...(alone ? { agent: false, ...secure } : { agent }),
      method,
      path: `${path}${path.includes('?') ? '&' : '?'}timeout=${timeoutMs}`,
      headers: { ...own, ...headers, ...(body && { 'content-length': String(body.length) }) },
    });
  const send = async (node: RiakNode, request: RiakRequest, limits: SendLimits): Promise<RiakResponse> => {
    const beganMs = performance.now();
    const outgoing = begin(node, request, limits);
    try {
      return await exchange(outgoing, request.body, limits);
    } catch (error) {
      const leftMs = Math.ceil(limits.timeoutMs - (performance.now() - beganMs));
      if (leftMs <= 0 || !outgoing.reusedSocket || !isReset(error)) throw error;
      // A node closes what is idle for long, also at the moment in which it is used again: that says nothing of the node.
      const rest = { ...limits, timeoutMs: leftMs };
      return await exchange(begin(node, request, rest, true), request.body, rest);
    }
  };
  return Object.assign(send, { close: () => agent.destroy() });
}

function basic({ username, password }: NonNullable<RiakConfig['credentials']>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** What a connection that the other side has closed ends with, by whether that is met while reading or writing. */
const RESETS: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

function isReset(error: unknown): boolean {
  const cause = isDomainError(error, 'unavailable') ? error.cause : undefined;
  return RESETS.has((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** Sends what is to be sent, and reads the whole answer. Nothing is left of the request when this has ended. */
function exchange(outgoing: ClientRequest, body: Buffer | undefined, limits: SendLimits): Promise<RiakResponse> {
  const { timeoutMs, signal } = limits;
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const fail = (error: Error): void => {
      finish(() => reject(error));
      outgoing.destroy();
    };
    const onAbort = (): void => fail(cancelled());
    const timer = setTimeout(() => fail(deadlineExceeded()), timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    outgoing.on('error', (error) => fail(unavailable('the link broke, or there is none', error)));
    outgoing.on('response', (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_RESPONSE_BYTES) fail(unavailable('an answer is larger than any that is expected'));
        else parts.push(part);
      });
      response.on('error', (error) => fail(unavailable('the link broke within an answer', error)));
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response;
        finish(() => resolve({ status, headers, body: Buffer.concat(parts) }));
      });
    });
    outgoing.end(body);
  });
}

function tlsOptions({ verify, ...files }: RiakTls) {
  return {
    ...files,
    rejectUnauthorized: verify !== 'none',
    ...(verify === 'ca' && { checkServerIdentity: () => undefined }),
  };
}
