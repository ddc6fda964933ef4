import type { DescMethod } from '@bufbuild/protobuf';
import type { Dice } from '../dice.ts';
import { framed } from '../grpc-wire.ts';
import { hostileText } from '../hostile-text.ts';
import { INPUT_TIMEOUT_MS, type Input, type Kind, type Material } from '../kind.ts';
import { type Tree, toWire } from '../message-tree.ts';
import { type PageToken, pathOf } from '../surface.ts';

/** Page tokens, and what must be refused for what it would do. */
export const tokenKinds: readonly Kind[] = [
  {
    name: 'page-tokens',
    about: 'page tokens that were made up, changed, cut, or taken to another parent, method or resource',
    share: 5,
    make: (dice, material) => (dice.chance(0.5) ? changedToken(dice, material) : movedToken(dice, material)),
  },
];

function list(method: DescMethod, parent: string, token: string, what: string): Input {
  const fields = method.input.fields.flatMap((field): Tree['fields'] => {
    if (field.name === 'parent') return [[field, parent]];
    return field.name === 'page_token' ? [[field, token]] : [];
  });
  const body = framed(toWire({ desc: method.input, fields }));
  return {
    what: `${pathOf(method)} of ${parent} with ${what}: ${token.slice(0, 200)}`,
    endings: ['INVALID_ARGUMENT'],
    send: ({ grpc }) => grpc.send({ path: pathOf(method), body }, INPUT_TIMEOUT_MS),
  };
}

function changedToken(dice: Dice, { world }: Material): Input {
  const { method, parent, token } = dice.pick(world.tokens);
  const bytes = Buffer.from(token, 'base64url');
  const at = dice.int(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.int(8));
  const forged = dice.pick([
    bytes.toString('base64url'),
    token.slice(0, -1 - dice.int(token.length - 1)),
    `${token}${dice.pick(['A', 'AA', '=', ' ', '\u0000', token])}`,
    Buffer.from(String(dice.int(1e9))).toString('base64url'),
    Buffer.concat([Buffer.of(1), dice.bytes(16 + dice.int(60))]).toString('base64url'),
    hostileText(dice) || 'x',
    token.toUpperCase() === token ? 'x' : token.toUpperCase(),
  ]);
  return list(method, parent, forged, 'a forged token');
}

function movedToken(dice: Dice, { surface, world }: Material): Input {
  const from = dice.pick(world.tokens);
  const others = world.tokens.filter((one) => one.method !== from.method || one.parent !== from.parent);
  const to: Pick<PageToken, 'method' | 'parent'> = dice.chance(0.7)
    ? dice.pick(others)
    : {
        method: dice.pick(surface.withField('page_token').filter((method) => method !== from.method)),
        parent: 'migrations/medications',
      };
  const parent = to.parent === from.parent && to.method === from.method ? `${from.parent}x` : to.parent;
  return list(to.method, parent, from.token, `the token of ${pathOf(from.method)} of ${from.parent}`);
}
