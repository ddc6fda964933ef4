import type { FlagSetupOptions } from '../../migration/flag-admin-api.ts';
import { changeFlags, type FlagChangeResult, type FlagChanges } from '../../migration/flag-changes.ts';
import { createFlags } from '../../migration/flag-setup.ts';
import { environment as processEnvironment } from '../config.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { createOutput } from './output.ts';

/** The options that the commands of flags share. */
export interface FlagsOptions {
  readonly unleashUrl: string;
  readonly tokenEnv: string;
  readonly project: string;
  readonly environment: string;
  readonly json?: boolean;
}

/** Creates the flags of each resource and prints what was done. Throws a CommandError without a token. */
export async function setUpFlags(
  resources: readonly string[],
  options: FlagsOptions,
  signal: AbortSignal,
): Promise<void> {
  const setup = setupOf(options);
  const output = createOutput(options.json ?? false);
  for (const resource of resources) {
    for (const result of await createFlags(setup, resource, signal)) {
      output.line(output.json ? JSON.stringify(result) : `${result.outcome.padEnd(8)} ${result.name}`);
    }
  }
}

/** Changes the flags of a resource and prints what they say now. Throws a CommandError without a token or a change. */
export async function switchFlags(
  resource: string,
  { phase, readTarget, shadowRead, ...options }: FlagsOptions & FlagChanges,
  signal: AbortSignal,
): Promise<void> {
  const changes = {
    ...(phase !== undefined && { phase }),
    ...(readTarget !== undefined && { readTarget }),
    ...(shadowRead !== undefined && { shadowRead }),
  };
  if (Object.keys(changes).length === 0) {
    throw new CommandError('say what to set: --phase, --read-target or --shadow-read', exitCodes.usage);
  }
  const setup = setupOf(options);
  const output = createOutput(options.json ?? false);
  for (const result of await changeFlags(setup, resource, changes, signal)) {
    output.line(output.json ? JSON.stringify(result) : changeText(result));
  }
}

function changeText({ name, value, on }: FlagChangeResult): string {
  const text = `${name.padEnd(NAME_COLUMN)} ${value}`;
  return on ? text : `${text}, but the flag is switched off: it has no effect until it is on in Unleash's page`;
}

/** As wide as most names of flags. */
const NAME_COLUMN = 40;

function setupOf({ unleashUrl: url, tokenEnv, project, environment }: FlagsOptions): FlagSetupOptions {
  const adminToken = processEnvironment[tokenEnv];
  if (adminToken !== undefined) return { url, adminToken, project, environment };
  const message = `set the environment variable ${tokenEnv} to a token of Unleash's admin API (Admin settings, API access)`;
  throw new CommandError(message, exitCodes.usage);
}
