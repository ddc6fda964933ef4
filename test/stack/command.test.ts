import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CommandError, ROOT, runCommand } from '../../stack/command.ts';

const node = (script: string, options: Parameters<typeof runCommand>[2] = {}) =>
  runCommand(process.execPath, ['-e', script], options);

/** Whether a process runs: one that has ended and waits to be reaped does not. */
function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

describe('a command', () => {
  it('runs in the repository, and returns what it printed on its standard output', async () => {
    expect(await node('console.log(process.cwd()); console.error("aside")')).toBe(`${ROOT}\n`);
  });

  it('fails with what it printed, but for the codes that are no failure', async () => {
    const script = 'console.log("to one"); console.error("to the other"); process.exit(3)';
    await expect(node(script)).rejects.toThrow(/ended with 3:\nto one\nto the other/);
    expect(await node(script, { accepted: [0, 3] })).toBe('to one\n');
  });

  it('says when there is no such program', async () => {
    const failure = await runCommand('crossfade-no-such-program', []).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandError);
    expect(failure).toMatchObject({ isMissing: true, message: expect.stringContaining('not on the PATH') });
  });

  it('ends with all that it started when its time is over or it is told to', async () => {
    const script = `
      const { spawn } = require('node:child_process');
      const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
      console.log('started', child.pid);
      setInterval(() => {}, 1000);`;
    for (const limit of ['timeoutMs', 'signal']) {
      const options = limit === 'signal' ? { signal: AbortSignal.timeout(2_000) } : { timeoutMs: 2_000 };
      const failure: Error = await node(script, options).then(
        () => expect.unreachable(),
        (error: Error) => error,
      );
      expect(failure.message).toContain('was ended');
      const pid = Number(/started (\d+)/.exec(failure.message)?.[1]);
      for (let tries = 0; isAlive(pid) && tries < 20; tries++) await sleep(50);
      expect(isAlive(pid)).toBe(false);
    }
  });

  it('leaves no listener behind', async () => {
    const before = process.listenerCount('SIGINT');
    await node('');
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
