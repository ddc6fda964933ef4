/** A request to start one server or tool; `id` names it in every later message. */
export interface SpawnRequest {
  readonly type: 'spawn';
  readonly id: number;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the supervisor's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the stack's root folder. */
  readonly cwd?: string;
  /** Runs as this user and group where given; only root can ask for it. */
  readonly uid?: number;
  readonly gid?: number;
  /** Gets standard output and standard error, appended. */
  readonly logFile: string;
  /** Sent first when the program that asked is gone; SIGKILL follows. Default: SIGKILL at once. */
  readonly lastSignal?: NodeJS.Signals;
}

/** What a program asks of its supervisor. */
export type SupervisorRequest =
  | SpawnRequest
  | { readonly type: 'signal'; readonly id: number; readonly signal: NodeJS.Signals }
  | { readonly type: 'end' };

/** What a supervisor tells its program; `root` is the folder that it removes at the end. */
export type SupervisorEvent =
  | { readonly type: 'ready'; readonly root: string }
  | { readonly type: 'spawned'; readonly id: number; readonly pid: number }
  | { readonly type: 'failed'; readonly id: number; readonly message: string }
  | {
      readonly type: 'exited';
      readonly id: number;
      readonly code: number | null;
      readonly signal: NodeJS.Signals | null;
    }
  | { readonly type: 'broken'; readonly message: string };
