/** Everything that `crossfade doctor` says about a config of a test's own. */
import { type Config, parseConfig } from '../../src/app/config.ts';
import type { Finding } from '../../src/app/doctor/check.ts';
import { runChecks } from '../../src/app/doctor/run-checks.ts';
import { type Expectations, openSite } from '../../src/app/doctor/site.ts';
import { collect } from './calls.ts';

const EXPECTED: Expectations = { outageSeconds: 86_400, scanLimitMs: 10_000 };

/** Makes every check, and closes what it opened. The environment's secrets are by the names that the config gives. */
export async function examine(
  config: object,
  secrets: Readonly<Record<string, string>>,
  {
    signal = new AbortController().signal,
    ...expected
  }: Partial<Expectations> & { readonly signal?: AbortSignal } = {},
): Promise<readonly Finding[]> {
  const parsed: Config = parseConfig(JSON.stringify(config), 'test.yaml', secrets);
  const site = await openSite(parsed, { ...EXPECTED, ...expected }, signal);
  try {
    return await collect(runChecks(site, signal));
  } finally {
    await site.close();
  }
}

/** The findings of one check. */
export function of(findings: readonly Finding[], check: string): readonly Finding[] {
  return findings.filter((finding) => finding.check === check);
}

/** `check: found` of everything that is not as it should be, and of what is not known. */
export function complaints(findings: readonly Finding[]): readonly string[] {
  return findings.filter(({ outcome }) => outcome !== 'ok').map(({ check, found }) => `${check}: ${found}`);
}
