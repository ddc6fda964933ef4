/** The pictures of docs/telemetry.md: both stores' latency in Zipkin, by one search. Real servers, a real instance, real reads. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { Medications } from '../../clients/typescript/gen/hospital/v1/medications_pb.ts';
import { createSession } from '../../clients/typescript/src/session.ts';
import { bringUp, MOVED_RESOURCE, setUpFlags } from '../../examples/hospital/demo/bring-up.ts';
import { type Instance, startInstance } from '../../examples/hospital/demo/instances.ts';
import { createTerminal } from '../../examples/hospital/demo/terminal.ts';
import { createFlagSwitches } from '../../examples/hospital/demo/unleash-admin.ts';
import { attributes, metricNames } from '../../src/telemetry/names.ts';
import { launchChromium } from '../../stack/chromium.ts';
import { ROOT } from '../../stack/command.ts';
import { fetchCollector, isCollectorBuilt, startCollector } from '../../stack/otel-collector.ts';
import { Supervisor } from '../../stack/process.ts';
import type { StackAddresses } from '../../stack/stack.ts';

/** Where the pictures go. */
const IMAGES = join(ROOT, 'docs/images');
const ROWS = 2_000;
const READS = 600;
/** Some at a time, as callers come. */
const CONCURRENT = 4;
const PARENT = 'patients/007e7104-87fa-f67b-8ce7-2312b271e08a';
const POLL_MS = 500;
const IN_SYNC_WITHIN_MS = 180_000;
/** The Collector waits ten seconds before it decides on a trace. */
const TRACES_WITHIN_MS = 60_000;
const VIEW = { width: 1280, height: 720 };
const PAGE_TIMEOUT_MS = 60_000;
/** The one search: shadow reads for which Cassandra took longer. */
const SEARCH = new URLSearchParams({
  serviceName: 'crossfade',
  spanName: 'shadow read',
  annotationQuery: `${attributes.shadowSlowerStore}=target`,
  lookback: '15m',
  limit: '10',
});

interface ZipkinSpan {
  readonly traceId: string;
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopping.abort());
process.exitCode = await main(stopping.signal);

async function main(signal: AbortSignal): Promise<number> {
  const terminal = createTerminal();
  const stops: (() => Promise<void>)[] = [];
  try {
    const stack = await bringUp({ rows: ROWS }, terminal, signal, (stop) => stops.push(stop));
    const addresses = stack.addresses as Required<StackAddresses>;
    await setUpFlags(addresses, terminal, signal);
    const otlp = await throughCollector(addresses.zipkin.url, signal, stops);
    terminal.say(otlp === null ? 'spans go straight to Zipkin' : 'spans go to Zipkin through the Collector');
    const folder = join(stack.root, 'pictures');
    await mkdir(folder, { recursive: true });
    const instance = await startInstance('pictures', {
      addresses,
      folder,
      sabotage: undefined,
      signal,
      onEnded: (_name, tail) => terminal.say(`the instance has ended:\n${tail}`),
      ...(otlp !== null && { telemetry: { exporter: 'otlp', endpoint: otlp, sampleRatio: 0.01 } }),
    });
    stops.push(() => instance.stop());
    await compareEverything(addresses, instance, signal);
    await readMany(instance);
    const traces = await findTraces(addresses.zipkin.url, signal);
    terminal.say(`${traces.length} traces found by one search`);
    await takePictures(addresses.zipkin.url, typical(traces));
    terminal.say(`pictures are in ${IMAGES}`);
    return 0;
  } catch (error) {
    if (signal.aborted) return 130;
    terminal.say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return 1;
  } finally {
    for (const stop of stops.reverse()) await stop().catch(() => {});
  }
}

/** Null: the Collector has not been built, and the pictures look the same without it. */
async function throughCollector(
  zipkinUrl: string,
  signal: AbortSignal,
  stops: (() => Promise<void>)[],
): Promise<string | null> {
  if (!isCollectorBuilt()) return null;
  const program = await fetchCollector({ signal, onProgress: () => {} });
  const supervisor = await Supervisor.start();
  stops.push(() => supervisor.close());
  return (await startCollector({ supervisor, signal }, program, { zipkinUrl, keepPercent: 100 })).otlp;
}

