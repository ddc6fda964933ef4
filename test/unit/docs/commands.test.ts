import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { accountOf, accounts } from '../../docs/accounts.ts';
import { COMMAND_LANGUAGES, commandsOf } from '../../docs/commands.ts';
import { ROOT, readPages } from '../../docs/pages.ts';

const HELP_MS = 120_000;

const pages = readPages();
const commands = pages.flatMap(commandsOf);
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const place = ({ page, line }: { page: string; line: number }) => `${page}:${line}`;

/** Languages of blocks that are no commands. */
const OTHER_LANGUAGES = new Set(
  'text yaml json proto sql cql promql ts js html css go python java xml toml dockerfile diff ini'.split(' '),
);

/** What a line begins with that is meant to be typed. */
const TYPED =
  /^\s*(\$ |(npm|npx|node|crossfade|curl|grpcurl|docker|kubectl|go|pip|pip3|python|python3|mvn|git|buf|helm|cd|source) )/;

describe('the commands of the documents', () => {
  it('stand in blocks that say their language', () => {
    const known = new Set([...COMMAND_LANGUAGES, ...OTHER_LANGUAGES]);
    const unknown = pages.flatMap(({ blocks }) => blocks).filter(({ language }) => !known.has(language));
    expect(unknown.map((block) => `${place(block)} ${block.language || 'no language'}`)).toEqual([]);
    const hidden = pages
      .flatMap(({ blocks }) => blocks)
      .filter(({ language, text }) => language === 'text' && text.split('\n').some((line) => TYPED.test(line)));
    expect(hidden.map(place), 'commands in a block of text: call it sh').toEqual([]);
  });

  it('are all accounted for: run by a test, or excepted by name in test/docs/accounts.ts', () => {
    expect(commands.length).toBeGreaterThan(50);
    const lacking = commands.filter((command) => accountOf(command) === undefined);
    expect(lacking.map((command) => `${place(command)} ${command.plain}`)).toEqual([]);
  });

  it('have no account without a command, and none by a check that is not there', () => {
    const used = new Set(commands.map(accountOf));
    expect(accounts.filter((account) => !used.has(account))).toEqual([]);
    const checks = accounts.flatMap((account) => (account.by === 'elsewhere' ? [account.check] : []));
    expect(checks.filter((check) => !existsSync(join(ROOT, check)))).toEqual([]);
  });

  it('name npm scripts that exist, within sentences too', () => {
    const named = [
      ...commands.map((command) => ({ ...command, text: command.plain })),
      ...pages.flatMap(({ path: page, inline }) => inline.map((code) => ({ page, ...code }))),
    ].flatMap(({ page, line, text }) =>
      [...text.matchAll(/\bnpm run (?:--silent )?([\w:]+)/g)].map(([, script = '']) => ({ page, line, script })),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ script }) => scripts[script] === undefined)).toEqual([]);
  });
});

describe('the options that the documents name', { timeout: HELP_MS }, () => {
  it('are known to the scripts', async () => {
    const wanted = new Map<string, Set<string>>();
    for (const command of commands) {
      const [, script, rest = ''] = /npm run ([\w:]+)(.*)$/s.exec(command.plain) ?? [];
      if (accountOf(command)?.by !== 'help' || script === undefined) continue;
      const options = wanted.get(script) ?? new Set();
      for (const [option] of rest.matchAll(/--[a-z][\w-]*/g)) options.add(option);
      wanted.set(script, options);
    }
    expect(wanted.size).toBeGreaterThan(4);
    for (const [script, options] of wanted) await expectKnown(helpOfScript(script), options, `npm run ${script}`);
  });

  it('are known to crossfade, within sentences too', async () => {
    const wanted = new Map<string, Set<string>>();
    const texts = [
      ...commands.map(({ plain }) => plain),
      ...pages.flatMap(({ inline }) => inline.map(({ text }) => text)),
    ];
    for (const text of texts) {
      const [, name = '', rest = ''] = /^crossfade ((?:flags )?[a-z]+)(.*)$/s.exec(text) ?? [];
      if (name === '') continue;
      const options = wanted.get(name) ?? new Set();
      for (const [option] of rest.matchAll(/(?<=[\s[])--[a-z][\w-]*/g)) options.add(option);
      wanted.set(name, options);
    }
    expect(wanted.size).toBeGreaterThan(10);
    for (const [name, options] of wanted) {
      await expectKnown(['src/main.ts', ...name.split(' '), '--help'], options, `crossfade ${name}`);
    }
  });
});

/** The program behind a script, asked for its help; what a script gives it besides plays no part. */
function helpOfScript(script: string): readonly string[] {
  const [, program = ''] = /\bnode (\S+\.ts)/.exec(scripts[script] ?? '') ?? [];
  return [program, '--help'];
}

async function expectKnown(help: readonly string[], options: ReadonlySet<string>, name: string): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, help, { cwd: ROOT });
  const known = new Set(stdout.match(/--[a-z][\w-]*/g));
  expect(
    [...options].filter((option) => !known.has(option) && option !== '--help'),
    `${name}: ${stdout}`,
  ).toEqual([]);
}
