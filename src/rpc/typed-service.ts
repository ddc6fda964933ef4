import {
  create,
  createRegistry,
  type DescMessage,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type DescService,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { DomainError } from '../domain/errors.ts';
import { createRequestRules, type MessageRules } from '../schema/request-rules.ts';
import type { MethodAccess } from './access.ts';
import type { CallContext } from './call-context.ts';
import { type Method, methodPath, type Reply } from './method-table.ts';

/** The handlers of a service that protobuf-es generated: messages in, messages out. */
export type TypedHandlers<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: TypedHandler<Service['method'][Name]>;
};

type TypedHandler<M> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, context: CallContext) => Promise<MessageInitShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, context: CallContext) => AsyncIterable<MessageInitShape<O>>
      : never;

/** What calling each method of a generated service takes. */
export type TypedAccess<Service extends DescService> = { readonly [Name in keyof Service['method']]: MethodAccess };

/** The methods of a generated service. Requests are held against the rules of their protos (`buf.validate`), compiled here. */
export function createTypedMethods<Service extends DescService>(
  service: Service,
  handlers: TypedHandlers<Service>,
  access: TypedAccess<Service>,
): Method[] {
  const mistakes: string[] = [];
  const rules = createRequestRules(createRegistry(service.file), mistakes);
  const byName = handlers as Readonly<Record<string, (request: unknown, context: CallContext) => unknown>>;
  const methods = service.methods.map((desc) => {
    const handler = byName[desc.localName];
    if (handler === undefined) throw new RangeError(`${methodPath(desc)} has no handler`);
    const ruled = withRules(handler, rules.of(desc.input));
    return typedMethod(desc, ruled, (access as Readonly<Record<string, MethodAccess>>)[desc.localName]);
  });
  if (mistakes.length > 0) throw new RangeError(mistakes.join('; '));
  return methods;
}

/** A handler of a message, or of a stream of them. */
type AnyHandler = (request: unknown, context: CallContext) => unknown;

/** Holds requests against the rules of their protos before they are handled. */
function withRules(handler: AnyHandler, rules: MessageRules | undefined): AnyHandler {
  if (rules === undefined) return handler;
  return (request, context) => {
    rules.check(request as Message);
    return handler(request, context);
  };
}

function typedMethod(desc: DescMethod, handler: AnyHandler, access: MethodAccess | undefined): Method {
  if (access === undefined) throw new RangeError(`${methodPath(desc)}: nobody has said what calling it takes`);
  const base = { path: methodPath(desc), desc, access, decode: createDecoder(desc.input) };
  const reply = (message: unknown): Reply => {
    const init = message as MessageInitShape<DescMessage>;
    return () => toBinary(desc.output, create(desc.output, init));
  };
  switch (desc.methodKind) {
    case 'unary':
      return {
        ...base,
        kind: 'unary',
        handle: async (request, context) => reply(await handler(request, context)),
      };
    case 'server_streaming':
      return {
        ...base,
        kind: 'server_streaming',
        handle: async function* (request, context) {
          for await (const message of handler(request, context) as AsyncIterable<unknown>) yield reply(message);
        },
      };
    case 'client_streaming':
    case 'bidi_streaming':
      throw new RangeError(`${methodPath(desc)}: methods that take a stream are not served`);
  }
}

/** Decodes messages of one type. Throws `invalid_argument`/MALFORMED_REQUEST. */
export function createDecoder<Desc extends DescMessage>(desc: Desc): (bytes: Uint8Array) => MessageShape<Desc> {
  return (bytes) => {
    try {
      return fromBinary(desc, bytes, { readUnknownFields: false });
    } catch (cause) {
      throw malformedRequest(`not a ${desc.typeName}`, {}, cause);
    }
  };
}

/** The error of a request that can't be decoded. */
export function malformedRequest(message: string, metadata: Record<string, string>, cause?: unknown): DomainError {
  return new DomainError({
    kind: 'invalid_argument',
    reason: 'MALFORMED_REQUEST',
    message: `the request can't be decoded: ${message}`,
    metadata,
    cause,
  });
}
