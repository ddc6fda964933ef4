/** The most causes of one error that are printed: deeper chains say no more. */
const MAX_CAUSES = 4;
/** The most stack frames of one error that are printed. */
const MAX_FRAMES = 8;

/** Where lines go and what time it is. Both have the machine's as default. */
export interface JsonLogOptions {
  readonly write?: (line: string) => void;
  /** ISO 8601. */
  readonly now?: () => string;
  /** Fields of every line, for example the instance's name. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/**
 * A log of one JSON object a line: `time`, `level`, `message` and the fields. Errors are printed by name, code and
 * stack; the text of an error that is not the service's own is left out, as drivers quote the values that they refuse.
 */
export function createJsonLog(options: JsonLogOptions = {}): {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
} {
  const write = options.write ?? ((line) => process.stderr.write(`${line}\n`));
  const now = options.now ?? (() => new Date().toISOString());
  const line = (level: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
    write(JSON.stringify({ time: now(), level, message, ...options.fields, ...fields }, printable));
  return {
    info: (message, fields) => line('info', message, fields),
    warn: (message, fields) => line('warn', message, fields),
    error: (message, fields) => line('error', message, fields),
  };
}

function printable(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Error ? describeError(value, MAX_CAUSES) : value;
}

function describeError(error: Error, depth: number): Record<string, unknown> {
  const own = error.name === 'DomainError';
  const frames = (error.stack ?? '').split('\n').filter((frame) => frame.trimStart().startsWith('at '));
  const described: Record<string, unknown> = { name: error.name };
  if (own) described.message = error.message;
  for (const name of ['kind', 'reason', 'code', 'errno', 'sqlState']) {
    const value: unknown = Reflect.get(error, name);
    if (typeof value === 'string' || typeof value === 'number') described[name] = value;
  }
  described.stack = frames.slice(0, MAX_FRAMES).map((frame) => frame.trim());
  if (error.cause instanceof Error && depth > 1) described.cause = describeError(error.cause, depth - 1);
  return described;
}
