import { parseArgs } from 'node:util';

/** The figures that can be asked for, in the order in which they are measured. */
export const FIGURES = ['get', 'updateSourceOnly', 'bulk', 'updateBoth', 'capture'] as const;

/** One of {@link FIGURES}. */
export type FigureName = (typeof FIGURES)[number];

/** How much is measured. */
export interface Effort {
  /** Medications that are loaded and copied. */
  readonly rows: number;
  /** Different records that the requests ask for. */
  readonly requests: number;
  /** Pairs of rounds that are counted. */
  readonly rounds: number;
  /** Length of one round, in seconds. */
  readonly roundSeconds: number;
  /** Length of the first round of each service, which is not counted, in seconds. */
  readonly warmUpSeconds: number;
  /** Pairs of copies that are counted. */
  readonly copies: number;
  /** Changes of each kind that capture carries. */
  readonly changes: number;
}

/** What the command line asks for. */
export interface Options {
  readonly figures: ReadonlySet<FigureName>;
  readonly effort: Effort;
  /** Where the report goes as JSON; absent: nowhere. */
  readonly report?: string;
}

const FULL: Effort = {
  rows: 120_000,
  requests: 4_000,
  rounds: 7,
  roundSeconds: 4,
  warmUpSeconds: 8,
  copies: 5,
  changes: 120_000,
};
const QUICK: Effort = {
  rows: 60_000,
  requests: 2_000,
  rounds: 3,
  roundSeconds: 2,
  warmUpSeconds: 3,
  copies: 3,
  changes: 20_000,
};

/** What `--help` prints. */
export const HELP = `Measures the service against hand-written peers, on real servers that it starts itself.

  npm run bench -- [--report FILE] [--quick] [--only ${FIGURES.join(',')}]

  --report FILE   writes the figures there as JSON
  --quick         fewer rows and rounds: a look, not a measurement
  --only NAMES    measures these figures alone
  --help          this text

It needs Go (https://go.dev/dl), which builds the load generator ghz once, besides what the stack needs (Java 17, Maven).
`;

/** Reads the command line. Null: help was asked for. Throws a TypeError for what it does not understand. */
export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      report: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const only = values.only?.split(',') ?? FIGURES;
  const figures = new Set<FigureName>();
  for (const name of only) {
    const figure = FIGURES.find((known) => known === name);
    if (figure === undefined) throw new TypeError(`--only: no figure is called ${name} (${FIGURES.join(', ')})`);
    figures.add(figure);
  }
  return {
    figures,
    effort: values.quick ? QUICK : FULL,
    ...(values.report !== undefined && { report: values.report }),
  };
}
