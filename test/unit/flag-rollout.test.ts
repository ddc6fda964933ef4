import { expect, it } from 'vitest';
import { type FlagStrategy, rolloutOf } from '../../src/migration/flag-rollout.ts';

const rollout = (percent: string, more: Readonly<Record<string, string>> = {}): FlagStrategy => ({
  name: 'flexibleRollout',
  parameters: { rollout: percent, stickiness: 'recordKey', groupId: 'reads', ...more },
});
const of = (...strategies: FlagStrategy[]) => rolloutOf({ enabled: true, strategies });

it('one rollout says its share', () => {
  expect(of(rollout('0'))).toEqual({ percent: 0, note: '' });
  expect(of(rollout('35'))).toEqual({ percent: 35, note: '' });
  expect(of(rollout('100', { stickiness: 'random' }))).toEqual({ percent: 100, note: '' });
});

it('a flag without strategies, or with the default one, is on for all', () => {
  expect(of().percent).toBe(100);
  expect(of({ name: 'default' }).percent).toBe(100);
});

it('of several strategies one that is on for all decides, and none counts that is on for nobody', () => {
  expect(of(rollout('0', { groupId: 'other' }), rollout('20')).percent).toBe(20);
  expect(of({ name: 'userWithId' }, rollout('100')).percent).toBe(100);
});

it('strategies of one group share out the same requests: the wider one holds the narrower', () => {
  expect(of(rollout('20'), rollout('50')).percent).toBe(50);
});

it.each<[string, FlagStrategy[], RegExp]>([
  ['constraints', [{ ...rollout('50'), constraints: [{}] }], /constraints/],
  ['segments', [{ ...rollout('50'), segments: [1] }], /constraints/],
  ['another kind of strategy', [{ name: 'userWithId' }], /userWithId/],
  ['a context that not every request has', [rollout('50', { stickiness: 'userId' })], /userId/],
  ['two groups', [rollout('50'), rollout('20', { groupId: 'other' })], /several/],
  ['two random shares', [rollout('50', { stickiness: 'random' }), rollout('20', { stickiness: 'random' })], /several/],
  ['no number', [rollout('much')], /rollout/],
])('says so where it can not be told: %s', (_, strategies, note) => {
  expect(of(...strategies)).toEqual({ percent: null, note: expect.stringMatching(note) });
});

it('takes null for what is empty, as other servers of flags write it', () => {
  const empty = { parameters: null, constraints: null, segments: null };
  expect(of({ ...rollout('35'), ...empty, parameters: rollout('35').parameters ?? null }).percent).toBe(35);
  expect(of({ name: 'flexibleRollout', ...empty }).note).toContain('no rollout');
  expect(rolloutOf({ enabled: true, strategies: null, dependencies: null }).percent).toBe(100);
});

it('says so where another flag decides', () => {
  const { percent, note } = rolloutOf({ enabled: true, strategies: [rollout('50')], dependencies: [{ feature: 'a' }] });
  expect({ percent, note }).toEqual({ percent: null, note: expect.stringContaining('another flag') });
});
