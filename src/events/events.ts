// The events of this process: the log that holds them and the sinks that take them from it. The log is one
// for all configurations; a reload changes the sinks.
import { systemResolve } from './address.ts'
import type { CourierClock } from './courier.ts'
import { type EventLog, openEventLog } from './eventlog.ts'
import type { EventType } from '../tracking/record.ts'
import type { EventRecorder } from './journal.ts'
import { makeOrder } from './order.ts'
import {
  adoptSinks,
  closeSinks,
  openSinks,
  reopenSink,
  type Roster,
  type Running,
  stopSinks,
} from './roster.ts'
import { planSinks, type SinkConfig, type SinkSurroundings, type SinkMeter } from './sinks.ts'

export interface EventsOptions {
  /** Of this process alone. */
  readonly directory: string
  readonly maxBacklogBytes: number
  /** Who we are to a webhook. */
  readonly userAgent: string
  /** Other event logs have the same sinks. */
  readonly isShared?: boolean
  /** Of those that have them the one that greets web servers and puts files aside. */
  readonly isFirst?: boolean
  /** Tells the operator. */
  report(text: string): void
  readonly meter?: SinkMeter
}

/** The newest events, as JSON lines. */
export interface Tail {
  readonly lines: string
  /** There is more before them. */
  readonly isPart: boolean
  /** The first events of this log are there no more. */
  readonly isPruned: boolean
}

export interface Events extends EventRecorder {
  tail(maxBytes: number): Promise<Tail>
  /** Octets of events that each sink still has to take. */
  backlog(): readonly { readonly sink: string; readonly bytes: number }[]
  /** Opens what a configuration asks for; rejects, and changes nothing, when that cannot be had. */
  prepare(config: SinkConfig): Promise<PreparedSinks>
  /** Sinks that are files go on in new ones of the same names; one that cannot goes on as it is. */
  reopen(): Promise<void>
  /** Resolves when what was appended is durable and in the files, or could not be written. */
  flush(): Promise<void>
  /** Lets the sinks take what is there within the grace; the rest waits on disk. */
  close(graceMs: number): Promise<void>
}

/** Until it is adopted nothing has changed. */
export interface PreparedSinks {
  /** From now on; what is gone may take within the grace what happened before. */
  adopt(graceMs: number): void
  drop(): Promise<void>
}

export async function openEvents(options: EventsOptions): Promise<Events> {
  const { directory, report } = options
  const log = await openEventLog({
    directory,
    maxBytes: options.maxBacklogBytes,
    report,
    onDurable: () => roster.couriers.forEach((courier) => courier.wake()),
  })
  const surroundings = surroundingsOf(options, log)
  const roster: Roster = {
    directory,
    log,
    clock: SYSTEM_CLOCK,
    report,
    running: new Map(),
    couriers: [],
    ending: new Set(),
    isFirst: true,
  }
  const order = makeOrder((line) => log.append(line))
  const all = (): Running[] => [...roster.running.values()]

  const wants = (type: EventType): boolean => {
    for (const { sink } of roster.running.values()) if (sink.wants(type)) return true
    return false
  }

  return {
    wants,
    append: (event) => order.take(event),
    accepted(messageId) {
      if (wants('delivery')) order.accepted(messageId)
    },
    tail: (maxBytes) => tailOf(log, maxBytes),
    backlog: () => backlogOf(roster),
    async prepare(config) {
      const opened = await openSinks(roster, planSinks(config, surroundings))
      return {
        adopt: (graceMs) => adoptSinks(roster, opened, graceMs),
        drop: () => closeSinks(opened),
      }
    },
    reopen: async () => void (await Promise.all(all().map((each) => reopenSink(roster, each)))),
    async flush() {
      order.flush()
      await log.flush()
      const files = all().filter(({ sink }) => sink.resume)
      await Promise.all(files.map(async ({ courier }) => (await courier).flush()))
    },
    async close(graceMs) {
      order.flush()
      await log.flush()
      await stopSinks(roster, graceMs)
      await log.close()
    },
  }
}

async function tailOf(log: EventLog, maxBytes: number): Promise<Tail> {
  const parts: Buffer[] = []
  const first = Math.max(log.start, log.durable - maxBytes)
  for (let place = first; ;) {
    const { from, bytes } = await log.read(place, maxBytes)
    if (bytes.length === 0) {
      const lines = Buffer.concat(parts).toString()
      return { lines, isPart: first > log.start, isPruned: log.start > 0 }
    }
    parts.push(bytes)
    place = from + bytes.length
  }
}

function backlogOf({ couriers, log }: Roster): ReturnType<Events['backlog']> {
  return couriers.map(({ sink, place }) => ({
    sink: sink.name,
    bytes: Math.max(0, log.end - place),
  }))
}

function surroundingsOf(options: EventsOptions, { id }: EventLog): SinkSurroundings {
  // Its own, and the same after a restart.
  const own = { resolve: systemResolve(), nodeName: id }
  return { isShared: false, isFirst: true, ...options, ...own }
}

const SYSTEM_CLOCK: CourierClock = {
  now: () => Math.round(performance.now()),
  random: () => Math.random(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal.addEventListener('abort', end)
    }),
}
