import type { RiakNode } from '../stores/riak/client.ts';
import type { ConfigFile } from './config-schema.ts';

/** What is wrong with what a config says of Riak, each with its cure. */
export function riakMistakes({ stores: { cassandra, riak }, resources, migration }: ConfigFile): string[] {
  const named = resources.flatMap(({ type, riakBucket }) => (riakBucket === undefined ? [] : [{ type, riakBucket }]));
  if (riak === undefined) {
    return named.map(({ type }) => `resources: ${type} has a riakBucket, but there is no stores.riak`);
  }
  const mistakes: string[] = [];
  if (cassandra !== undefined) mistakes.push('stores: there is one target: name cassandra or riak, not both');
  for (const { type, riakBucket } of named.filter(isSecondOfItsBucket)) {
    mistakes.push(`resources: ${type} has the riakBucket of another one, "${riakBucket}": each needs its own`);
  }
  for (const node of riak.nodes.filter((one) => !isNode(one))) {
    mistakes.push(`stores.riak.nodes: "${node}" is neither a host nor a host with a port`);
  }
  if (riak.user !== undefined && riak.tls === undefined) {
    mistakes.push(
      'stores.riak.user: Riak takes credentials over TLS only: set stores.riak.tls, and the port of the HTTPS listener',
    );
  }
  if (migration.outsideWrites === 'hold') {
    mistakes.push(
      'migration.outsideWrites: hold is for a target that is the authority, which Riak can’t be (docs/riak.md)',
    );
  }
  return mistakes;
}

/** A host name, an IPv4 address, or an IPv6 one in brackets; perhaps a port. */
const NODE = /^(\[[0-9a-fA-F:.]+\]|[^\s:/]+)(?::(\d{1,5}))?$/;

const MAX_PORT = 65_535;

function isNode(node: string): boolean {
  const [whole, , port = '1'] = NODE.exec(node) ?? [];
  return whole !== undefined && Number(port) >= 1 && Number(port) <= MAX_PORT;
}

/** A node of `stores.riak.nodes`. */
export function riakNodeOf(node: string, defaultPort: number): RiakNode {
  const [, host = '', port] = NODE.exec(node) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? defaultPort : Number(port) };
}

function isSecondOfItsBucket(
  { riakBucket }: { riakBucket: string },
  at: number,
  all: readonly { riakBucket: string }[],
): boolean {
  return all.findIndex((other) => other.riakBucket === riakBucket) < at;
}
