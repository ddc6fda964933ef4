import type { Clock } from '../domain/clock.ts';
import type { ConnectServer } from './connect-server.ts';
import type { GrpcServer } from './grpc-server.ts';
import type { Health } from './health.ts';
import type { Pipeline } from './pipeline.ts';

/** What {@link drain} stops. */
export interface DrainOptions {
  readonly health: Health;
  readonly pipeline: Pipeline;
  readonly grpc: GrpcServer;
  readonly connect: ConnectServer;
  readonly clock: Clock;
  /** How long new requests are still served after health said NOT_SERVING, so that load balancers have seen it. */
  readonly announceMs: number;
  /** How long requests under way have after that; then they are cut off. */
  readonly graceMs: number;
}

/**
 * Takes an instance out of service without failing a request: says so, goes on for a while, asks every client to leave,
 * finishes what is under way, closes. Resolves with how many requests had to be cut off.
 */
export async function drain(options: DrainOptions): Promise<number> {
  const { health, pipeline, grpc, connect, clock } = options;
  health.drain();
  connect.discourage();
  await clock.sleep(options.announceMs);
  pipeline.endStreams();
  const closed = Promise.all([grpc.close(), connect.close()]);
  const patience = new AbortController();
  const timedOut = clock.sleep(options.graceMs, patience.signal);
  await Promise.race([closed, timedOut, quiet(pipeline, clock, patience.signal)]);
  patience.abort();
  const cutOff = pipeline.running();
  grpc.destroy();
  connect.destroy();
  await closed;
  return cutOff;
}

/** How long nothing must be under way: answers are on their way to the socket when their request is over. */
const QUIET_MS = 200;

/**
 * Resolves when no request is under way. Clients need not have left by then: some hold a connection, or a stream of
 * health's, for as long as they can. Looks again every {@link QUIET_MS} until the signal aborts.
 */
async function quiet(pipeline: Pipeline, clock: Clock, signal: AbortSignal): Promise<void> {
  do {
    await pipeline.idle();
    await clock.sleep(QUIET_MS, signal);
  } while (pipeline.running() > 0);
}
