import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import type { Log } from '../domain/log.ts';
import { WatchedFiles } from './watched-files.ts';

/** The certificate of both ports, in PEM files, and what is asked of callers. */
export interface ServerTlsConfig {
  readonly certFile: string;
  readonly keyFile: string;
  /** The authorities whose certificates identify callers. Absent: callers are not asked for one. */
  readonly clientCaFile?: string | undefined;
  /** Whether a connection without such a certificate is refused. */
  readonly requireClientCert: boolean;
}

/** A server of node's that can change its certificate: `tls.Server` and `https.Server`. */
interface RenewableServer {
  setSecureContext(options: SecureContextOptions): void;
}

/** TLS for servers, with a certificate that is renewed when its files change. */
export interface ServerTls {
  /** Whether a caller's certificate says who it is. */
  readonly identifiesCallers: boolean;
  /** For a new server, with the newest certificate. */
  options(): TlsOptions;
  /** Gives a server every later certificate: for new connections, the present ones live on. */
  keepRenewed(server: RenewableServer): void;
  close(): void;
}

/** Where each certificate of a PEM file begins. */
const CERTIFICATE = /(?=-----BEGIN [A-Z0-9 ]*CERTIFICATE-----)/;

/**
 * Throws where there is no certificate, or one that is cut off: OpenSSL takes what it can read of such a file for the whole,
 * and would know no caller any more.
 */
function checkAuthorities(pem: Buffer): void {
  const [, ...certificates] = `\n${pem.toString('latin1')}`.split(CERTIFICATE);
  if (certificates.length === 0) throw new RangeError('the file of client authorities holds no certificate');
  for (const certificate of certificates) new X509Certificate(certificate);
}

/** How long a handshake may take: a peer that says nothing holds a socket for no longer. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Reads the certificate and watches it. Rejects when the files can't be read, or when the key is not the certificate's. */
export async function openServerTls(config: ServerTlsConfig, log: Log, lookMs?: number): Promise<ServerTls> {
  const { certFile, keyFile, clientCaFile, requireClientCert } = config;
  const servers: RenewableServer[] = [];
  let current: SecureContextOptions = {};
  const files = await WatchedFiles.open({
    paths: [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])],
    use: ([cert, key, ca]) => {
      const next = { cert, key, ...(ca !== undefined && { ca }), minVersion: 'TLSv1.2' as const };
      // Throws for a key that is not the certificate's: a pair that is only half replaced.
      createSecureContext(next);
      if (ca !== undefined) checkAuthorities(ca);
      current = next;
      for (const server of servers) server.setSecureContext(next);
    },
    log,
    ...(lookMs !== undefined && { lookMs }),
  });
  const identifiesCallers = clientCaFile !== undefined;
  return {
    identifiesCallers,
    options: () => ({
      ...current,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      requestCert: identifiesCallers,
      // Without it, whose certificate is not good is connected, but has no name.
      rejectUnauthorized: identifiesCallers && requireClientCert,
    }),
    keepRenewed: (server) => {
      servers.push(server);
    },
    close: () => files.close(),
  };
}
