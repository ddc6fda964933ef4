import { DomainError } from '../domain/errors.ts';
import { createFlagApi, type FlagApi, type FlagSetupOptions } from './flag-admin-api.ts';
import type { Phase } from './flags.ts';
import { flagNames, phases } from './unleash-flags.ts';

/** What is wanted of a resource's flags; what is left out stays as it is. */
export interface FlagChanges {
  readonly phase?: Phase;
  /** How many reads of a hundred the target answers. */
  readonly readTarget?: number;
  /** How many reads of a hundred are compared. */
  readonly shadowRead?: number;
}

/** A flag and what it says now. */
export interface FlagChangeResult {
  readonly name: string;
  readonly value: string;
  /** Whether the flag is switched on in the environment: if not, the value has no effect until it is. */
  readonly on: boolean;
}

interface Strategy {
  readonly id: string;
  readonly variants?: readonly { readonly name?: string }[];
}

/**
 * Changes a resource's flags, as a person does in Unleash's page: enables the strategy of the wanted phase and disables those
 * further on, moves the sliders of the rollouts. Each change is one of Unleash's own, and stands in its event log.
 * Throws `failed_precondition` where a flag is missing or is not as `createFlags` makes it.
 */
export async function changeFlags(
  options: FlagSetupOptions,
  resource: string,
  changes: FlagChanges,
  signal?: AbortSignal,
): Promise<readonly FlagChangeResult[]> {
  const api = createFlagApi(options, signal);
  const steps = stepsOf(api, flagNames(resource), changes);
  for (const { apply } of steps) await apply();
  // Looked at only now: nothing must hold up a rollback.
  const results = steps.map(async ({ name, value }) => ({
    name,
    value,
    on: await isOn(api, name, options.environment),
  }));
  return Promise.all(results);
}

interface Step extends Pick<FlagChangeResult, 'name' | 'value'> {
  apply(): Promise<void>;
}

/** Reads go back before a phase does, so that a rollback that fails half-way has done its quickest part. */
function stepsOf(
  api: FlagApi,
  names: ReturnType<typeof flagNames>,
  { phase, readTarget, shadowRead }: FlagChanges,
): readonly Step[] {
  const rollout = (name: string, percent: number | undefined): Step[] =>
    percent === undefined ? [] : [{ name, value: `${percent} %`, apply: () => setRollout(api, name, percent) }];
  return [
    ...rollout(names.readTarget, readTarget),
    ...rollout(names.shadowRead, shadowRead),
    ...(phase === undefined
      ? []
      : [{ name: names.phase, value: phase, apply: () => setPhase(api, names.phase, phase) }]),
  ];
}

async function isOn(api: FlagApi, flag: string, environment: string): Promise<boolean> {
  const { environments } = Object((await api('GET', `/${flag}`)).body) as {
    readonly environments?: readonly { readonly name?: string; readonly enabled?: boolean }[];
  };
  return environments?.find(({ name }) => name === environment)?.enabled === true;
}

async function setPhase(api: FlagApi, flag: string, phase: Phase): Promise<void> {
  const strategies = await strategiesOf(api, flag);
  const phaseOf = ({ variants }: Strategy): string => variants?.[0]?.name ?? '';
  const wanted = strategies.find((one) => phaseOf(one) === phase);
  if (wanted === undefined) return fail(`the flag ${flag} has no strategy with the variant ${phase}`);
  const further = new Set<string>(phases.slice(0, phases.indexOf(phase)));
  // Enabled before those further on are disabled: at no moment does the flag say less than is wanted.
  await patch(api, flag, wanted.id, '/disabled', false);
  for (const one of strategies.filter((each) => further.has(phaseOf(each)))) {
    await patch(api, flag, one.id, '/disabled', true);
  }
}

async function setRollout(api: FlagApi, flag: string, percent: number): Promise<void> {
  const [only, ...more] = await strategiesOf(api, flag);
  if (only === undefined || more.length > 0) {
    return fail(`the flag ${flag} has ${more.length === 0 ? 'no strategy' : 'several strategies'}`);
  }
  await patch(api, flag, only.id, '/parameters/rollout', String(percent));
}

async function strategiesOf(api: FlagApi, flag: string): Promise<readonly Strategy[]> {
  const { status, body } = await api('GET', `/${flag}/environments/{environment}/strategies`, { expected: 404 });
  // Unleash answers an empty list for a flag that it does not know, or 404, as its versions have it.
  if (status === 404 || !Array.isArray(body)) return fail(`there is no flag ${flag}`);
  return body as readonly Strategy[];
}

async function patch(api: FlagApi, flag: string, id: string, path: string, value: unknown): Promise<void> {
  const body = [{ op: 'replace', path, value }];
  await api('PATCH', `/${flag}/environments/{environment}/strategies/${id}`, { body });
}

function fail(what: string): never {
  throw new DomainError({
    kind: 'failed_precondition',
    reason: 'INTERNAL',
    message: `${what}: \`crossfade flags create\` makes the flags; one that a person has changed is changed in Unleash's page`,
  });
}
