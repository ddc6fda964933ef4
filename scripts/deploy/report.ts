/** What a check found, told as it comes. */
export interface Report {
  /** A heading. */
  section(title: string): void;
  /** A line that is no verdict. */
  note(line: string): void;
  /** A verdict: no complaints, and it holds. */
  check(claim: string, complaints: readonly string[]): void;
  /** How many checks held, and how many did not. */
  readonly counts: { readonly passed: number; readonly failed: number };
}

/** A complaint that goes on for pages helps nobody. */
const MAX_COMPLAINTS = 20;

/** A report on the terminal. */
export function createReport(print: (line: string) => void = console.log): Report {
  const counts = { passed: 0, failed: 0 };
  return {
    counts,
    section: (title) => print(`\n${title}`),
    note: (line) => print(`          ${line}`),
    check: (claim, complaints) => {
      if (complaints.length === 0) counts.passed += 1;
      else counts.failed += 1;
      print(`  ${complaints.length === 0 ? 'ok    ' : 'FAILED'}  ${claim}`);
      for (const complaint of complaints.slice(0, MAX_COMPLAINTS)) print(`          ${complaint.trim()}`);
      if (complaints.length > MAX_COMPLAINTS) print(`          and ${complaints.length - MAX_COMPLAINTS} more`);
    },
  };
}
