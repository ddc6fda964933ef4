/**
 * Every name of a span, an attribute and a metric, once; docs/telemetry.md explains them. Those without the prefix
 * `crossfade` are OpenTelemetry's own conventions.
 */

/** Spans. Requests are named by their method, calls of a store `<store> <operation>`. */
export const spanNames = {
  shadowRead: 'shadow read',
} as const;

/** Attributes of spans. Values of fields are never among them. */
export const attributes = {
  /** `source` or `target`: which store answered, or was asked. */
  store: 'crossfade.store',
  /** Why: a RouteReason. */
  routeReason: 'crossfade.route.reason',
  followerState: 'crossfade.follower_state',
  /** A shadow read's outcome. */
  shadowOutcome: 'crossfade.shadow.outcome',
  shadowSourceMs: 'crossfade.shadow.source_ms',
  shadowTargetMs: 'crossfade.shadow.target_ms',
  /** `source` or `target`: one search finds the reads that one of them held up. */
  shadowSlowerStore: 'crossfade.shadow.slower_store',
  /** The slower store's time in multiples of the other's. */
  shadowSlowdown: 'crossfade.shadow.slowdown',
  /** The field paths that differ, joined by commas. */
  shadowFieldPaths: 'crossfade.shadow.field_paths',
  /** A hash of the record's key, to find it again without naming it. */
  keyHash: 'crossfade.key_hash',
  writeOutcome: 'crossfade.write.outcome',
  /** The reason of an error: a DomainError's. */
  errorReason: 'error.type',
  dbSystem: 'db.system.name',
  dbNamespace: 'db.namespace',
  dbCollection: 'db.collection.name',
  dbOperation: 'db.operation.name',
  dbBatchSize: 'db.operation.batch.size',
  /** `grpc` or `connectrpc`. */
  rpcSystem: 'rpc.system.name',
  /** Package, service and method: `hospital.v1.Medications/GetMedication`. */
  rpcMethod: 'rpc.method',
  /** One of {@link statusNames}. */
  rpcStatus: 'rpc.status_code',
  serviceName: 'service.name',
  serviceInstance: 'service.instance.id',
} as const;

/** Metrics as Prometheus shows them. Durations are histograms in seconds. */
export const metricNames = {
  requestDuration: 'crossfade_request_duration_seconds',
  requestsInFlight: 'crossfade_requests_in_flight',
  failedRequests: 'crossfade_failed_requests_total',
  readDuration: 'crossfade_read_duration_seconds',
  writeDuration: 'crossfade_write_duration_seconds',
  storeDuration: 'crossfade_store_duration_seconds',
  shadowReadDuration: 'crossfade_shadow_read_duration_seconds',
  comparisons: 'crossfade_comparisons_total',
  replicationLag: 'crossfade_replication_lag_seconds',
  latestReplicationLag: 'crossfade_latest_replication_lag_seconds',
  captureRunning: 'crossfade_capture_running',
  captureBacklogAge: 'crossfade_capture_backlog_age_seconds',
  capturedChanges: 'crossfade_captured_changes_total',
  touchedRecords: 'crossfade_touched_records_total',
  followerState: 'crossfade_follower_state',
  stateChanges: 'crossfade_state_changes_total',
  authority: 'crossfade_authority',
  wantedPhase: 'crossfade_wanted_phase',
  hold: 'crossfade_hold',
  lease: 'crossfade_lease',
  openMismatches: 'crossfade_open_mismatches',
  jobRows: 'crossfade_job_rows',
  jobExpectedRows: 'crossfade_job_expected_rows',
  jobRunning: 'crossfade_job_running',
  endedJobs: 'crossfade_ended_jobs_total',
  liveInstances: 'crossfade_live_instances',
  flagsAge: 'crossfade_flags_age_seconds',
  exportedSpans: 'crossfade_exported_spans_total',
} as const;

/** Labels of metrics. */
export const labels = {
  method: 'rpc_method',
  code: 'code',
  resource: 'resource',
  store: 'store',
  operation: 'operation',
  outcome: 'outcome',
  reason: 'reason',
  /** What compared: `shadow_read` or `verification`. */
  by: 'by',
  state: 'state',
  phase: 'phase',
  kind: 'kind',
} as const;

/** gRPC's status codes by number. */
export const statusNames: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** The name of a gRPC status code. */
export function statusName(code: number): string {
  return statusNames[code] ?? 'UNKNOWN';
}
