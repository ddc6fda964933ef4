/** Every span and attribute name, once. Those without the prefix `crossfade.` are OpenTelemetry's own conventions. */

/** Spans. Requests are named by their method, calls of a store `<store> <operation>`. */
export const spanNames = {
  shadowRead: 'shadow read',
} as const;

/** Attributes of spans. Values of fields are never among them. */
export const attributes = {
  resource: 'crossfade.resource',
  /** `source` or `target`: which store answered. */
  store: 'crossfade.store',
  /** Why: a RouteReason. */
  routeReason: 'crossfade.route.reason',
  followerState: 'crossfade.follower_state',
  epoch: 'crossfade.epoch',
  /** A shadow read's outcome. */
  shadowOutcome: 'crossfade.shadow.outcome',
  shadowSourceMs: 'crossfade.shadow.source_ms',
  shadowTargetMs: 'crossfade.shadow.target_ms',
  /** The field paths that differ, joined by commas. */
  shadowFieldPaths: 'crossfade.shadow.field_paths',
  /** A hash of the record's key, to find it again without naming it. */
  keyHash: 'crossfade.key_hash',
  writeOutcome: 'crossfade.write.outcome',
  caller: 'crossfade.caller',
  consistency: 'crossfade.consistency',
  errorReason: 'error.type',
  dbSystem: 'db.system.name',
  dbNamespace: 'db.namespace',
  dbCollection: 'db.collection.name',
  dbOperation: 'db.operation.name',
  dbBatchSize: 'db.operation.batch.size',
  rpcSystem: 'rpc.system',
  rpcService: 'rpc.service',
  rpcMethod: 'rpc.method',
  rpcStatus: 'rpc.grpc.status_code',
  serverAddress: 'server.address',
  serverPort: 'server.port',
} as const;
