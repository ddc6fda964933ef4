import { gzipSync } from 'node:zlib';
import type { DescMethod } from '@bufbuild/protobuf';
import type { Dice } from '../dice.ts';
import { framed } from '../grpc-wire.ts';
import { CANARY, hostileText } from '../hostile-text.ts';
import type { HttpRequest } from '../http-wire.ts';
import { endingsAt, INPUT_TIMEOUT_MS, type Input, type Kind, type Material, RPC_ENDINGS } from '../kind.ts';
import { MIXED, makeRequest, WELL_MEANT } from '../message-maker.ts';
import { toJsonText, toWire } from '../message-tree.ts';
import { pathOf } from '../surface.ts';
import type { Ending } from '../wire-codes.ts';
import { bend, garbage } from '../wire-garbage.ts';

/** Connect, gRPC-Web and HTTP. */
export const httpKinds: readonly Kind[] = [
  {
    name: 'json-fields',
    about: 'JSON of the right shape, with hostile names, masks, texts and numbers in it',
    share: 10,
    make: (dice, { surface, world }) => {
      const method = dice.pick(surface.methods);
      return json(method, toJsonText(makeRequest(method, world, dice, MIXED)), RPC_ENDINGS);
    },
  },
  {
    name: 'json-garbage',
    about: 'broken JSON, deep JSON, double keys, wrong types, huge numbers',
    share: 8,
    make: (dice, material) => {
      const method = dice.pick(material.surface.methods);
      return json(method, dice.pick(garbled)(dice, material, method), RPC_ENDINGS);
    },
  },
  {
    name: 'connect-binary',
    about: 'Connect with wire bytes that are bent or garbage, compressed or said to be',
    share: 4,
    make: connectBinary,
  },
  {
    name: 'grpc-web',
    about: 'gRPC-Web with frames and messages that lie',
    share: 4,
    make: grpcWeb,
  },
  {
    name: 'http-heads',
    about: 'paths, methods, queries, content types and header values that are not what they should be',
    share: 4,
    make: (dice, material) => dice.pick(heads)(dice, material),
  },
];

const JSON_TYPE = 'application/json';

function request(method: DescMethod, headers: Record<string, string>, body: Buffer | string): HttpRequest {
  return { path: pathOf(method), headers, body, streams: method.methodKind !== 'unary' };
}

function input(request: HttpRequest, endings: readonly Ending[]): Input {
  const { method = 'POST', path, headers, body } = request;
  const shown = typeof body === 'string' ? body.slice(0, 300) : body.subarray(0, 120).toString('base64');
  return {
    what: `${method} ${path.slice(0, 300)} ${JSON.stringify(headers).slice(0, 300)} ${shown}`,
    endings: endingsAt(path, endings),
    send: ({ http }) => http.send(request, INPUT_TIMEOUT_MS),
  };
}

/** Streams take JSON in an envelope. */
function json(method: DescMethod, text: string, endings: readonly Ending[]): Input {
  if (method.methodKind === 'unary') return input(request(method, { 'content-type': JSON_TYPE }, text), endings);
  const headers = { 'content-type': 'application/connect+json' };
  return input(request(method, headers, framed(Buffer.from(text))), endings);
}

type Garble = (dice: Dice, material: Material, method: DescMethod) => string;

const DEEP = 20_000;
const VALUES = [
  'null',
  'true',
  '-1',
  '1e999',
  '1e-999',
  '[]',
  '{}',
  '[[]]',
  '""',
  '9007199254740993',
  '123456789012345678901234567890',
  '{"a":1}',
  `"${CANARY}"`,
  '"\\ud800"',
  '[null]',
];

