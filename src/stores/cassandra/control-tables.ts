/** Reads ask one replica more than they need: few, and a lease must not wait for a node that hangs. */
const ALWAYS_ONE_MORE = "speculative_retry = 'ALWAYS'";

/**
 * The tables that Crossfade keeps in Cassandra, in a keyspace of its own: what `stores/mysql/control-tables.ts` is there.
 *
 * Control records and their history are one partition, so that a change and its place in the history are one lightweight
 * transaction, and a poll of all records is one linearizable read: the server reads several partitions at QUORUM, even
 * where SERIAL is asked for. Heartbeats are a partition each, so that instances do not get into each other's way.
 */
export const controlTables = [
  `crossfade_control (
    scope text,
    kind text,
    resource text,
    generation bigint,
    current bigint,
    change_id blob,
    epoch int,
    authority text,
    floor varint,
    attach int,
    state text,
    copied_attach int,
    attempt text,
    at_micros bigint,
    from_state text,
    instance text,
    reason text,
    PRIMARY KEY ((scope), kind, resource, generation)
  ) WITH CLUSTERING ORDER BY (kind ASC, resource ASC, generation DESC) AND ${ALWAYS_ONE_MORE}`,
  `crossfade_heartbeat (
    incarnation text PRIMARY KEY,
    instance text,
    beat bigint,
    seen text,
    dead boolean,
    log_closed_up_to bigint,
    source_seen text
  ) WITH ${ALWAYS_ONE_MORE}`,
  `crossfade_sequence (
    resource text PRIMARY KEY,
    next varint
  ) WITH ${ALWAYS_ONE_MORE}`,
  `crossfade_log (
    incarnation text,
    minute bigint,
    id text,
    resource text,
    keys frozen<list<blob>>,
    closed boolean,
    PRIMARY KEY ((incarnation, minute), id)
  ) WITH ${ALWAYS_ONE_MORE}`,
] as const;

/** The name of a table of {@link controlTables}. */
export function tableName(definition: string): string {
  return definition.slice(0, definition.indexOf(' '));
}
