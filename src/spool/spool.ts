// The durable queue's store: what was appended is on disk before the promise resolves, and comes back
// at the next start until all its copies are finished. Layout and guarantees: README.md in this folder.
// Octets of messages are read when asked for, never kept in memory.
import { join } from 'node:path'
import { crc32c } from './crc32c.ts'
import { type Entry, packEntry, unpackEntry } from './entry.ts'
import { SpoolError } from './error.ts'
import { type FileSystem, systemFiles } from './files.ts'
import {
  type Change,
  type CopyState,
  type Deferral,
  type Progressed,
  entryRecord,
  progressRecord,
} from './journal.ts'
import { type Ledger, type Progress, makeLedger } from './ledger.ts'
import { type Compactor, type Movable, makeCompactor } from './compaction.ts'
import { lockDirectory } from './lock.ts'
import { type Location, type Log, openLog } from './log.ts'
import { type Quarantine, openQuarantine } from './quarantine.ts'
import { recover } from './recovery.ts'
import { openReserve } from './reserve.ts'
import { type Sweeper, makeSweeper } from './sweeper.ts'

export interface Stored {
  readonly entry: Entry
  /** Where its record is now. */
  readonly location: Location
  /** One for each of the entry's copies; always as it is now. */
  readonly copies: readonly CopyState[]
}

export interface Spool {
  /** Resolves when it is durable. `data`: what the copies' renditions refer to. */
  append(entry: Entry, data: Buffer): Promise<Stored>
  /** The data. Rejects with SpoolError `damaged`, once and for all, when they are not what was written. */
  read(stored: Stored): Promise<Buffer>
  /**
   * These copies need no further attempt. Written within 20 ms, not synced: it may be forgotten, and
   * the records of `events` with it, never one without the other.
   */
  finish(stored: Stored, copies: readonly number[], events?: readonly string[]): void
  /** The same and what came of it, a DSN say, as one durable record: both happen or neither. */
  replace(
    stored: Stored,
    copies: readonly number[],
    product: { readonly entry: Entry; readonly data: Buffer },
    events?: readonly string[],
  ): Promise<Stored>
  /** Written as `finish` is. */
  defer(stored: Stored, copy: number, deferral: Deferral): void
  /** What the last run left, oldest first. */
  readonly recovered: readonly Stored[]
  /** How many entries are not finished, and when the oldest of them was received (epoch ms; undefined: none). */
  backlog(): { readonly messages: number; readonly oldestMs: number | undefined }
  /** All entries that are not finished, oldest first. */
  unfinished(): readonly Stored[]
  /** Events that were stored with outcomes before the start, the latest 4 MB, oldest first. */
  readonly events: readonly string[]
  /** Set when nothing more can be stored until the disk has been looked at. */
  readonly failure: Error | undefined
  /** Resolves when all progress is durable and segments that nobody needs are gone. */
  flush(): Promise<void>
  close(): Promise<void>
}

export interface SpoolOptions {
  readonly directory: string
  /** 64 MB unless told; a larger record has a segment of its own. */
  readonly segmentBytes?: number
  /** Whether what `events` were stored for is durable, so that a segment which holds them may go. */
  readonly mayRemove?: () => Promise<boolean>
  /** What recovery found and what was quarantined, a line each. */
  readonly report: (text: string) => void
  readonly files?: FileSystem
}

interface Parts {
  readonly log: Log
  readonly ledger: Ledger
  readonly quarantine: Quarantine
  readonly sweeper: Sweeper
  readonly compactor: Compactor
  /** The unfinished entries, by the sequence of their record. */
  readonly live: Map<number, Movable>
  readonly options: SpoolOptions
}

const NO_PROGRESS: Progressed = { changes: [], events: [] }
const SEGMENT_BYTES = 64 * 1024 * 1024

