import { type FlagServerAnswer, readFlagServer } from '../../migration/flag-check.ts';
import { flagNames } from '../../migration/unleash-flags.ts';
import type { Call } from '../../stores/call.ts';
import { mayMove } from '../load-resources.ts';
import { withoutUser } from '../without-user.ts';
import { type Answer, type Check, notChecked, ok, problem, warning } from './check.ts';
import type { Site } from './site.ts';

/** How long the flag server may take, in milliseconds. */
const TIMEOUT_MS = 5_000;
const NO_SERVER = 'the config names no flag server: nothing moves';

/** The flag server, and the flags of each resource. */
export const flagChecks: readonly Check[] = [
  {
    id: 'flags.server',
    run: (site, call) =>
      asking(site, call, async (answer, url) => [
        answer === null ? noAnswer(url) : ok(`answers with ${answer.status}`),
      ]),
  },
  {
    id: 'flags.token',
    run: (site, call) =>
      asking(site, call, async (answer) => {
        if (answer === null) return [notChecked('see flags.server')];
        return [tokenAnswer(answer.status, site.config.unleash?.tokenEnv ?? '')];
      }),
  },
  {
    id: 'flags.exist',
    run: (site, call) =>
      asking(site, call, async (answer, url) => {
        if (answer?.status !== 200) return [notChecked('see flags.server and flags.token')];
        const { named } = await site.definitions();
        const hasTarget = site.cassandra !== null || site.riak !== null;
        const moved = named.filter((one) => hasTarget && mayMove(site.config, one));
        if (moved.length === 0) return [ok('no resource has a target, so none needs flags')];
        return moved.map(({ definition }) => flagsAnswer(definition.id, answer, url));
      }),
  },
];

async function asking(
  { config: { unleash, secrets }, unleashCa: ca }: Site,
  { signal }: Call,
  answer: (answered: FlagServerAnswer | null, url: string) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  if (unleash === undefined) return [notChecked(NO_SERVER)];
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  const { url, appName } = unleash;
  const server = { url, appName, token: secrets.unleashToken, ...(ca !== undefined && { ca }) };
  const answered = await readFlagServer(server, either).catch(() => null);
  return answer(answered, withoutUser(url));
}

function noAnswer(url: string): Answer {
  return problem(
    `${url} gives no answer: nothing moves, and a new instance sends all reads to the authority`,
    'start the flag server, or mend unleash.url, which ends in /api',
  );
}

function tokenAnswer(status: number, tokenEnv: string): Answer {
  if (status === 200) return ok('accepted');
  if (status === 401 || status === 403) {
    return problem(
      `refused with ${status}`,
      `create a client token in Unleash (Admin settings, API access) for the project and environment, and put it into ${tokenEnv}`,
    );
  }
  return problem(
    `the server answers with ${status}`,
    "mend unleash.url, which ends in /api, or look at the server's log",
  );
}

function flagsAnswer(resource: string, { flags }: FlagServerAnswer, url: string): Answer {
  const { phase, readTarget, shadowRead } = flagNames(resource);
  const missing = [phase, readTarget, shadowRead].filter((name) => !flags.has(name));
  const create = `crossfade flags create ${resource} --unleash-url ${url.replace(/\/api\/*$/, '')}`;
  if (missing.length > 0) return problem(`${missing.join(', ')}: not there, or not in the token's project`, create);
  const off = [phase, readTarget].filter((name) => flags.get(name) === false);
  if (off.length === 0) return ok(`the three flags of ${resource} are there`);
  return warning(
    `${off.join(', ')}: switched off in the token's environment, so nothing moves by it`,
    'switch it on in Unleash; its strategies say what is wanted',
  );
}
