import type { Dice } from '../dice.ts';
import { emptySettings, flag, frame, frameType, indexed, literals, PREFACE } from '../h2-frames.ts';
import { hostileText } from '../hostile-text.ts';
import type { Input, Kind } from '../kind.ts';
import type { SocketInput } from '../socket-wire.ts';
import type { Ending } from '../wire-codes.ts';

/** Bytes that are hardly HTTP. */
export const socketKinds: readonly Kind[] = [
  {
    name: 'h2-frames',
    about: 'frames of HTTP/2 with lengths, types, streams and payloads that are not allowed, and no preface',
    share: 5,
    make: (dice) => toGrpc(dice.pick(frames)(dice), ['closed', 'answered', 'open']),
  },
  {
    name: 'h2-floods',
    about: 'floods of SETTINGS, PING, RST_STREAM, CONTINUATION, empty DATA, WINDOW_UPDATE and header bombs, unread',
    share: 0.4,
    make: (dice) => toGrpc(dice.pick(floods)(dice), ['closed', 'answered', 'open'], { deaf: dice.chance(0.5) }),
  },
  {
    name: 'held-connections',
    about: 'connections that begin something and do not go on, on both ports',
    share: 1,
    make: (dice) => {
      const chunks = dice.pick(beginnings)(dice);
      const endings = ['open', 'answered', 'closed', 'HTTP 400', 'HTTP 408'];
      return (dice.chance(0.5) ? toGrpc : toHttp)(chunks, endings, { hold: true });
    },
  },
  {
    name: 'http1-garbage',
    about: 'heads and bodies of HTTP/1.1 that are malformed, smuggled, split or endless',
    share: 4,
    make: (dice) => {
      const endings = [
        // The root leads to the dashboard.
        'HTTP 308',
        'HTTP 400',
        'HTTP 404',
        'HTTP 405',
        'HTTP 415',
        'HTTP 431',
        'HTTP 505',
        'HTTP 417',
        'closed',
        'open',
      ];
      return toHttp(dice.pick(heads)(dice), endings);
    },
  },
];

type More = Partial<Omit<SocketInput, 'port' | 'chunks'>>;

function toGrpc(chunks: readonly Buffer[], endings: readonly Ending[], more: More = {}): Input {
  return {
    what: `to the gRPC port: ${shown(chunks)}`,
    endings,
    send: ({ sockets, grpcPort }) => sockets.send({ port: grpcPort, chunks, ...more }),
  };
}

function toHttp(chunks: readonly Buffer[], endings: readonly Ending[], more: More = {}): Input {
  return {
    what: `to the HTTP port: ${shown(chunks)}`,
    endings,
    send: ({ sockets, httpPort }) => sockets.send({ port: httpPort, chunks, ...more }),
  };
}

function shown(chunks: readonly Buffer[]): string {
  const bytes = Buffer.concat(chunks);
  return `${bytes.length} bytes, ${bytes.subarray(0, 200).toString('base64')}`;
}

type Chunks = (dice: Dice) => readonly Buffer[];

const READ = '/hospital.v1.Medications/GetMedication';
const HEAD = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':path', READ],
  [':authority', 'x'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
] as const;
const request = (stream: number, more: Parameters<typeof literals>[0] = []): Buffer =>
  frame(frameType.headers, flag.endHeaders, stream, literals([...HEAD, ...more]));
const begin = [PREFACE, emptySettings];

