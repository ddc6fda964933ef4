import { isIP } from 'node:net';
import type { ConfigFile } from './config-schema.ts';

type Security = ConfigFile['security'];

/** Whether callers must prove who they are. */
export function isAuthenticated({ jwt, tls }: Security): boolean {
  return jwt !== undefined || tls?.clientCaFile !== undefined;
}

/** Whether nothing but the address that is listened on keeps strangers away: it is loopback's then, or the config is refused. */
export function isOpenToThisMachineOnly(security: Security): boolean {
  return !isAuthenticated(security) && !security.allowUnauthenticated;
}

/** Whether an address is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** What is wrong with the security of a config, each with its cure. */
export function securityMistakes(config: ConfigFile): string[] {
  const { security, stores } = config;
  const isOn = isAuthenticated(security);
  return [
    ...(isOn ? withAuthentication(config) : withoutAuthentication(config)),
    ...jwtMistakes(security.jwt),
    ...(security.tls?.requireClientCert && security.tls.clientCaFile === undefined
      ? ['security.tls.requireClientCert: needs security.tls.clientCaFile, the authorities of those certificates']
      : []),
    ...pairMistakes('stores.mysql.tls', stores.mysql.tls),
    // The driver compares the certificate with a name only.
    ...(stores.mysql.tls?.verify === 'identity' && isIP(stores.mysql.host) !== 0
      ? ['stores.mysql.tls: name stores.mysql.host as its certificate does, or set verify: ca']
      : []),
    ...pairMistakes('stores.cassandra.tls', stores.cassandra?.tls),
    ...pairMistakes('stores.riak.tls', stores.riak?.tls),
  ];
}

function withAuthentication({ security, pageTokenSecretEnv }: ConfigFile): string[] {
  const mistakes: string[] = [];
  if (security.roles.length === 0) {
    mistakes.push(
      'security.roles: nobody may do anything; give each caller a role, for example { callers: [clinic], resources: [medications], verbs: [read] }',
    );
  }
  if (pageTokenSecretEnv === undefined) {
    mistakes.push(
      'pageTokenSecretEnv: needed where callers are not trusted: without a secret, page tokens can be forged',
    );
  }
  return mistakes;
}

function withoutAuthentication({ security, grpc, http }: ConfigFile): string[] {
  const mistakes: string[] = [];
  if (security.roles.length > 0) {
    mistakes.push('security.roles: nobody has a name; set security.jwt or security.tls.clientCaFile');
  }
  if (security.allowUnauthenticated) return mistakes;
  for (const [key, { host }] of Object.entries({ grpc, http })) {
    if (isLoopback(host)) continue;
    mistakes.push(
      `${key}.host: ${host} is reached from other machines, and whoever reaches it may read and write everything; ` +
        'set security.jwt or security.tls.clientCaFile, or else security.allowUnauthenticated: true',
    );
  }
  return mistakes;
}

function jwtMistakes(jwt: Security['jwt']): string[] {
  if (jwt === undefined) return [];
  const { jwksFile, jwksUrl } = jwt;
  if ((jwksFile === undefined) === (jwksUrl === undefined)) {
    return ['security.jwt: needs one of jwksFile and jwksUrl, where the keys of its issuer are'];
  }
  if (jwksUrl === undefined) return [];
  const { protocol, hostname, username, password } = new URL(jwksUrl);
  if (username !== '' || password !== '') {
    return ['security.jwt.jwksUrl: must name no user and no password: a JWKS is public'];
  }
  // Who can change the keys on their way can sign any token.
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')))) return [];
  return ['security.jwt.jwksUrl: must be https'];
}

function pairMistakes(
  key: string,
  tls: { certFile?: string | undefined; keyFile?: string | undefined } | undefined,
): string[] {
  if ((tls?.certFile === undefined) === (tls?.keyFile === undefined)) return [];
  return [`${key}: certFile and keyFile come together`];
}
