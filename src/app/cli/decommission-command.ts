import { createInterface } from 'node:readline/promises';
import type { Migration } from '../../gen/crossfade/v1alpha1/migrations_pb.ts';
import { migrationName } from './api.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import type { CommandContext } from './migration-commands.ts';
import { migrationJson } from './output.ts';

/** Asks the person at the terminal for a line. Null: nobody is there. */
export type Ask = ((question: string) => Promise<string>) | null;

/** Asks on the process's own terminal, if standard input and output are one. */
export function terminalPrompt(signal: AbortSignal): Ask {
  if (process.stdin.isTTY !== true || process.stdout.isTTY !== true) return null;
  return async (question) => {
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    try {
      return await lines.question(question, { signal });
    } finally {
      lines.close();
    }
  };
}

/**
 * Confirms that writing to the source may end, and prints what remains to be dropped by hand. The confirmation goes to the
 * service as it was typed, which compares it. Throws a CommandError for a missing one.
 */
export async function decommission(
  { client, output, signal }: CommandContext,
  resource: string,
  { confirm }: { readonly confirm?: string },
  ask: Ask,
): Promise<number> {
  const confirmation = confirm ?? (await askForId(resource, ask));
  const migration = await client.decommissionMigration({ name: migrationName(resource), confirmation }, { signal });
  if (output.json) output.line(migrationJson(migration));
  else for (const line of leftoverLines(migration)) output.line(line);
  return exitCodes.ok;
}

async function askForId(resource: string, ask: Ask): Promise<string> {
  if (ask === null) {
    const message = `this ends writing to the source and can't be taken back: type the resource's id, --confirm ${resource}`;
    throw new CommandError(message, exitCodes.usage);
  }
  return (
    await ask(`Writing to the source ends for ${resource}. This can't be taken back. Type the resource's id: `)
  ).trim();
}

function leftoverLines({ name, leftovers }: Migration): string[] {
  const id = name.slice('migrations/'.length);
  const lines = [
    `${id}: confirmed. The service ends writing to the source; watch it with \`crossfade status ${id} --watch\`.`,
    '',
    'What remains, to be done by hand and in this order. Crossfade drops nothing:',
  ];
  for (const [i, { description, sql }] of leftovers.entries()) {
    lines.push('', `${i + 1}. ${description}`);
    if (sql !== '') lines.push(...sql.split('\n').map((statement) => `   ${statement}`));
  }
  return lines;
}
