/** The part of Prometheus' HTTP API that tests ask (https://prometheus.io/docs/prometheus/latest/querying/api/). */

/** One series of a range: its labels, and its samples. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

/** A rule as Prometheus judges it. */
export interface RuleHealth {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
  readonly alerts?: readonly { readonly state: string; readonly labels: Readonly<Record<string, string>> }[];
}

const TIMEOUT_MS = 20_000;
const STEP_SECONDS = 2;

/** Everything an expression gave between two times, in seconds since 1970. Throws what Prometheus says of a bad one. */
export async function queryRange(url: string, expr: string, start: number, end: number): Promise<readonly Series[]> {
  const query = new URLSearchParams({
    query: expr,
    start: String(start),
    end: String(end),
    step: String(STEP_SECONDS),
  });
  return ((await ask(`${url}/api/v1/query_range?${query}`)) as { result: readonly Series[] }).result;
}

/** All rules of all groups. */
export async function rules(url: string): Promise<readonly RuleHealth[]> {
  const { groups } = (await ask(`${url}/api/v1/rules`)) as { groups: readonly { rules: readonly RuleHealth[] }[] };
  return groups.flatMap((group) => group.rules);
}

async function ask(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const answer = (await response.json()) as { status: string; data: unknown; error?: string };
  if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error} (${decodeURIComponent(url)})`);
  return answer.data;
}
