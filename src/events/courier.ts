// Takes one sink through the event log: gathers a batch, delivers it, saves the cursor, and so on. One batch
// at a time, in order. What fails is tried again with growing delays, for as long as the sink's limits say;
// meanwhile everything waits on disk. A batch keeps its extent and id through retries and restarts.
import { createHash } from 'node:crypto'
import { type Cursor, type PendingBatch, readCursor, removeCursor, writeCursor } from './cursor.ts'
import type { EventLog } from './eventlog.ts'
import { emptyGathered, type Gathered, gatherMore, type Gathering, isFull } from './gathering.ts'
import type { Batch, Sink } from './sink.ts'

export interface CourierOptions {
  readonly sink: Sink
  readonly log: EventLog
  /** Of its cursor. */
  readonly path: string
  /** Where a sink begins that has no cursor. */
  readonly newPlace: number
  readonly clock: CourierClock
  report(text: string): void
  /** The cursor has moved. */
  onProgress(): void
}

export interface CourierClock {
  /** Whole milliseconds that never jump; only differences matter. */
  now(): number
  /** From 0 up to 1. */
  random(): number
  /** Resolves after so long, or when the signal says so. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export interface Courier {
  readonly sink: Sink
  /** Everything before this place is done. */
  readonly place: number
  /** There is more to read. */
  wake(): void
  /** Resolves when everything that can be read now is delivered, or an attempt has failed. */
  flush(): Promise<void>
  /** Delivers what is there, without waiting for more; after the grace it leaves off. */
  stop(graceMs: number): Promise<void>
  /** Stops, and forgets how far it was. */
  remove(graceMs: number): Promise<void>
}

interface State extends CourierOptions {
  readonly gathering: Gathering
  cursor: Cursor
  gathered: Gathered
  /** Failures of the pending batch. */
  failures: number
  savedMs: number
  /** What stands before this place is not kept waiting for others. */
  hurryTo: number
  /** Told when there is nothing to do, or nothing can be done now. */
  idle: (() => void)[]
  /** Ends what it waits for. */
  news: AbortController
  /** No new waits. */
  readonly stopping: AbortController
  /** No more attempts. */
  readonly abandoned: AbortController
}

const FAULT_RETRY_MS = 5_000
/** A sink that knows what it has needs no cursor that is always up to date. */
const LAZY_SAVE_MS = 1_000
const MAX_SLEEP_MS = 60_000

/** It goes on where its cursor is. */
export async function startCourier(options: CourierOptions): Promise<Courier> {
  const { log, path, newPlace, sink, report } = options
  const saved = await readCursor(path)
  const isLost = saved !== undefined && saved.place > log.end
  if (isLost) report('the event log ends before its place: it goes on with what comes now')
  const cursor = saved && !isLost ? saved : { place: newPlace }
  const wants = (type: string): boolean => sink.wants(type)
  const state: State = {
    ...options,
    gathering: { log, limits: sink.limits, wants, report },
    cursor,
    gathered: emptyGathered(cursor.place),
    failures: 0,
    savedMs: 0,
    hurryTo: 0,
    idle: [],
    news: new AbortController(),
    stopping: new AbortController(),
    abandoned: new AbortController(),
  }
  if (cursor !== saved) await save(state, cursor)
  const running = run(state)
  const stop = async (graceMs: number): Promise<void> => {
    state.stopping.abort()
    state.news.abort()
    const timer = setTimeout(() => state.abandoned.abort(), graceMs)
    await running
    clearTimeout(timer)
    await sink.close()
  }
  return {
    sink,
    get place() {
      return state.cursor.place
    },
    wake: () => state.news.abort(),
    flush: () =>
      new Promise((resolve) => {
        if (state.stopping.signal.aborted) return resolve()
        state.hurryTo = log.durable
        state.idle.push(resolve)
        state.news.abort()
      }),
    stop,
    async remove(graceMs) {
      await stop(graceMs)
      const left = log.durable - state.cursor.place
      if (left > 0)
        report(`it is gone from the configuration: ${left} octets of events are not sent`)
      await removeCursor(path)
    },
  }
}

async function run(state: State): Promise<void> {
  const { sink, report, stopping, abandoned, clock } = state
  await sink.greet?.(abandoned.signal).catch((error: unknown) => report(textOf(error)))
  let isResumed = false
  while (!isIdle(state)) {
    try {
      if (!isResumed) await resume(state)
      isResumed = true
      const pending = state.cursor.pending ?? (await gather(state))
      if (!pending || !(await deliver(state, pending))) break
    } catch (error) {
      report(`its events cannot be read: ${textOf(error)}`)
      tellIdle(state)
      await clock.sleep(FAULT_RETRY_MS, stopping.signal)
      if (stopping.signal.aborted) break
    }
  }
  await save(state, state.cursor)
  tellIdle(state)
}

function isIdle({ abandoned }: State): boolean {
  return abandoned.signal.aborted
}

function tellIdle(state: State): void {
  for (const tell of state.idle.splice(0)) tell()
}

