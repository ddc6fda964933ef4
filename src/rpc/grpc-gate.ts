import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { AccessControl } from './access.ts';
import type { Inbound, Peer } from './call-context.ts';
import type { Connections } from './connections.ts';
import { toGrpcStatus } from './errors.ts';
import type { MethodTable } from './method-table.ts';
import type { Pipeline } from './pipeline.ts';

/** What {@link createGrpcGate} needs. */
export interface GrpcGateOptions {
  readonly access: AccessControl;
  readonly table: MethodTable;
  readonly pipeline: Pipeline;
  readonly peerAt: (address: string) => Peer;
  /** Called for connections of callers with credentials that count. */
  readonly prove: Connections['prove'];
}

/**
 * Keeps the messages of strangers out of memory: grpc-js reads a request's message before it calls a handler, but after this.
 * A request without credentials that count goes to the pipeline without its message, and is refused there as any other.
 */
export function createGrpcGate(options: GrpcGateOptions): ServerInterceptor {
  const { access, table, peerAt, prove } = options;
  return ({ path }, call) => {
    if (!table.has(path)) return new ServerInterceptingCall(call);
    const onReceiveMetadata = (metadata: Metadata, forward: (metadata: Metadata) => void): void => {
      const inbound = new GateInbound(metadata, call, peerAt);
      const recognized = access.recognizes(inbound);
      const admit = (): void => {
        prove(call.getPeer());
        forward(metadata);
      };
      if (recognized === true) admit();
      else void decide(recognized, admit, () => refuse(options, path, inbound, call));
    };
    return new ServerInterceptingCall(call, { start: (next) => next({ onReceiveMetadata }) });
  };
}

async function decide(
  recognized: boolean | Promise<boolean>,
  admit: () => void,
  refuse: () => Promise<void>,
): Promise<void> {
  if (await recognized) admit();
  else await refuse();
}

async function refuse(
  { table, pipeline }: GrpcGateOptions,
  path: string,
  inbound: Inbound,
  call: ServerInterceptingCallInterface,
): Promise<void> {
  const method = table.get(path);
  if (method?.kind === 'unary') {
    const fail = (failure: Parameters<typeof toGrpcStatus>[0]): void => call.sendStatus(toGrpcStatus(failure));
    pipeline.unary(method, noMessage, inbound, { succeed: noMessage, fail });
  } else if (method !== undefined) {
    const replies = pipeline.stream(method, noMessage, inbound, toGrpcStatus);
    await replies[Symbol.asyncIterator]()
      .next()
      .catch((status: ReturnType<typeof toGrpcStatus>) => call.sendStatus(status));
  }
}

/** Reached only by a request that has come to be good in between: it is answered as a fault, and may be sent again. */
function noMessage(): never {
  throw new RangeError('the message of a refused request was not read');
}

/** A request of which only the head is there. */
class GateInbound implements Inbound {
  readonly rpcSystem = 'grpc';
  readonly timeoutMs = undefined;
  readonly #metadata: Metadata;
  readonly #call: ServerInterceptingCallInterface;
  readonly #peerAt: GrpcGateOptions['peerAt'];

  constructor(metadata: Metadata, call: ServerInterceptingCallInterface, peerAt: GrpcGateOptions['peerAt']) {
    this.#metadata = metadata;
    this.#call = call;
    this.#peerAt = peerAt;
  }

  get(name: string): string | undefined {
    const [value] = this.#metadata.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  onCancel(): void {}

  peer(): Peer {
    return this.#peerAt(this.#call.getPeer());
  }
}
