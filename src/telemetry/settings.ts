// What the standard environment variables ask for (OpenTelemetry specification, "Environment Variable
// Specification" and "OTLP Exporter Configuration"). Traces are exported when an endpoint is given or
// OTEL_TRACES_EXPORTER says otlp, as OTLP/HTTP in JSON.

import type { Attribute } from './span.ts'

export interface TelemetrySettings {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  /** Of the resource: service.name and what OTEL_RESOURCE_ATTRIBUTES has. */
  readonly resource: Readonly<Record<string, Attribute>>
  readonly sampler: Sampler
  /** A batch goes out after so long, or when it has so many spans. */
  readonly delayMs: number
  readonly batchSize: number
  /** Spans that wait; further ones are dropped. */
  readonly queueSize: number
}

export interface Sampler {
  /** Whether the decision of a parent that comes from outside holds. */
  readonly isParentBased: boolean
  /** Of traces that begin here: 0 to 1. */
  readonly ratio: number
}

export type Environment = Readonly<Record<string, string | undefined>>

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT'
const TRACES_ENDPOINT = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
const DEFAULT_ENDPOINT = 'http://localhost:4318'

/** Undefined: traces are off. `warn` hears of values that mean nothing here. */
export function telemetrySettings(
  environment: Environment,
  warn: (text: string) => void,
): TelemetrySettings | undefined {
  const read = (name: string): string => environment[name]?.trim() ?? ''
  const exporter = read('OTEL_TRACES_EXPORTER')
  const isAsked = read(ENDPOINT) !== '' || read(TRACES_ENDPOINT) !== '' || exporter === 'otlp'
  if (!isAsked || exporter === 'none' || read('OTEL_SDK_DISABLED').toLowerCase() === 'true') {
    return undefined
  }
  if (exporter !== '' && exporter !== 'otlp') {
    warn(`OTEL_TRACES_EXPORTER: ${exporter} is not supported: expected otlp or none`)
    return undefined
  }
  const url = urlOf(read(TRACES_ENDPOINT), read(ENDPOINT))
  if (!url) {
    warn(`${read(TRACES_ENDPOINT) ? TRACES_ENDPOINT : ENDPOINT}: expected an http or https URL`)
    return undefined
  }
  warnOfProtocol(read, warn)
  const number = numberReader(read, warn)
  return {
    url,
    headers: {
      ...pairsOf(read('OTEL_EXPORTER_OTLP_HEADERS')),
      ...pairsOf(read('OTEL_EXPORTER_OTLP_TRACES_HEADERS')),
    },
    timeoutMs: number(
      'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT',
      number('OTEL_EXPORTER_OTLP_TIMEOUT', 10_000),
    ),
    resource: {
      'service.name': 'eachrcpt',
      ...pairsOf(read('OTEL_RESOURCE_ATTRIBUTES')),
      ...(read('OTEL_SERVICE_NAME') && { 'service.name': read('OTEL_SERVICE_NAME') }),
    },
    sampler: samplerOf(read('OTEL_TRACES_SAMPLER'), read('OTEL_TRACES_SAMPLER_ARG'), warn),
    delayMs: number('OTEL_BSP_SCHEDULE_DELAY', 5_000),
    batchSize: Math.max(1, number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)),
    queueSize: Math.max(1, number('OTEL_BSP_MAX_QUEUE_SIZE', 2_048)),
  }
}

/** That of traces is used as it is, the general one gets `/v1/traces`. */
function urlOf(traces: string, general: string): URL | undefined {
  try {
    const base = traces || `${(general || DEFAULT_ENDPOINT).replace(/\/+$/, '')}/v1/traces`
    const url = new URL(base)
    return /^https?:$/.test(url.protocol) ? url : undefined
  } catch {
    // No URL; who asked says so.
    return undefined
  }
}

function warnOfProtocol(read: (name: string) => string, warn: (text: string) => void): void {
  const name = 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
  const protocol = read(name) || read('OTEL_EXPORTER_OTLP_PROTOCOL')
  if (protocol !== '' && protocol !== 'http/json') {
    warn(`OTEL_EXPORTER_OTLP_PROTOCOL: ${protocol} is not supported: traces go as http/json`)
  }
}

function numberReader(read: (name: string) => string, warn: (text: string) => void) {
  return (name: string, fallback: number): number => {
    const text = read(name)
    if (text === '') return fallback
    if (/^\d{1,9}$/.test(text)) return Number(text)
    warn(`${name}: expected a whole number`)
    return fallback
  }
}

function samplerOf(name: string, argument: string, warn: (text: string) => void): Sampler {
  const isParentBased = name === '' || name.startsWith('parentbased_')
  switch (name.replace(/^parentbased_/, '')) {
    case '':
    case 'always_on':
      return { isParentBased, ratio: 1 }
    case 'always_off':
      return { isParentBased, ratio: 0 }
    case 'traceidratio': {
      const ratio = argument === '' ? 1 : Number(argument)
      if (ratio >= 0 && ratio <= 1) return { isParentBased, ratio }
      warn('OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1')
      return { isParentBased, ratio: 1 }
    }
    default:
      warn(`OTEL_TRACES_SAMPLER: ${name} is not supported: all is sampled`)
      return { isParentBased: true, ratio: 1 }
  }
}

/** `a=b,c=d`, values percent-encoded (W3C Baggage). */
function pairsOf(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair): [string, string][] => {
    const [, key = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/s.exec(pair) ?? []
    return key === '' ? [] : [[key, decoded(value)]]
  })
  return Object.fromEntries(pairs)
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    // Not encoded: as it stands.
    return value
  }
}
