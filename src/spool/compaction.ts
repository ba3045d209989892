// Gives back the room of segments of which little is still needed: their unfinished entries are written
// again, as they are, and the segment then goes like any other whose entries are finished. The new record
// also says that the old one is done, so a crash finds the entry once, here or there.
import type { FleetingMap } from '../mail/fleeting.ts'
import { packEntry } from './entry.ts'
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
  /** Settles, without an error, when the entry has been moved; undefined: it is not being moved. */
  moving(stored: Stored): Promise<void> | undefined
  /** Runs it when the entry is not being moved, and keeps it where it is meanwhile. */
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
  const { log, ledger, live } = options
  const moving = new Map<Stored, Promise<void>>()
  const held = new Map<Stored, number>()
  let running: Promise<void> | undefined
  let isClosed = false

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
      if (!stored || held.has(stored) || isClosed) return false
      const move = moveEntry(options, stored, progress).finally(() => moving.delete(stored))
      moving.set(
        stored,
        move.catch(() => undefined),
      )
      try {
        await move
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
    moving: (stored) => moving.get(stored),
    async hold(stored, task) {
      held.set(stored, (held.get(stored) ?? 0) + 1)
      try {
        await moving.get(stored)
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

async function moveEntry(
  options: CompactorOptions,
  stored: Movable,
  progress: Progress,
): Promise<void> {
  const { log, ledger, live, wrote, contents, recorder } = options
  const entry = await contents.entry(stored)
  const data = await contents.data(stored)
  if (progress.isFinished) return
  const old = progress.entry
  const gone: Change = { kind: 'all done', entry: old }
  const changes = [gone, ...changesOf({ ...progress, entry: THIS_ENTRY })]
  const head = entryRecord(packEntry(entry), data, { changes, events: [] })
  await log.append({ head, data, when: 'now' }, (location) => {
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
