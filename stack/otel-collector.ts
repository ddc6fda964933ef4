/** An OpenTelemetry Collector built from its Go modules, with the components of observability/otel-collector/builder.yaml. */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactContext, cached, isCached } from './artifacts.ts';
import { CommandError, ROOT, runCommand } from './command.ts';
import { reservePort } from './ports.ts';
import { probeHttp } from './probes.ts';
import { ManagedServer, type Supervisor } from './process.ts';

/** Also in builder.yaml: all modules of one release. */
export const COLLECTOR_VERSION = '0.161.0';
const FOLDER = `otelcol-${COLLECTOR_VERSION}`;
const BUILDER = `go.opentelemetry.io/collector/cmd/builder@v${COLLECTOR_VERSION}`;
/** Three minutes of two cores, and ten where they have other things to do. */
const BUILD_TIMEOUT_MS = 25 * 60_000;
const READY_WITHIN_MS = 30_000;

const folder = join(ROOT, 'observability/otel-collector');
/** The configuration that is shipped, and what is laid over it for a Zipkin server. */
export const collectorConfigs = { base: join(folder, 'config.yaml'), zipkin: join(folder, 'zipkin.yaml') } as const;

/** Whether it is built already: building takes minutes. */
export function isCollectorBuilt(): boolean {
  return isCached(FOLDER);
}

/** Builds the program where the cache lacks it, and returns its path. Throws, with the cure, if there is no Go. */
export async function fetchCollector(context: Pick<ArtifactContext, 'onProgress' | 'signal'>): Promise<string> {
  const built = await cached(FOLDER, context.signal, async (made) => {
    context.onProgress(`OpenTelemetry Collector ${COLLECTOR_VERSION}: building it with Go, some minutes`);
    const options = { timeoutMs: BUILD_TIMEOUT_MS, signal: context.signal };
    try {
      await runCommand('go', ['install', BUILDER], { ...options, env: { ...process.env, GOBIN: made } });
      const sources = join(made, 'sources');
      await mkdir(sources);
      await copyFile(join(folder, 'builder.yaml'), join(sources, 'builder.yaml'));
      await runCommand(join(made, 'builder'), ['--config=builder.yaml'], { ...options, cwd: sources });
      await copyFile(join(sources, 'build', 'otelcol'), join(made, 'otelcol'));
      await rm(sources, { recursive: true });
    } catch (cause) {
      const missing = cause instanceof CommandError && cause.isMissing;
      const cure = missing ? 'Go is not on the PATH: install it from https://go.dev/dl' : 'see below';
      throw new Error(`the OpenTelemetry Collector can't be built: ${cure}`, { cause });
    }
  });
  return join(built, 'otelcol');
}

/** A Collector that is ready. */
export interface CollectorServer {
  /** Where instances send OTLP over HTTP. */
  readonly otlp: string;
  readonly server: ManagedServer;
}

/** Starts one that passes traces on to a Zipkin server; `keepPercent` of those that are not remarkable. */
export async function startCollector(
  { supervisor, signal }: { readonly supervisor: Supervisor; readonly signal: AbortSignal },
  program: string,
  options: { readonly zipkinUrl: string; readonly keepPercent: number },
): Promise<CollectorServer> {
  const [http, grpc, health] = [await reservePort(), await reservePort(), await reservePort()];
  const listen = [
    `receivers::otlp::protocols::http::endpoint: 127.0.0.1:${http}`,
    `receivers::otlp::protocols::grpc::endpoint: 127.0.0.1:${grpc}`,
    `extensions::health_check::endpoint: 127.0.0.1:${health}`,
    'service::telemetry::metrics::level: none',
  ];
  const server = new ManagedServer(supervisor, {
    name: 'otelcol',
    process: {
      command: program,
      args: [collectorConfigs.base, collectorConfigs.zipkin, ...listen.map((line) => `yaml:${line}`)].flatMap((one) => [
        '--config',
        one,
      ]),
      env: {
        CROSSFADE_TRACES_ZIPKIN: options.zipkinUrl,
        CROSSFADE_TRACES_KEEP: String(options.keepPercent),
      },
    },
    probe: (abort) => probeHttp(`http://127.0.0.1:${health}/`, abort),
    readyWithinMs: READY_WITHIN_MS,
  });
  await server.start(signal);
  return { otlp: `http://127.0.0.1:${http}`, server };
}
