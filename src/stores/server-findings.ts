/** Something about a server that is not as the promises need it. */
export interface Finding {
  /** The setting, or the table and what of it. */
  readonly setting: string;
  readonly found: string;
  readonly wanted: string;
  /** What a person does about it. */
  readonly cure: string;
}

/** One thing about a server that was looked at, whatever came of it. */
export interface Examined extends Finding {
  readonly verdict: 'ok' | 'warning' | 'error';
}

/** What speaks against a server: with an error the start is refused, a warning is logged. */
export interface ServerFindings {
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Why a server could not be used at all, for people. */
export type Diagnosis = Pick<Finding, 'found' | 'cure'>;

/** What speaks against a server, of all that was looked at. */
export function findingsOf(examined: readonly Examined[]): ServerFindings {
  const having = (wanted: Examined['verdict']): Finding[] =>
    examined.filter(({ verdict }) => verdict === wanted).map(({ verdict: _, ...finding }) => finding);
  return { errors: having('error'), warnings: having('warning') };
}
