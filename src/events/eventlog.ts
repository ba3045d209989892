// The durable event log of this process: an event is appended here before anybody else sees it. It is in
// the file within milliseconds (while the disk is busy syncing, after that), where a crash of the process
// leaves it, and synced SYNC_MS later; sinks read only what is synced, so no place in the log ever holds two
// different events. Appending never waits and never fails. On a full disk events are kept, up to
// MAX_BUFFERED octets, and written from where it stopped; what goes beyond is counted and told. Segments that
// all sinks have passed are removed after a while (a start compares the spool with what was told last); over
// `maxBytes` also others, and that is told.
import { randomBytes } from 'node:crypto'
import { type FileHandle, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type LineBuffer, makeLineBuffer } from './linebuffer.ts'
import {
  createSegment,
  listSegments,
  readSegment,
  removeSegment,
  reopenSegment,
  replaceFile,
  type Segment,
  segmentPath,
} from './segments.ts'
import { makeTurns } from './turns.ts'

export interface EventLogOptions {
  readonly directory: string
  /** Of all segments together. */
  readonly maxBytes: number
  readonly segmentBytes?: number
  /** How long events stay, at least, that nobody needs. */
  readonly keptMs?: number
  /** Tells the operator. */
  report(text: string): void
  /** More can be read. */
  onDurable(): void
}

export interface EventLog {
  /** Tells this log from one that was here before it, whose places are the same numbers. */
  readonly id: string
  /** Place of the oldest event that is still there. */
  readonly start: number
  /** Where the next event goes. */
  readonly end: number
  /** Events before this place can be read. */
  readonly durable: number
  append(line: string): void
  /**
   * Whole lines from a place on, at most `maxBytes` or one line, and where they begin: later than asked
   * for if those are gone. Empty at the end.
   */
  read(from: number, maxBytes: number): Promise<{ readonly from: number; readonly bytes: Buffer }>
  /** What stands before this place is needed by nobody: it may go when it is old enough. */
  trim(place: number): Promise<void>
  /** Resolves when all that was appended is durable, or cannot be now. */
  flush(): Promise<void>
  close(): Promise<void>
}

const SEGMENT_BYTES = 16 * 1024 * 1024
/** More than the time that a start looks back (unreported.ts). */
const KEPT_MS = 10_000
const MAX_BUFFERED = 16 * 1024 * 1024
const WRITE_MS = 5
const SYNC_MS = 250
const RETRY_MS = 1_000
const NEWLINE = 0x0a

/** `beganMs`: on the clock of `performance`. */
type LogSegment = Segment & { readonly beganMs: number }

interface State {
  readonly options: EventLogOptions
  readonly segments: LogSegment[]
  file: FileHandle
  /** In the file up to here; with what is buffered, `end`. */
  written: number
  durable: number
  readonly buffer: LineBuffer
  dropped: number
  isFailing: boolean
  /** A full disk took part of an event. */
  isMidLine: boolean
  isClosed: boolean
  /** On the clock of `performance`. */
  lastWriteMs: number
  timers: { write?: NodeJS.Timeout | undefined; sync?: NodeJS.Timeout | undefined }
}

/** The caller sees to it that no other process has this folder open. */
export async function openEventLog(options: EventLogOptions): Promise<EventLog> {
  const id = await findId(join(options.directory, 'id'), options.directory)
  const state = await recover(options)
  const inTurn = makeTurns()
  const write = (): Promise<void> => inTurn(() => writeOut(state))
  // Not in turn: a slow disk must not keep events in memory.
  const sync = (): Promise<void> => syncOut(state)
  const writeLater = (delayMs: number): void => {
    state.timers.write ??= setTimeout(() => {
      state.timers.write = undefined
      void write().then(syncLater)
    }, delayMs)
  }
  const syncLater = (): void => {
    if (state.buffer.octets > 0 && !state.isClosed) writeLater(RETRY_MS)
    if (state.durable === state.written || state.isClosed) return
    state.timers.sync ??= setTimeout(() => {
      state.timers.sync = undefined
      void sync()
    }, SYNC_MS)
  }
  const flush = async (): Promise<void> => {
    await write()
    await sync()
  }
  return {
    id,
    get start() {
      return state.segments[0]?.start ?? 0
    },
    get end() {
      return state.written + state.buffer.octets
    },
    get durable() {
      return state.durable
    },
    append(line) {
      if (state.isClosed) return
      if (state.buffer.octets > MAX_BUFFERED) return void state.dropped++
      state.buffer.add(line)
      writeLater(performance.now() - state.lastWriteMs < WRITE_MS ? WRITE_MS : 0)
    },
    read: (from, maxBytes) => read(state, from, maxBytes),
    trim: (place) => inTurn(() => trim(state, place, options.keptMs ?? KEPT_MS)),
    flush,
    async close() {
      await flush()
      state.isClosed = true
      clearTimeout(state.timers.write)
      clearTimeout(state.timers.sync)
      await inTurn(() => state.file.close())
    },
  }
}

