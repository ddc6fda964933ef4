import { systemClock } from '../../domain/clock.ts';
import { isDomainError } from '../../domain/errors.ts';
import { internalCall } from '../../stores/call.ts';
import { StartError } from '../start-error.ts';
import { type Answer, type Check, type Finding, notChecked } from './check.ts';
import { checkGroups, resourceChecks } from './checks.ts';
import { resourcesOf, type Server, type Site } from './site.ts';

/** How long a check may take besides what it reads of a table, in milliseconds. */
const CHECK_TIMEOUT_MS = 15_000;

const NAMES: Readonly<Record<Server, string>> = { mysql: 'MySQL', cassandra: 'Cassandra', riak: 'Riak' };

/** Makes every check, one after the other, whatever comes of the others. Ends early only when the signal aborts. */
export async function* runChecks(site: Site, signal: AbortSignal): AsyncGenerator<Finding> {
  for (const { subjectOf, checks } of checkGroups) {
    yield* runAll(checks, site, { site, subject: subjectOf(site), signal });
  }
  const resources = await resourcesOf(site, signal).catch(() => []);
  for (const resource of resources) {
    const { schema, table } = resource.source;
    const subject = `${resource.id} (${schema}.${table})`;
    yield* runAll(resourceChecks, resource, { site, subject, signal });
  }
}

/** What checks of one subject share. */
interface Round {
  readonly site: Site;
  readonly subject: string;
  readonly signal: AbortSignal;
}

async function* runAll<Subject>(checks: readonly Check<Subject>[], of: Subject, round: Round): AsyncGenerator<Finding> {
  const { site, subject, signal } = round;
  const { unusable } = site;
  for (const check of checks) {
    if (signal.aborted) return;
    const lacking = check.needs?.find((server) => unusable.has(server));
    const answers = lacking === undefined ? await runOne(check, of, round) : lackingAnswers(lacking, site);
    if (check.proves !== undefined && answers.some(({ outcome }) => outcome === 'problem')) unusable.add(check.proves);
    for (const answer of answers) yield { check: check.id, subject, ...answer };
  }
}

/** Of a server that the config does not name nothing is said: that there is no target, `cassandra.reachable` says once. */
function lackingAnswers(server: Server, { cassandra, riak }: Site): readonly Answer[] {
  const isNamed = server === 'mysql' || (server === 'cassandra' ? cassandra : riak) !== null;
  return !isNamed ? [] : [notChecked(`${NAMES[server]} can't be reached`)];
}

async function runOne<Subject>(
  check: Check<Subject>,
  of: Subject,
  { site, signal }: Round,
): Promise<readonly Answer[]> {
  const timeoutMs = CHECK_TIMEOUT_MS + site.expectations.scanLimitMs;
  const late = new AbortController();
  try {
    return await Promise.race([
      check.run(of, internalCall(systemClock, timeoutMs, signal)),
      systemClock.sleep(timeoutMs, late.signal).then(() => [notChecked(`no answer within ${timeoutMs / 1_000} s`)]),
    ]);
  } catch (error) {
    return [notChecked(reasonOf(error))];
  } finally {
    late.abort();
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof StartError) return 'see config.definitions';
  if (isDomainError(error)) return error.message;
  return `the check failed: ${error instanceof Error ? error.message : 'for no known reason'}`;
}