const good: Garble = (dice, { world }, method) => toJsonText(makeRequest(method, world, dice, WELL_MEANT));
const garbled: readonly Garble[] = [
  (dice, material, method) => good(dice, material, method).slice(0, dice.int(200)),
  (dice, material, method) => {
    const text = good(dice, material, method);
    const at = dice.int(text.length);
    return `${text.slice(0, at)}${dice.pick(['"', '}', '{', ',', ':', '\\', '\u0000', 'x'])}${text.slice(at + dice.int(3))}`;
  },
  (dice) => `${'['.repeat(1 + dice.int(DEEP))}`,
  (dice) => {
    const depth = 1 + dice.int(DEEP);
    return `${'{"name":'.repeat(depth)}1${'}'.repeat(depth)}`;
  },
  (dice, material, method) => {
    const text = good(dice, material, method);
    return text.replace(/:("[^"]*"|[^,{}]+)/, `:${dice.pick(VALUES)}`);
  },
  (dice, _, { input: { fields } }) => {
    const members = fields.map(({ jsonName }) => `"${jsonName}":${dice.pick(VALUES)}`);
    return `{${[...members, ...members].join(',')}}`;
  },
  (dice) => `{"${dice.pick(['noSuch', '__proto__', 'constructor', 'toString', '@type'])}":${dice.pick(VALUES)}}`,
  (dice) => dice.pick([...VALUES, '', ' ', 'undefined', 'NaN', '// c', "{'a':1}", '\ufeff{}']),
  (dice, _, { input: { fields } }) =>
    `{"${dice.pick(fields)?.jsonName ?? 'name'}":${JSON.stringify(hostileText(dice))}}`,
  (dice) => `{"name":"${'\\u0041'.repeat(dice.int(5_000))}"}`,
];

function connectBinary(dice: Dice, { surface, world }: Material): Input {
  const method = dice.pick(surface.methods);
  const isUnary = method.methodKind === 'unary';
  const plain = toWire(makeRequest(method, world, dice, WELL_MEANT));
  const message = dice.chance(0.5) ? garbage(dice) : bend(plain, dice);
  const type = isUnary ? 'application/proto' : 'application/connect+proto';
  const encoding = dice.pick(['none', 'none', 'lie', 'true', 'unknown']);
  const name = isUnary ? 'content-encoding' : 'connect-content-encoding';
  const headers = {
    'content-type': type,
    ...(encoding !== 'none' && { [name]: encoding === 'unknown' ? 'x-odd' : 'gzip' }),
  };
  const packed = encoding === 'true' ? gzipSync(message) : message;
  const flag = encoding === 'none' ? dice.pick([0, 0, 1, 2, 255]) : 1;
  const body = isUnary ? Buffer.from(packed) : framed(packed, flag);
  // A frame that ends the stream, or a compression that nobody knows: there is no message then.
  const endings = encoding === 'unknown' || !isUnary ? [...RPC_ENDINGS, 'UNIMPLEMENTED'] : RPC_ENDINGS;
  return input(request(method, headers, body), endings);
}

function grpcWeb(dice: Dice, { surface, world }: Material): Input {
  const method = dice.pick(surface.methods);
  const plain = toWire(makeRequest(method, world, dice, dice.chance(0.5) ? MIXED : WELL_MEANT));
  const message = dice.chance(0.3) ? garbage(dice) : dice.chance(0.5) ? bend(plain, dice) : plain;
  const body = dice.pick([
    () => framed(message),
    () => framed(message, dice.pick([1, 2, 128, 255])),
    () => framed(message, 0, message.length + 1 + dice.int(50)),
    () => framed(message, 0, 2 ** 32 - 1),
    () => Buffer.concat([framed(message), framed(message)]),
    () => Buffer.alloc(0),
  ])();
  const type = dice.pick([
    'application/grpc-web',
    'application/grpc-web+proto',
    'application/grpc-web+json',
    'application/grpc-web-text',
  ]);
  const endings = [...RPC_ENDINGS, 'RESOURCE_EXHAUSTED', 'UNIMPLEMENTED', 'HTTP 415'];
  return input(request(method, { 'content-type': type, 'x-grpc-web': '1' }, body), endings);
}

type Make = (dice: Dice, material: Material) => Input;

const OVERSIZED_BYTES = 4 * 1024 * 1024 + 1;

function read({ surface, world }: Material, dice: Dice): { readonly method: DescMethod; readonly text: string } {
  const method = dice.pick(surface.methods.filter(({ name }) => name.startsWith('Get') || name.startsWith('List')));
  return { method, text: toJsonText(makeRequest(method, world, dice, WELL_MEANT)) };
}

const heads: readonly Make[] = [
  (dice, material) => {
    const { method, text } = read(material, dice);
    const type = dice.pick([
      'text/plain',
      'application/jsonx',
      '',
      'application/json; charset=utf-16',
      'multipart/form-data',
      'application/grpc',
    ]);
    return input(request(method, { 'content-type': type }, text), ['HTTP 415', ...RPC_ENDINGS]);
  },
  (dice, material) => {
    const { method } = read(material, dice);
    const query = dice.pick([
      '',
      '?message=%7B%7D&encoding=json&connect=v1',
      `?message=${encodeURIComponent(hostileText(dice))}&encoding=json`,
      '?message=%FF%FE&encoding=proto&base64=1',
      `?${'a=1&'.repeat(500)}`,
      '?encoding=json&compression=gzip&base64=1&message=AAAA',
    ]);
    const get = { method: 'GET', path: `${pathOf(method)}${query}`, headers: {}, body: '' };
    return input(get, ['HTTP 405', 'HTTP 415', 'HTTP 431', ...RPC_ENDINGS]);
  },
  (dice, material) => {
    const { method, text } = read(material, dice);
    const verb = dice.pick(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']);
    const put = { method: verb, path: pathOf(method), headers: { 'content-type': JSON_TYPE }, body: text };
    return input(put, ['HTTP 405', 'HTTP 400']);
  },
  (dice) => {
    const path = dice.pick([
      '/',
      '/dashboard/../x',
      '/dashboard/%2e%2e%2findex.html',
      '//',
      '/metricsx',
      '/..%2f..%2fetc/passwd',
      '/%00',
      '/%',
      `/${'a/'.repeat(1_000)}`,
      '/readyz/../x',
    ]);
    // The root leads to the dashboard, by GET alone.
    const refused = path === '/' ? 'HTTP 405' : 'HTTP 404';
    return input({ path, headers: { 'content-type': JSON_TYPE }, body: '{}' }, [refused, 'OK']);
  },
  (dice, material) => {
    const { method, text } = read(material, dice);
    const name = dice.pick([
      'crossfade-version',
      'crossfade-consistency',
      'crossfade-caller',
      'connect-protocol-version',
    ]);
    const value = hostileText(dice)
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 2_000);
    return input(request(method, { 'content-type': JSON_TYPE, [name]: value }, text), RPC_ENDINGS);
  },
  (dice, material) => {
    const { method, text } = read(material, dice);
    const value = dice.pick(['', 'x', '-1', '1.5', '99999999999', '9'.repeat(30), '0', '1']);
    const endings = [...RPC_ENDINGS, 'DEADLINE_EXCEEDED'];
    return input(request(method, { 'content-type': JSON_TYPE, 'connect-timeout-ms': value }, text), endings);
  },
  (dice, material) => {
    const { method, text } = read(material, dice);
    const filler = 'x'.repeat(17 * 1024 + dice.int(5_000));
    return input(request(method, { 'content-type': JSON_TYPE, filler }, text), ['HTTP 431', 'closed']);
  },
  (dice, material) => {
    const { method, text } = read(material, dice);
    const encoding = dice.pick(['gzip', 'deflate', 'br', 'x', 'gzip, gzip']);
    const headers = { 'content-type': JSON_TYPE, 'content-encoding': encoding };
    return input(request(method, headers, text), [...RPC_ENDINGS, 'UNIMPLEMENTED']);
  },
  (dice, material) => {
    const { method, text } = read(material, dice);
    const large = dice.chance(0.1)
      ? `{"name":"${'x'.repeat(OVERSIZED_BYTES)}"}`
      : `${text}${' '.repeat(dice.int(5_000))}`;
    return input(request(method, { 'content-type': JSON_TYPE }, large), [
      ...RPC_ENDINGS,
      'RESOURCE_EXHAUSTED',
      'closed',
    ]);
  },
];
