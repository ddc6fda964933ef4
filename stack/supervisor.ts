/**
 * The process that owns every server of a stack: it starts them, and when the channel to the program that asked for
 * them closes, for whatever reason, it kills them all, removes their folder and ends.
 *
 * Why a process of its own: a program that is killed with SIGKILL can clean up nothing, and one that starts a server
 * and then registers it somewhere can die between the two. Here the process that spawns is the one that outlives:
 *
 *     program ──spawn request──▶ supervisor ──fork──▶ server (its own process group)
 *     program ✝ (any way)        supervisor sees the channel close, kills each group, removes the folder, exits
 *
 * It runs in a session of its own, so that a Ctrl-C at the terminal reaches the program alone, which can then stop the
 * servers in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SpawnRequest, SupervisorEvent, SupervisorRequest } from './supervisor-messages.ts';

/** How long servers with a gentle last signal get before SIGKILL, once the program is gone. */
const LAST_SIGNAL_GRACE_MS = 1_500;

const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'crossfade-'));
const running = new Map<number, { child: ChildProcess; request: SpawnRequest }>();
let ending = false;

function send(event: SupervisorEvent): void {
  if (process.connected) process.send?.(event, () => {});
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}

function start(request: SpawnRequest): void {
  const log = openSync(request.logFile, 'a');
  const child = spawn(request.command, request.args, {
    cwd: request.cwd ?? root,
    env: { ...process.env, ...request.env },
    detached: true,
    stdio: ['ignore', log, log],
    ...(request.uid === undefined ? {} : { uid: request.uid, gid: request.gid ?? request.uid }),
  });
  closeSync(log);
  child.once('error', (error) => send({ type: 'failed', id: request.id, message: error.message }));
  const { pid } = child;
  if (pid === undefined) return;
  running.set(request.id, { child, request });
  child.once('exit', (code, signal) => {
    running.delete(request.id);
    // A server's helpers share its group: none of them outlives it.
    signalGroup(pid, 'SIGKILL');
    send({ type: 'exited', id: request.id, code, signal });
    if (ending && running.size === 0) finish();
  });
  send({ type: 'spawned', id: request.id, pid });
}

function finish(): never {
  rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.exit(0);
}

function end(): void {
  if (ending) return;
  ending = true;
  if (running.size === 0) finish();
  for (const { child, request } of running.values()) {
    if (child.pid === undefined) continue;
    signalGroup(child.pid, 'SIGCONT');
    signalGroup(child.pid, request.lastSignal ?? 'SIGKILL');
  }
  setTimeout(() => {
    for (const { child } of running.values()) if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    setTimeout(finish, LAST_SIGNAL_GRACE_MS);
  }, LAST_SIGNAL_GRACE_MS);
}

process.on('message', (message: SupervisorRequest) => {
  switch (message.type) {
    case 'spawn':
      if (!ending) start(message);
      return;
    case 'signal': {
      const pid = running.get(message.id)?.child.pid;
      if (pid !== undefined) signalGroup(pid, message.signal);
      return;
    }
    case 'end':
      end();
  }
});
process.on('disconnect', end);
process.on('uncaughtException', (error) => {
  send({ type: 'broken', message: error.message });
  end();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

send({ type: 'ready', root });
