import { systemClock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { Resource } from '../domain/resource.ts';
import { internalCall } from '../stores/call.ts';
import type { RiakClient } from '../stores/riak/client.ts';
import { examineBucket } from '../stores/riak/server-checks.ts';
import { findingsOf } from '../stores/server-findings.ts';
import { checkNowOrLater } from './check-later.ts';
import { StartError } from './start-error.ts';

/** How long the look at one bucket may take. */
const LOOK_TIMEOUT_MS = 10_000;
/**
 * Checks the buckets that resources move to; Riak lets nobody make bucket types over HTTP. A Riak that is down stops nothing: the
 * check is made later. Throws a StartError with every mistake.
 *
 * Returns whether the buckets were found as they must be by now: until then nothing may be stored there, as a bucket that keeps no
 * siblings loses copies without a word.
 */
export async function prepareRiak(
  client: RiakClient | null,
  resources: readonly Resource[],
  log: Log,
  signal: AbortSignal,
): Promise<() => boolean> {
  if (client === null) return () => false;
  let isFit = false;
  const checkBuckets = async (): Promise<void> => {
    await check(client, resources, log);
    isFit = true;
  };
  await checkNowOrLater({ server: 'Riak', check: checkBuckets }, log, signal);
  return () => isFit;
}

async function check(client: RiakClient, resources: readonly Resource[], log: Log): Promise<void> {
  const mistakes: string[] = [];
  for (const { riak } of resources) {
    if (riak === undefined) continue;
    const examined = await examineBucket(client, riak, internalCall(systemClock, LOOK_TIMEOUT_MS));
    const { errors, warnings } = findingsOf(examined);
    for (const { setting, found, wanted, cure } of warnings) {
      log.warn(`Riak: ${setting} is ${found}, should be ${wanted}: ${cure}`);
    }
    mistakes.push(
      ...errors.map(({ setting, found, wanted, cure }) => `Riak: ${setting} is ${found}, must be ${wanted}: ${cure}`),
    );
  }
  if (mistakes.length > 0) throw new StartError([...new Set(mistakes)]);
}
