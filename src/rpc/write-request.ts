import { hash } from 'node:crypto';
import { type Message, toBinary } from '@bufbuild/protobuf';
import { invalidField } from '../domain/errors.ts';
import type { WriteMethod } from '../schema/definition.ts';
import type { WriteRequest } from '../stores/remembered-requests.ts';

/** A UUID of any version but the nil one, as AIP-155 has it, in either case. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const HASH_BYTES = 8;

/**
 * What makes a request known when it is sent again (AIP-155); nothing where it has no `request_id`. A request is the same one if its
 * method and all of its fields are.
 *
 * @throws DomainError INVALID_ARGUMENT for an id that is no UUID.
 */
export function readRequestId(method: WriteMethod, request: Message): { readonly request?: WriteRequest } {
  const { requestId, path, input } = method;
  const text =
    requestId && ((request as unknown as Record<string, unknown>)[requestId.localName] as string | undefined);
  if (text === undefined || text === '') return {};
  if (!UUID.test(text)) throw invalidField('request_id', 'must be a UUID, of version 4 best');
  const content = Buffer.concat([Buffer.from(path), toBinary(input, request)]);
  return {
    request: {
      id: Buffer.from(text.replaceAll('-', ''), 'hex'),
      hash: hash('sha256', content, 'buffer').subarray(0, HASH_BYTES),
    },
  };
}
