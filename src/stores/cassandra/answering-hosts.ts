import { type ExecutionOptions, type Host, type metadata, policies } from 'cassandra-driver';
import type { Clock } from '../../domain/clock.ts';
import { SILENT_AFTER_MS } from './limits.ts';

interface Activity {
  /** Since when requests have been under way all the time. */
  busySinceMs: number;
  answeredMs: number;
}

/**
 * Which nodes do not answer. A node that hangs keeps its connections, and the driver gives it up only after many requests have
 * timed out, or ten are waiting for it: too late for a lease, whose few requests would go there again and again.
 */
export class AnsweringHosts {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #busy = new Map<string, Activity>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** A node has answered a request. */
  noteAnswer(address: string): void {
    const activity = this.#busy.get(address);
    if (activity !== undefined) activity.answeredMs = this.#clock.monotonicMs();
  }

  /** Looks at what is under way; to be called again and again. Requests that timed out count until their answer comes. */
  look(state: Pick<metadata.ClientState, 'getConnectedHosts' | 'getInFlightQueries'>): void {
    const nowMs = this.#clock.monotonicMs();
    const connected = new Set<string>();
    for (const host of state.getConnectedHosts()) {
      if (state.getInFlightQueries(host) === 0) continue;
      connected.add(host.address);
      if (!this.#busy.has(host.address)) this.#busy.set(host.address, { busySinceMs: nowMs, answeredMs: nowMs });
    }
    for (const address of this.#busy.keys()) if (!connected.has(address)) this.#busy.delete(address);
  }

  /** Whether requests have been under way to it for longer than {@link SILENT_AFTER_MS} and none has been answered. */
  isSilent(address: string): boolean {
    const activity = this.#busy.get(address);
    if (activity === undefined) return false;
    const lastMs = Math.max(activity.busySinceMs, activity.answeredMs);
    return this.#clock.monotonicMs() - lastMs > SILENT_AFTER_MS;
  }
}

/** Asks the nodes in the driver's usual order, those that do not answer last. */
export class AnsweringFirstPolicy extends policies.loadBalancing.LoadBalancingPolicy {
  readonly #usual: policies.loadBalancing.LoadBalancingPolicy;
  readonly #hosts: Pick<AnsweringHosts, 'isSilent'>;

  constructor(localDataCenter: string, hosts: Pick<AnsweringHosts, 'isSilent'>) {
    super();
    this.#usual = policies.defaultLoadBalancingPolicy(localDataCenter);
    this.#hosts = hosts;
  }

  override init(...parameters: Parameters<policies.loadBalancing.LoadBalancingPolicy['init']>): void {
    this.#usual.init(...parameters);
  }

  override getDistance(host: Host) {
    return this.#usual.getDistance(host);
  }

  override getOptions(): Map<string, object> {
    return this.#usual.getOptions();
  }

  override newQueryPlan(
    keyspace: string,
    options: ExecutionOptions,
    callback: (error: Error, iterator: Iterator<Host>) => void,
  ): void {
    this.#usual.newQueryPlan(keyspace, options, (error, plan) =>
      callback(error, plan && answeringFirst(plan, (host) => this.#hosts.isSilent(host.address))),
    );
  }
}

/** A plan, with those that are silent at its end. */
export function* answeringFirst<Node>(plan: Iterator<Node>, isSilent: (node: Node) => boolean): Generator<Node> {
  const silent: Node[] = [];
  for (let next = plan.next(); !next.done; next = plan.next()) {
    if (isSilent(next.value)) silent.push(next.value);
    else yield next.value;
  }
  yield* silent;
}
