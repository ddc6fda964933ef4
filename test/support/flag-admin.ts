import { createFlagSwitches, type FlagSwitches } from '../../examples/hospital/demo/unleash-admin.ts';
import { createFlagApi } from '../../src/migration/flag-admin-api.ts';
import { changeFlags } from '../../src/migration/flag-changes.ts';
import { flagNames } from '../../src/migration/unleash-flags.ts';

/** Changes a resource's flags as a person does in Unleash's page. */
export interface FlagAdmin extends Pick<FlagSwitches, 'setPhase'> {
  setRollout(flag: 'read-target' | 'shadow-read', percent: number): Promise<void>;
  /** By what it is decided for whom a flag is on: `recordKey`, as flags are created, or `random`, anew each time. */
  setStickiness(flag: 'read-target' | 'shadow-read', stickiness: 'recordKey' | 'random'): Promise<void>;
  /** As they were when they were created: `source-only`, 0 %. */
  reset(): Promise<void>;
}

export function createFlagAdmin(unleash: { url: string; adminToken: string }, resource: string): FlagAdmin {
  const { url, adminToken } = unleash;
  const setup = { url, adminToken, project: 'default', environment: 'development' };
  const names = flagNames(resource);
  const { setPhase, setReadTarget, setShadowRead } = createFlagSwitches(unleash, resource);
  return {
    setPhase,
    setRollout: (flag, percent) => (flag === 'read-target' ? setReadTarget(percent) : setShadowRead(percent)),
    setStickiness: async (flag, value) => {
      const api = createFlagApi(setup);
      const name = flag === 'read-target' ? names.readTarget : names.shadowRead;
      const path = `/${name}/environments/{environment}/strategies`;
      const [only] = (await api('GET', path)).body as readonly { readonly id: string }[];
      if (only === undefined) throw new Error(`${name} has no strategy`);
      const body = [{ op: 'replace', path: '/parameters/stickiness', value }];
      await api('PATCH', `${path}/${only.id}`, { body });
    },
    reset: async () => {
      await changeFlags(setup, resource, { phase: 'source-only', readTarget: 0, shadowRead: 0 });
    },
  };
}
