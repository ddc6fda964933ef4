import { systemClock } from '../domain/clock.ts';
import { isDomainError } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import type { Resource } from '../domain/resource.ts';
import { internalCall } from '../stores/call.ts';
import type { RiakClient } from '../stores/riak/client.ts';
import { examineBucket } from '../stores/riak/server-checks.ts';
import { findingsOf } from '../stores/server-findings.ts';
import { StartError } from './start-error.ts';

/** How long the look at one bucket may take. */
const LOOK_TIMEOUT_MS = 10_000;
/** How often a Riak that was down at the start is looked at again. */
const LATER_MS = 5_000;

/**
 * Checks the buckets that resources move to; Riak lets nobody make bucket types over HTTP. A Riak that is down stops nothing: the
 * check is made later, and until then the controller holds. Throws a StartError with every mistake.
 */
export async function prepareRiak(
  client: RiakClient | null,
  resources: readonly Resource[],
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (client === null) return;
  try {
    await check(client, resources, log);
  } catch (error) {
    if (!isDomainError(error, 'unavailable', 'deadline_exceeded')) throw error;
    log.warn('Riak cannot be reached: the source is served, and nothing moves until it is back', { error });
    void checkLater(client, resources, log, signal);
  }
}

async function checkLater(
  client: RiakClient,
  resources: readonly Resource[],
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await systemClock.sleep(LATER_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      await check(client, resources, log);
      log.info('Riak is back, and its buckets are as they must be');
      return;
    } catch (error) {
      if (isDomainError(error, 'unavailable', 'deadline_exceeded')) continue;
      log.error('Riak is back, but cannot be the target as it is; mend it and start the service again', { error });
      return;
    }
  }
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
