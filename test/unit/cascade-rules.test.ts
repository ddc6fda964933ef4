import { describe, expect, it } from 'vitest';
import { type CascadeTarget, closeCascades } from '../../src/stores/mysql/cascade-rules.ts';
import type { ForeignKey } from '../../src/stores/mysql/foreign-keys.ts';

const target: CascadeTarget = {
  schema: 's',
  table: 'child',
  key: ['parent_id', 'nr'],
  parentLength: 1,
  loose: [],
};

function foreignKey(
  to: string,
  columns: Readonly<Record<string, string>>,
  actions: Partial<ForeignKey> = {},
): ForeignKey {
  return {
    name: `to_${to}`,
    columns: Object.keys(columns),
    referenced: { schema: 's', table: to },
    referencedColumns: Object.values(columns),
    onDelete: 'RESTRICT',
    onUpdate: 'NO ACTION',
    ...actions,
  };
}

const BOTH = { onDelete: 'CASCADE', onUpdate: 'CASCADE' };

/** Rules in short, of tables whose foreign keys are these; a table that is not named has none. */
async function rulesOf(tables: Readonly<Record<string, readonly ForeignKey[] | null>>, of = target): Promise<string[]> {
  const { rules = [], mistake } = await closeCascades(
    of,
    async ({ table }) => tables[table] ?? (table in tables ? null : []),
  );
  if (mistake !== undefined) return [mistake];
  return rules.map((rule) => {
    const columns = rule.columns.map(({ own, theirs }) => `${own}=${theirs}`).join(',');
    const found = rule.unbounded === null ? `former ${rule.formerLength}` : 'gap';
    return `${rule.on} ${rule.table.table} ${rule.effect} ${columns}: ${found}`;
  });
}

describe('the changes that reach a table through foreign keys', () => {
  it('are none where its foreign keys only refuse', async () => {
    expect(await rulesOf({ child: [foreignKey('p', { parent_id: 'id' })] })).toEqual([]);
  });

  it('tell the partition where the foreign key is the parent, or the whole key', async () => {
    expect(await rulesOf({ child: [foreignKey('p', { parent_id: 'id' }, BOTH)] })).toEqual([
      'delete p removes parent_id=id: former 1',
      'update p moves parent_id=id: former 1',
    ]);
    const whole = [foreignKey('p', { nr: 'n', parent_id: 'id' }, { onDelete: 'CASCADE' })];
    expect(await rulesOf({ child: whole })).toEqual(['delete p removes nr=n,parent_id=id: former 2']);
  });

  it('are a gap where rows go and nothing tells which, also where texts have other spellings', async () => {
    expect(await rulesOf({ child: [foreignKey('p', { other: 'id' }, BOTH)] })).toEqual([
      'delete p removes other=id: gap',
      'update p moves other=id: former 0',
    ]);
    const keys = [foreignKey('p', { parent_id: 'id' }, BOTH)];
    expect(await rulesOf({ child: keys }, { ...target, loose: ['parent_id'] })).toEqual([
      'delete p removes parent_id=id: gap',
      'update p moves parent_id=id: gap',
    ]);
    const bucketed = { ...target, key: ['nr'], parentLength: 0 };
    expect(await rulesOf({ child: [foreignKey('p', { other: 'id' }, { onDelete: 'CASCADE' })] }, bucketed)).toEqual([
      'delete p removes other=id: gap',
    ]);
  });

  it('are told by the nulls that they leave', async () => {
    const keys = [foreignKey('p', { other: 'id' }, { onDelete: 'SET NULL', onUpdate: 'SET NULL' })];
    expect(await rulesOf({ child: keys })).toEqual([
      'delete p clears other=id: former 0',
      'update p clears other=id: former 0',
    ]);
  });

  it('come through tables between, as far as their values do', async () => {
    const tables = {
      child: [foreignKey('middle', { parent_id: 'top_id', nr: 'nr' }, BOTH)],
      middle: [foreignKey('top', { top_id: 'id' }, BOTH), foreignKey('list', { nr: 'n' }, BOTH)],
      top: [foreignKey('world', { w: 'id' }, BOTH)],
    };
    expect(await rulesOf(tables)).toEqual([
      'delete middle removes parent_id=top_id,nr=nr: former 2',
      'update middle moves parent_id=top_id,nr=nr: former 2',
      'delete top removes parent_id=id: former 1',
      'delete list removes nr=n: gap',
      'update top moves parent_id=id: former 1',
      'update list moves nr=n: gap',
      'delete world removes : gap',
    ]);
  });

  it('of nulls that go on from a table between are a gap', async () => {
    const tables = {
      child: [foreignKey('middle', { other: 'code' }, { onUpdate: 'CASCADE' })],
      middle: [foreignKey('top', { code: 'id' }, { onDelete: 'SET NULL' })],
    };
    expect(await rulesOf(tables)).toEqual([
      'update middle moves other=code: former 0',
      'delete top moves other=id: gap',
    ]);
  });

  it('of its own rows are followed where they leave nulls, and refused where nothing tells what goes', async () => {
    const manager = (onDelete: string) => [foreignKey('child', { other: 'nr' }, { onDelete, onUpdate: 'CASCADE' })];
    expect(await rulesOf({ child: manager('SET NULL') })).toEqual(['delete child clears other=nr: former 0']);
    expect(await rulesOf({ child: manager('CASCADE') })).toEqual([
      expect.stringContaining('to_child (other) deletes rows of its own table'),
    ]);
    const tree = [foreignKey('child', { parent_id: 'parent_id', above: 'nr' }, { onDelete: 'CASCADE' })];
    expect(await rulesOf({ child: tree })).toEqual([
      'delete child removes parent_id=parent_id,above=nr: former 1',
      'delete child removes parent_id=parent_id: former 1',
    ]);
  });

  it('are refused by name where the user may not see a parent', async () => {
    const tables = { child: [foreignKey('p', { parent_id: 'id' }, BOTH)], p: null };
    expect(await rulesOf(tables)).toEqual([expect.stringContaining('GRANT SELECT ON s.p')]);
  });
});
