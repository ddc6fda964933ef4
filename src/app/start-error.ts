/** Why the service does not start: every mistake at once, each with its cure. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(`the service cannot start:\n  ${mistakes.join('\n  ')}`);
    this.mistakes = mistakes;
  }
}
