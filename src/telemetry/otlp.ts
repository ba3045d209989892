// Spans as OTLP writes them in JSON (opentelemetry-proto, trace/v1; "JSON Protobuf Encoding": ids in hex, 64-bit
// numbers as strings).
import type { Attribute, Span } from './span.ts'

export interface Scope {
  readonly name: string
  readonly version: string
}

export function exportRequest(
  resource: Readonly<Record<string, Attribute>>,
  scope: Scope,
  spans: readonly Span[],
): string {
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope, spans: spans.map(spanOf) }],
      },
    ],
  })
}

const KINDS = { internal: 1, server: 2, client: 3 } as const
const STATUS_ERROR = 2
const FLAG_SAMPLED = 1

function spanOf(span: Span) {
  const { traceId, spanId, parentId, name, kind, startMs, endMs, attributes, error, link } = span
  return {
    traceId,
    spanId,
    ...(parentId !== undefined && { parentSpanId: parentId }),
    flags: FLAG_SAMPLED,
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(Math.max(startMs, endMs)),
    attributes: attributesOf(attributes),
    ...(link && { links: [{ traceId: link.traceId, spanId: link.spanId }] }),
    ...(error !== undefined && { status: { code: STATUS_ERROR, message: error } }),
  }
}

function attributesOf(attributes: Readonly<Record<string, Attribute>>) {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }))
}

function valueOf(value: Attribute) {
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'string') return { stringValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1_000)) * 1_000n)
}
