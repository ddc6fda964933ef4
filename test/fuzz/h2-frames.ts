/** Frames of HTTP/2, made by hand (RFC 9113, RFC 7541). */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** A frame; its length may be said to be another. */
export function frame(type: number, flags: number, stream: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length & 0xffffff, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

export const emptySettings = frame(frameType.settings, 0, 0, Buffer.alloc(0));

/** Headers as literals that are not indexed. */
export function literals(headers: readonly (readonly [string | Buffer, string | Buffer])[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.of(0), hpackText(name), hpackText(value)]));
}

/** Headers that are indexed as they come, so that they can be referred to. */
export function indexed(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40), hpackText(name), hpackText(value)]);
}

const SEVEN_BITS = 0x7f;

function hpackText(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text as string);
  if (bytes.length < SEVEN_BITS) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const rest: number[] = [];
  let left = bytes.length - SEVEN_BITS;
  for (; left > SEVEN_BITS; left >>>= 7) rest.push((left & SEVEN_BITS) | 0x80);
  return Buffer.concat([Buffer.from([SEVEN_BITS, ...rest, left]), bytes]);
}
