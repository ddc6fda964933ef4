/** The protocol's times and bounds, all from the config. Milliseconds unless the name says otherwise. */
export interface ProtocolSettings {
  /** How often the control records are polled. Default 200. */
  readonly roundMs: number;
  /** How long a polled control record may be trusted, from before the poll was sent. Default 1000. */
  readonly leaseMs: number;
  /** Added wherever one instance waits for another's lease to end. Default 200. */
  readonly marginMs: number;
  /** How long a write tries to reach the follower before it demotes it. Default 500. */
  readonly followerRetryBudgetMs: number;
  /** The most that a read waits for the follower before the authority answers. Default 250. */
  readonly followerReadBudgetMs: number;
  /** How long writers wait for a handover before it is undone. Default 5000. */
  readonly handoverTimeoutMs: number;
  /** The bound on the clocks' skew that the operator promises. Default 50. */
  readonly skewBoundMs: number;
  /** How long Cassandra keeps the marker of a deleted record. Default 20 days. */
  readonly markerTtlSeconds: number;
}

/** The defaults of docs/protocol.md, section 9. */
export const defaultProtocolSettings: ProtocolSettings = {
  roundMs: 200,
  leaseMs: 1000,
  marginMs: 200,
  followerRetryBudgetMs: 500,
  followerReadBudgetMs: 250,
  handoverTimeoutMs: 5000,
  skewBoundMs: 50,
  markerTtlSeconds: 20 * 24 * 3600,
};
