import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS, type Check } from '../../spec/checks.ts';

const textOf = (check: Check): string =>
  readFileSync(join(import.meta.dirname, '../../spec', `${check.model}.qnt`), 'utf8');

const mutations = CHECKS.filter((check) => check.without !== '');

describe("the specification's checks", () => {
  it('have a name each', () => {
    expect(new Set(CHECKS.map((check) => check.name)).size).toBe(CHECKS.length);
  });

  it('ask for promises and steps that their models know', () => {
    for (const check of CHECKS) {
      for (const invariant of check.invariants) expect(textOf(check)).toContain(`val ${invariant} =`);
      expect(textOf(check)).toContain(`action ${check.step}: bool`);
    }
  });

  it('leave out rules that their models can leave out: a name that no model reads would test nothing', () => {
    for (const check of mutations) {
      expect(textOf(check), check.name).toMatch(new RegExp(`without [!=]= "${check.without}"`));
    }
  });

  it('name one promise for each mutation', () => {
    for (const check of mutations) expect(check.invariants).toHaveLength(1);
  });
});
