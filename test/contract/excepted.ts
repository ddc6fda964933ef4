/** What of a contract an engine is excepted from, with the reason in the report. */
import { describe, it } from 'vitest';

/** Tests under one name, or the reason why they are left out. */
export function excepted(name: string, reason: string | undefined, body: () => void): void {
  if (reason === undefined) describe(name, body);
  else it.skip(`${name}: excepted, ${reason}`, () => {});
}

/** One test, or the reason why it is left out. */
export function unless(name: string, reason: string | undefined, body: () => Promise<void>): void {
  if (reason === undefined) it(name, body);
  else it.skip(`${name}: excepted, ${reason}`, () => {});
}
