import { z } from 'zod';
import { verbs } from '../security/roles.ts';
import { tokenAlgorithms } from '../security/token-algorithms.ts';

const text = z.string().min(1);

/** How a client of another server checks that server, and proves itself. */
export const clientTls = z.strictObject({
  /** The authorities whose certificates are good. Default: those that Node knows. */
  caFile: text.optional(),
  /** The service's own certificate and key, where the server asks for them. */
  certFile: text.optional(),
  keyFile: text.optional(),
  /** `identity`: a good certificate, for the name that was connected to. `ca`: any good one. `none`: none, for tests. */
  verify: z.enum(['identity', 'ca', 'none']).default('identity'),
});

const tls = z.strictObject({
  certFile: text,
  keyFile: text,
  /** The authorities whose certificates identify callers. */
  clientCaFile: text.optional(),
  /** Whether connections without such a certificate are refused. */
  requireClientCert: z.boolean().default(false),
});

const jwt = z.strictObject({
  /** The issuer's keys (JWKS) in a file. */
  jwksFile: text.optional(),
  /** The issuer's keys at a URL. */
  jwksUrl: z.url().optional(),
  issuer: text,
  /** What tokens must be meant for; of a list, one is enough. */
  audience: z.union([text, z.array(text).min(1)]),
  clockToleranceSeconds: z.number().int().min(0).max(300).default(5),
  algorithms: z
    .array(z.enum(tokenAlgorithms))
    .min(1)
    .default([...tokenAlgorithms]),
});

const role = z.strictObject({
  callers: z.array(z.union([text, z.strictObject({ claim: text, value: text })])).min(1),
  resources: z.array(text).min(1),
  verbs: z.array(z.enum(verbs)).min(1),
});

/** The config's `security`. Absent: whoever reaches a port may do everything. */
export const security = z.strictObject({
  /** For both ports. */
  tls: tls.optional(),
  /** Tokens of callers. */
  jwt: jwt.optional(),
  /** Who may do what: nothing that no role says. */
  roles: z.array(role).default([]),
  /** Whether the ports may be opened to other machines while nobody needs to prove anything. */
  allowUnauthenticated: z.boolean().default(false),
});
