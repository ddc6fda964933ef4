/** Times and bounds of capture. Milliseconds unless the name says otherwise. */
export interface CaptureSettings {
  /**
   * The lease of the task; another instance takes over when it lapses. Longer than a large outside transaction makes every other
   * commit of the source wait.
   */
  readonly taskLeaseMs: number;
  /**
   * The most records of one batch. Wide, so that many records of one partition go together where there is a backlog: one
   * mutation for all of them costs the follower a third of one for each.
   */
  readonly foldRecords: number;
  /** The most content of one batch, in bytes, roughly. */
  readonly foldBytes: number;
  /** The most batches under way: with `foldRecords` and `foldBytes` the bound on what is in memory. */
  readonly batchesInFlight: number;
  /** The most keys of one touch transaction. */
  readonly touchBatch: number;
  /** The most touch transactions under way: they share the source with its users. */
  readonly touchesInFlight: number;
  /** The most copies that go to the follower in one call. */
  readonly applyBatch: number;
  /** The most such calls under way. */
  readonly appliesInFlight: number;
  /** How often a checkpoint is written while there is work. */
  readonly checkpointMs: number;
  /** How often a checkpoint is written while nothing of the resource changes. */
  readonly idleCheckpointMs: number;
  /** How long one call of a store may take. */
  readonly callMs: number;
  /**
   * What is done with an outside writer's change of the source while the target is the authority. `overwrite`: the record is set back
   * to what the authority has. `hold`: it is left, and stands as an open mismatch until a person has repaired it.
   */
  readonly outsideWrites: 'overwrite' | 'hold';
}

/** The defaults. */
export const defaultCaptureSettings: CaptureSettings = {
  taskLeaseMs: 6000,
  foldRecords: 8_000,
  foldBytes: 16 * 1024 * 1024,
  batchesInFlight: 4,
  touchBatch: 200,
  touchesInFlight: 4,
  applyBatch: 500,
  appliesInFlight: 8,
  checkpointMs: 200,
  idleCheckpointMs: 5000,
  callMs: 5000,
  outsideWrites: 'overwrite',
};
