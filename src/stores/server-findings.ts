/** Something about a server that is not as the promises need it. */
export interface Finding {
  /** The setting, or the table and what of it. */
  readonly setting: string;
  readonly found: string;
  readonly wanted: string;
  /** What a person does about it. */
  readonly cure: string;
}

/** What speaks against a server: with an error the start is refused, a warning is logged. */
export interface ServerFindings {
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}
