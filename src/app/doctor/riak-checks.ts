import { isDomainError } from '../../domain/errors.ts';
import type { Call } from '../../stores/call.ts';
import { examineBucket, readStatus } from '../../stores/riak/server-checks.ts';
import { type Answer, answersOf, type Check, ok, problem, type ResourceCheck, warning } from './check.ts';
import type { ResourceSubject, Site } from './site.ts';
import { countText } from './text.ts';

const RIAK: Pick<Check, 'needs'> = { needs: ['riak'] };

/** The cluster, as the node that answers sees it. */
export const riakChecks: readonly Check[] = [
  { id: 'riak.reachable', proves: 'riak', run: checkReachable },
  { id: 'riak.nodes', ...RIAK, run: checkNodes },
];

/** What a resource's bucket is. */
export const bucketChecks: readonly ResourceCheck[] = [{ id: 'target.bucket', ...RIAK, run: checkBucket }];

async function checkReachable({ riak }: Site, call: Call): Promise<readonly Answer[]> {
  if (riak === null) return [];
  try {
    const { version } = await readStatus(riak, call);
    return [ok(version === '' ? 'answers' : `answers; riak_kv ${version}`)];
  } catch (error) {
    if (!isDomainError(error)) throw error;
    return [
      problem(error.message, 'check stores.riak: nodes, port (of the HTTPS listener with tls), user; the network'),
    ];
  }
}

/** A write needs every replica, so that every node that is down keeps the follower from being in sync. */
async function checkNodes({ riak }: Site, call: Call): Promise<readonly Answer[]> {
  if (riak === null) return [];
  const { members, connected } = await readStatus(riak, call);
  const found = `${connected} up of ${countText(members, 'node')}`;
  if (connected >= members) return [ok(found)];
  const cure = 'start the others, or take those that are gone for good out: riak-admin cluster force-remove';
  return [warning(`${found}: records on them can’t be written, and so not be read from Riak`, cure)];
}

async function checkBucket({ site, bucket }: ResourceSubject, call: Call): Promise<readonly Answer[]> {
  if (site.riak === null || bucket === undefined) return [];
  const examined = await examineBucket(site.riak, bucket, call);
  return answersOf(examined, `${bucket.bucketType}/${bucket.bucket} keeps siblings and indexes`);
}
