import { join } from 'node:path';
import type { ManagedServer } from '../stack/process.ts';
import { type GhzResult, runGhz } from './ghz.ts';
import { loadAverage, processorMicros } from './machine.ts';
import type { Effort } from './options.ts';
import type { Comparison, Load } from './report.ts';
import { PROTOSET, type Service } from './services.ts';
import { median, rounded } from './statistics.ts';

/** Requests under way at once, and the connections that they share. */
export const CONCURRENCY = 64;
export const CONNECTIONS = 8;

/** What a comparison needs. */
export interface ComparisonOptions {
  readonly name: string;
  readonly ghz: string;
  readonly crossfade: Service;
  readonly baseline: Service;
  readonly mysql: ManagedServer;
  /** A method of `hospital.v1.Medications`. */
  readonly method: string;
  /** Writes the requests of one round into a file. */
  readonly writeRequests: (path: string, round: string) => Promise<void>;
  /** For the requests' files. */
  readonly folder: string;
  readonly effort: Effort;
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Round extends GhzResult {
  readonly serviceMicros: number;
  readonly mysqlMicros: number;
}

/**
 * Rounds of one service after the other, begun by each in turn, so that whatever else the machine does falls on both;
 * the ratio is taken pair by pair. The first round of each warms it up and is not counted.
 */
export async function compare(options: ComparisonOptions): Promise<Comparison> {
  const { name, crossfade, baseline, effort, onProgress } = options;
  const before = loadAverage();
  const ofCrossfade: Round[] = [];
  const ofBaseline: Round[] = [];
  await measure(options, baseline, 'warm-b', effort.warmUpSeconds);
  await measure(options, crossfade, 'warm-c', effort.warmUpSeconds);
  for (let round = 0; round < effort.rounds; round++) {
    const turn = (service: Service, rounds: Round[]) => async () => {
      rounds.push(await measure(options, service, String(round), effort.roundSeconds));
    };
    const turns = [turn(crossfade, ofCrossfade), turn(baseline, ofBaseline)];
    for (const take of round % 2 === 0 ? turns : turns.reverse()) await take();
    const [own, other] = [ofCrossfade.at(-1)?.requestsPerSecond ?? 0, ofBaseline.at(-1)?.requestsPerSecond ?? 0];
    onProgress(
      `${name} ${round + 1}/${effort.rounds}: crossfade ${Math.round(own)}/s, baseline ${Math.round(other)}/s, ratio ${rounded(own / other)}`,
    );
  }
  const ratios = ofCrossfade.map((own, i) => rounded(own.requestsPerSecond / (ofBaseline[i]?.requestsPerSecond ?? 0)));
  return {
    ratio: rounded(median(ratios)),
    ratios,
    crossfade: loadOf(ofCrossfade),
    baseline: loadOf(ofBaseline),
    loadAverage: { before, after: loadAverage() },
  };
}

async function measure(options: ComparisonOptions, service: Service, round: string, seconds: number): Promise<Round> {
  const { ghz, method, folder, mysql, signal } = options;
  const requests = join(folder, `${method}-${round}.bin`);
  await options.writeRequests(requests, round);
  const pids = [service.server.pid, mysql.pid];
  const before = pids.map(processorMicros);
  const run = {
    address: service.grpc,
    method: `hospital.v1.Medications/${method}`,
    protoset: PROTOSET,
    requests,
    seconds,
    concurrency: CONCURRENCY,
    connections: CONNECTIONS,
  };
  const result = await runGhz(ghz, run, signal);
  const [serviceMicros = 0, mysqlMicros = 0] = pids.map((pid, i) => processorMicros(pid) - (before[i] ?? 0));
  return { ...result, serviceMicros, mysqlMicros };
}

function loadOf(rounds: readonly Round[]): Load {
  const middle = (pick: (round: Round) => number): number => rounded(median(rounds.map(pick)));
  return {
    requestsPerSecond: middle((round) => round.requestsPerSecond),
    p50Ms: middle((round) => round.p50Ms),
    p99Ms: middle((round) => round.p99Ms),
    serviceMicrosPerRequest: middle((round) => round.serviceMicros / round.count),
    mysqlMicrosPerRequest: middle((round) => round.mysqlMicros / round.count),
  };
}
