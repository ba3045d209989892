// A span, and what of it goes from one program to the next: W3C Trace Context, `traceparent`.

export interface SpanContext {
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits. */
  readonly spanId: string
  readonly isSampled: boolean
}

export type Attribute = string | number | boolean

export interface Span extends SpanContext {
  /** Undefined: it begins the trace. */
  readonly parentId: string | undefined
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client'
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, Attribute>>
  /** What went wrong; undefined: nothing. */
  readonly error?: string | undefined
  /** Another span that it has to do with. */
  readonly link?: SpanContext | undefined
}

/** Undefined for what is none; flags of a later version are read as far as they are known. */
export function readTraceparent(text: string): SpanContext | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(text) ?? []
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) {
    return undefined
  }
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 }
}

export function traceparentOf({ traceId, spanId, isSampled }: SpanContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`
}

/** Whether a trace that begins here is kept: the same answer for the same trace everywhere. */
export function isSampledBy(ratio: number, traceId: string): boolean {
  return Number.parseInt(traceId.slice(-12), 16) < ratio * 2 ** 48
}