/** The follower in sync, and every read repeated on the other store. */
async function compareEverything(
  { unleash }: Required<StackAddresses>,
  instance: Instance,
  signal: AbortSignal,
): Promise<void> {
  const flags = createFlagSwitches(unleash, MOVED_RESOURCE, signal);
  await flags.setPhase('synchronize', true);
  await flags.setShadowRead(100);
  await flags.setReadTarget(50);
  const inSync = `${metricNames.followerState}{resource="${MOVED_RESOURCE}",state="in_sync"} 1`;
  await until(IN_SYNC_WITHIN_MS, 'the follower is in sync', signal, async () => {
    const page = await (await fetch(`${instance.http}/metrics`)).text();
    return page.includes(inSync) ? true : null;
  });
}

async function readMany(instance: Instance): Promise<void> {
  const client = createSession({ addresses: [instance.grpc], caller: 'ward' }).client(Medications);
  const { medications } = await client.listMedications({ parent: PARENT, pageSize: 50 });
  const read = async (lane: number): Promise<void> => {
    for (let i = lane; i < READS; i += CONCURRENT) {
      await client.getMedication({ name: medications[i % medications.length]?.name ?? '' });
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, (_, lane) => read(lane)));
}

function findTraces(url: string, signal: AbortSignal): Promise<readonly (readonly ZipkinSpan[])[]> {
  const query = new URLSearchParams({
    serviceName: 'crossfade',
    spanName: 'shadow read',
    annotationQuery: SEARCH.get('annotationQuery') ?? '',
    limit: String(READS),
  });
  return until(TRACES_WITHIN_MS, 'traces arrive in Zipkin', signal, async () => {
    const found = (await (await fetch(`${url}/api/v2/traces?${query}`)).json()) as ZipkinSpan[][];
    return found.length >= 10 ? found : null;
  });
}

/** The trace with both stores' calls in which they differ as much as they usually do. */
function typical(traces: readonly (readonly ZipkinSpan[])[]): string {
  const slowdown = (spans: readonly ZipkinSpan[]) =>
    Math.max(...spans.map(({ tags }) => Number(tags?.[attributes.shadowSlowdown] ?? 0)));
  const whole = traces.filter((spans) =>
    ['source getmany', 'target getmany'].every((name) => spans.some((span) => span.name === name)),
  );
  const middle = whole.toSorted((a, b) => slowdown(a) - slowdown(b))[Math.floor(whole.length / 2)];
  const traceId = middle?.[0]?.traceId;
  if (traceId === undefined) throw new Error('no trace has the calls of both stores');
  return traceId;
}

async function takePictures(url: string, traceId: string): Promise<void> {
  await mkdir(IMAGES, { recursive: true });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: VIEW });
    page.setDefaultTimeout(PAGE_TIMEOUT_MS);
    await page.goto(`${url}/zipkin/?${SEARCH}`);
    await page.getByRole('button', { name: /run query/i }).click();
    await page
      .getByRole('link', { name: /show/i })
      .or(page.getByRole('button', { name: /^show$/i }))
      .first()
      .waitFor();
    await picture(page, 'traces-search.png');
    await page.goto(`${url}/zipkin/traces/${traceId}`);
    const span = page.getByText('shadow read').first();
    await span.waitFor();
    await span.click();
    await page.getByText(attributes.shadowSlowerStore).first().waitFor();
    await picture(page, 'traces-both-stores.png');
  } finally {
    await browser.close();
  }
}

/** Fonts and transitions settle first. */
async function picture(page: Page, file: string): Promise<void> {
  await page.evaluate('document.fonts.ready');
  await sleep(POLL_MS);
  await page.screenshot({ path: join(IMAGES, file), animations: 'disabled' });
}

async function until<T>(
  withinMs: number,
  what: string,
  signal: AbortSignal,
  look: () => Promise<T | null>,
): Promise<T> {
  for (const untilMs = performance.now() + withinMs; performance.now() < untilMs; ) {
    const found = await look();
    if (found !== null) return found;
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new Error(`waited ${withinMs / 1000} s in vain until ${what}`);
}
