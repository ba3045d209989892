// The append-only log: group commit into numbered segments. One write and one fdatasync for all records
// that came together; the next commit starts when the last returns, without a timer, and only one is in
// flight. A record that need not be durable (`later`) rides along with the next commit, or is written
// without a sync after 10 ms.
// A failing fsync or write ends intake for good; running out of room rejects only what had no room.
import { batchLength, type Location, type LogRecord, type Pending, placeBatch } from './batch.ts'
import { SpoolError } from './error.ts'
import { makeReaders, type Readers } from './readers.ts'
import { SEGMENT_HEADER_BYTES } from './segment.ts'
import type { Spares } from './spares.ts'
import { INDEX_RECORDS, indexRecords } from './segmentindex.ts'
import { makeSupply, type Supply, type SupplyOptions } from './supply.ts'
import {
  type SegmentWriter,
  emptySegment,
  finishSegment,
  syncSegment,
  writeRecords,
} from './writer.ts'

export interface LogOptions extends SupplyOptions {
  readonly spares: Spares
  readonly nextSequence: number
  /** Whether nobody needs anything that this segment says. */
  readonly isSpent: (segment: number) => boolean
  /** All that it said is gone, to make room; it goes on being written. */
  readonly onEmptied: (segment: number) => void
  /** What a segment that is full says, in short. */
  readonly indexOf: (lastSequence: number, endBytes: number) => string | undefined
}

export interface Log {
  /** Number of the segment that is being written. */
  readonly current: number
  readonly failure: SpoolError | undefined
  /**
   * `written` runs as soon as the record is durable (with `later`: handed to the system) and before any
   * other is written; `rejected` when it cannot be.
   */
  put(
    record: LogRecord,
    written: (location: Location) => void,
    rejected: (error: SpoolError) => void,
  ): void
  /** The same; the promise has the value of `written`. */
  append<T>(record: LogRecord, written: (location: Location) => T): Promise<T>
  /** Octets `start` to `end` of the record's segment. */
  read(location: Location, start: number, end: number): Promise<Buffer>
  /** A segment's file is removed. */
  forget(file: string): void
  /** Resolves when all that was appended is durable. */
  flush(): Promise<void>
  close(): Promise<void>
}

interface State {
  readonly options: LogOptions
  nextSequence: number
  readonly supply: Supply
  segment: SegmentWriter
  pending: Pending[]
  running: Promise<void> | undefined
  /** Of the last segment. */
  finishing: Promise<void>
  readonly readers: Readers
  timer: NodeJS.Timeout | undefined
  /** What rides along has waited long enough. */
  isDue: boolean
  failure: SpoolError | undefined
}

const LATER_MS = 10
/** When so much of a segment is used the next one is made, so that no commit waits for it. */
const AHEAD = 0.5
const NO_ROOM_RETRY_MS = 1_000

export async function openLog(options: LogOptions): Promise<Log> {
  const { nextSequence } = options
  const supply = makeSupply(options)
  const state: State = {
    options,
    nextSequence,
    supply,
    segment: await supply.next(nextSequence, 0),
    pending: [],
    running: undefined,
    finishing: Promise.resolve(),
    readers: makeReaders(options.files, options.directory),
    timer: undefined,
    isDue: false,
    failure: undefined,
  }
  return {
    get current() {
      return state.segment.number
    },
    get failure() {
      return state.failure
    },
    put: (record, written, rejected) => put(state, record, written, rejected),
    append: (record, written) =>
      new Promise((resolve, reject) => {
        put(state, record, (location) => resolve(written(location)), reject)
      }),
    read: (location, start, end) => read(state, location, start, end),
    forget: state.readers.forget,
    flush: () => flush(state),
    close: () => close(state),
  }
}

function put(
  state: State,
  { head, data, when }: LogRecord,
  written: (location: Location) => void,
  reject: (error: SpoolError) => void,
): void {
  const sizeBytes = head.length + (data?.length ?? 0)
  push(state, { head, data, sizeBytes, isDurable: when === 'now', written, reject })
}

function push(state: State, item: Pending): void {
  if (state.failure) return item.reject(state.failure)
  state.pending.push(item)
  if (item.isDurable) start(state)
  else wake(state, LATER_MS)
}

function wake(state: State, delayMs: number): void {
  state.timer ??= setTimeout(() => {
    state.timer = undefined
    state.isDue = true
    start(state)
  }, delayMs)
}

