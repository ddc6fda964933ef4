/**
 * What is done with each command of the documents, so that none is printed that nobody runs. A command without an account
 * makes test/unit/docs/commands.test.ts red, and so does an account without a command.
 */
import type { DocumentedCommand } from './commands.ts';

/** Where, and as what, commands are run. */
export type Treatment =
  /** Run from its first command to its last by test/docs/tutorial.test.ts. */
  | { readonly by: 'tutorial' }
  /** Run by test/docs/hospital.test.ts, against `npm run dev` with the follower in sync. */
  | { readonly by: 'hospital' }
  /** Run in their order by test/docs/init.test.ts. */
  | { readonly by: 'init' }
  /** A program that takes minutes or needs a terminal: its `--help` must answer, and know every option that the document names. */
  | { readonly by: 'help'; readonly why: string }
  /** Run by test/docs/clients.test.ts, each page in a terminal of its own, against `npm run dev`. */
  | { readonly by: 'clients' }
  /** Run by another check of the repository. */
  | { readonly by: 'elsewhere'; readonly check: string }
  /** Not run, as what it needs can't be had here. */
  | { readonly by: 'nobody'; readonly why: string };

/** An account of the commands of some pages that begin in one way. */
export type Account = Treatment & {
  /** The page, or the pages below a folder (`docs/`). */
  readonly page: string;
  /** What the command begins with; empty: every command of the page. */
  readonly command: string;
};

const LONG = 'takes minutes, and is run by hand before a release';

/** The first that matches counts. */
export const accounts: readonly Account[] = [
  { page: 'docs/tutorial.md', command: '', by: 'tutorial' },
  { page: 'docs/init.md', command: '', by: 'init' },
  { page: 'docs/doctor.md', command: 'crossfade doctor', by: 'init' },
  { page: 'docs/operations.md', command: '', by: 'hospital' },

  { page: 'docs/dashboard.md', command: 'crossfade', by: 'hospital' },
  { page: 'docs/dashboard.md', command: 'grpcurl', by: 'hospital' },
  { page: 'docs/dashboard.md', command: '', by: 'elsewhere', check: 'test/dashboard/vitest.config.ts' },
  { page: 'docs/deployment.md', command: 'npm', by: 'elsewhere', check: '.ci/run' },
  // There is neither an engine nor a cluster to run them: what they name is looked at, and scripts/deploy takes the same steps without.
  { page: 'docs/deployment.md', command: '', by: 'elsewhere', check: 'test/unit/docs/deployment.test.ts' },
  { page: 'README.md', command: 'docker', by: 'elsewhere', check: 'test/unit/docs/deployment.test.ts' },
  { page: 'README.md', command: 'kubectl', by: 'elsewhere', check: 'test/unit/docs/deployment.test.ts' },
  {
    page: 'docs/riak.md',
    command: 'riak-admin',
    by: 'nobody',
    why: 'there is no Riak to install; from its documentation',
  },
  { page: 'README.md', command: 'cd clients/', by: 'clients' },
  { page: 'clients/', command: '', by: 'clients' },

  { page: 'README.md', command: 'npm ci && npm run demo', by: 'help', why: LONG },
  { page: 'README.md', command: 'npm ci && npm test', by: 'elsewhere', check: '.ci/run' },
  { page: 'README.md', command: 'npm run demo', by: 'help', why: LONG },
  {
    page: 'README.md',
    command: 'crossfade',
    by: 'help',
    why: 'the list of all commands, with their options in brackets',
  },
  { page: 'README.md', command: 'grpcurl', by: 'hospital' },
  { page: 'README.md', command: 'curl', by: 'hospital' },

  { page: 'CONTRIBUTING.md', command: '', by: 'elsewhere', check: '.ci/run' },
  { page: 'bench/README.md', command: 'npm run bench', by: 'help', why: LONG },
  { page: 'examples/hospital/demo/README.md', command: 'npm run demo', by: 'help', why: LONG },
  { page: 'docs/faults.md', command: 'npm run faults', by: 'help', why: LONG },
  { page: 'docs/fuzz.md', command: 'npm run fuzz', by: 'help', why: LONG },
  { page: 'docs/simulation.md', command: 'npm run sim', by: 'help', why: LONG },
  { page: 'docs/specification.md', command: 'npm run spec', by: 'help', why: LONG },
];

/** The account of a command; undefined: there is none. */
export function accountOf({ page, plain }: Pick<DocumentedCommand, 'page' | 'plain'>): Account | undefined {
  return accounts.find(
    (account) =>
      (account.page.endsWith('/') ? page.startsWith(account.page) : page === account.page) &&
      plain.startsWith(account.command),
  );
}

/** Pages with blocks of `sql` or `cql` that are no statements of the tutorial, and the check that runs them. */
export const statementsElsewhere: ReadonlyMap<string, string> = new Map();
