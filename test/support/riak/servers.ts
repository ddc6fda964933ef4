import type { RiakNode } from '../../../src/stores/riak/client.ts';
import { type ClusterOptions, RiakCluster } from './cluster.ts';
import { type HttpNodeOptions, listen } from './http-node.ts';

/** A cluster whose nodes listen. */
export interface RiakServers {
  readonly cluster: RiakCluster;
  readonly nodes: readonly RiakNode[];
  close(): Promise<void>;
}

/** The bucket type of tests. */
export const BUCKET_TYPE = 'crossfade';

/** Starts a cluster of the bucket type of tests, each node on a port of its own. */
export async function startRiak(
  options: Partial<ClusterOptions> = {},
  security: Pick<HttpNodeOptions, 'credentials' | 'tls'> = {},
): Promise<RiakServers> {
  const cluster = new RiakCluster({ types: { [BUCKET_TYPE]: {} }, ...options });
  const listeners = await Promise.all(
    Array.from({ length: cluster.nodes }, (_, node) => listen({ cluster, node, ...security })),
  );
  return {
    cluster,
    nodes: listeners.map(({ port }) => ({ host: '127.0.0.1', port })),
    close: async () => {
      cluster.close();
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}