/** Rejects with SpoolError `locked` or `newer format`, or with what the disk says. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { directory, files = systemFiles, segmentBytes = SEGMENT_BYTES, report } = options
  await files.makeDirectory(directory)
  const reserve = openReserve(files, directory)
  const unlock = await reserve.spend(() => lockDirectory(directory))
  try {
    const ledger = makeLedger()
    const quarantine = openQuarantine(files, directory)
    const found = await recover({ directory, files, ledger, quarantine, report })
    const log = await reserve.spend(() =>
      openLog({
        directory,
        files,
        segmentBytes,
        ...found,
        isSpent: (segment) => ledger.spent.has(segment) && ledger.restate(segment).length === 0,
        onEmptied(segment) {
          ledger.remove(segment)
          ledger.addSegment(segment)
        },
      }),
    )
    const { segments } = found
    const { mayRemove = () => Promise.resolve(true) } = options
    const surroundings = { directory, files, log, ledger, report, mayRemove }
    const sweeper = makeSweeper({ ...surroundings, segments })
    const live = new Map<number, Movable>()
    const compactor = makeCompactor({
      log,
      ledger,
      live,
      read: (stored) => readData(parts, stored),
      wrote: sweeper.wrote,
      note: (change) => note(parts, change),
      sweep: sweeper.sweep,
    })
    const parts: Parts = { log, ledger, quarantine, sweeper, compactor, live, options }
    await sweeper.sweep()
    await reserve.restore()
    const recovered = found.entries.map(({ entry, location, progress }) =>
      storedEntry(parts, entry, location, progress),
    )
    void compactor.compact()
    return spoolOf(parts, recovered, found.events, unlock)
  } catch (error) {
    await unlock()
    throw error
  }
}

function spoolOf(
  parts: Parts,
  recovered: readonly Stored[],
  events: readonly string[],
  unlock: () => Promise<void>,
): Spool {
  const { log, sweeper, compactor } = parts
  return {
    recovered,
    events,
    unfinished: () => [...parts.live.values()].toSorted((a, b) => ageOf(a) - ageOf(b)),
    backlog() {
      let oldestMs: number | undefined
      for (const { entry } of parts.live.values()) {
        if (oldestMs === undefined || entry.receivedMs < oldestMs) oldestMs = entry.receivedMs
      }
      return { messages: parts.live.size, oldestMs }
    },
    get failure() {
      return log.failure
    },
    append: (entry, data) => store(parts, entry, data, NO_PROGRESS),
    read: (stored) => readData(parts, stored),
    finish: (stored, copies, events) => note(parts, doneChange(stored, copies), events),
    replace: (stored, copies, { entry, data }, events = []) =>
      compactor.hold(stored, () =>
        store(parts, entry, data, { changes: [doneChange(stored, copies)], events }),
      ),
    defer: (stored, copy, deferral) =>
      note(parts, { kind: 'deferred', entry: stored.location.sequence, copy, ...deferral }),
    flush: async () => {
      await log.flush()
      await compactor.compact()
      await sweeper.sweep()
    },
    close: async () => {
      await compactor.close()
      await log.flush().catch(() => undefined)
      await sweeper.sweep()
      await log.close()
      // A lock that stays says which process it belonged to: the next start sees that it is gone.
      await unlock().catch(() => undefined)
    },
  }
}

function store(parts: Parts, entry: Entry, data: Buffer, progressed: Progressed): Promise<Stored> {
  const { log, ledger, sweeper } = parts
  const { changes } = progressed
  const packed = packEntry(entry)
  const head = entryRecord(packed, data, progressed)
  // In the form that takes little memory: it may be queued for days, and a million of them at once.
  const small = unpackEntry(packed)
  return log.append({ head, data, when: 'now' }, (location) => {
    sweeper.wrote(location)
    const { sequence, segment } = location
    const sizeBytes = head.length + data.length
    const progress = ledger.addEntry(sequence, segment, entry.copies.length, sizeBytes)
    for (const change of changes) {
      apply(parts, change)
      ledger.recorded(change, segment)
    }
    void sweeper.sweep()
    return storedEntry(parts, small, location, progress)
  })
}

/** Holds at once; what a crash or a full disk forgets is only repeated. */
function note(parts: Parts, change: Change, events: readonly string[] = []): void {
  const { log, ledger, sweeper } = parts
  apply(parts, change)
  const head = progressRecord({ changes: [change], events })
  const written = log.append({ head, when: 'later' }, (location) => {
    sweeper.wrote(location)
    ledger.recorded(change, location.segment)
    void sweeper.sweep()
  })
  // A broken spool says so in `failure`.
  written.catch(() => undefined)
}

function apply({ ledger, live, compactor }: Parts, change: Change): void {
  ledger.apply(change)
  if (!ledger.isFinished(change.entry)) return
  live.delete(change.entry)
  void compactor.compact()
}

async function readData(parts: Parts, stored: Stored): Promise<Buffer> {
  const { log } = parts
  const { location } = stored
  const { dataStart, dataBytes, dataCrc } = location
  const data = await log
    .read(location, dataStart, dataStart + dataBytes)
    .catch((error: unknown) => {
      if (stored.location === location) throw error
      return undefined
    })
  // It was moved meanwhile, and its segment is gone.
  if (!data) return readData(parts, stored)
  if (data.length === dataBytes && (dataBytes === 0 || crc32c(data) === dataCrc)) return data
  await setAside(parts, stored)
  throw new SpoolError('damaged', `the stored data of message ${stored.entry.batchId} is damaged`)
}

/** Keeps a damaged record and takes its entry out of the queue. */
async function setAside(parts: Parts, { entry, location }: Stored): Promise<void> {
  const { log, ledger, quarantine, options } = parts
  const { file, segment, sequence, start, dataStart, dataBytes } = location
  try {
    await quarantine.keep(file, start, await log.read(location, start, dataStart + dataBytes))
    note(parts, { kind: 'all done', entry: sequence })
    const kept = quarantine.path(file, start)
    options.report(`message ${entry.batchId} is damaged and will not be sent: kept in ${kept}`)
  } catch (error) {
    ledger.pin(segment)
    const place = join(options.directory, file)
    options.report(`message ${entry.batchId} is damaged: left in ${place}, ${String(error)}`)
  }
}

function doneChange({ entry, location }: Stored, copies: readonly number[]): Change {
  return copies.length === entry.copies.length
    ? { kind: 'all done', entry: location.sequence }
    : { kind: 'done', entry: location.sequence, copies }
}

function ageOf({ entry, location }: Stored): number {
  return entry.receivedMs || location.sequence
}

function storedEntry(parts: Parts, entry: Entry, location: Location, progress: Progress): Stored {
  const stored = { entry, location, copies: progress.copies }
  if (!progress.isFinished) parts.live.set(location.sequence, stored)
  return stored
}
