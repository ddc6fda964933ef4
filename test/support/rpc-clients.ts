/** Callers of the service in every protocol that it speaks, with one shape of answer. */
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import {
  create,
  type DescMethod,
  fromBinary,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Registry,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { type Any, anyUnpack } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../src/gen/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../src/gen/google/rpc/status_pb.ts';

/** What a request says besides its message. */
export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What came back, in one shape for all protocols. */
export interface Outcome {
  /** gRPC's number; 0: success. */
  readonly code: number;
  /** The answer; null on failure. */
  readonly json: JsonValue | null;
  /** `crossfade-version`. */
  readonly version: string | null;
  /** On failure. */
  readonly message?: string;
  readonly reason?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The types of the error's details. */
  readonly details?: readonly string[];
}

/** One caller. */
export interface Caller {
  readonly protocol: string;
  call(method: DescMethod, request: JsonObject, options?: CallOptions): Promise<Outcome>;
  close(): void;
}

/** gRPC, by grpc-js; with `tls` over TLS. */
export function grpcCaller(port: number, tls?: Pick<SecureContextOptions, 'ca' | 'cert' | 'key'>): Caller {
  const security = tls ? credentials.createFromSecureContext(createSecureContext(tls)) : credentials.createInsecure();
  // A channel of its own: another caller's may have been let in with another certificate.
  const client = new Client(`127.0.0.1:${port}`, security, { 'grpc.use_local_subchannel_pool': 1 });
  return {
    protocol: 'gRPC',
    close: () => client.close(),
    call: (method, request, options = {}) =>
      new Promise((resolve) => {
        const metadata = new Metadata();
        for (const [name, value] of Object.entries(options.headers ?? {})) metadata.set(name, value);
        let version: string | null = null;
        const call = client.makeUnaryRequest(
          `/${method.parent.typeName}/${method.name}`,
          (message: JsonObject) => Buffer.from(toBinary(method.input, fromJson(method.input, message))),
          (bytes) => toJson(method.output, fromBinary(method.output, bytes)),
          request,
          metadata,
          options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs },
          (error, json) => resolve(error === null ? { code: 0, json: json ?? null, version } : grpcFailure(error)),
        );
        call.on('metadata', (header) => {
          version = (header.get('crossfade-version')[0] as string | undefined) ?? null;
        });
        options.signal?.addEventListener('abort', () => call.cancel());
      }),
  };
}

function grpcFailure(error: ServiceError): Outcome {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const status = bytes === undefined ? create(StatusSchema) : fromBinary(StatusSchema, bytes as Buffer);
  return {
    ...failure(error.code, error.details, status.details),
    version: (error.metadata.get('crossfade-version')[0] as string | undefined) ?? null,
  };
}

function failure(code: number, message: string, details: readonly Any[]): Outcome {
  const info = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((each) => each !== undefined);
  return {
    code,
    json: null,
    version: null,
    message,
    details: details.map(({ typeUrl }) => typeUrl.split('/').at(-1) ?? ''),
    ...(info && { reason: info.reason, metadata: info.metadata }),
  };
}

/** Connect with binary messages, by connect-web. */
export function connectCaller(port: number): Caller {
  const transport = createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, useBinaryFormat: true });
  return transportCaller('Connect (binary)', transport);
}

/** gRPC-Web, by connect-web. */
export function grpcWebCaller(port: number): Caller {
  return transportCaller('gRPC-Web', createGrpcWebTransport({ baseUrl: `http://127.0.0.1:${port}` }));
}

/** A transport of Connect. */
export function transportCaller(protocol: string, transport: Transport): Caller {
  return {
    protocol,
    close: () => {},
    call: async (method, request, { headers = {}, timeoutMs, signal } = {}) => {
      try {
        const unary = method as Parameters<Transport['unary']>[0];
        const message = fromJson(method.input, request);
        const answer = await transport.unary(unary, signal, timeoutMs, headers, message);
        const json = toJson(method.output, answer.message);
        return { code: 0, json, version: answer.header.get('crossfade-version') };
      } catch (error) {
        return connectFailure(ConnectError.from(error));
      }
    },
  };
}

function connectFailure(error: ConnectError): Outcome {
  const details = error.details.flatMap((detail) =>
    'type' in detail
      ? [{ $typeName: 'google.protobuf.Any' as const, typeUrl: `x/${detail.type}`, value: detail.value }]
      : [],
  );
  return { ...failure(error.code, error.rawMessage, details), version: error.metadata.get('crossfade-version') };
}

/** JSON over HTTP, by fetch: what curl would send. */
export function jsonCaller(port: number): Caller {
  return {
    protocol: 'JSON over HTTP',
    close: () => {},
    call: async (method, request, { headers = {}, timeoutMs, signal } = {}) => {
      const response = await fetch(`http://127.0.0.1:${port}/${method.parent.typeName}/${method.name}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(timeoutMs === undefined ? {} : { 'connect-timeout-ms': String(timeoutMs) }),
          ...headers,
        },
        body: JSON.stringify(request),
        ...(signal && { signal }),
      });
      const json = (await response.json()) as JsonValue;
      const version = response.headers.get('crossfade-version');
      return response.ok ? { code: 0, json, version } : { ...jsonFailure(json as unknown as JsonError), version };
    },
  };
}

interface JsonError {
  readonly code: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

function jsonFailure(error: JsonError): Outcome {
  const details = (error.details ?? []).map(({ type, value }) => ({
    $typeName: 'google.protobuf.Any' as const,
    typeUrl: `x/${type}`,
    value: Buffer.from(value, 'base64'),
  }));
  return failure(codeNumber(error.code), error.message ?? '', details);
}

/** `not_found` as 5. */
function codeNumber(name: string): number {
  const pascal = name.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
  const code: unknown = Code[pascal as keyof typeof Code];
  if (typeof code !== 'number') throw new Error(`${name} is not a code of Connect`);
  return code;
}

/** Every protocol, on the ports of a pair of servers. */
export function allCallers(ports: { readonly grpcPort: number; readonly httpPort: number }): readonly Caller[] {
  return [
    grpcCaller(ports.grpcPort),
    jsonCaller(ports.httpPort),
    connectCaller(ports.httpPort),
    grpcWebCaller(ports.httpPort),
  ];
}

/** The methods of a service by name. */
export function methodsOf(registry: Registry, service: string): Readonly<Record<string, DescMethod>> {
  const methods = registry.getService(service)?.methods ?? [];
  return Object.fromEntries(methods.map((method) => [method.name, method]));
}

/** Types that details of errors have. */
export const detailTypes = {
  errorInfo: ErrorInfoSchema.typeName,
  badRequest: BadRequestSchema.typeName,
  retryInfo: RetryInfoSchema.typeName,
} as const;
