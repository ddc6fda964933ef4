/** Structured fields of a log line. Never a field's value of a record; `error` is printed with its cause. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where the service writes its log, injected so that tests and the simulation can listen. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Writes nothing. */
export const noLog: Log = { info: () => {}, warn: () => {}, error: () => {} };
