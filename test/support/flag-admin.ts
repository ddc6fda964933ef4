import type { Phase } from '../../src/migration/flags.ts';
import { flagNames } from '../../src/migration/unleash-flags.ts';

interface Strategy {
  readonly id: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly variants?: readonly { readonly name: string }[];
}

/** Changes a resource's flags as a person does in Unleash's page. */
export interface FlagAdmin {
  setPhase(phase: Phase, enabled: boolean): Promise<void>;
  setRollout(flag: 'read-target' | 'shadow-read', percent: number): Promise<void>;
  /** By what it is decided for whom a flag is on: `recordKey`, as flags are created, or `random`, anew each time. */
  setStickiness(flag: 'read-target' | 'shadow-read', stickiness: 'recordKey' | 'random'): Promise<void>;
  /** As they were when they were created: `source-only`, 0 %. */
  reset(): Promise<void>;
}

export function createFlagAdmin(unleash: { url: string; adminToken: string }, resource: string): FlagAdmin {
  const names = flagNames(resource);
  const base = `${unleash.url}/api/admin/projects/default/features`;
  const headers = { authorization: unleash.adminToken, 'content-type': 'application/json' };
  const path = (flag: string) => `${base}/${flag}/environments/development/strategies`;
  const strategies = async (flag: string): Promise<Strategy[]> => {
    const response = await fetch(path(flag), { headers });
    if (!response.ok) throw new Error(`the flag server answers ${response.status}`);
    return (await response.json()) as Strategy[];
  };
  const patch = async (flag: string, id: string, change: { path: string; value: unknown }): Promise<void> => {
    const body = JSON.stringify([{ op: 'replace', ...change }]);
    const response = await fetch(`${path(flag)}/${id}`, { method: 'PATCH', headers, body });
    if (!response.ok) throw new Error(`the flag server answers ${response.status}`);
  };
  const setParameter = async (flag: 'read-target' | 'shadow-read', parameter: string, value: string) => {
    const name = flag === 'read-target' ? names.readTarget : names.shadowRead;
    const [only] = await strategies(name);
    if (only === undefined) throw new Error(`${name} has no strategy`);
    await patch(name, only.id, { path: `/parameters/${parameter}`, value });
  };
  const admin: FlagAdmin = {
    setPhase: async (phase, enabled) => {
      const found = (await strategies(names.phase)).find((one) => one.variants?.[0]?.name === phase);
      if (found === undefined) throw new Error(`the flag has no strategy for ${phase}`);
      await patch(names.phase, found.id, { path: '/disabled', value: !enabled });
    },
    setRollout: (flag, percent) => setParameter(flag, 'rollout', String(percent)),
    setStickiness: (flag, stickiness) => setParameter(flag, 'stickiness', stickiness),
    reset: async () => {
      for (const phase of ['target-only', 'target-authority', 'synchronize'] as const)
        await admin.setPhase(phase, false);
      await admin.setRollout('read-target', 0);
      await admin.setRollout('shadow-read', 0);
    },
  };
  return admin;
}
