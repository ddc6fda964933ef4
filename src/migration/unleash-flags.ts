import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { InMemStorageProvider, Unleash } from 'unleash-client';
import type { Log } from '../domain/log.ts';
import type { FlagDefinition } from './flag-rollout.ts';
import type { FlagSubject, Flags, Phase } from './flags.ts';

/** Where the flags come from. */
export interface UnleashFlagsOptions {
  /** The API's address, for example `http://127.0.0.1:4242/api`. */
  readonly url: string;
  /** A client token of the environment. */
  readonly token: string;
  readonly appName: string;
  readonly instance: string;
  /** How often the flags are fetched. Default of the config: 1000. */
  readonly refreshMs: number;
  /** The authorities whose certificates are good for the server, in PEM. Default: those that Node knows. */
  readonly ca?: string;
  readonly log: Log;
}

/** Flags from an Unleash server, and their end. */
export interface UnleashFlags extends Flags {
  /** How long ago they were last fetched, whether they had changed or not; endless: never. */
  ageMs(): number;
  /** Whether the server has ever answered. */
  fetched(): boolean;
  /** A flag as it was last fetched; undefined: there is none, or nothing was ever fetched. */
  definition(name: string): FlagDefinition | undefined;
  /** Stops fetching. */
  close(): void;
}

/** How often the same trouble with the server is logged. */
const WARN_EVERY_MS = 30_000;
/** How long the server may be silent: as with the client's own agent. */
const FETCH_TIMEOUT_MS = 10_000;

/** The names of a resource's flags. */
export function flagNames(resource: string): { phase: string; readTarget: string; shadowRead: string } {
  return {
    phase: `crossfade.${resource}.phase`,
    readTarget: `crossfade.${resource}.read-target`,
    shadowRead: `crossfade.${resource}.shadow-read`,
  };
}

/** The phases, furthest first: the order of the strategies in the phase flag. */
export const phases: readonly Phase[] = ['target-only', 'target-authority', 'synchronize', 'source-only'];

/**
 * Fetches the flags in the background; the service starts and goes on without the server. The last known flags hold.
 * They are kept in memory only: flags from before a restart may be older than a rollback.
 */
export function createUnleashFlags(options: UnleashFlagsOptions): UnleashFlags {
  const unleash = new Unleash({
    url: options.url,
    appName: options.appName,
    instanceId: options.instance,
    customHeaders: { Authorization: options.token },
    refreshInterval: options.refreshMs,
    storageProvider: new InMemStorageProvider(),
    ...(options.ca !== undefined && { httpOptions: { agent: createAgent(options.ca) } }),
  });
  listen(unleash, options.log);
  const ageMs = watchAge(unleash);
  const names = new Map<string, ReturnType<typeof flagNames>>();
  const namesOf = (resource: string) => {
    const known = names.get(resource) ?? flagNames(resource);
    names.set(resource, known);
    return known;
  };
  return {
    readTarget: (resource, subject) => {
      const name = namesOf(resource).readTarget;
      return isOn(unleash, name) ? unleash.isEnabled(name, contextOf(subject)) : undefined;
    },
    shadowRead: (resource, subject) => {
      const name = namesOf(resource).shadowRead;
      return isOn(unleash, name) && unleash.isEnabled(name, contextOf(subject));
    },
    wantedPhase: (resource) => wantedPhase(unleash, namesOf(resource).phase),
    ageMs,
    fetched: () => unleash.isSynchronized(),
    definition: (name) => unleash.getFeatureToggleDefinition(name),
    close: () => unleash.destroy(),
  };
}

/** The client's own agent knows no other authorities than Node's, and this one no proxy. */
function createAgent(ca: string): (url: URL) => HttpAgent {
  const secure = new HttpsAgent({ ca, keepAlive: true, timeout: FETCH_TIMEOUT_MS });
  const plain = new HttpAgent({ keepAlive: true, timeout: FETCH_TIMEOUT_MS });
  return ({ protocol }) => (protocol === 'https:' ? secure : plain);
}

/** Known, and not switched off as a whole. An operator who switches a flag off wants what would be without it. */
function isOn(unleash: Unleash, name: string): boolean {
  return unleash.getFeatureToggleDefinition(name)?.enabled === true;
}

function wantedPhase(unleash: Unleash, name: string): Phase | undefined {
  if (!isOn(unleash, name)) return undefined;
  const variant = unleash.getVariant(name, {});
  return phases.find((phase) => variant.enabled && phase === variant.name);
}

/** A list of records without a parent has no name, and a rollout that sticks to nothing is off, whatever its percentage. */
const NO_PARENT = '-';

function contextOf(subject: FlagSubject): { userId?: string; properties: Record<string, string> } {
  const properties = { recordKey: subject.recordKey || NO_PARENT, caller: subject.caller };
  return subject.user === '' ? { properties } : { userId: subject.user, properties };
}

/** How long ago the server last answered, by the monotonic clock. */
function watchAge(unleash: Unleash): () => number {
  let atMs = Number.NEGATIVE_INFINITY;
  const fetched = () => {
    atMs = performance.now();
  };
  unleash.on('changed', fetched);
  unleash.on('unchanged', fetched);
  return () => performance.now() - atMs;
}

/** Without listeners an error event would end the process; with one line for each, an outage would fill the log. */
function listen(unleash: Unleash, log: Log): void {
  let mutedUntilMs = 0;
  const trouble = (error: unknown) => {
    if (Date.now() < mutedUntilMs) return;
    mutedUntilMs = Date.now() + WARN_EVERY_MS;
    log.warn('the flag server cannot be reached: the last known flags hold', { error });
  };
  unleash.on('error', trouble);
  unleash.on('warn', trouble);
}
