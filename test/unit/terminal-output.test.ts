import { afterEach, expect, it, vi } from 'vitest';
import { createOutput } from '../../src/app/cli/output.ts';
import type { Config } from '../../src/app/config.ts';
import { linksOf } from '../../src/app/wire-dashboard.ts';

afterEach(() => vi.restoreAllMocks());

function written(json: boolean, text: string): string {
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  createOutput(json).line(text);
  return String(write.mock.calls[0]?.[0]);
}

it('a record’s name can’t steer the terminal that lists it', () => {
  const hostile = 'notes/\u001b]0;owned\u0007\u001b[2Jx\u009b31m\r\u0008y';
  expect(written(false, `first\n${hostile}`)).toMatch(/^first\nnotes\/[^\p{Cc}]*\n$/u);
});

it('JSON is printed as it is', () => {
  expect(written(true, '{"a":"\\u001b"}')).toBe('{"a":"\\u001b"}\n');
});

it('the dashboard’s links hold no user and no password of the flag server', () => {
  const unleash = { url: 'https://ann:hush@flags.example/unleash/api/' };
  const { flag } = linksOf({ unleash, dashboard: {} } as Config);
  expect(flag).toBe('https://flags.example/unleash/projects/{project}/features/{flag}');
});
