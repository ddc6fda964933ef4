/** The exit codes of every command, for scripts. */
export const exitCodes = {
  ok: 0,
  /** The command failed: the message says why. */
  failed: 1,
  /** The command line or the config is wrong. */
  usage: 2,
  /** The job ended, and found or left mismatches. */
  mismatches: 3,
  /** The service can't be reached. */
  unavailable: 4,
} as const;

/** An error that ends a command with a message for people and an exit code for scripts. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
