/** Commands of the documents that are not run here, as they take long: that they exist, and know the options that are named. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, runCommand } from '../../stack/command.ts';
import { accountOf } from './accounts.ts';
import { commandsOf } from './commands.ts';
import { readPages } from './pages.ts';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** Options by the script that they are given to. */
const wanted = new Map<string, Set<string>>();
for (const command of readPages().flatMap(commandsOf)) {
  const [, script, rest = ''] = /npm run ([\w:]+)(.*)$/s.exec(command.plain) ?? [];
  if (script === undefined || accountOf(command)?.by !== 'help') continue;
  const options = wanted.get(script) ?? new Set();
  for (const [option] of rest.matchAll(/--[a-z][\w-]*/g)) options.add(option);
  wanted.set(script, options);
}

describe('a script that takes long', () => {
  it('is named by the documents', () => expect(wanted.size).toBeGreaterThan(4));

  it.each([...wanted])('npm run %s knows the options that the documents name', async (script, options) => {
    // The program behind the script: what the script gives it besides plays no part.
    const [, program = ''] = /\bnode (\S+\.ts)/.exec(scripts[script] ?? '') ?? [];
    const stdout = await runCommand(process.execPath, [program, '--help']);
    const known = new Set([...(stdout.match(/--[a-z][\w-]*/g) ?? []), '--help']);
    expect(
      [...options].filter((option) => !known.has(option)),
      stdout,
    ).toEqual([]);
  });
});
