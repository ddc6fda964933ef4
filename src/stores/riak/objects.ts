import type { Call } from '../call.ts';
import type { RiakClient, RiakResponse } from './client.ts';
import { internal, parseAnswer, translateAnswer } from './errors.ts';
import type { TermRange } from './index-terms.ts';
import { parseMultipart } from './multipart.ts';
import { CONTENT_TYPE } from './record-format.ts';

/** Where a resource's records are. */
export interface RiakPlace {
  readonly bucketType: string;
  readonly bucket: string;
}

/** An object with all its siblings. */
export interface Fetched {
  /** The values of its siblings, without tombstones; empty: it is not there, or deleted. */
  readonly values: readonly Buffer[];
  /** What a write must send back to replace exactly these siblings (`X-Riak-Vclock`); null: there never was anything. */
  readonly context: string | null;
}

/** A page of an index. */
export interface KeyPage {
  /** Names of objects, in the order of their terms. */
  readonly names: readonly string[];
  /** Whether the range has no more. */
  readonly ended: boolean;
}

type Limits = Pick<Call, 'deadlineMs' | 'signal'>;

/** Riak's objects of one bucket, as the HTTP API has them. Errors: DomainErrors. */
export interface RiakObjects {
  fetch(name: string, call: Limits): Promise<Fetched>;
  /** Puts a value in the place of the siblings of a context. Resolves when every replica has it on its disk. */
  store(name: string, value: StoredValue, call: Limits): Promise<void>;
  /** Puts a tombstone in the place of the siblings of a context. */
  remove(name: string, context: string, call: Limits): Promise<void>;
  /** One page of an index's range, at most `most` names. */
  names(range: TermRange, most: number, call: Limits): Promise<KeyPage>;
}

/** What an object is replaced with. */
export interface StoredValue {
  readonly body: Buffer;
  readonly context: string | null;
  /** Index entries. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A read counts if a majority of the replicas, all of them primary ones, has answered; what the newest of them says is the answer
 * ("Replication Properties", "Primary Reads and Writes with PR and PW"). `notfound_ok`: one that has nothing has answered too. With
 * it set to false, fallbacks that have nothing would be believed when all primaries are down.
 */
const READ_QUORUM = 'r=quorum&pr=quorum&notfound_ok=true&basic_quorum=false';
/** A write counts if every replica, all of them primary ones, has it on its disk: an index's answer comes from one of them. */
const WRITE_QUORUM = 'w=all&pw=all&dw=all';

/** All siblings at once; a value alone has its own type, and is not to be refused for it. */
const ACCEPT = { accept: 'multipart/mixed, */*;q=0.5' };

/** What 404 says of an object. It says of a bucket type that is not there: "Unknown bucket type". */
const NOT_FOUND = /^not found/i;

/** Compiles the paths of a bucket. */
export function createRiakObjects(client: RiakClient, { bucketType, bucket }: RiakPlace): RiakObjects {
  const base = `/types/${encodeURIComponent(bucketType)}/buckets/${encodeURIComponent(bucket)}`;
  const keys = `${base}/keys`;
  return {
    fetch: async (name, call) => {
      const path = `${keys}/${name}?${READ_QUORUM}`;
      return readFetched(await client.request({ method: 'GET', path, headers: ACCEPT }, call));
    },
    store: async (name, { body, context, headers }, call) => {
      const answer = await client.request(
        {
          method: 'PUT',
          path: `${keys}/${name}?${WRITE_QUORUM}&returnbody=false`,
          headers: { 'content-type': CONTENT_TYPE, ...(context !== null && { 'x-riak-vclock': context }), ...headers },
          body,
        },
        call,
      );
      if (answer.status !== 204 && answer.status !== 200 && answer.status !== 300) {
        throw translateAnswer(answer, 'a record');
      }
    },
    remove: async (name, context, call) => {
      const path = `${keys}/${name}?${READ_QUORUM}&${WRITE_QUORUM}`;
      const answer = await client.request({ method: 'DELETE', path, headers: { 'x-riak-vclock': context } }, call);
      const isGone = answer.status === 404 && NOT_FOUND.test(answer.body.toString('latin1'));
      if (answer.status !== 204 && !isGone) throw translateAnswer(answer, 'a delete');
    },
    names: async ({ index, from, to }, most, call) => {
      const path = `${base}/index/${index}/${from}/${to}?max_results=${most}`;
      const answer = await client.request({ method: 'GET', path }, call);
      if (answer.status !== 200) throw translateAnswer(answer, 'a query of an index');
      return readNames(answer);
    },
  };
}

function readFetched(answer: RiakResponse): Fetched {
  const { status, headers, body } = answer;
  const clock = headers['x-riak-vclock'];
  const context = typeof clock === 'string' ? clock : null;
  if (status === 404 && NOT_FOUND.test(body.toString('latin1', 0, 64))) return { values: [], context };
  if (context === null) throw translateAnswer(answer, 'a read');
  if (status === 200) return { values: headers['x-riak-deleted'] === 'true' ? [] : [body], context };
  if (status !== 300) throw translateAnswer(answer, 'a read');
  const parts = parseMultipart(headers['content-type'] ?? '', body);
  return { values: parts.filter((part) => part.headers.get('x-riak-deleted') !== 'true').map((p) => p.body), context };
}

function readNames(answer: RiakResponse): KeyPage {
  const { keys, continuation } = parseAnswer(answer, 'a query of an index') as {
    keys?: unknown;
    continuation?: unknown;
  };
  if (!Array.isArray(keys)) throw internal('Riak answered a query of an index without keys.');
  return { names: keys.map(String), ended: typeof continuation !== 'string' };
}
