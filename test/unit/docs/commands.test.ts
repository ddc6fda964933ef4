import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../src/app/cli/program.ts';
import { ROOT } from '../../../stack/command.ts';
import { accountOf, accounts, statementsElsewhere } from '../../docs/accounts.ts';
import { COMMAND_LANGUAGES, commandsOf } from '../../docs/commands.ts';
import { type Block, readPages } from '../../docs/pages.ts';

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
  /^\s*(\$ |(npm|npx|node|crossfade|curl|grpcurl|docker|kubectl|go|pip|pip3|python|python3|mvn|git|buf|helm|cd) |source \S+$)/;

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

  it('are, where they are statements, the same that the tutorial runs on another table', () => {
    const blocks = pages
      .flatMap((page) => page.blocks)
      .filter(({ language }) => language === 'sql' || language === 'cql');
    const run = new Set(blocks.filter(({ page }) => page === TUTORIAL).flatMap(statementsOf));
    expect(run.size).toBeGreaterThan(4);
    const others = blocks.filter(({ page }) => page !== TUTORIAL && !statementsElsewhere.has(page));
    expect(others.filter((block) => !statementsOf(block).every((one) => run.has(one))).map(place)).toEqual([]);
    expect([...statementsElsewhere.values()].filter((check) => !existsSync(join(ROOT, check)))).toEqual([]);
  });

  it('name npm scripts that exist, within sentences too', () => {
    const named = [
      ...commands.map((command) => ({ ...command, text: command.plain })),
      ...pages.flatMap(({ path: page, inline }) => inline.map((code) => ({ page, ...code }))),
    ].flatMap(({ page, line, text }) =>
      [...text.matchAll(/\bnpm run (?:--silent )?([\w:]+)/g)].map(([, script = '']) => ({ page, line, script })),
    );
    expect(named.length).toBeGreaterThan(20);
    const unknown = named.filter(({ page, script }) => !(script in scripts || script in scriptsBeside(page)));
    expect(unknown).toEqual([]);
  });
});

/** Scripts of the package that a page belongs to, or of the client that the README goes into. */
function scriptsBeside(page: string): Record<string, string> {
  const folder = page === 'README.md' ? 'clients/typescript' : dirname(page);
  const file = join(ROOT, folder, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).scripts : {};
}

const TUTORIAL = 'docs/tutorial.md';

/** Statements without the names of tables, and without the column that only some tables have. */
function statementsOf({ text }: Block): readonly string[] {
  return text
    .replaceAll(/[\w`]+\.[\w`]+/g, 'TABLE')
    .replaceAll(', crossfade_requests', '')
    .split(';')
    .map((statement) => statement.replaceAll(/\s+/g, ' ').trim())
    .filter((statement) => statement !== '');
}

describe('the options that the documents name', () => {
  const program = createProgram(new AbortController().signal, () => {});

  it('are known to crossfade, within sentences too', () => {
    const texts = [
      ...commands.map(({ plain }) => plain),
      ...pages.flatMap(({ inline }) => inline.map(({ text }) => text)),
    ];
    const named = texts.filter((text) => /^crossfade [a-z]/.test(text));
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((text) => !isKnown(program, text))).toEqual([]);
  });
});

/** Whether the command line has the command, and the command every option. */
function isKnown(program: Command, text: string): boolean {
  const [, ...words] = text.split(/\s+/);
  let command = program;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) break;
    command = next;
  }
  if (command === program) return false;
  const options = [...text.matchAll(/(?<=[\s[])--[a-z][\w-]*/g)].map(([option]) => option);
  return options.every((option) => option === '--help' || command.options.some(({ long }) => long === option));
}
