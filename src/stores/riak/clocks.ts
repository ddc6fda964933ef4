import { DomainError } from '../../domain/errors.ts';
import type { Call } from '../call.ts';
import type { RiakClient, RiakNode } from './client.ts';
import { unavailable } from './errors.ts';

const PING = { method: 'GET', path: '/ping' } as const;

/**
 * The clock of the slowest node that answers, in microseconds, in steps of a second: of the `Date` of its answer to a ping. For people: Riak's
 * clocks decide nothing here. Throws as the client does.
 */
export async function readSlowestClock(client: RiakClient, call: Pick<Call, 'deadlineMs' | 'signal'>): Promise<bigint> {
  const answers = await Promise.allSettled(client.nodes.map((node) => readClock(client, node, call)));
  const clocks = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const [first, ...others] = clocks;
  if (first !== undefined) return others.reduce((slowest, clock) => (clock < slowest ? clock : slowest), first);
  const [failed] = answers;
  if (failed?.status === 'rejected' && failed.reason instanceof DomainError) throw failed.reason;
  throw unavailable('no node tells its time');
}

async function readClock(
  client: RiakClient,
  node: RiakNode,
  call: Pick<Call, 'deadlineMs' | 'signal'>,
): Promise<bigint> {
  const { status, headers } = await client.requestOf(node, PING, call);
  const ms = Date.parse(headers.date ?? '');
  if (status !== 200 || Number.isNaN(ms)) throw unavailable('a node does not answer pings');
  return BigInt(ms) * 1_000n;
}