const frames: readonly Chunks[] = [
  (dice) => [dice.bytes(1 + dice.int(300))],
  (dice) => [PREFACE.subarray(0, dice.int(PREFACE.length)), dice.bytes(dice.int(30))],
  (dice) => [...begin, frame(dice.int(256), dice.int(256), dice.int(2 ** 31), dice.bytes(dice.int(64)))],
  (dice) => [...begin, frame(dice.int(10), dice.int(256), dice.int(4), dice.bytes(dice.int(40)))],
  // A frame that is longer than it may be, and one that says more than comes.
  (dice) => [...begin, frame(dice.int(10), 0, 1, dice.bytes(10), 2 ** 24 - 1)],
  (dice) => [...begin, request(1), frame(frameType.data, flag.endStream, 1, dice.bytes(20), 2_000)],
  // Padding that is longer than its frame; a window that overflows; settings that are not allowed.
  () => [...begin, request(1), frame(frameType.data, flag.padded, 1, Buffer.from([255, 1, 2]))],
  () => [...begin, frame(frameType.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff]))],
  () => [...begin, frame(frameType.windowUpdate, 0, 0, Buffer.alloc(4))],
  () => [...begin, frame(frameType.settings, 0, 0, Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff]))],
  (dice) => [...begin, frame(frameType.settings, 0, 0, dice.bytes(6 * (1 + dice.int(40))))],
  // Streams that were never opened, go backwards, or are the server's.
  (dice) => [...begin, frame(frameType.data, 0, 1 + dice.int(9), dice.bytes(10))],
  () => [...begin, request(5), request(3)],
  () => [...begin, request(2)],
  () => [...begin, request(0)],
  () => [...begin, frame(frameType.continuation, flag.endHeaders, 1, literals(HEAD))],
  () => [...begin, frame(frameType.headers, 0, 1, literals(HEAD)), frame(frameType.ping, 0, 0, Buffer.alloc(8))],
  (dice) => [...begin, frame(frameType.pushPromise, flag.endHeaders, 1, dice.bytes(20))],
  // HPACK that is none, and that refers to what is not there.
  (dice) => [...begin, frame(frameType.headers, flag.endHeaders, 1, dice.bytes(1 + dice.int(80)))],
  () => [...begin, frame(frameType.headers, flag.endHeaders, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))],
  // Header names and values that HTTP/2 does not allow.
  (dice) => [...begin, request(1, [[hostileText(dice), hostileText(dice)]])],
  (dice) => [...begin, request(1, [[Buffer.from('x-odd'), dice.bytes(40)]])],
  () => [
    ...begin,
    request(1, [
      ['Connection', 'close'],
      [':late', '1'],
    ]),
  ],
  () => [...begin, frame(frameType.headers, flag.endHeaders, 1, literals(HEAD.slice(1)))],
  () => [...begin, request(1, [[':path', '/twice']])],
  (dice) => [...begin, request(1, [['grpc-timeout', dice.bytes(8)]])],
  (dice) => [
    ...begin,
    request(1),
    frame(frameType.data, 0, 1, dice.bytes(100)),
    frame(frameType.rstStream, 0, 1, Buffer.alloc(4)),
  ],
];

const FLOOD = 5_000;
const many = (count: number, make: (at: number) => Buffer): Buffer[] => [
  Buffer.concat(Array.from({ length: count }, (_, at) => make(at))),
];

const floods: readonly Chunks[] = [
  () => [...begin, ...many(FLOOD, () => emptySettings)],
  () => [...begin, ...many(FLOOD, () => frame(frameType.ping, 0, 0, Buffer.alloc(8)))],
  () => [
    ...begin,
    ...many(1_000, (at) =>
      Buffer.concat([request(2 * at + 1), frame(frameType.rstStream, 0, 2 * at + 1, Buffer.from([0, 0, 0, 8]))]),
    ),
  ],
  () => [
    ...begin,
    frame(frameType.headers, 0, 1, literals(HEAD)),
    ...many(FLOOD, () => frame(frameType.continuation, 0, 1, literals([['x', 'y'.repeat(100)]]))),
  ],
  () => [
    ...begin,
    frame(frameType.headers, 0, 1, literals(HEAD)),
    ...many(FLOOD, () => frame(frameType.continuation, 0, 1, Buffer.alloc(0))),
  ],
  () => [...begin, request(1), ...many(FLOOD, () => frame(frameType.data, 0, 1, Buffer.alloc(0)))],
  () => [...begin, request(1), ...many(FLOOD, () => frame(frameType.windowUpdate, 0, 1, Buffer.from([0, 0, 0, 1])))],
  () => [...begin, ...many(FLOOD, (at) => frame(frameType.priority, 0, 2 * at + 1, Buffer.alloc(5)))],
  // One large header, referred to again and again: a few kilobytes that are megabytes.
  () => [
    ...begin,
    frame(
      frameType.headers,
      flag.endHeaders,
      1,
      Buffer.concat([literals(HEAD), indexed('x', 'y'.repeat(3_900)), Buffer.alloc(8_000, 0xbe)]),
    ),
  ],
  // More requests than one connection may have, none of which goes on.
  () => [...begin, ...many(1_500, (at) => request(2 * at + 1))],
  // Messages begun, whose rest never comes.
  (dice) => [
    ...begin,
    ...many(200, (at) =>
      Buffer.concat([
        request(2 * at + 1),
        frame(frameType.data, 0, 2 * at + 1, Buffer.concat([Buffer.from([0, 0, 0x3f, 0, 0]), dice.bytes(200)])),
      ]),
    ),
  ],
];

