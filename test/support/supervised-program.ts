/**
 * A program with servers under a supervisor, which a test ends in the ways that programs end. It prints one JSON line:
 * its processes' ids and the folder that must go with them.
 *
 * The first argument says what it does then: `wait` for ever, `throw` an uncaught error, or `exit`.
 */
import { join } from 'node:path';
import { Supervisor } from '../../stack/process.ts';

const ending = process.argv[2] ?? 'wait';
const supervisor = await Supervisor.start();
const logFile = join(supervisor.root, 'log');
const plain = await supervisor.spawn({ command: 'sleep', args: ['600'], logFile });
// A server with a helper process, deaf to every gentle signal.
const deaf = await supervisor.spawn({
  command: 'sh',
  args: ['-c', 'trap "" TERM INT HUP QUIT; sleep 600 & echo $!; wait; wait'],
  logFile,
  lastSignal: 'SIGQUIT',
});
const paused = await supervisor.spawn({ command: 'sleep', args: ['600'], logFile });
paused.signal('SIGSTOP');
console.log(
  JSON.stringify({ pids: [plain.pid, deaf.pid, paused.pid], root: supervisor.root, supervisor: supervisor.pid }),
);

switch (ending) {
  case 'throw':
    setTimeout(() => {
      throw new Error('nobody catches this');
    });
    break;
  case 'exit':
    process.exit(0);
    break;
  default:
    setInterval(() => {}, 1_000);
}
