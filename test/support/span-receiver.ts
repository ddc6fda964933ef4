import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** A span as either protocol told it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: none. */
  readonly parentId: string;
  readonly name: string;
  /** OTLP: 1 internal, 2 server, 3 client. */
  readonly kind: number;
  readonly startMicros: number;
  readonly endMicros: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  readonly error: boolean;
}

/** A trace server of its own: takes what is posted to it and keeps it. */
export interface SpanReceiver {
  readonly url: string;
  /** Whole requests, in order. */
  readonly requests: { readonly path: string; readonly contentType: string; readonly body: Buffer }[];
  close(): Promise<void>;
}

/** Starts one on 127.0.0.1. `answer` gives the status, or null to never answer. Default: 200. */
export async function startSpanReceiver(answer: () => number | null = () => 200): Promise<SpanReceiver> {
  const requests: SpanReceiver['requests'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const contentType = request.headers['content-type'] ?? '';
      requests.push({ path: request.url ?? '', contentType, body: Buffer.concat(chunks) });
      const status = answer();
      if (status !== null) response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Fields = ReadonlyMap<number, readonly unknown[]>;

/** The spans of an OTLP `ExportTraceServiceRequest`, decoded from its wire bytes (opentelemetry-proto, trace.proto). */
export function decodeOtlp(body: Uint8Array): ReceivedSpan[] {
  return messages(readFields(body), 1).flatMap((resourceSpans) => {
    const resource = keyValues(messages(resourceSpans, 1)[0] ?? new Map(), 1);
    return messages(resourceSpans, 2).flatMap((scopeSpans) =>
      messages(scopeSpans, 2).map((span) => decodeSpan(span, resource)),
    );
  });
}

function decodeSpan(span: Fields, resource: ReceivedSpan['resource']): ReceivedSpan {
  const status = messages(span, 15)[0];
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentId: hex(span, 4),
    name: text(span, 5),
    kind: Number(span.get(6)?.[0] ?? 0),
    startMicros: Number(span.get(7)?.[0]) / 1_000,
    endMicros: Number(span.get(8)?.[0]) / 1_000,
    attributes: keyValues(span, 9),
    resource,
    error: Number(status?.get(3)?.[0] ?? 0) === 2,
  };
}

function readFields(bytes: Uint8Array): Fields {
  const fields = new Map<number, unknown[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const values = fields.get(field) ?? [];
    fields.set(field, values);
    values.push(readValue(reader, type));
  }
  return fields;
}

function readValue(reader: BinaryReader, type: WireType): unknown {
  if (type === WireType.Varint) return reader.int64();
  if (type === WireType.Bit64) return reader.fixed64();
  if (type === WireType.Bit32) return reader.fixed32();
  return reader.bytes();
}

function messages(fields: Fields, field: number): Fields[] {
  return (fields.get(field) ?? []).map((bytes) => readFields(bytes as Uint8Array));
}

function text(fields: Fields, field: number): string {
  return Buffer.from((fields.get(field)?.[0] ?? new Uint8Array()) as Uint8Array).toString('utf8');
}

function hex(fields: Fields, field: number): string {
  return Buffer.from((fields.get(field)?.[0] ?? new Uint8Array()) as Uint8Array).toString('hex');
}

function keyValues(fields: Fields, field: number): Record<string, string | number | boolean> {
  return Object.fromEntries(messages(fields, field).map((pair) => [text(pair, 1), anyValue(messages(pair, 2)[0])]));
}

function anyValue(value: Fields | undefined): string | number | boolean {
  if (value?.has(2)) return BigInt(value.get(2)?.[0] as bigint) === 1n;
  if (value?.has(3)) return Number(value.get(3)?.[0]);
  if (value?.has(4)) return doubleOf(value.get(4)?.[0]);
  return text(value ?? new Map(), 1);
}

function doubleOf(bits: unknown): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(bits as bigint));
  return view.getFloat64(0);
}
