import { describe, expect, it } from 'vitest';
import { DomainError } from '../../src/domain/errors.ts';
import { createJsonLog } from '../../src/telemetry/log.ts';

function logged(message: string, fields?: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const lines: string[] = [];
  const log = createJsonLog({ write: (line) => lines.push(line), now: () => 'now', fields: { instance: 'one' } });
  log.warn(message, fields);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('the log', () => {
  it('writes one JSON object a line, with the fields of the instance and of the line', () => {
    const line = logged('a step', { resource: 'notes', version: 2n ** 60n });
    const fields = { resource: 'notes', version: '1152921504606846976' };
    expect(line).toEqual({ time: 'now', level: 'warn', message: 'a step', instance: 'one', ...fields });
  });

  it('shows what the service says of an error, and of a driver its code and stack but not its text', () => {
    const cause = Object.assign(new Error("Duplicate entry 'secret' for key"), { code: 'ER_DUP_ENTRY', errno: 1062 });
    const error = new DomainError({
      kind: 'unavailable',
      reason: 'AUTHORITY_UNAVAILABLE',
      message: 'MySQL is away',
      cause,
    });
    const line = logged('failed', { error });
    expect(JSON.stringify(line)).not.toContain('secret');
    expect(line.error).toMatchObject({
      name: 'DomainError',
      message: 'MySQL is away',
      kind: 'unavailable',
      reason: 'AUTHORITY_UNAVAILABLE',
      cause: { name: 'Error', code: 'ER_DUP_ENTRY', errno: 1062 },
    });
    const { stack } = line.error as { stack: string[] };
    expect(stack[0]).toMatch(/^at /);
  });

  it('ends at a cause that refers to itself', () => {
    const error = new Error('a');
    error.cause = error;
    expect(logged('failed', { error }).error).toBeDefined();
  });
});
