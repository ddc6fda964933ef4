import { constants } from 'node:http2';
import { deflateSync, gzipSync } from 'node:zlib';
import type { DescMethod } from '@bufbuild/protobuf';
import type { Dice } from '../dice.ts';
import { framed, type GrpcRequest } from '../grpc-wire.ts';
import { hostileText } from '../hostile-text.ts';
import { endingsAt, INPUT_TIMEOUT_MS, type Input, type Kind, type Material, RPC_ENDINGS } from '../kind.ts';
import { MIXED, makeRequest, WELL_MEANT } from '../message-maker.ts';
import { toWire } from '../message-tree.ts';
import { pathOf } from '../surface.ts';
import type { Ending } from '../wire-codes.ts';
import { bend, garbage } from '../wire-garbage.ts';

/** Messages over gRPC. */
export const grpcKinds: readonly Kind[] = [
  {
    name: 'grpc-fields',
    about: 'messages of the right type, with hostile names, masks, texts and numbers in them',
    share: 24,
    make: (dice, { surface, world }) => {
      const method = dice.pick(surface.methods);
      return call(method, framed(toWire(makeRequest(method, world, dice, MIXED))), RPC_ENDINGS);
    },
  },
  {
    name: 'grpc-bent',
    about: 'good messages with bytes flipped, cut and doubled',
    share: 12,
    make: (dice, { surface, world }) => {
      const method = dice.pick(surface.methods);
      return call(method, framed(bend(toWire(makeRequest(method, world, dice, WELL_MEANT)), dice)), RPC_ENDINGS);
    },
  },
  {
    name: 'grpc-garbage',
    about: 'bytes that no encoder writes: groups, endless varints, nesting, wrong wire types, texts that are not UTF-8',
    share: 8,
    make: (dice, { surface }) => call(dice.pick(surface.methods), framed(garbage(dice)), RPC_ENDINGS),
  },
  {
    name: 'grpc-framing',
    about: 'frames of messages that lie: lengths, flags of compression, too many messages, none, bombs',
    share: 6,
    make: (dice, material) => dice.pick(framings)(dice, material),
  },
  {
    name: 'grpc-heads',
    about: 'paths, content types, time-outs, encodings and metadata that are not what they should be',
    share: 8,
    make: (dice, material) => dice.pick(heads)(dice, material),
  },
];

function call(method: DescMethod, body: Buffer, endings: readonly Ending[], more: Partial<GrpcRequest> = {}): Input {
  const streams = method.methodKind !== 'unary';
  const request = { path: pathOf(method), body, streams, ...more };
  return {
    what: `${request.path}, ${body.length} bytes: ${body.subarray(0, 120).toString('base64')} ${JSON.stringify(more.headers ?? {}).slice(0, 400)}`,
    endings: endingsAt(request.path, endings),
    send: ({ grpc }) => grpc.send(request, INPUT_TIMEOUT_MS),
  };
}

type Make = (dice: Dice, material: Material) => Input;

/** A good read with something about it. */
function read({ surface, world }: Material, dice: Dice): { readonly method: DescMethod; readonly message: Uint8Array } {
  const reads = surface.methods.filter(({ name }) => name.startsWith('Get') || name.startsWith('List'));
  const method = dice.pick(reads);
  return { method, message: toWire(makeRequest(method, world, dice, WELL_MEANT)) };
}

const BOMB_BYTES = 64 * 1024 * 1024;
const bombs = {
  gzip: gzipSync(Buffer.alloc(BOMB_BYTES)),
  deflate: deflateSync(Buffer.alloc(BOMB_BYTES)),
};
/** Over the usual limit of four MiB. */
const OVERSIZED_BYTES = 4 * 1024 * 1024 + 1;
/** Bombs and oversized messages are dear: one in so many. */
const DEAR = 0.03;

/** gRPC's code where a method that takes one message gets none, or several (doc/statuscodes.md). */
const NO_MESSAGE: readonly Ending[] = ['UNIMPLEMENTED'];

