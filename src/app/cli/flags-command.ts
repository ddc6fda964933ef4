import { createFlags } from '../../migration/flag-setup.ts';
import { environment as processEnvironment } from '../config.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { createOutput } from './output.ts';

/** The options of `crossfade flags create`. */
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
  const adminToken = processEnvironment[options.tokenEnv];
  if (adminToken === undefined) {
    const message = `set the environment variable ${options.tokenEnv} to a token of Unleash's admin API (Admin settings, API access)`;
    throw new CommandError(message, exitCodes.usage);
  }
  const { unleashUrl: url, project, environment } = options;
  const output = createOutput(options.json ?? false);
  for (const resource of resources) {
    for (const result of await createFlags({ url, adminToken, project, environment }, resource, signal)) {
      output.line(output.json ? JSON.stringify(result) : `${result.outcome.padEnd(8)} ${result.name}`);
    }
  }
}
