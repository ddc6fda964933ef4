import type { DescMessage, Message } from '@bufbuild/protobuf';

/** Where a request's names stand, by AIP-131 to AIP-135. */
interface NamedRequest {
  readonly name?: unknown;
  readonly parent?: unknown;
}

/**
 * The name under which a session remembers the version of a request's answer: the record's own for Get, Update
 * and Delete, the parent's for List. Undefined for a request that names neither (a Create: see {@link nameOfAnswer}).
 */
export function nameOfRequest(method: string, request: Message & NamedRequest): string | undefined {
  if (method.startsWith('List')) return typeof request.parent === 'string' ? `${request.parent}/*` : undefined;
  if (typeof request.name === 'string' && request.name !== '') return request.name;
  // Update requests carry the resource in a field of its own.
  for (const value of Object.values(request)) {
    const name = (value as NamedRequest | null | undefined)?.name;
    if (typeof name === 'string' && name !== '') return name;
  }
  return undefined;
}

/** The name of the record that an answer holds, for requests that did not know it. */
export function nameOfAnswer(answer: (Message & NamedRequest) | undefined): string | undefined {
  return typeof answer?.name === 'string' && answer.name !== '' ? answer.name : undefined;
}

/** Whether a method only reads: AIP's standard prefixes, or the proto's own word. */
export function isRead(method: {
  readonly name: string;
  readonly idempotency?: number;
  readonly input: DescMessage;
}): boolean {
  return /^(Get|List|BatchGet|Lookup|Watch)/.test(method.name) || method.idempotency === NO_SIDE_EFFECTS;
}

const NO_SIDE_EFFECTS = 1;
