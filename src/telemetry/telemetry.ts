import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { ZipkinExporter } from '@opentelemetry/exporter-zipkin';
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { AlwaysOnSampler, BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import { Instruments } from './instruments.ts';
import { createMetrics, type Metrics, nothingMeasured } from './metrics.ts';
import { attributes } from './names.ts';
import { type Carrier, createStartRequest } from './request-trace.ts';
import { noTrace, type TraceScope } from './trace-scope.ts';

/** What {@link startTelemetry} needs; the config's `telemetry`. */
export interface TelemetryOptions {
  readonly serviceName: string;
  /** The instance's name. */
  readonly instance: string;
  /** Where traces go. `none`: no request is traced. */
  readonly exporter: 'otlp' | 'zipkin' | 'none';
  /**
   * The exporter's address; the protocol's own path is added where it has none. Default: the exporter's own, on this
   * machine (OTLP over HTTP on port 4318, Zipkin on 9411).
   */
  readonly endpoint?: string | undefined;
  /** The part of requests that is traced where the caller does not say, 0 to 1. */
  readonly sampleRatio: number;
  /** Whether to measure. */
  readonly metrics: boolean;
  /** Told when spans no longer reach their server, once until they do again, and then told `null`. */
  readonly onExport?: (error: Error | null) => void;
}

/** The service's telemetry under way. */
export interface Telemetry {
  /** Starts the trace of a request, as a child of the caller's `traceparent` where there is one. */
  readonly startRequest: (method: string, carrier: Carrier) => TraceScope;
  readonly metrics: Metrics;
  /** Answers with the metrics in Prometheus' text format; NOT FOUND where nothing is measured. */
  readonly metricsRoute: (request: IncomingMessage, response: ServerResponse) => void;
  /** Sends what is left, for at most this long. Default: 3 seconds. Never rejects. */
  shutdown(timeoutMs?: number): Promise<void>;
}

/** Spans that wait to be sent; more are dropped. About 8 MiB. */
const MAX_QUEUED_SPANS = 8_192;
/** Spans of one message. */
const SPANS_PER_EXPORT = 512;
/** How long spans wait for a message to fill. */
const EXPORT_INTERVAL_MS = 1_000;
/** How long a message to the trace server may take, with its retries. */
const EXPORT_TIMEOUT_MS = 5_000;
/** How long the last spans may take when the service stops. */
const SHUTDOWN_TIMEOUT_MS = 3_000;
/** Longer values of attributes are cut; names of fields and reasons are shorter. */
const MAX_ATTRIBUTE_CHARS = 512;
const MAX_ATTRIBUTES = 64;

/** Starts the exporters. Nothing is registered globally and nothing is instrumented: spans are made where they belong. */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  const resource = defaultResource().merge(
    resourceFromAttributes({
      [attributes.serviceName]: options.serviceName,
      [attributes.serviceInstance]: options.instance,
    }),
  );
  const { metrics, metricsRoute } = options.metrics
    ? startMetrics(resource)
    : { metrics: nothingMeasured, metricsRoute: notFound };
  const exporter = createExporter(options);
  if (exporter === null) {
    return { startRequest: () => noTrace, metrics, metricsRoute, shutdown: () => Promise.resolve() };
  }
  const provider = new TracerProvider({
    resource,
    // The choice is made when a request starts, before there is a span (createStartRequest).
    sampler: new AlwaysOnSampler(),
    spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE_CHARS, attributeCountLimit: MAX_ATTRIBUTES },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reportExports(exporter, metrics, options.onExport ?? (() => {})),
        maxQueueSize: MAX_QUEUED_SPANS,
        maxExportBatchSize: SPANS_PER_EXPORT,
        scheduledDelayMillis: EXPORT_INTERVAL_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  return {
    startRequest: createStartRequest({ tracer: provider.getTracer('crossfade'), sampleRatio: options.sampleRatio }),
    metrics,
    metricsRoute,
    shutdown: (timeoutMs = SHUTDOWN_TIMEOUT_MS) => endWithin(provider.shutdown(), timeoutMs),
  };
}

function startMetrics(resource: Resource): Pick<Telemetry, 'metrics' | 'metricsRoute'> {
  const instruments = new Instruments();
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    metricProducers: [instruments],
    withoutScopeInfo: true,
  });
  // The provider gives the exporter its resource; the instruments are the producer's.
  new MeterProvider({ resource, readers: [exporter] });
  return {
    metrics: createMetrics(instruments),
    metricsRoute: (request, response) => exporter.getMetricsRequestHandler(request, response),
  };
}

function notFound(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404).end();
}

function createExporter({ exporter, endpoint }: TelemetryOptions): SpanExporter | null {
  switch (exporter) {
    case 'otlp':
      return new OTLPTraceExporter({
        timeoutMillis: EXPORT_TIMEOUT_MS,
        ...(endpoint !== undefined && { url: withPath(endpoint, '/v1/traces') }),
      });
    case 'zipkin':
      return new ZipkinExporter({ ...(endpoint !== undefined && { url: withPath(endpoint, '/api/v2/spans') }) });
    case 'none':
      return null;
  }
}

/** Where the exporter sends spans by itself: the defaults of its protocol. */
const DEFAULT_ADDRESSES = {
  otlp: 'http://localhost:4318/v1/traces',
  zipkin: 'http://localhost:9411/api/v2/spans',
} as const;

/** Where spans go; null: nowhere. */
export function exporterAddress({ exporter, endpoint }: Pick<TelemetryOptions, 'exporter' | 'endpoint'>): URL | null {
  return exporter === 'none' ? null : new URL(endpoint ?? DEFAULT_ADDRESSES[exporter]);
}

function withPath(endpoint: string, path: string): string {
  const url = new URL(endpoint);
  if (url.pathname === '/') url.pathname = path;
  return url.href;
}

/** Counts what is sent, and says when it begins to fail and when it works again. */
function reportExports(
  exporter: SpanExporter,
  metrics: Metrics,
  onExport: (error: Error | null) => void,
): SpanExporter {
  let failing = false;
  // From 0 on: the first failure is an increase.
  for (const outcome of ['ok', 'failed'] as const) metrics.exportedSpans(outcome, 0);
  const report = ({ code, error }: ExportResult): void => {
    const failed = code !== ExportResultCode.SUCCESS;
    if (failed !== failing) onExport(failed ? (error ?? new Error('the trace server did not take the spans')) : null);
    failing = failed;
  };
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        metrics.exportedSpans(result.code === ExportResultCode.SUCCESS ? 'ok' : 'failed', spans.length);
        report(result);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

/** Resolves when the work has ended, however it did, or the time is up. */
async function endWithin(work: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work.catch(() => {}), timeUp]);
  clearTimeout(timer);
}
