// Event logs and sinks for tests, in folders of their own that are removed again.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Courier, type CourierClock, startCourier } from '../../src/events/courier.ts'
import { cursorPath } from '../../src/events/cursor.ts'
import { type EventLog, openEventLog } from '../../src/events/eventlog.ts'
import type { Batch, BatchLimits, Sink } from '../../src/events/sink.ts'

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-events-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function record(type: string, n: number | string): string {
  const name = ['open', 'click'].includes(type) ? 'track_event' : 'message_event'
  return JSON.stringify({ msys: { [name]: { type, event_id: String(n) } } })
}

export interface TestLog extends EventLog {
  readonly reports: string[]
}

interface LogOptions {
  readonly segmentBytes?: number
  readonly maxBytes?: number
  readonly keptMs?: number
  readonly onDurable?: () => void
}

export async function openLog(directory: string, options: LogOptions = {}): Promise<TestLog> {
  const { maxBytes = 1e9, keptMs = 0, onDurable = () => {}, ...more } = options
  const reports: string[] = []
  const report = (text: string): void => void reports.push(text)
  const log = await openEventLog({ directory, maxBytes, keptMs, report, onDurable, ...more })
  onTestFinished(() => log.close().catch(() => {}))
  // Not a spread: what it says of itself changes.
  return Object.assign(log, { reports })
}

/** All events from a place on. */
export async function contents(log: EventLog, from = 0): Promise<string[]> {
  const lines: string[] = []
  for (let place = from; ;) {
    const { from: start, bytes } = await log.read(place, 100)
    if (bytes.length === 0) return lines
    lines.push(...bytes.toString().trimEnd().split('\n'))
    place = start + bytes.length
  }
}

export const LIMITS: BatchLimits = {
  events: 3,
  bytes: 1e6,
  waitMs: 0,
  firstDelayMs: 1_000,
  lastDelayMs: 600_000,
  giveUpMs: 4 * 3600 * 1000,
}

export interface TestSink extends Sink {
  /** Every attempt, in order. */
  readonly attempts: { readonly id: string; readonly events: readonly string[] }[]
  /** Answers of the attempts to come; after the last all succeed. */
  readonly failures: (string | undefined)[]
}

export function testSink(options: Partial<Sink> = {}): TestSink {
  const attempts: TestSink['attempts'] = []
  const failures: TestSink['failures'] = []
  return {
    name: 'test',
    limits: LIMITS,
    wants: () => true,
    deliver({ id, events }: Batch) {
      attempts.push({ id, events: events.map(String) })
      const failure = failures.shift()
      return failure === undefined ? Promise.resolve() : Promise.reject(new Error(failure))
    },
    close: () => Promise.resolve(),
    ...options,
    attempts,
    failures,
  }
}

/** Time that passes when somebody sleeps; nothing takes any. */
export interface TestClock extends CourierClock {
  readonly slept: number[]
}

export function testClock(now = 1_000_000): TestClock {
  const slept: number[] = []
  return {
    slept,
    now: () => now,
    random: () => 0.5,
    sleep(ms, signal) {
      // As long as it ever waits for more events: only news ends it.
      if (ms === 60_000) return aborted(signal)
      slept.push(ms)
      now += ms
      return Promise.resolve()
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

export interface TestCourier extends Courier {
  readonly reports: string[]
}

export async function startTestCourier(
  directory: string,
  log: EventLog,
  sink: Sink,
  clock: CourierClock,
): Promise<TestCourier> {
  const reports: string[] = []
  const courier = await startCourier({
    sink,
    log,
    path: cursorPath(directory, sink.name),
    newPlace: log.end,
    clock,
    report: (text) => void reports.push(text),
    onProgress: () => {},
  })
  onTestFinished(() => courier.stop(0))
  return Object.assign(courier, { reports })
}