function start(state: State): void {
  // A microtask later, so that what is appended together is committed together.
  state.running ??= Promise.resolve().then(async () => {
    while (state.pending.length && (state.isDue || state.pending.some((item) => item.isDurable))) {
      await commitNext(state)
    }
    state.running = undefined
    if (state.pending.length) wake(state, LATER_MS)
  })
}

async function commitNext(state: State): Promise<void> {
  const { segment } = state
  const count = batchLength(state.pending, segment.sizeBytes - segment.end)
  const batch = state.pending.splice(0, Math.max(count, 1))
  if (!state.pending.length) state.isDue = false
  try {
    if (count === 0) await roll(state, batch[0]?.sizeBytes ?? 0)
    await commit(state, batch)
    const isHalfFull = state.segment.end >= state.segment.sizeBytes * AHEAD
    if (isHalfFull && !state.failure) state.supply.prepare(state.nextSequence)
  } catch (error) {
    if (isNoRoom(error) && ((await state.options.spares.drop()) || (await emptied(state)))) {
      state.pending.unshift(...batch)
      return
    }
    fail(
      state,
      batch,
      error instanceof SpoolError
        ? error
        : new SpoolError('broken', 'the spool failed by a fault of its own', error),
    )
  }
}

async function roll(state: State, recordBytes: number): Promise<void> {
  const last = state.segment
  // The next segment's syncs will say nothing about what was written here without one.
  await syncSegment(last)
  state.segment = await state.supply.next(state.nextSequence, recordBytes)
  state.finishing = Promise.all([state.finishing, finish(state, last)]).then(() => undefined)
}

/** What is known of the segment now goes with it; nobody waits for that. */
function finish(state: State, segment: SegmentWriter): Promise<void> {
  state.nextSequence += INDEX_RECORDS
  const last = state.nextSequence - 1
  const isSound = state.failure === undefined || state.failure.kind === 'closed'
  const index = isSound ? state.options.indexOf(last, segment.end) : undefined
  return finishSegment(
    segment,
    index === undefined ? [] : indexRecords(segment, index, segment.end, last),
  )
}

/**
 * Where a new segment has no room either, one in which all is finished gives its own back. After a crash
 * in the middle old records are there or not: either way they tell of nothing that is still to be done.
 */
async function emptied({ segment, options }: State): Promise<boolean> {
  if (segment.end === SEGMENT_HEADER_BYTES || !options.isSpent(segment.number)) return false
  const isDone = await emptySegment(segment)
  if (isDone) options.onEmptied(segment.number)
  return isDone
}

function isNoRoom(error: unknown): boolean {
  return error instanceof SpoolError && error.kind === 'no room'
}

async function commit(state: State, batch: readonly Pending[]): Promise<void> {
  const { segment } = state
  const { buffers, locations, end } = placeBatch(batch, segment, () => state.nextSequence++)
  if (buffers.length) await writeRecords(segment, buffers)
  if (batch.some((item) => item.isDurable)) await syncSegment(segment)
  segment.end = end
  for (const [i, item] of batch.entries()) {
    const location = locations[i]
    if (item.head === undefined) item.written()
    else if (location) item.written(location)
  }
}

function fail(state: State, batch: readonly Pending[], error: SpoolError): void {
  if (error.kind === 'no room') {
    for (const item of batch) if (item.isDurable) item.reject(error)
    state.pending.unshift(...batch.filter((item) => !item.isDurable))
    state.isDue = false
    if (state.pending.length) wake(state, NO_ROOM_RETRY_MS)
    return
  }
  state.failure = error
  for (const item of [...batch, ...state.pending.splice(0)]) item.reject(error)
}

async function read(
  { segment, readers }: State,
  location: Location,
  start: number,
  end: number,
): Promise<Buffer> {
  if (location.segment === segment.number) {
    const bytes = await segment.file.read(end - start, start).catch(() => undefined)
    if (bytes) return bytes
    // The segment was finished, and its handle closed, in between.
  }
  return readers.read(location.file, start, end)
}

function flush(state: State): Promise<void> {
  return new Promise((resolve, reject) => {
    push(state, { sizeBytes: 0, isDurable: true, written: resolve, reject })
  })
}

async function close(state: State): Promise<void> {
  if (state.failure?.kind === 'closed') return
  // A failure is known to those whose records it rejected.
  await flush(state).catch(() => undefined)
  state.failure ??= new SpoolError('closed', 'the spool is closed')
  clearTimeout(state.timer)
  await state.running
  await state.supply.close()
  for (const item of state.pending.splice(0)) item.reject(state.failure)
  await Promise.all([state.finishing, finish(state, state.segment), state.readers.close()])
}
