import { describe, expect, it } from 'vitest';
import { mutations } from './mutations.ts';
import { playScenario, scenarios } from './scenarios.ts';

describe.each(scenarios)('when $title', (scenario) => {
  const mutation = mutations.find(({ name }) => name === scenario.mutation);

  it('every promise is kept', async () => {
    expect(await playScenario(scenario, null)).toBeNull();
  });

  it(`it is noticed if ${mutation?.what}`, async () => {
    if (mutation === undefined) throw new Error(`there is no mutation ${scenario.mutation}`);
    expect(await playScenario(scenario, mutation)).toMatch(/^(stale|diverged): /);
  });
});
