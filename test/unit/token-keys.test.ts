import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { isDomainError } from '../../src/domain/errors.ts';
import { tokenAlgorithms } from '../../src/security/token-algorithms.ts';
import { openTokenKeys } from '../../src/security/token-keys.ts';
import { createTokenVerifier, type TokenVerifier } from '../../src/security/token-verifier.ts';
import { keepLog } from '../support/secure-rpc.ts';
import { AUDIENCE, createTokenKey, ISSUER, jwksOf, signToken } from '../support/tokens.ts';

const rules = { issuer: ISSUER, audience: [AUDIENCE], clockToleranceSeconds: 0, algorithms: tokenAlgorithms };
/** An answer beyond this would have been read whole. */
const ENDLESS_BYTES = 64 * 1024 * 1024;

let issuer: Server | undefined;

afterEach(() => {
  issuer?.closeAllConnections();
  issuer?.close();
});

/** A verifier whose keys an issuer has that answers like this. */
async function verifierOf(answer: (response: ServerResponse) => void): Promise<TokenVerifier<string>> {
  issuer = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  const { port } = issuer.address() as AddressInfo;
  const keys = await openTokenKeys({ jwksUrl: `http://127.0.0.1:${port}/jwks.json` }, keepLog());
  return createTokenVerifier({ keys, rules, clock: systemClock, callerOf: ({ names }) => names[0] ?? '' });
}

async function outcome(verifier: TokenVerifier<string>, token: string): Promise<string> {
  try {
    return await verifier.verify(token);
  } catch (error) {
    return isDomainError(error) ? error.reason : String(error);
  }
}

describe('an issuer', () => {
  it('that answers with errors is not asked again for each request', async () => {
    let asked = 0;
    const verifier = await verifierOf((response) => {
      asked++;
      response.writeHead(503).end();
    });
    const key = await createTokenKey('one');
    for (let i = 0; i < 50; i++) {
      expect(await outcome(verifier, await signToken(key, { jti: String(i) }))).toBe('TOKEN_KEYS_UNAVAILABLE');
    }
    expect(asked).toBeLessThanOrEqual(5);
  });

  it('that comes back is believed again soon', async () => {
    const key = await createTokenKey('one');
    const published = JSON.stringify(await jwksOf(key));
    let away = true;
    const verifier = await verifierOf((response) => {
      if (away) response.writeHead(503).end();
      else response.end(published);
    });
    expect(await outcome(verifier, await signToken(key))).toBe('TOKEN_KEYS_UNAVAILABLE');
    away = false;
    await expect.poll(async () => outcome(verifier, await signToken(key)), { timeout: 5_000 }).toBe('clinic');
  });

  it('whose answer has no end does not fill the memory', async () => {
    let sent = 0;
    const verifier = await verifierOf((response) => {
      const chunk = Buffer.alloc(64 * 1024, ' ');
      const more = (): void => {
        if (response.destroyed || sent >= ENDLESS_BYTES) response.end();
        else {
          sent += chunk.length;
          response.write(chunk, () => setImmediate(more));
        }
      };
      more();
    });
    const key = await createTokenKey('one');
    expect(await outcome(verifier, await signToken(key))).toBe('TOKEN_KEYS_UNAVAILABLE');
    expect(sent).toBeLessThan(ENDLESS_BYTES);
  });
});

it('one token has one text: who holds one can’t fill the memory of tokens with others that are good too', async () => {
  const key = await createTokenKey('one');
  const published = JSON.stringify(await jwksOf(key));
  const verifier = await verifierOf((response) => response.end(published));
  const token = await signToken(key);
  const [head, claims, signature = ''] = token.split('.');
  expect(await outcome(verifier, token)).toBe('clinic');
  const idle = `${signature.slice(0, -1)}${String.fromCharCode(signature.charCodeAt(signature.length - 1) + 1)}`;
  const others = [`${signature}=`, `${signature}==`, idle];
  if (/[-_]/.test(signature)) others.push(signature.replaceAll('-', '+').replaceAll('_', '/'));
  for (const other of others) {
    expect(await outcome(verifier, `${head}.${claims}.${other}`), other).toBe('CREDENTIALS_INVALID');
  }
});
