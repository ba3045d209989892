// Takes spans to a collector, in batches, beside the mail and never in its way: what does not get through is
// dropped, and the operator told once. 429, 502, 503, 504 and no answer at all are tried again (OTLP/HTTP).
import type { TelemetrySettings } from './settings.ts'
import { exportRequest, type Scope } from './otlp.ts'
import type { Span } from './span.ts'

export interface ExporterOptions {
  readonly settings: TelemetrySettings
  readonly scope: Scope
  /** The status of the answer; rejects when there is none. */
  send(body: Buffer, headers: Readonly<Record<string, string>>): Promise<number>
  /** Calls back after so long; the function that comes back calls it off. */
  after(ms: number, call: () => void): () => void
  warn(text: string): void
  /** Nothing is tried again from then on. */
  readonly stopped: AbortSignal
}

export interface Exporter {
  take(span: Span): void
  /** Spans that were dropped. */
  readonly dropped: number
  /** Sends what waits, without waiting for more. */
  flush(): Promise<void>
}

const MAX_ATTEMPTS = 4
const FIRST_DELAY_MS = 500
const AGAIN = new Set([429, 502, 503, 504])

export function makeExporter(options: ExporterOptions): Exporter {
  const { settings, after, warn } = options
  const waiting: Span[] = []
  let dropped = 0
  let cancel: (() => void) | undefined
  let sending: Promise<void> | undefined
  let isFailing = false

  const drop = (count: number, reason: string): void => {
    dropped += count
    if (!isFailing) warn(`traces are dropped: ${reason}`)
    isFailing = true
  }
  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, settings.batchSize)
      const failure = await deliver(options, batch)
      if (failure !== undefined) drop(batch.length, failure)
      else if (isFailing) warn('traces get through again')
      if (failure === undefined) isFailing = false
    }
  }
  const start = (): Promise<void> => {
    cancel?.()
    cancel = undefined
    sending ??= sendAll().finally(() => (sending = undefined))
    return sending
  }
  return {
    get dropped() {
      return dropped
    },
    take(span) {
      if (waiting.length >= settings.queueSize) return drop(1, 'more come than get through')
      waiting.push(span)
      if (waiting.length >= settings.batchSize) void start()
      else if (!sending) cancel ??= after(settings.delayMs, () => void start())
    },
    async flush() {
      await sending
      if (waiting.length > 0) await start()
    },
  }
}

/** Why it did not get through; undefined: it did. */
async function deliver(
  { settings, scope, send, after, stopped }: ExporterOptions,
  batch: readonly Span[],
): Promise<string | undefined> {
  const body = Buffer.from(exportRequest(settings.resource, scope, batch))
  const headers = { ...settings.headers, 'Content-Type': 'application/json' }
  let failure = ''
  for (let attempt = 1; ; attempt++) {
    const status = await send(body, headers).catch((error: unknown) => {
      failure = error instanceof Error ? error.message : String(error)
    })
    if (status !== undefined && status >= 200 && status < 300) return undefined
    if (status !== undefined) failure = `answered ${status}`
    if (status !== undefined && !AGAIN.has(status)) return failure
    const delayMs = FIRST_DELAY_MS * 2 ** (attempt - 1)
    if (attempt === MAX_ATTEMPTS || stopped.aborted) break
    await pause(after, delayMs, stopped)
  }
  return failure
}

function pause(after: ExporterOptions['after'], ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = after(ms, resolve)
    stopped.addEventListener('abort', () => (cancel(), resolve()), { once: true })
  })
}
