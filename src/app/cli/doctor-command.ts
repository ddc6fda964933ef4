import { loadConfig } from '../config.ts';
import type { Finding, Outcome } from '../doctor/check.ts';
import { runChecks } from '../doctor/run-checks.ts';
import { openSite } from '../doctor/site.ts';
import { exitCodes } from './exit-codes.ts';
import { createOutput, type Output } from './output.ts';

/** The options of `crossfade doctor`. */
export interface DoctorOptions {
  readonly config: string;
  /** In seconds. */
  readonly outage: number;
  /** In seconds. */
  readonly scanLimit: number;
  readonly strict?: boolean;
  readonly json?: boolean;
}

/** Makes every check, prints what was found, and resolves to the exit code. Throws a ConfigError for a config that can't be read. */
export async function doctor(options: DoctorOptions, signal: AbortSignal): Promise<number> {
  const output = createOutput(options.json ?? false);
  const expectations = { outageSeconds: options.outage, scanLimitMs: options.scanLimit * 1_000 };
  const site = await openSite(await loadConfig(options.config), expectations, signal);
  try {
    const findings = await printFindings(runChecks(site, signal), output);
    // What was not looked at is not healthy.
    return signal.aborted ? exitCodes.failed : exitCodeOf(findings, options.strict ?? false);
  } finally {
    await site.close();
  }
}

/** Prints findings as they come, or all of them as one JSON array; resolves to them. */
export async function printFindings(coming: AsyncIterable<Finding>, output: Output): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  let alike: Finding[] = [];
  const flush = (): void => {
    if (alike.length > 0) for (const line of alikeLines(alike)) output.line(line);
    alike = [];
  };
  for await (const finding of coming) {
    const before = findings.at(-1);
    findings.push(finding);
    if (output.json) continue;
    if (before === undefined || !isAlike(before, finding)) flush();
    if (finding.subject !== before?.subject) {
      if (before !== undefined) output.line('');
      output.line(finding.subject);
    }
    alike.push(finding);
    if (finding.outcome !== 'not checked') flush();
  }
  flush();
  if (output.json) output.line(JSON.stringify(findings));
  else output.line(`\n${summaryOf(findings)}`);
  return findings;
}

/** A server that can't be reached leaves dozens of checks with nothing else to say. */
function isAlike(one: Finding, other: Finding): boolean {
  return one.outcome === 'not checked' && other.outcome === one.outcome && ofOneReason(one, other);
}

function ofOneReason(one: Finding, other: Finding): boolean {
  return one.subject === other.subject && one.found === other.found && one.cure === other.cure;
}

function alikeLines(alike: readonly Finding[]): readonly string[] {
  const [first, last] = [alike[0] as Finding, alike.at(-1) as Finding];
  if (alike.length === 1) return findingLines(first);
  return findingLines({ ...first, check: `${alike.length} checks, ${first.check} to ${last.check}` });
}

const OUTCOME_COLUMN = 'not checked'.length;
/** As wide as most ids; the few longer ones stand out. */
const CHECK_COLUMN = 36;

/** A finding as lines that a person reads. */
export function findingLines({ outcome, check, found, cure }: Finding): readonly string[] {
  const line = `  ${outcome.padEnd(OUTCOME_COLUMN)}  ${check.padEnd(CHECK_COLUMN)}  ${found}`;
  return cure === '' ? [line] : [line, `  ${' '.repeat(OUTCOME_COLUMN)}  mend it: ${cure}`];
}

/** How often each outcome came, worst first. */
export function summaryOf(findings: readonly Finding[]): string {
  const count = (wanted: Outcome): number => findings.filter(({ outcome }) => outcome === wanted).length;
  const plural = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
  return [
    plural(count('problem'), 'problem'),
    plural(count('warning'), 'warning'),
    `${count('ok')} ok`,
    `${count('not checked')} not checked`,
  ].join(', ');
}

/** 1 for problems, and with `strict` for warnings too. What was not checked does not count. */
export function exitCodeOf(findings: readonly Finding[], strict: boolean): number {
  const counts = ({ outcome }: Finding): boolean => outcome === 'problem' || (strict && outcome === 'warning');
  return findings.some(counts) ? exitCodes.failed : exitCodes.ok;
}
