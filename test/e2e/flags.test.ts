import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { noLog } from '../../src/domain/log.ts';
import { createFlagApi } from '../../src/migration/flag-admin-api.ts';
import { changeFlags } from '../../src/migration/flag-changes.ts';
import { createFlags } from '../../src/migration/flag-setup.ts';
import { createUnleashFlags } from '../../src/migration/unleash-flags.ts';
import { createMemoryWorld } from '../support/memory-instances.ts';
import { loneResource } from '../support/resources.ts';

/** A first flag takes Unleash some seconds, and on a loaded machine many. */
const TIMEOUT_MS = 120_000;

/** What of a strategy the service goes by. */
interface Strategy {
  readonly id: string;
  readonly disabled: boolean;
  readonly parameters: { readonly rollout: string };
  readonly variants: readonly { readonly name: string }[];
}

const unleash = () => {
  const { url, adminToken } = inject('unleash');
  return { url, adminToken, project: 'default', environment: 'development' };
};

async function strategies(flag: string): Promise<readonly Strategy[]> {
  const { url, adminToken } = unleash();
  const path = `/api/admin/projects/default/features/crossfade.flagged.${flag}/environments/development/strategies`;
  const response = await fetch(url + path, { headers: { authorization: adminToken } });
  return (await response.json()) as readonly Strategy[];
}

async function enabledPhases(): Promise<readonly string[]> {
  return (await strategies('phase'))
    .filter(({ disabled }) => !disabled)
    .map(({ variants }) => variants[0]?.name ?? '')
    .sort();
}

describe('flags in Unleash', { timeout: TIMEOUT_MS }, () => {
  it('are created once, with the phase source-only and no reads from the target', async () => {
    const created = await createFlags(unleash(), 'flagged');
    expect(created.map(({ outcome }) => outcome)).toEqual(['created', 'created', 'created']);
    const again = await createFlags(unleash(), 'flagged');
    expect(again.map(({ outcome }) => outcome)).toEqual(['exists', 'exists', 'exists']);
    expect(await enabledPhases()).toEqual(['source-only']);
  });

  it('go forward to a phase, and back, with none further on left enabled', async () => {
    await changeFlags(unleash(), 'flagged', { phase: 'synchronize' });
    expect(await enabledPhases()).toEqual(['source-only', 'synchronize']);
    await changeFlags(unleash(), 'flagged', { phase: 'target-only' });
    expect(await enabledPhases()).toEqual(['source-only', 'synchronize', 'target-only']);
    await changeFlags(unleash(), 'flagged', { phase: 'target-authority' });
    expect(await enabledPhases()).toEqual(['source-only', 'synchronize', 'target-authority']);
    await changeFlags(unleash(), 'flagged', { phase: 'source-only' });
    expect(await enabledPhases()).toEqual(['source-only']);
  });

  it('take the parts of reads, and leave what is not named', async () => {
    expect(await changeFlags(unleash(), 'flagged', { readTarget: 10, shadowRead: 0 })).toEqual([
      { name: 'crossfade.flagged.read-target', value: '10 %', on: true },
      { name: 'crossfade.flagged.shadow-read', value: '0 %', on: true },
    ]);
    expect((await strategies('read-target'))[0]?.parameters.rollout).toBe('10');
    await changeFlags(unleash(), 'flagged', { shadowRead: 100 });
    expect((await strategies('read-target'))[0]?.parameters.rollout).toBe('10');
    expect(await enabledPhases()).toEqual(['source-only']);
  });

  it('are not said to be made where the project or the environment is not there', async () => {
    const lost = { ...unleash(), project: 'nowhere' };
    await expect(createFlags(lost, 'unmade')).rejects.toThrow('check the admin token, project and environment');
    const elsewhere = { ...unleash(), environment: 'nowhere' };
    await expect(createFlags(elsewhere, 'unmade')).rejects.toThrow('check the admin token, project and environment');
  });

  it('that are switched off are changed, and said to be off', async () => {
    await createFlags(unleash(), 'quiet');
    await createFlagApi(unleash())('POST', '/crossfade.quiet.phase/environments/{environment}/off');
    expect(await changeFlags(unleash(), 'quiet', { phase: 'synchronize' })).toEqual([
      { name: 'crossfade.quiet.phase', value: 'synchronize', on: false },
    ]);
  });

  it('that a person has changed go where they can, and are left as they are where they can’t', async () => {
    await createFlags(unleash(), 'changed');
    const api = createFlagApi(unleash());
    const path = '/crossfade.changed.phase/environments/{environment}/strategies';
    const of = async () => (await api('GET', path)).body as Strategy[];
    const remove = async (phase: string) => {
      const one = (await of()).find(({ variants }) => variants[0]?.name === phase);
      await api('DELETE', `${path}/${one?.id}`);
    };
    await remove('target-only');
    await changeFlags(unleash(), 'changed', { phase: 'target-authority' });
    await changeFlags(unleash(), 'changed', { phase: 'source-only' });
    expect((await of()).filter(({ disabled }) => !disabled)).toHaveLength(1);
    await remove('synchronize');
    const before = await of();
    await expect(changeFlags(unleash(), 'changed', { phase: 'synchronize' })).rejects.toThrow(
      'no strategy with the variant synchronize',
    );
    expect(await of()).toEqual(before);
  });

  it('that are not there, a wrong token and a wrong address are named with the cure', async () => {
    await expect(changeFlags(unleash(), 'nobody', { phase: 'synchronize' })).rejects.toThrow('crossfade flags create');
    const stranger = { ...unleash(), adminToken: '*:*.wrong' };
    await expect(changeFlags(stranger, 'flagged', { readTarget: 1 })).rejects.toThrow('check the admin token');
    const nowhere = { ...unleash(), url: 'http://127.0.0.1:9' };
    await expect(changeFlags(nowhere, 'flagged', { readTarget: 1 })).rejects.toThrow('cannot be reached');
  });

  it('send Lists of records without a parent to the target too', async () => {
    const { url, clientToken } = inject('unleash');
    const { id } = loneResource;
    await createFlags(unleash(), id);
    await changeFlags(unleash(), id, { phase: 'synchronize', readTarget: 100 });
    const flags = createUnleashFlags({
      url: `${url}/api`,
      token: clientToken,
      appName: 'test',
      instance: 'one',
      refreshMs: 200,
      log: noLog,
    });
    const world = createMemoryWorld(loneResource);
    const instance = await world.startInstance('one', { flags });
    onTestFinished(async () => {
      await instance.stop();
      flags.close();
    });
    const served = async (): Promise<string> => {
      const note = { servedBy: '' };
      const query = { parent: [], after: null, limit: 10, descending: false };
      await instance.migration.records.list(query, { ...world.call(), consistency: 'latency', note });
      return note.servedBy;
    };
    await expect.poll(served, { timeout: TIMEOUT_MS / 3 }).toBe('target; reason=flag');
  });
});
