import { Document, parseDocument } from 'yaml';

/** Where the servers are, as the config says it. */
export interface Servers {
  readonly mysql: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    /** Absent: the user has no password. */
    readonly passwordEnv?: string;
  };
  readonly cassandra: {
    readonly contactPoints: readonly string[];
    readonly port: number;
    readonly dataCenter: string;
    /** How many replicas a keyspace gets that is created. */
    readonly replicas: number;
  };
  readonly unleashUrl: string;
}

/** The descriptor image's name beside the config. */
export const IMAGE_FILE = 'records.binpb';

/**
 * The config of a deployment with these resources. What stands in an existing config stays: only what is missing is added.
 *
 * @param options.controlPlace the name of the schema and the keyspace of Crossfade's own tables: ids go by the deployment, and so do these.
 * @param options.movable whether a resource has a target, so that Cassandra and the flags are needed.
 */
export function configText(
  types: readonly string[],
  servers: Servers,
  options: { readonly movable: boolean; readonly controlPlace: string; readonly existing?: string },
): string {
  const { controlPlace } = options;
  const document = options.existing === undefined ? fresh() : parseDocument(options.existing);
  const set = (path: readonly string[], value: unknown): void => {
    if (!document.hasIn(path)) document.setIn(path, document.createNode(value));
  };
  set(['descriptors'], IMAGE_FILE);
  set(['resources'], []);
  const named = (document.toJS() as { resources?: { type?: string }[] }).resources ?? [];
  for (const type of types) {
    if (named.some((resource) => resource?.type === type)) continue;
    document.addIn(['resources'], document.createNode({ type }));
  }
  set(['stores', 'mysql'], mysqlOf(servers, controlPlace));
  if (options.movable) {
    set(['stores', 'cassandra'], cassandraOf(servers, controlPlace));
    set(['unleash'], { url: servers.unleashUrl });
  }
  return document.toString({ lineWidth: 0 });
}

function fresh(): Document {
  const document = new Document({});
  document.commentBefore = [
    ' Written by crossfade init. What you change here stays when init runs again: it only adds what is missing.',
    ' All keys: docs/configuration.md.',
  ].join('\n');
  return document;
}

function mysqlOf({ mysql }: Servers, controlPlace: string) {
  const { host, port, user, passwordEnv } = mysql;
  return { host, port, user, ...(passwordEnv !== undefined && { passwordEnv }), controlSchema: controlPlace };
}

function cassandraOf({ cassandra }: Servers, controlPlace: string) {
  return {
    contactPoints: cassandra.contactPoints,
    port: cassandra.port,
    localDataCenter: cassandra.dataCenter,
    controlKeyspace: controlPlace,
    createTables: true,
    replication: replicationOf(cassandra),
  };
}

/** The replication of keyspaces that are created. */
export function replicationOf({ dataCenter, replicas }: Servers['cassandra']): Record<string, string | number> {
  return { class: 'NetworkTopologyStrategy', [dataCenter]: replicas };
}
