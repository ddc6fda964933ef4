import { type Config, loadConfig } from '../config.ts';
import { startService } from '../service.ts';
import { exitCodes } from './exit-codes.ts';

/** The options of `crossfade serve`. */
export interface ServeOptions {
  readonly config: string;
  /** Instead of the config's, so that several instances on one machine can share a config. */
  readonly grpcPort?: number;
  readonly httpPort?: number;
}

/** Runs one instance of the service until the signal aborts, then drains it. */
export async function serve(options: ServeOptions, signal: AbortSignal): Promise<number> {
  const service = await startService(withPorts(await loadConfig(options.config), options), signal);
  await service.ended;
  return exitCodes.ok;
}

function withPorts(config: Config, { grpcPort, httpPort }: ServeOptions): Config {
  return {
    ...config,
    grpc: { ...config.grpc, ...(grpcPort !== undefined && { port: grpcPort }) },
    http: { ...config.http, ...(httpPort !== undefined && { port: httpPort }) },
  };
}
