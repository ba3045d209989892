// Gives back the room of segments of which little is still needed: their unfinished entries are written
// again, as they are, and the segment then goes like any other whose entries are finished. The new record
// also says that the old one is done, so a crash finds the entry once, here or there.
import type { FleetingMap } from '../mail/fleeting.ts'
import { type Entry, packEntry } from './entry.ts'
import { type Change, THIS_ENTRY, entryRecord } from './journal.ts'
import { type Ledger, type Progress, changesOf } from './ledger.ts'
import type { Contents } from './contents.ts'
import type { Location } from './batch.ts'
import type { Log } from './log.ts'
import type { Recorder } from './segmentindex.ts'
import type { Movable, Stored } from './stored.ts'

export interface Compactor {
  /** Compacts what can be; never rejects. What could not be read or written stays where it is. */
  compact(): Promise<void>
  /** Settles, without an error, when the entry has its new record; undefined: none is on its way. */
  moving(stored: Stored): Promise<void> | undefined
  /** Runs it when no new record is on its way, and keeps the entry where it is meanwhile. */
  hold<T>(stored: Stored, task: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface CompactorOptions {
  readonly log: Log
  readonly ledger: Ledger
  /** The unfinished entries, by the sequence of their record. */
  readonly live: FleetingMap<number, Movable>
  readonly recorder: Recorder
  readonly contents: Pick<Contents, 'entry' | 'data'>
  wrote(location: Location): void
  /** A segment may be spent now. */
  sweep(): Promise<void>
}

export function makeCompactor(options: CompactorOptions): Compactor {
  const { log, ledger, live, contents } = options
  let moving: { readonly stored: Stored; readonly over: Promise<void> } | undefined
  const movingOf = (stored: Stored) => (moving?.stored === stored ? moving.over : undefined)
  const held = new Map<Stored, number>()
  let running: Promise<void> | undefined
  let isClosed = false
  const isFree = (stored: Stored): boolean => !held.has(stored) && !isClosed

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
      if (!stored || !isFree(stored)) return false
      try {
        const message = await messageOf(contents, stored)
        if (progress.isFinished) continue
        if (!isFree(stored)) return false
        // What is said from now on is not in the new record.
        const move = moveEntry(options, stored, progress, message)
        moving = { stored, over: move.catch(() => undefined) }
        await move
      } catch {
        // No room, or a spool that says in `failure` what is wrong with it.
        return false
      } finally {
        moving = undefined
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
    moving: movingOf,
    async hold(stored, task) {
      held.set(stored, (held.get(stored) ?? 0) + 1)
      try {
        await movingOf(stored)
        return await task()
      } finally {
        const left = (held.get(stored) ?? 1) - 1
        if (left > 0) held.set(stored, left)
        else held.delete(stored)
      }
    },
    async close() {
      isClosed = true
      await running
    },
  }
}

interface Message {
  readonly entry: Entry
  readonly data: Buffer
}

async function messageOf(contents: CompactorOptions['contents'], stored: Stored): Promise<Message> {
  return { entry: await contents.entry(stored), data: await contents.data(stored) }
}

/** Writes it again, as it is now. */
function moveEntry(
  { log, ledger, live, wrote, recorder }: CompactorOptions,
  stored: Movable,
  progress: Progress,
  { entry, data }: Message,
): Promise<void> {
  const old = progress.entry
  const gone: Change = { kind: 'all done', entry: old }
  const changes = [gone, ...changesOf({ ...progress, entry: THIS_ENTRY })]
  const head = entryRecord(packEntry(entry), data, { changes, events: [] })
  return log.append({ head, data, when: 'now' }, (location) => {
    wrote(location)
    live.delete(old)
    stored.location = location
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
