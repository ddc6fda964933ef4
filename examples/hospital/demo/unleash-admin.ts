import type { UnleashAddress } from '../../../stack/unleash.ts';

/** What the demo does in Unleash: the same that a person does in its UI. */
export interface FlagSwitches {
  /** Enables or disables one phase's strategy. */
  setPhase(phase: string, enabled: boolean): Promise<void>;
  /** Moves the slider of reads from the target. */
  setReadTarget(percent: number): Promise<void>;
  /** Moves the slider of reads that are compared. */
  setShadowRead(percent: number): Promise<void>;
}

interface Strategy {
  readonly id: string;
  readonly title?: string;
}

const REQUEST_TIMEOUT_MS = 10_000;

/** The flags of one resource by Unleash's admin API. */
export function createFlagSwitches(unleash: UnleashAddress, resource: string, signal: AbortSignal): FlagSwitches {
  const request = async (method: string, flag: string, path: string, body?: unknown): Promise<unknown> => {
    const url = `${unleash.url}/api/admin/projects/default/features/crossfade.${resource}.${flag}/environments/development/strategies${path}`;
    const response = await fetch(url, {
      method,
      headers: { authorization: unleash.adminToken, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
    if (!response.ok)
      throw new Error(`Unleash answers ${response.status} to ${method} ${flag}: ${await response.text()}`);
    return response.json();
  };
  const strategies = (flag: string) => request('GET', flag, '') as Promise<readonly Strategy[]>;
  const patch = async (flag: string, strategy: Strategy | undefined, path: string, value: unknown): Promise<void> => {
    if (strategy === undefined) throw new Error(`the flag ${flag} lacks a strategy: it was changed by somebody`);
    await request('PATCH', flag, `/${strategy.id}`, [{ op: 'replace', path, value }]);
  };
  const setRollout = async (flag: string, percent: number): Promise<void> => {
    const [strategy] = await strategies(flag);
    await patch(flag, strategy, '/parameters/rollout', String(percent));
  };
  return {
    setPhase: async (phase, enabled) => {
      const all = await strategies('phase');
      const strategy = all.find(({ title }) => title?.startsWith(`${phase}:`));
      await patch('phase', strategy, '/disabled', !enabled);
    },
    setReadTarget: (percent) => setRollout('read-target', percent),
    setShadowRead: (percent) => setRollout('shadow-read', percent),
  };
}