const framings: readonly Make[] = [
  (dice, material) => {
    const { method, message } = read(material, dice);
    // More was promised than comes before the end of the stream.
    const short = framed(message, 0, message.length + 1 + dice.int(1000));
    return call(method, short, NO_MESSAGE);
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const length = dice.pick([OVERSIZED_BYTES, 2 ** 31, 2 ** 32 - 1]);
    return call(method, framed(message, 0, length), ['RESOURCE_EXHAUSTED']);
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    // Fewer bytes announced than come: what is left over is taken for a second message.
    return call(method, framed(message, 0, dice.int(message.length + 1)), ['RESOURCE_EXHAUSTED', ...RPC_ENDINGS]);
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    return call(method, framed(message, dice.pick([1, 1, 2, 128, 255])), RPC_ENDINGS, {
      headers: dice.chance(0.5) ? {} : { 'grpc-encoding': 'identity' },
    });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const encoding = dice.pick(['gzip', 'deflate']);
    return call(method, framed(message, 1), ['INVALID_ARGUMENT'], { headers: { 'grpc-encoding': encoding } });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const endings = ['UNIMPLEMENTED', ...RPC_ENDINGS];
    return call(method, framed(message, 1), endings, {
      headers: { 'grpc-encoding': dice.pick(['br', 'snappy', 'x']) },
    });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const encoding = dice.pick(['gzip', 'deflate'] as const);
    if (!dice.chance(DEAR)) {
      const packed = encoding === 'gzip' ? gzipSync(message) : deflateSync(message);
      return call(method, framed(packed, 1), RPC_ENDINGS, { headers: { 'grpc-encoding': encoding } });
    }
    return call(method, framed(bombs[encoding], 1), ['RESOURCE_EXHAUSTED'], { headers: { 'grpc-encoding': encoding } });
  },
  (dice, material) => {
    const { method } = read(material, dice);
    return call(method, Buffer.alloc(0), NO_MESSAGE);
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const many = Buffer.concat(Array.from({ length: 2 + dice.int(30) }, () => framed(message)));
    return call(method, many, NO_MESSAGE);
  },
  (dice, material) => {
    const { method } = read(material, dice);
    return call(method, Buffer.alloc(5 * (2 + dice.int(2_000))), NO_MESSAGE);
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const resetWith = dice.pick([
      constants.NGHTTP2_CANCEL,
      constants.NGHTTP2_INTERNAL_ERROR,
      constants.NGHTTP2_REFUSED_STREAM,
    ]);
    return call(method, framed(message).subarray(0, dice.int(20)), ['closed', 'OK', ...RPC_ENDINGS], { resetWith });
  },
  (dice, material) => {
    const { method } = read(material, dice);
    if (!dice.chance(DEAR)) return call(method, framed(garbage(dice)).subarray(0, 4), NO_MESSAGE);
    return call(method, framed(Buffer.alloc(OVERSIZED_BYTES, 0x08)), ['RESOURCE_EXHAUSTED']);
  },
];

const TIMEOUTS = ['', 'x', '1', '-1S', '1.5S', '99999999H', '999999999S', '0n', '1n', '00000001u', '5S5S', '5 S', 'S'];
const heads: readonly Make[] = [
  (dice, material) => {
    const { method, message } = read(material, dice);
    const timeout = dice.pick(TIMEOUTS);
    const isOne = /^\d{1,8}[HMSmun]$/.test(timeout);
    const endings = isOne ? [...RPC_ENDINGS, 'DEADLINE_EXCEEDED'] : ['INVALID_ARGUMENT'];
    return call(method, framed(message), endings, { headers: { 'grpc-timeout': timeout } });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const path = dice.pick([
      '/',
      '//',
      '/x',
      `${pathOf(method)}/`,
      pathOf(method).toLowerCase(),
      `/${'a/'.repeat(500)}`,
    ]);
    return call(method, framed(message), ['UNIMPLEMENTED', 'HTTP 404'], { path });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const type = dice.pick([
      'text/plain',
      'application/json',
      'application/grpcx',
      '',
      undefined,
      'application/grpc-web',
    ]);
    return call(method, framed(message), ['HTTP 415', ...RPC_ENDINGS], { headers: { 'content-type': type } });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const verb = dice.pick(['GET', 'PUT', 'OPTIONS', 'BREW']);
    return call(method, framed(message), ['HTTP 405'], { headers: { ':method': verb } });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const name = dice.pick(['crossfade-version', 'crossfade-consistency', 'crossfade-caller', 'crossfade-user']);
    return call(method, framed(message), RPC_ENDINGS, { headers: { [name]: printable(dice) } });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const version = dice.pick(['-1', '1.0', '0x1', '9'.repeat(19), '9'.repeat(20), ' 1', '1e3', '1,2']);
    const endings = [...RPC_ENDINGS, 'UNAVAILABLE', 'DEADLINE_EXCEEDED'];
    return call(method, framed(message), endings, { headers: { 'crossfade-version': version } });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const name = dice.pick(['traceparent', 'tracestate', 'baggage', 'x-request-id', 'authorization', 'x-bin']);
    const value = dice.pick([
      printable(dice),
      `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`,
      `Bearer ${printable(dice)}`,
    ]);
    return call(method, framed(message), RPC_ENDINGS, { headers: { [name]: value } });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const many = Object.fromEntries(Array.from({ length: 1 + dice.int(60) }, (_, at) => [`x-${at}`, 'y'.repeat(100)]));
    return call(method, framed(message), [...RPC_ENDINGS], { headers: many });
  },
  (dice, material) => {
    const { method, message } = read(material, dice);
    const filler = 'x'.repeat(17 * 1024 + dice.int(20_000));
    return call(method, framed(message), ['RESOURCE_EXHAUSTED', 'HTTP 431', 'closed'], { headers: { filler } });
  },
];

/** What HTTP/2 lets through as a value: the rest is for sockets. */
function printable(dice: Dice): string {
  return hostileText(dice)
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 2_000)
    .trim();
}
