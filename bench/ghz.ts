import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, type Progress } from '../stack/artifacts.ts';

/** The load generator, pinned: another version may cost more or less itself. */
const VERSION = 'v0.93.0';
const MODULE = 'github.com/bojand/ghz/cmd/ghz';
/** Downloading and compiling its modules on a slow line and a busy machine. */
const INSTALL_TIMEOUT_MS = 10 * 60_000;
/** How much longer than its own duration a run may take: starting, and waiting for the last answers. */
const RUN_GRACE_MS = 30_000;
/** Its report names every kind of error, so it may be long. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** One run against one server. */
export interface GhzRun {
  readonly address: string;
  /** `hospital.v1.Medications/GetMedication`. */
  readonly method: string;
  /** A FileDescriptorSet. */
  readonly protoset: string;
  /** The requests, each with its length before it; sent in turn, again and again. */
  readonly requests: string;
  readonly seconds: number;
  readonly concurrency: number;
  readonly connections: number;
}

/** What one run measured. */
export interface GhzResult {
  readonly count: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What ghz writes with `-O json`; times in nanoseconds. */
interface GhzReport {
  readonly count: number;
  readonly rps: number;
  readonly statusCodeDistribution: Readonly<Record<string, number>>;
  readonly errorDistribution: Readonly<Record<string, number>> | null;
  readonly latencyDistribution: readonly { readonly percentage: number; readonly latency: number }[] | null;
}

const NANOS_PER_MS = 1e6;

/** Builds ghz into the cache where that lacks it, and returns its path. Throws, with the cure, if there is no Go. */
export async function fetchGhz(onProgress: Progress, signal: AbortSignal): Promise<string> {
  const folder = join(cacheFolder(), `ghz-${VERSION}`);
  const program = join(folder, 'ghz');
  if (existsSync(program)) return program;
  onProgress(`ghz ${VERSION}: building ${MODULE} with Go, some 30 MB of modules unless Go has them already`);
  const partial = `${folder}.${process.pid}.part`;
  await mkdir(partial, { recursive: true });
  try {
    await promisify(execFile)('go', ['install', `${MODULE}@${VERSION}`], {
      env: { ...process.env, GOBIN: partial },
      timeout: INSTALL_TIMEOUT_MS,
      signal,
    });
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    // Another run was quicker.
    if (existsSync(program)) return program;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const cure = missing ? 'Go is not on the PATH: install it from https://go.dev/dl' : 'see below';
    throw new Error(`the load generator ghz can't be built: ${cure}`, { cause: error });
  }
  return program;
}

/** Runs ghz once. Throws if any request failed. */
export async function runGhz(program: string, run: GhzRun, signal: AbortSignal): Promise<GhzResult> {
  const args = [
    '--insecure',
    `--protoset=${run.protoset}`,
    `--call=${run.method}`,
    `--binary-file=${run.requests}`,
    `--concurrency=${run.concurrency}`,
    `--connections=${run.connections}`,
    `--duration=${run.seconds}s`,
    '--duration-stop=wait',
    '--format=json',
    run.address,
  ];
  const { stdout } = await promisify(execFile)(program, args, {
    timeout: run.seconds * 1000 + RUN_GRACE_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    signal,
  });
  const report = JSON.parse(stdout) as GhzReport;
  const failed = report.count - (report.statusCodeDistribution.OK ?? 0);
  if (failed > 0 || report.count === 0) {
    const errors = JSON.stringify(report.errorDistribution).slice(0, 500);
    throw new Error(`${failed} of ${report.count} requests of ${run.method} to ${run.address} failed: ${errors}`);
  }
  const latencyMs = (percentage: number): number =>
    (report.latencyDistribution?.find((one) => one.percentage === percentage)?.latency ?? Number.NaN) / NANOS_PER_MS;
  return { count: report.count, requestsPerSecond: report.rps, p50Ms: latencyMs(50), p99Ms: latencyMs(99) };
}
