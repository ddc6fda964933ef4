import { z } from 'zod';
import { verbs } from '../security/roles.ts';
import { tokenAlgorithms } from '../security/token-algorithms.ts';

const text = z.string().min(1);

/** How a client of another server checks that server, and proves itself. */
export const clientTls = z.strictObject({
  caFile: text
    .optional()
    .meta({ description: 'the authorities whose certificates are good (PEM)', absent: "Node's own" }),
  certFile: text
    .optional()
    .meta({ description: "the service's own certificate, where the server asks for one", absent: 'none' }),
  keyFile: text.optional().meta({ description: "the certificate's key", absent: 'none' }),
  verify: z
    .enum(['identity', 'ca', 'none'])
    .default('identity')
    .describe(
      '`identity`: the certificate must be good and for the name or address that was connected to; `ca`: good; `none`: anything goes, for tests',
    ),
});

const tls = z.strictObject({
  certFile: text.describe('the certificate of both ports, with its chain (PEM); read again when it changes'),
  keyFile: text.describe('its key'),
  clientCaFile: text.optional().meta({
    description: 'the authorities whose certificates identify callers; turns authentication on',
    absent: 'none',
  }),
  requireClientCert: z.boolean().default(false).describe('whether connections without such a certificate are refused'),
});

const jwt = z.strictObject({
  jwksFile: text.optional().meta({
    description: "the issuer's keys (JWKS) in a file, read again when it changes; this or `jwksUrl`",
    absent: 'none',
  }),
  jwksUrl: z.url().optional().meta({ description: "the issuer's keys at an `https:` URL", absent: 'none' }),
  issuer: text.describe('what `iss` must be'),
  audience: z.union([text, z.array(text).min(1)]).describe('what `aud` must hold; of a list, one is enough'),
  clockToleranceSeconds: z.number().int().min(0).max(300).default(5).describe('by how much clocks may differ'),
  algorithms: z
    .array(z.enum(tokenAlgorithms))
    .min(1)
    .default([...tokenAlgorithms])
    .describe('how tokens may be signed; never by a shared secret'),
});

const role = z.strictObject({
  callers: z
    .array(z.union([text, z.strictObject({ claim: text, value: text })]))
    .min(1)
    .describe('names, `*`, or `{ claim, value }`'),
  resources: z.array(text).min(1).describe('ids of resources, or `*`'),
  verbs: z.array(z.enum(verbs)).min(1).describe('what they may'),
});

/** The config's `security`. Absent: whoever reaches a port may do everything. */
export const security = z.strictObject({
  tls: tls.optional().meta({ description: 'TLS for both ports', absent: 'plain text' }),
  jwt: jwt.optional().meta({ description: 'tokens of callers; turns authentication on', absent: 'none are taken' }),
  roles: z.array(role).default([]).describe('who may do what: nothing that no role says'),
  allowUnauthenticated: z
    .boolean()
    .default(false)
    .describe('whether the ports may be opened to other machines while nobody needs to prove anything'),
});
