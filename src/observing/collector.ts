// Traces for an OpenTelemetry collector, where the environment asks for them; nothing at all where it does not.
import { hostname } from 'node:os'
import { systemResolve } from '../events/address.ts'
import { post } from '../events/post.ts'
import type { Tracer } from '../policy/trace.ts'
import type { Observers } from '../relay/settlement.ts'
import { makeSpans, type Spans } from './spans.ts'
import { makeExporter } from '../telemetry/exporter.ts'
import { type Environment, telemetrySettings } from '../telemetry/settings.ts'
import { VERSION } from './version.ts'

export interface Collector {
  /** Undefined: nobody wants traces. */
  readonly spans: Spans | undefined
  /** The same tracer, and callouts of sessions that are sampled are traced, too. */
  tracing(tracer: Tracer): Tracer
  /** The same observers, and attempts are traced. */
  watching(observers: Observers): Observers
  /** Sends what waits, for at most so long. */
  close(graceMs: number): Promise<void>
}

export function openCollector(environment: Environment, warn: (text: string) => void): Collector {
  const tell = (text: string): void => warn(`OpenTelemetry: ${text}`)
  const settings = telemetrySettings(environment, tell)
  if (!settings) return NOBODY
  const resolve = systemResolve()
  const stop = new AbortController()
  const { url, timeoutMs, sampler } = settings
  const own = { 'service.version': VERSION, 'host.name': hostname(), 'process.pid': process.pid }
  const exporter = makeExporter({
    settings: { ...settings, resource: { ...own, ...settings.resource } },
    scope: { name: 'eachrcpt', version: VERSION },
    // The operator named it: its address may be private.
    send: (body, headers) =>
      post({ url, headers, body, allowPrivate: true, resolve, timeoutMs, signal: stop.signal }),
    after(ms, call) {
      const timer = setTimeout(call, ms).unref()
      return () => clearTimeout(timer)
    },
    warn: tell,
    stopped: stop.signal,
  })
  const now = (): number => performance.timeOrigin + performance.now()
  const spans = makeSpans({ exporter, sampler, now })
  return {
    spans,
    tracing: (tracer) => tracingBoth(tracer, spans),
    watching: spans.watching,
    async close(graceMs) {
      const timer = setTimeout(() => stop.abort(), graceMs)
      await exporter.flush()
      clearTimeout(timer)
    },
  }
}

const NOBODY: Collector = {
  spans: undefined,
  tracing: (tracer) => tracer,
  watching: (observers) => observers,
  close: () => Promise.resolve(),
}

function tracingBoth(tracer: Tracer, spans: Spans): Tracer {
  return {
    nowMs: () => tracer.nowMs(),
    clockMs: () => tracer.clockMs(),
    wants: (connectionId) => tracer.wants(connectionId) || spans.wants(connectionId),
    take(record) {
      if (tracer.wants(record.connectionId)) tracer.take(record)
      spans.called(record)
    },
  }
}