async function findId(path: string, directory: string): Promise<string> {
  await listSegments(directory)
  const known = await readFile(path, 'latin1').catch(() => '')
  if (/^[0-9a-f]{32}\n$/.test(known)) return known.trim()
  const id = randomBytes(16).toString('hex')
  await replaceFile(path, `${id}\n`)
  return id
}

async function recover(options: EventLogOptions): Promise<State> {
  const { directory, report } = options
  const beganMs = performance.now()
  const segments = (await listSegments(directory)).map((each) => ({ ...each, beganMs }))
  const last = segments.at(-1)
  const path = last?.path ?? segmentPath(directory, 0)
  const { file, sizeBytes, tornBytes } = last
    ? await reopenSegment(path)
    : { file: await createSegment(path), sizeBytes: 0, tornBytes: 0 }
  if (!last) segments.push({ path, start: 0, beganMs })
  if (tornBytes > 0) report(`${path}: an event that a crash cut short was removed`)
  const end = (last?.start ?? 0) + sizeBytes
  return {
    options,
    segments,
    file,
    written: end,
    durable: end,
    buffer: makeLineBuffer('utf8'),
    dropped: 0,
    isFailing: false,
    isMidLine: false,
    isClosed: false,
    lastWriteMs: 0,
    timers: {},
  }
}

async function writeOut(state: State): Promise<void> {
  if (state.buffer.octets === 0) return
  const { report } = state.options
  state.lastWriteMs = performance.now()
  const taken = state.buffer.take()
  let done = 0
  try {
    await rollIfFull(state)
    const base = current(state).start
    while (done < taken.length) {
      const place = state.written - base
      const { bytesWritten } = await state.file.write(taken, done, taken.length - done, place)
      if (bytesWritten === 0) throw new Error('the file takes no more octets')
      done += bytesWritten
      state.written += bytesWritten
      state.buffer.wrote(bytesWritten)
      state.isMidLine = taken[done - 1] !== NEWLINE
    }
    if (state.isFailing) report(`events can be written again${lostText(state.dropped)}`)
    state.isFailing = false
    state.dropped = 0
  } catch (error) {
    state.buffer.putBack(taken.subarray(done))
    if (!state.isFailing)
      report(`events are kept in memory, as they cannot be written: ${String(error)}`)
    state.isFailing = true
  }
}

function lostText(dropped: number): string {
  return dropped > 0 ? `; ${dropped} were lost, as there was no memory for them either` : ''
}

/** Only at the end of a line: a segment holds whole events. */
async function rollIfFull(state: State): Promise<void> {
  const { options, written } = state
  const size = written - current(state).start
  if (size < (options.segmentBytes ?? SEGMENT_BYTES) || state.isMidLine) return
  await syncOut(state)
  const path = segmentPath(options.directory, written)
  const file = await createSegment(path)
  await state.file.close()
  state.file = file
  state.segments.push({ path, start: written, beganMs: performance.now() })
  await dropOldest(state)
}

async function dropOldest(state: State): Promise<void> {
  const { maxBytes, report } = state.options
  const limit = state.written - maxBytes
  const kept = state.segments.find((segment, i) => i > 0 && segment.start > limit)
  const first = state.segments[0]
  if (!kept || !first || first.start >= limit) return
  report(
    `${kept.start - first.start} octets of the oldest events are dropped: a sink is too far behind`,
  )
  await trim(state, kept.start, 0)
}

async function syncOut(state: State): Promise<void> {
  const { written, file } = state
  if (written === state.durable) return
  try {
    await file.datasync()
  } catch (error) {
    // They stay in the system's memory, and what reads them from there is told the truth.
    state.options.report(`events may not be on disk: ${String(error)}`)
  }
  if (written <= state.durable) return
  state.durable = written
  state.options.onDurable()
}

async function trim(state: State, place: number, keptMs: number): Promise<void> {
  for (;;) {
    const [first, second] = state.segments
    if (!first || !second || second.start > place) return
    // What it ends with was told before the next one began.
    if (performance.now() - second.beganMs < keptMs) return
    await removeSegment(first.path).catch((error: unknown) =>
      state.options.report(`${first.path} is not needed any more: ${String(error)}`),
    )
    state.segments.shift()
  }
}

async function read(
  state: State,
  from: number,
  maxBytes: number,
): Promise<{ readonly from: number; readonly bytes: Buffer }> {
  const index = Math.max(
    0,
    state.segments.findLastIndex(({ start }) => start <= from),
  )
  const segment = state.segments[index]!
  const nextStart = state.segments[index + 1]?.start
  const begin = Math.max(from, segment.start)
  const end = Math.min(state.durable, nextStart ?? Infinity)
  for (let length = maxBytes; begin < end; length *= 2) {
    const asked = Math.min(length, end - begin)
    const bytes = await readSegment(segment.path, begin - segment.start, asked)
    const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1)
    if (whole.length > 0) return { from: begin, bytes: whole }
    if (asked === end - begin || bytes.length < asked) break
  }
  // A crash of the machine may have cut an older segment: go on with the next one.
  if (nextStart !== undefined && nextStart < state.durable) return read(state, nextStart, maxBytes)
  return { from: begin, bytes: Buffer.alloc(0) }
}

function current({ segments }: State): LogSegment {
  return segments.at(-1)!
}
