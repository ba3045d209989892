// Gives back the room of segments of which little is still needed: their unfinished entries are written
// again, as they are, and the segment then goes like any other whose entries are finished. The new record
// also says that the old one is done, so a crash finds the entry once, here or there. An entry that is to say
// something else is written again in the same way.
import type { FleetingMap } from '../mail/fleeting.ts'
import { type Entry, packEntry } from './entry.ts'
import { type Change, THIS_ENTRY, entryRecord } from './journal.ts'
import { type Ledger, type Progress, changesOf } from './ledger.ts'
import type { Contents } from './contents.ts'
import type { Location } from './batch.ts'
import { isOutOfQueue } from './error.ts'
import type { Log } from './log.ts'
import { makeMoves, type Moves } from './moves.ts'
import type { Recorder } from './segmentindex.ts'
import { type Interner, type Movable, outlineOf, type Stored } from './stored.ts'

export interface Compactor {
  /** Compacts what can be; never rejects. What could not be read or written stays where it is. */
  compact(): Promise<void>
  /** Settles, without an error, when the entry has its new record; undefined: none is on its way. */
  moving(stored: Stored): Promise<void> | undefined
  /** Runs it when no new record is on its way, and keeps the entry where it is meanwhile. */
  hold<T>(stored: Stored, task: () => Promise<T>): Promise<T>
  /**
   * Resolves when the entry is durable as `edit` has it, which leaves its copies and their renditions; false: it was
   * finished before.
   */
  rewrite(stored: Stored, edit: Edit): Promise<boolean>
  close(): Promise<void>
}

type Edit = (entry: Entry) => Entry

export interface CompactorOptions {
  readonly log: Log
  readonly ledger: Ledger
  /** The unfinished entries, by the sequence of their record. */
  readonly live: FleetingMap<number, Movable>
  readonly recorder: Recorder
  readonly contents: Pick<Contents, 'entry' | 'data' | 'forget'>
  readonly interner: Interner
  wrote(location: Location): void
  /** A segment may be spent now. */
  sweep(): Promise<void>
}

export function makeCompactor(options: CompactorOptions): Compactor {
  const { log, ledger, live, contents } = options
  const moves = makeMoves()
  let running: Promise<void> | undefined
  let isClosed = false
  const mayMove = (stored: Stored): boolean => moves.busy(stored) === undefined && !isClosed

  async function compactAll(): Promise<void> {
    for (;;) {
      const segment = ledger.sparse(log.current)
      if (segment === undefined || isClosed || !(await emptied(segment))) return
      await options.sweep()
    }
  }

  /** Whether all of the segment's entries went; one after the other, so that intake goes first. */
  async function emptied(segment: number): Promise<boolean> {
    for (const progress of ledger.unfinished(segment)) {
      const stored = live.get(progress.entry)
      if (!stored || !mayMove(stored)) return false
      try {
        const message = await messageOf(contents, stored)
        if (progress.isFinished || progress.segment !== segment) continue
        if (!mayMove(stored)) return false
        // What is said from now on is not in the new record.
        await moves.run(stored, () => moveEntry(options, stored, progress, message))
      } catch {
        // No room, or a spool that says in `failure` what is wrong with it.
        return false
      }
    }
    return true
  }

  return {
    compact() {
      if (ledger.sparse(log.current) === undefined || isClosed) return running ?? Promise.resolve()
      running ??= compactAll().finally(() => {
        running = undefined
      })
      return running
    },
    moving: moves.of,
    hold: moves.hold,
    rewrite: (stored, edit) => rewrite(options, moves, stored, edit, () => isClosed),
    async close() {
      isClosed = true
      await running
      await moves.over()
    },
  }
}

async function rewrite(
  options: CompactorOptions,
  moves: Moves,
  stored: Stored,
  edit: Edit,
  isClosed: () => boolean,
): Promise<boolean> {
  const { ledger, live, contents } = options
  for (;;) {
    const { location } = stored
    if (live.get(location.sequence) !== stored || isClosed()) return false
    const message = await readIfThere(contents, stored)
    const busy = moves.busy(stored)
    if (busy) await busy
    // It may say something else now.
    if (busy || stored.location !== location) continue
    const movable = live.get(location.sequence)
    const progress = ledger.progressOf(location.sequence)
    if (!message || movable !== stored || !progress || isClosed()) return false
    const edited = { data: message.data, entry: edit(message.entry), isEdited: true } as const
    await moves.run(stored, () => moveEntry(options, movable, progress, edited))
    return true
  }
}

/** Undefined: it is not in the queue any more. */
async function readIfThere(
  contents: CompactorOptions['contents'],
  stored: Stored,
): Promise<Message | undefined> {
  try {
    return await messageOf(contents, stored)
  } catch (error) {
    if (isOutOfQueue(error)) return undefined
    throw error
  }
}

interface Message {
  readonly entry: Entry
  readonly data: Buffer
  /** It is not what was written before. */
  readonly isEdited?: true
}

async function messageOf(contents: CompactorOptions['contents'], stored: Stored): Promise<Message> {
  return { entry: await contents.entry(stored), data: await contents.data(stored) }
}

/** Writes it again, as it is now. */
function moveEntry(
  { log, ledger, live, wrote, recorder, contents, interner }: CompactorOptions,
  stored: Movable,
  progress: Progress,
  { entry, data, isEdited }: Message,
): Promise<void> {
  const old = progress.entry
  const gone: Change = { kind: 'all done', entry: old }
  const changes = [gone, ...changesOf({ ...progress, entry: THIS_ENTRY })]
  const packed = packEntry(entry)
  const head = entryRecord(packed, data, { changes, events: [] })
  return log.append({ head, data, when: 'now' }, (location) => {
    wrote(location)
    live.delete(old)
    stored.location = location
    if (isEdited) {
      stored.ways = outlineOf(packed, interner).ways
      contents.forget(stored)
    }
    const { sequence, segment } = location
    recorder.entry(sequence, stored)
    recorder.said(
      changes.map((change) =>
        change.entry === THIS_ENTRY ? { ...change, entry: sequence } : change,
      ),
    )
    // What came meanwhile is said of this record (statements.ts).
    if (progress.isFinished) ledger.addEntry(sequence, segment, 0, 0)
    else {
      ledger.moveEntry(progress, sequence, segment)
      live.set(sequence, stored)
    }
    ledger.recorded(gone, segment)
  })
}
