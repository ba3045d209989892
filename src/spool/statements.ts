// A message and progress as they are written: the record, and everybody who keeps account of it.
import type { FleetingMap } from '../mail/fleeting.ts'
import type { Ages } from './ages.ts'
import type { Location } from './batch.ts'
import type { Compactor } from './compaction.ts'
import type { Contents } from './contents.ts'
import { type Entry, packEntry } from './entry.ts'
import { type Change, entryRecord, type Progressed, progressRecord } from './journal.ts'
import type { Ledger, Progress } from './ledger.ts'
import type { Log } from './log.ts'
import type { Recorder } from './segmentindex.ts'
import type { Spares } from './spares.ts'
import { type Interner, type Movable, type Outline, outlineOf, type Stored } from './stored.ts'
import type { Sweeper } from './sweeper.ts'

export interface Parts {
  readonly log: Log
  readonly ledger: Ledger
  readonly spares: Spares
  readonly sweeper: Sweeper
  readonly compactor: Compactor
  readonly contents: Contents
  readonly recorder: Recorder
  readonly interner: Interner
  /** The unfinished entries, by the sequence of their record. */
  readonly live: FleetingMap<number, Movable>
  /** Of the unfinished entries. */
  readonly ages: Ages
}

export const NO_PROGRESS: Progressed = { changes: [], events: [] }

/** Resolves when it is durable. */
export function store(
  parts: Parts,
  entry: Entry,
  data: Buffer,
  progressed: Progressed,
): Promise<Stored> {
  const { log, ledger, sweeper, recorder } = parts
  const { changes, events } = progressed
  const packed = packEntry(entry)
  const head = entryRecord(packed, data, progressed)
  const outline = outlineOf(packed, parts.interner)
  return log.append({ head, data, when: 'now' }, (location) => {
    sweeper.wrote(location)
    const { sequence, segment } = location
    const sizeBytes = head.length + data.length
    const progress = ledger.addEntry(sequence, segment, outline.ways.length, sizeBytes)
    const stored = keep(parts, outline, location, progress)
    parts.contents.remember(stored, entry, head.length, data)
    recorder.entry(sequence, stored)
    recorder.said(changes)
    if (events.length > 0) recorder.events(location)
    for (const change of changes) {
      apply(parts, change)
      ledger.recorded(change, segment)
    }
    void sweeper.sweep()
    return stored
  })
}

/** Holds at once; what a crash or a full disk forgets is only repeated. */
export function note(
  parts: Parts,
  change: Change,
  events: readonly string[] = [],
  onWritten: () => void = () => {},
): void {
  const stored = parts.live.get(change.entry)
  const moving = stored && parts.compactor.moving(stored)
  apply(parts, change)
  if (!moving) return write(parts, change, events, onWritten)
  // Behind its new record, which does not know of it, nobody would hear what is said of the old one.
  void moving.then(() =>
    write(parts, { ...change, entry: stored.location.sequence }, events, onWritten),
  )
}

function write(
  { log, ledger, sweeper, recorder }: Parts,
  change: Change,
  events: readonly string[],
  onWritten: () => void,
): void {
  const changes = [change]
  const head = progressRecord({ changes, events })
  const written = (location: Location): void => {
    sweeper.wrote(location)
    recorder.said(changes)
    if (events.length > 0) recorder.events(location)
    ledger.recorded(change, location.segment)
    // Before a segment goes because of it: what is told of it is to be durable then.
    onWritten()
    void sweeper.sweep()
  }
  // A broken spool says so in `failure`.
  log.put({ head, when: 'later' }, written, onWritten)
}

function apply({ ledger, live, ages, contents, compactor }: Parts, change: Change): void {
  ledger.apply(change)
  if (!ledger.isFinished(change.entry)) return
  const stored = live.get(change.entry)
  if (stored) {
    contents.forget(stored)
    ages.went(stored.receivedMs)
  }
  live.delete(change.entry)
  void compactor.compact()
}

export function keep(
  parts: Parts,
  outline: Outline,
  location: Location,
  progress: Progress,
): Stored {
  const { receivedMs, ways, groups } = outline
  const stored: Movable = { location, receivedMs, copies: progress.copies, ways, groups }
  if (progress.isFinished) return stored
  parts.live.set(location.sequence, stored)
  parts.ages.came(receivedMs)
  return stored
}