const POST = `POST ${READ} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
const http = (...texts: readonly string[]): Buffer[] => texts.map((text) => Buffer.from(text, 'latin1'));

const beginnings: readonly Chunks[] = [
  () => [],
  () => [PREFACE],
  () => begin,
  (dice) => [PREFACE.subarray(0, dice.int(PREFACE.length))],
  () => [...begin, request(1)],
  (dice) => [
    ...begin,
    request(1),
    frame(frameType.data, 0, 1, Buffer.concat([Buffer.from([0, 0, 0, 1, 0]), dice.bytes(9)])),
  ],
  () => http('POST / HTTP/1.1\r\nhost: x\r\nx-'),
  () => http(`${POST}content-length: 1000\r\n\r\n{"name":`),
  () => http(`${POST}transfer-encoding: chunked\r\n\r\n5\r\n{"nam\r\n`),
];

const heads: readonly Chunks[] = [
  (dice) => [dice.bytes(1 + dice.int(500)), Buffer.from('\r\n\r\n')],
  () => http('GET\r\n\r\n'),
  () => http('GET / HTTP/9.9\r\n\r\n'),
  () => http(`${'A'.repeat(5_000)} / HTTP/1.1\r\nhost: x\r\n\r\n`),
  () => http(`GET /${'a'.repeat(40_000)} HTTP/1.1\r\nhost: x\r\n\r\n`),
  (dice) => http(`GET / HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(dice.int(5_000))}\r\n`),
  () => http(`${POST}content-length: 3\r\ncontent-length: 4\r\n\r\n{}x`),
  () => http(`${POST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n`),
  () => http(`${POST}content-length: -1\r\n\r\n`),
  () => http(`${POST}content-length: 99999999999999999999\r\n\r\n`),
  () => http(`${POST}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n`),
  () => http(`${POST}transfer-encoding: chunked\r\n\r\nzz\r\n`),
  () => http(`${POST}transfer-encoding: gzip, x\r\n\r\n`),
  () => http(`${POST}expect: 200-maybe\r\ncontent-length: 2\r\n\r\n{}`),
  () =>
    http(
      `${POST}upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAAA\r\ncontent-length: 2\r\n\r\n{}`,
    ),
  (dice) => [...http(POST), Buffer.from('x-odd: '), dice.bytes(50), ...http('\r\ncontent-length: 2\r\n\r\n{}')],
  () => http(`${POST}x-\u0000: 1\r\n\r\n`),
  () => http(`${POST} folded\r\n\r\n`),
  () => http(`GET http://[::1/ HTTP/1.1\r\nhost: x\r\n\r\n`),
  () => http(`GET //%zz/../ HTTP/1.1\r\nhost: ]\r\n\r\n`),
  () => http(`CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n`),
  (dice) =>
    http(
      `POST ${READ} HTTP/1.1\r\nhost: ${hostileText(dice).slice(0, 100)}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`,
    ),
  () => [PREFACE, emptySettings],
];