/** A file may hold more than its cursor says. */
async function resume(state: State): Promise<void> {
  const { sink, cursor, gathering, clock } = state
  if (!sink.resume) return
  const beyond = emptyGathered(cursor.place)
  await gatherMore(gathering, beyond, clock.now())
  const taken = await sink.resume(beyond.events)
  if (taken === 0) return
  const upToThem = emptyGathered(cursor.place)
  const limits = { events: taken, bytes: Infinity }
  await gatherMore({ ...gathering, limits }, upToThem, clock.now())
  state.cursor = { place: upToThem.end }
  state.gathered = emptyGathered(upToThem.end)
}

/** The next batch, when it is full or has waited long enough. Undefined when there is none and we stop. */
async function gather(state: State): Promise<PendingBatch | undefined> {
  const { log, clock, gathered, gathering, stopping, sink } = state
  for (;;) {
    await gatherMore(gathering, gathered, clock.now())
    const { length } = gathered.events
    const waitsMs = length > 0 ? gathered.sinceMs + sink.limits.waitMs - clock.now() : Infinity
    const isHurried = stopping.signal.aborted || state.cursor.place < state.hurryTo
    if (length > 0 && (waitsMs <= 0 || isHurried || isFull(gathered, sink.limits))) {
      return { end: gathered.end, triedMs: 0 }
    }
    if (length === 0) passOver(state)
    if (length === 0 && gathered.end >= log.durable) tellIdle(state)
    if (stopping.signal.aborted) return undefined
    state.news = new AbortController()
    // There was news while we read.
    if (gathered.end < log.durable) continue
    await clock.sleep(Math.min(waitsMs, MAX_SLEEP_MS), state.news.signal)
  }
}

/** Nothing of what was read is for this sink. */
function passOver(state: State): void {
  const { end } = state.gathered
  if (end === state.cursor.place) return
  state.cursor = { place: end }
  state.onProgress()
}

/** False when we stopped before it was delivered. */
async function deliver(state: State, pending: PendingBatch): Promise<boolean> {
  const { sink, cursor, gathering, clock } = state
  if (state.gathered.end !== pending.end) {
    // From before a restart: all of it, whatever the limits are now.
    state.gathered = emptyGathered(cursor.place)
    const limits = { events: Infinity, bytes: Infinity }
    await gatherMore({ ...gathering, limits }, state.gathered, clock.now(), pending.end)
  }
  const { events } = state.gathered
  if (events.length > 0) {
    if (!cursor.pending && !sink.resume) await save(state, { place: cursor.place, pending })
    const batch = { id: batchId(state, pending.end), events }
    if (!(await deliverBatch(state, batch, pending))) return false
  }
  state.failures = 0
  state.gathered = emptyGathered(Math.max(pending.end, state.gathered.end))
  state.cursor = { place: state.gathered.end }
  if (!sink.resume || clock.now() - state.savedMs >= LAZY_SAVE_MS) await save(state, state.cursor)
  state.onProgress()
  return true
}

/** Until it is delivered or given up; false when we stopped before. */
async function deliverBatch(state: State, batch: Batch, pending: PendingBatch): Promise<boolean> {
  const { sink, clock, report, abandoned, stopping } = state
  let { triedMs } = pending
  for (;;) {
    if (abandoned.signal.aborted) return false
    const beganMs = clock.now()
    const failure = await sink.deliver(batch, abandoned.signal).then(
      () => undefined,
      (error: unknown) => textOf(error),
    )
    if (failure === undefined) break
    tellIdle(state)
    if (stopping.signal.aborted) return false
    const delayMs = backOffMs(state)
    if (triedMs + clock.now() - beganMs + delayMs > sink.limits.giveUpMs) {
      report(`${batch.events.length} events are dropped, batch ${batch.id}: ${failure}`)
      return true
    }
    if (state.failures++ === 0) report(`batch ${batch.id} will be tried again: ${failure}`)
    await clock.sleep(delayMs, stopping.signal)
    if (stopping.signal.aborted) return false
    triedMs += clock.now() - beganMs
    if (!sink.resume) await save(state, { ...state.cursor, pending: { ...pending, triedMs } })
  }
  if (state.failures > 0) report(`batch ${batch.id} is delivered, after ${state.failures} failures`)
  return true
}

/** As a UUID. */
function batchId({ log, sink, cursor }: State, end: number): string {
  const hash = createHash('sha256').update(`${log.id} ${sink.name} ${cursor.place} ${end}`)
  return hash.digest('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5')
}

/** Doubled each time, give or take a tenth: many servers must not knock at once. */
function backOffMs({ sink, failures, clock }: State): number {
  const { firstDelayMs, lastDelayMs } = sink.limits
  const delayMs = Math.min(lastDelayMs, firstDelayMs * 2 ** Math.min(failures, 30))
  return Math.round(delayMs * (0.9 + 0.2 * clock.random()))
}

async function save(state: State, cursor: Cursor): Promise<void> {
  state.cursor = cursor
  state.savedMs = state.clock.now()
  await writeCursor(state.path, cursor).catch((error: unknown) =>
    state.report(`its place in the event log cannot be saved: ${textOf(error)}`),
  )
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
