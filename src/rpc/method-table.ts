import type { DescMethod } from '@bufbuild/protobuf';
import type { Guarded } from './access.ts';
import type { CallContext } from './call-context.ts';

/**
 * An answer ready to be written: called once, right before its bytes go to the transport, which copies them at once. So an
 * encoder may hand out the same buffer again and again.
 */
export type Reply = () => Uint8Array;

interface MethodBase extends Guarded {
  /** `/hospital.v1.Medications/GetMedication`. */
  readonly path: string;
  readonly desc: DescMethod;
  /**
   * The request from its wire bytes.
   *
   * @throws `invalid_argument`/MALFORMED_REQUEST.
   */
  decode(bytes: Uint8Array): unknown;
}

/** One request, one answer. */
export interface UnaryMethod extends MethodBase {
  readonly kind: 'unary';
  /** `request` is what `decode` returned, or the same message as protobuf-es decoded it from JSON. */
  handle(request: unknown, context: CallContext): Promise<Reply>;
}

/** One request, any number of answers. The bytes of each must be its own: they may wait for the caller. */
export interface StreamingMethod extends MethodBase {
  readonly kind: 'server_streaming';
  /** Ends when the context's signal aborts, at the latest. */
  handle(request: unknown, context: CallContext): AsyncIterable<Reply>;
}

/** One method, whatever transport carries it. */
export type Method = UnaryMethod | StreamingMethod;

/** Every method that is served, by path: the one table behind both servers. */
export type MethodTable = ReadonlyMap<string, Method>;

/** Puts methods into one table. Throws a RangeError if two have the same path. */
export function createMethodTable(methods: Iterable<Method>): MethodTable {
  const table = new Map<string, Method>();
  for (const method of methods) {
    if (table.has(method.path)) throw new RangeError(`two methods are served as ${method.path}`);
    table.set(method.path, method);
  }
  return table;
}

/** The path of a method. */
export function methodPath(desc: DescMethod): string {
  return `/${desc.parent.typeName}/${desc.name}`;
}
