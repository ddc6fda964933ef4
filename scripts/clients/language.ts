/** One language's client: how it is generated, and how it is tested. A module of this folder each, listed in `languages.ts`. */
export interface ClientLanguage {
  /** As people say it on the command line: `java`. */
  readonly name: string;
  /** The folders that are generated as a whole, relative to the repository. */
  readonly FOLDERS: readonly string[];
  /**
   * Writes these folders below `target`, which is the repository or a folder to compare it with; the same bytes each time. Tools that are
   * missing are installed into the cache, by fixed versions. Throws an Error that names cause and cure.
   */
  generate(target: string): Promise<void>;
  /**
   * Runs the client's tests against the service that `env` names (`CROSSFADE_TEST_…`, see test/clients/main.ts), and returns how many
   * passed. Throws where one failed, or none ran.
   */
  test(env: NodeJS.ProcessEnv): Promise<number>;
}
