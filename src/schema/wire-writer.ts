/** Strings up to so many units, a UUID for one, are written unit by unit: faster than a call into the runtime. */
const SHORT_TEXT = 48;
const INITIAL_BYTES = 4096;
/** A buffer that one great record made larger than this is not kept for the next ones. */
const KEPT_BYTES = 1024 * 1024;
/** What the widest fixed part of a field takes: a tag, a length, a 64-bit varint. */
const FIXED_PART = 32;
const BYTES_PER_UNIT = 3;
const TWO_32 = 2 ** 32;
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Writes the protobuf wire format into one buffer that grows and is used again. Not re-entrant: what one encoder wrote
 * must be taken before the next one starts, within one synchronous call.
 */
export class WireWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #at = 0;

  /** Bytes written since {@link reset}. */
  get length(): number {
    return this.#at;
  }

  /** Begins anew. */
  reset(): void {
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.#at = 0;
  }

  /** A view of what was written; valid until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  /** Copies a part of what was written, and answers the position in `target` after it. */
  copyTo(target: Uint8Array, targetAt: number, from: number, to: number): number {
    this.#buffer.copy(target, targetAt, from, to);
    return targetAt + to - from;
  }

  /** An unsigned integer below 2^32. */
  uint32(value: number): void {
    this.#reserve(FIXED_PART);
    this.#varint(value);
  }

  /** A signed 32-bit integer: negative ones take ten bytes. */
  int32(value: number): void {
    this.#reserve(FIXED_PART);
    if (value >= 0) this.#varint(value);
    else this.#varint64(value >>> 0, 0xffffffff);
  }

  /** A 64-bit integer, signed or not. */
  int64(value: bigint): void {
    this.#reserve(FIXED_PART);
    if (value >= 0n && value <= SAFE) this.#safeVarint(Number(value));
    else this.#varint64(Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n)));
  }

  /** An integer from -2^53 to 2^53 as a 64-bit one. */
  safeInteger(value: number): void {
    this.#reserve(FIXED_PART);
    this.#safeVarint(value);
  }

  /** Four bytes. */
  fixed32(value: number): void {
    this.#reserve(FIXED_PART);
    this.#at = this.#buffer.writeUInt32LE(value >>> 0, this.#at);
  }

  /** Eight bytes. */
  fixed64(value: bigint): void {
    this.#reserve(FIXED_PART);
    this.#at = this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), this.#at);
  }

  /** A 32-bit float. */
  float(value: number): void {
    this.#reserve(FIXED_PART);
    this.#at = this.#buffer.writeFloatLE(value, this.#at);
  }

  /** A 64-bit float. */
  double(value: number): void {
    this.#reserve(FIXED_PART);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** Leaves room for the length of a message of less than 128 bytes; see {@link closeShort}. */
  openShort(): number {
    this.#reserve(FIXED_PART);
    return this.#at++;
  }

  /** Fills in the length of what was written since {@link openShort}, which answered `start`. */
  closeShort(start: number): void {
    this.#buffer[start] = this.#at - start - 1;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** A length, then the bytes. */
  bytes(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    this.raw(bytes);
  }

  /** A length, then the text in UTF-8. */
  string(text: string): void {
    this.#reserve(text.length * BYTES_PER_UNIT + FIXED_PART);
    if (text.length <= SHORT_TEXT && this.#shortAscii(text)) return;
    // Room for the length is left by a guess: right for ASCII, and for other text unless it crosses a power of 128.
    const start = this.#at;
    const guess = varintSize(text.length);
    const size = this.#buffer.write(text, start + guess, 'utf8');
    const needed = varintSize(size);
    if (needed !== guess) this.#buffer.copyWithin(start + needed, start + guess, start + guess + size);
    this.#varint(size);
    this.#at = start + needed + size;
  }

  #shortAscii(text: string): boolean {
    const buffer = this.#buffer;
    const { length } = text;
    let at = this.#at;
    buffer[at++] = length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      buffer[at++] = code;
    }
    this.#at = at;
    return true;
  }

  #varint(value: number): void {
    this.#at = writeVarint(this.#buffer, this.#at, value);
  }

  #safeVarint(value: number): void {
    if (value >= 0 && value < TWO_32) this.#varint(value);
    else this.#varint64(value >>> 0, Math.floor(value / TWO_32) >>> 0);
  }

  #varint64(low: number, high: number): void {
    const buffer = this.#buffer;
    let at = this.#at;
    let lo = low;
    let hi = high;
    while (hi > 0 || lo > 0x7f) {
      buffer[at++] = (lo & 0x7f) | 0x80;
      lo = ((lo >>> 7) | (hi << 25)) >>> 0;
      hi >>>= 7;
    }
    buffer[at++] = lo;
    this.#at = at;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}

/** How many bytes a varint below 2^32 takes. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

/** Writes a varint below 2^32 and answers the position after it. */
export function writeVarint(target: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 0x7f) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/** The wire types of protobuf. */
export const WIRE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/** A field's tag: a varint on the wire. */
export function tagOf(fieldNumber: number, wireType: number): number {
  return ((fieldNumber << 3) | wireType) >>> 0;
}
