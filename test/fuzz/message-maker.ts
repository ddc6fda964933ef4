import { type DescField, type DescMessage, type DescMethod, ScalarType } from '@bufbuild/protobuf';
import type { Dice } from './dice.ts';
import { CANARY, hostileName, hostileText } from './hostile-text.ts';
import { enumNumbers, type Tree, type Value } from './message-tree.ts';
import { changesMigration, type World } from './surface.ts';

/** How far a message is from a good one. */
export interface Manner {
  /** The share of values that are bad. */
  readonly hostility: number;
  /** The share of fields that are left out, where a good request would have them. */
  readonly omission: number;
}

/** As a caller means it. */
export const WELL_MEANT: Manner = { hostility: 0, omission: 0 };
/** Some of it bad: it comes through to what lies behind. */
export const MIXED: Manner = { hostility: 0.25, omission: 0.25 };

const NUMBERS = [0n, 1n, -1n, 2n, 1000n, 1001n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 32n, 2n ** 63n - 1n, -(2n ** 63n)];
const DOUBLES = [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e308, 5e-324];
const MASKS = [
  '*',
  'name',
  'note',
  'no_such',
  'note.x',
  'etag',
  'medication.note',
  '',
  CANARY,
  '__proto__',
  'updateTime',
];
const MOST_REPEATED = 40;
const DEEPEST = 4;
/** 16 bytes as hexadecimal digits. */
const UUID_PARTS = [4, 2, 2, 2, 6];

/** Makes requests of one method. */
export function makeRequest(method: DescMethod, world: World, dice: Dice, manner: Manner): Tree {
  return makeMessage(method.input, { method, world, dice, manner, depth: 0 });
}

interface Making {
  readonly method: DescMethod;
  readonly world: World;
  readonly dice: Dice;
  readonly manner: Manner;
  readonly depth: number;
}

function makeMessage(desc: DescMessage, making: Making): Tree {
  const { dice, manner, depth } = making;
  if (depth > DEEPEST) return { desc, fields: [] };
  const kept = desc.fields.filter((field) => isUsual(field) && !dice.chance(manner.omission));
  const odd = dice.chance(manner.hostility) ? desc.fields.filter(() => dice.chance(0.3)) : [];
  const fields = [...kept, ...odd].map((field) => [field, makeField(field, making)] as const);
  if (dice.chance(manner.hostility / 2)) fields.sort(() => dice.uniform() - 0.5);
  return { desc, fields };
}

/** What a caller would say: not what only the service says. */
function isUsual({ name }: DescField): boolean {
  return !['page_token', 'etag', 'allow_missing', 'update_time', 'create_time', 'nanos'].includes(name);
}

function makeField(field: DescField, making: Making): Value {
  const { dice, manner } = making;
  if (field.fieldKind === 'list') {
    const length = dice.chance(manner.hostility) ? dice.int(MOST_REPEATED) : 1;
    return Array.from({ length }, () => makeOne(field, making));
  }
  return makeOne(field, making);
}

function makeOne(field: DescField, making: Making): Value {
  const isBad = making.dice.chance(making.manner.hostility);
  if (field.message !== undefined && field.fieldKind !== 'map') {
    return makeMessage(field.message, { ...making, depth: making.depth + 1 });
  }
  if (field.enum !== undefined) return isBad ? making.dice.pick(enumNumbers(field.enum)) : 1;
  const scalar = field.fieldKind === 'scalar' || field.fieldKind === 'list' ? field.scalar : undefined;
  switch (scalar) {
    case ScalarType.STRING:
      return makeText(field, making, isBad);
    case ScalarType.BYTES:
      return making.dice.bytes(making.dice.int(isBad ? 300 : 16));
    case ScalarType.BOOL:
      return making.dice.chance(0.5);
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return isBad ? making.dice.pick(DOUBLES) : 1;
    default:
      return isBad ? making.dice.pick(NUMBERS) : BigInt(making.dice.int(20));
  }
}

/** A text that fits its field's name, or one that does not. Masks name fields, which errors may show: no canary is in them. */
function makeText({ name }: DescField, making: Making, isBad: boolean): string {
  const { dice, world, method } = making;
  if (name === 'paths')
    return isBad
      ? dice.pick([...MASKS, hostileText(dice)]).replaceAll(CANARY, 'a_field')
      : dice.pick(['note', 'description', '*']);
  if (name === 'page_token') return isBad ? hostileText(dice) : dice.pick(world.tokens).token;
  if (name === 'name' || name === 'parent') return makeName(name, making, isBad);
  if (isBad) return hostileText(dice);
  if (name === 'records') return dice.pick(world.names.get(method.parent) ?? ['']);
  if (name === 'payer_id' || name === 'encounter_id') return uuid(dice);
  if (name.endsWith('_id')) return method.parent.name === 'Encounters' ? uuid(dice) : String(1_000_000 + dice.int(1e9));
  if (name.endsWith('_cost') || name.endsWith('coverage')) return `${dice.int(1000)}.${10 + dice.int(90)}`;
  return `${CANARY} ${dice.int(1000)}`;
}

function makeName(field: 'name' | 'parent', { dice, world, method, depth }: Making, isBad: boolean): string {
  const known = (field === 'name' ? world.names : world.parents).get(method.parent) ?? [];
  if (known.length === 0) return hostileText(dice);
  if (changesMigration(method) && depth === 0) return hostileName('migrations/nobody', dice);
  const good = dice.pick(known);
  return isBad ? hostileName(good, dice) : good;
}

function uuid(dice: Dice): string {
  return UUID_PARTS.map((length) => dice.bytes(length).toString('hex')).join('-');
}
