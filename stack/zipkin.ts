/** A Zipkin server with its UI, which keeps traces in memory. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactContext, cached, fetchArtifact, megabytes, secondsSince } from './artifacts.ts';
import { reservePort } from './ports.ts';
import { probeHttp } from './probes.ts';
import { ManagedServer } from './process.ts';

const VERSION = '3.6.1';
const ARTIFACT = `io.zipkin:zipkin-server:${VERSION}:jar:exec`;
/** The cache's folder for the program. */
export const ZIPKIN_FOLDER = `zipkin-${VERSION}`;
const READY_WITHIN_MS = 60_000;

/** How to reach the server: the UI is at `url`, spans go to `${url}/api/v2/spans`. */
export interface ZipkinAddress {
  readonly url: string;
}

/** Settings of the server. */
export interface ZipkinOptions {
  /** Spans kept in memory, the oldest dropped first. Default 300,000. */
  readonly maxSpans?: number;
  /** Default 384. */
  readonly heapMib?: number;
}

/** A Zipkin server that is ready, or that was. */
export interface ZipkinServer {
  readonly address: ZipkinAddress;
  readonly server: ManagedServer;
}

/** Starts one from fetchZipkin's jar and waits until it answers. */
export async function startZipkin(
  context: ArtifactContext,
  jar: string,
  options: ZipkinOptions = {},
): Promise<ZipkinServer> {
  const port = await reservePort();
  const url = `http://127.0.0.1:${port}`;
  const server = new ManagedServer(context.supervisor, {
    name: 'zipkin',
    process: {
      command: 'java',
      args: [
        // Quick to start rather than fast: it is looked at, not loaded.
        '-XX:TieredStopAtLevel=1',
        '-XX:+UnlockDiagnosticVMOptions',
        '-XX:-BytecodeVerificationRemote',
        '-XX:+UseSerialGC',
        `-Xmx${options.heapMib ?? 384}m`,
        '-jar',
        jar,
        '--armeria.ports[0].ip=127.0.0.1',
        `--armeria.ports[0].port=${port}`,
        '--armeria.ports[0].protocols[0]=http',
        `--zipkin.storage.mem.max-spans=${options.maxSpans ?? 300_000}`,
        '--zipkin.self-tracing.enabled=false',
      ],
    },
    probe: (signal) => probeHttp(`${url}/health`, signal),
    readyWithinMs: READY_WITHIN_MS,
  });
  await server.start(context.signal);
  return { address: { url }, server };
}

/** Fetches the program where the cache lacks it, and returns the jar. */
export async function fetchZipkin(context: ArtifactContext): Promise<string> {
  const folder = await cached(ZIPKIN_FOLDER, context.signal, async (made) => {
    const startedAt = performance.now();
    context.onProgress(`Zipkin ${VERSION}: fetching ${ARTIFACT} by Maven, 135 MB unless it has it already`);
    await fetchArtifact(context, ARTIFACT, made);
    context.onProgress(`Zipkin ${VERSION}: fetched, ${await megabytes(made)} MB (${secondsSince(startedAt)})`);
  });
  const jar = (await readdir(folder)).find((file) => file.endsWith('.jar'));
  if (jar === undefined) throw new Error(`${ARTIFACT} came without a jar`);
  return join(folder, jar);
}
