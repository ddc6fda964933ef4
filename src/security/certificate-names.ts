import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** The longest name that counts; roles have none that is longer. */
const MAX_NAME_CHARS = 256;
/** One alternative name, as node writes them: what holds a comma or a quote is written as JSON. */
const ALTERNATIVE = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/**
 * Who the certificate of a connection's peer says it is: the URIs and host names of its alternative names, in their order;
 * the common name where it has none of these. Nobody (empty) without TLS, or without a certificate of a known authority.
 */
export function namesOfPeer(socket: Socket | undefined): readonly string[] {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return [];
  const certificate = socket.getPeerCertificate();
  const names = alternativeNames(certificate.subjectaltname ?? '');
  const common: unknown = certificate.subject?.CN;
  const found = names.length === 0 && typeof common === 'string' ? [common] : names;
  return found.filter((name) => name !== '' && name.length <= MAX_NAME_CHARS);
}

/** URIs first: they are the more particular. A list that can't be read to its end says nothing. */
export function alternativeNames(list: string): readonly string[] {
  const found: Record<string, string[]> = {};
  ALTERNATIVE.lastIndex = 0;
  while (ALTERNATIVE.lastIndex < list.length) {
    const match = ALTERNATIVE.exec(list);
    if (match === null) return [];
    const [, kind = '', text = ''] = match;
    found[kind] = [...(found[kind] ?? []), text.startsWith('"') ? (JSON.parse(text) as string) : text];
  }
  return [...(found.URI ?? []), ...(found.DNS ?? [])];
}
