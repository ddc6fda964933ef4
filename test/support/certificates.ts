/** Certificates for tests, signed here: X.509 (RFC 5280) in DER. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A certificate with its key, in PEM. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority that issues certificates. */
export interface Authority extends IssuedCertificate {
  issue(options: IssueOptions): IssuedCertificate;
}

/** Whom a certificate names. */
export interface IssueOptions {
  readonly commonName: string;
  readonly dns?: readonly string[];
  readonly ips?: readonly string[];
  readonly uris?: readonly string[];
  /** Whether the key is RSA's, for servers that are too old for curves. Default: P-256. */
  readonly rsa?: boolean;
  /** What the certificate alone is for. Default: for whatever. */
  readonly purpose?: 'server' | 'client';
  /** From when on it is good, an hour or two long, in milliseconds from now. Default: an hour ago. */
  readonly fromMs?: number;
}

const HOUR_MS = 3_600_000;
/** RFC 5280, section 4.2.1.12. */
const PURPOSES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;

/** Makes an authority with a key of its own. */
export function createAuthority(commonName: string): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const own = certificate({
    issuer: commonName,
    signer: keys.privateKey,
    subject: { commonName },
    isAuthority: true,
    keys,
  });
  return {
    ...own,
    issue: (subject) => {
      const issued = subject.rsa
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
      return certificate({ issuer: commonName, signer: keys.privateKey, subject, isAuthority: false, keys: issued });
    },
  };
}

function certificate(options: {
  readonly issuer: string;
  readonly signer: KeyObject;
  readonly subject: IssueOptions;
  readonly isAuthority: boolean;
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
}): IssuedCertificate {
  const { issuer, signer, subject, isAuthority, keys } = options;
  const names = alternativeNames(subject);
  const { purpose, fromMs = -HOUR_MS } = subject;
  const extensions = sequence(
    extension('2.5.29.19', isAuthority ? sequence(TRUE) : sequence()),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names))]),
    ...(purpose === undefined ? [] : [extension('2.5.29.37', sequence(oid(PURPOSES[purpose])))]),
  );
  const body = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(time(Date.now() + fromMs), time(Date.now() + fromMs + 2 * HOUR_MS)),
    nameOf(subject.commonName),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, extensions),
  );
  const whole = sequence(body, ECDSA_WITH_SHA256, bitString(sign('sha256', body, signer)));
  // No empty line where the text ends with a whole one: readers of PEM stop there.
  const lines = whole
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function alternativeNames({ dns = [], ips = [], uris = [] }: IssueOptions): Buffer[] {
  return [
    ...dns.map((name) => tagged(0x82, Buffer.from(name))),
    ...uris.map((uri) => tagged(0x86, Buffer.from(uri))),
    ...ips.map((ip) => tagged(0x87, Buffer.from(ip.split('.').map(Number)))),
  ];
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content]);
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function bitString(bytes: Buffer): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.of(0), bytes]));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = rest.flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return tagged(0x06, Buffer.of(first * 40 + second, ...bytes));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), tagged(0x04, value));
}

function nameOf(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid('2.5.4.3'), tagged(0x0c, Buffer.from(commonName)))));
}

/** UTCTime: `YYMMDDHHMMSSZ`. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return tagged(0x17, Buffer.from(digits.slice(2)));
}

const TRUE = Buffer.of(0x01, 0x01, 0xff);
const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
