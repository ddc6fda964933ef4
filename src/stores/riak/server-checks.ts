import type { Call } from '../call.ts';
import type { Examined } from '../server-findings.ts';
import type { RiakClient, RiakResponse } from './client.ts';
import { parseAnswer, translateAnswer } from './errors.ts';
import { ALL_INDEX, FIRST, LAST } from './index-terms.ts';
import type { RiakPlace } from './objects.ts';

type Limits = Pick<Call, 'deadlineMs' | 'signal'>;

/** The properties of a bucket that matter here ("HTTP Get Bucket Properties"). */
interface BucketProperties {
  readonly allow_mult?: unknown;
  readonly last_write_wins?: unknown;
  readonly dvv_enabled?: unknown;
  readonly n_val?: unknown;
  readonly consistent?: unknown;
  readonly write_once?: unknown;
  readonly datatype?: unknown;
}

/** The least replicas that survive a disk. */
const WANTED_REPLICAS = 3;

/** Looks at one bucket and its type, and whether its backend keeps indexes. Throws `unavailable` and the like where Riak can't be asked. */
export async function examineBucket(client: RiakClient, place: RiakPlace, call: Limits): Promise<readonly Examined[]> {
  const name = `${place.bucketType}/${place.bucket}`;
  const base = `/types/${encodeURIComponent(place.bucketType)}/buckets/${encodeURIComponent(place.bucket)}`;
  const answer = await client.request({ method: 'GET', path: `${base}/props` }, call);
  if (answer.status === 404) return [missingType(place)];
  if (answer.status !== 200) throw translateAnswer(answer, 'a look at a bucket');
  const { props = {} } = parseAnswer(answer, 'a look at a bucket') as { props?: BucketProperties };
  const path = `${base}/index/${ALL_INDEX}/${FIRST}/${LAST}?max_results=1`;
  return [
    ...examineProperties(place, name, props),
    examineIndex(name, await client.request({ method: 'GET', path }, call)),
  ];
}

/** How a bucket type is made that fits. */
export function createTypeCommand(bucketType: string): string {
  const props = JSON.stringify({ props: { allow_mult: true, dvv_enabled: true, n_val: WANTED_REPLICAS } });
  return `riak-admin bucket-type create ${bucketType} '${props}' && riak-admin bucket-type activate ${bucketType}`;
}

function missingType({ bucketType }: RiakPlace): Examined {
  const setting = `the bucket type ${bucketType}`;
  const cure = createTypeCommand(bucketType);
  return { setting, found: 'not there, or not active', wanted: 'active', cure, verdict: 'error' };
}

function examineProperties({ bucketType }: RiakPlace, name: string, props: BucketProperties): readonly Examined[] {
  const anew = `make a bucket type of another name, and name it in stores.riak.bucketType: ${createTypeCommand('…')}`;
  const update = (change: string): string => `riak-admin bucket-type update ${bucketType} '{"props":{${change}}}'`;
  const must = (property: keyof BucketProperties, wanted: boolean, cure: string, why: string): Examined => {
    const found = props[property] ?? false;
    const verdict = found === wanted ? 'ok' : 'error';
    return { setting: `${name}: ${property}`, found: String(found), wanted: `${wanted}, ${why}`, cure, verdict };
  };
  const replicas = typeof props.n_val === 'number' ? props.n_val : 0;
  return [
    must('allow_mult', true, update('"allow_mult":true'), 'or copies that meet are decided by clocks'),
    must(
      'last_write_wins',
      false,
      update('"last_write_wins":false'),
      'or a late copy of an old version replaces a newer one',
    ),
    {
      ...must('dvv_enabled', true, update('"dvv_enabled":true'), 'or siblings multiply'),
      verdict: props.dvv_enabled === true ? 'ok' : 'warning',
    },
    must('consistent', false, anew, 'as such buckets keep no indexes'),
    must('write_once', false, anew, 'as records change'),
    {
      setting: `${name}: datatype`,
      found: props.datatype === undefined ? 'none' : String(props.datatype),
      wanted: 'none',
      cure: anew,
      verdict: props.datatype === undefined ? 'ok' : 'error',
    },
    {
      setting: `${name}: n_val`,
      found: String(replicas),
      wanted: `at least ${WANTED_REPLICAS}`,
      cure: anew,
      verdict: replicas >= WANTED_REPLICAS ? 'ok' : 'warning',
    },
  ];
}

/** Only LevelDB and memory keep them ("Using Secondary Indexes"). */
function examineIndex(name: string, answer: RiakResponse): Examined {
  if (answer.status === 503) throw translateAnswer(answer, 'a query of an index');
  return {
    setting: `${name}: secondary indexes`,
    found: answer.status === 200 ? 'answered' : `refused with status ${answer.status}`,
    wanted: 'answered',
    cure: 'storage_backend = leveldb in riak.conf of every node, before anything is stored; with multi, let the bucket type name it as its backend',
    verdict: answer.status === 200 ? 'ok' : 'error',
  };
}

/** What the cluster says of itself ("HTTP Status"). */
export interface ClusterStatus {
  readonly members: number;
  readonly connected: number;
  /** Empty: not said. */
  readonly version: string;
}

/** Asks a node for the cluster as it sees it. Throws as the client does. */
export async function readStatus(client: RiakClient, call: Limits): Promise<ClusterStatus> {
  const answer = await client.request({ method: 'GET', path: '/stats', headers: { accept: 'application/json' } }, call);
  if (answer.status !== 200) throw translateAnswer(answer, 'a look at its status');
  const stats = parseAnswer(answer, 'a look at its status') as {
    ring_members?: readonly unknown[];
    connected_nodes?: readonly unknown[];
    riak_kv_version?: unknown;
  };
  // A node does not count itself among those that it is connected to.
  return {
    members: stats.ring_members?.length ?? 0,
    connected: (stats.connected_nodes?.length ?? 0) + 1,
    version: typeof stats.riak_kv_version === 'string' ? stats.riak_kv_version : '',
  };
}
