import { createFlagApi, type FlagApi, type FlagSetupOptions } from './flag-admin-api.ts';
import { flagNames, phases } from './unleash-flags.ts';

/** What was done for one flag. */
export interface FlagSetupResult {
  readonly name: string;
  readonly outcome: 'created' | 'exists';
}

interface Strategy {
  readonly name: 'flexibleRollout';
  readonly title: string;
  readonly disabled: boolean;
  readonly parameters: Readonly<Record<string, string>>;
  readonly variants?: readonly Readonly<Record<string, unknown>>[];
}

const phaseTitles = {
  'target-only': 'only the target is read and written; the source is retired',
  'target-authority': 'the target decides; the source follows and can be read',
  synchronize: 'the source decides; the target is filled, follows and can be read',
  'source-only': 'only the source is read and written',
} as const;

/**
 * Creates the three flags of a resource where they are missing, with descriptions for people; never changes an existing one.
 * The phase flag gets one strategy for each phase, furthest first, all but `source-only` disabled, and is switched
 * on; the other two get a rollout of 0 % and stay on, so that moving a slider is all that an operator does.
 * Throws `unavailable` or `failed_precondition` with the server's status when it can't be done.
 */
export async function createFlags(
  options: FlagSetupOptions,
  resource: string,
  signal?: AbortSignal,
): Promise<readonly FlagSetupResult[]> {
  const names = flagNames(resource);
  const api = createFlagApi(options, signal);
  return [
    await createFlag(api, names.phase, phaseDescription(resource), phaseStrategies(names.phase)),
    await createFlag(
      api,
      names.readTarget,
      `Which reads of ${resource} are answered by the target (Cassandra). Sticky by record. 0 % is the fast rollback.`,
      [rollout(names.readTarget, 'reads from the target', 'recordKey')],
    ),
    await createFlag(
      api,
      names.shadowRead,
      `Which reads of ${resource} are repeated on the other store after the answer, and compared.`,
      [rollout(names.shadowRead, 'reads that are compared', 'random')],
    ),
  ];
}

function phaseDescription(resource: string): string {
  return (
    `Where the migration of ${resource} should be. Enable the next strategy upwards to go on, disable it to go back; the first ` +
    'enabled one counts. The service goes there step by step, and waits where a step is not safe yet (see `crossfade status`). ' +
    'Switching the whole flag off moves nothing and rolls nothing back.'
  );
}

function phaseStrategies(groupId: string): Strategy[] {
  return phases.map((phase) => ({
    name: 'flexibleRollout',
    title: `${phase}: ${phaseTitles[phase]}`,
    disabled: phase !== 'source-only',
    parameters: { rollout: '100', stickiness: 'default', groupId },
    variants: [{ name: phase, weight: 1000, weightType: 'variable', stickiness: 'default' }],
  }));
}

function rollout(groupId: string, title: string, stickiness: string): Strategy {
  return { name: 'flexibleRollout', title, disabled: false, parameters: { rollout: '0', stickiness, groupId } };
}

async function createFlag(
  api: FlagApi,
  name: string,
  description: string,
  strategies: readonly Strategy[],
): Promise<FlagSetupResult> {
  const body = { name, description, type: 'operational', impressionData: false };
  const { status } = await api('POST', '', { body, expected: 409 });
  if (status === 409) return { name, outcome: 'exists' };
  // Strategies come first: a flag that is switched on without one gets a default strategy at 100 %.
  const environment = `/${name}/environments/{environment}`;
  for (const strategy of strategies) await api('POST', `${environment}/strategies`, { body: strategy });
  await api('POST', `${environment}/on`);
  return { name, outcome: 'created' };
}
