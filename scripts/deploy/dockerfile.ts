/** A Dockerfile, as `deploy/check` prints it after BuildKit has read it. */

/** One instruction, with its variables put in. */
export interface Step {
  readonly line: number;
  /** As it is written. */
  readonly code: string;
  /** `RUN`, `COPY`, … */
  readonly name: string;
  /** Of RUN: whether `args` is one text for a shell. */
  readonly shell?: boolean;
  readonly args?: readonly string[];
  /** Of RUN: what ENV and ARG have set. */
  readonly env?: Readonly<Record<string, string>>;
  /** Of COPY. */
  readonly sources?: readonly string[];
  /** Of COPY and WORKDIR. */
  readonly to?: string;
  /** Of COPY: another stage. */
  readonly from?: string;
  /** Of COPY and USER. */
  readonly owner?: string;
  /** Of COPY. */
  readonly mode?: string;
  /** What the check does not understand, and refuses. */
  readonly unknown?: readonly string[];
}

/** What begins with a FROM. */
export interface Stage {
  readonly name: string;
  readonly base: string;
  readonly steps: readonly Step[];
}

/** The config of the image that is made: times in nanoseconds. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
  readonly StopSignal: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly Healthcheck?: { readonly Test: readonly string[]; readonly Timeout: number; readonly StartPeriod: number };
}

/** The whole. */
export interface Dockerfile {
  readonly stages: readonly Stage[];
  readonly image: ImageConfig;
  /** The files that a builder is sent, by .dockerignore. */
  readonly files: readonly string[];
  readonly warnings: readonly string[];
}
