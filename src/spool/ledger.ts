// Which entries are unfinished, and which segments are still needed. A segment may go when all entries
// in it are finished; what it says about entries of other segments must be said again before, or their
// finished copies would come back after a restart. No I/O here.
import type { Change, CopyState } from './journal.ts'

/** An entry's progress; kept, though small, for finished ones too while their segment exists. */
export interface Progress {
  /** Sequence of the entry's record. */
  readonly entry: number
  readonly segment: number
  copies: CopyState[]
  /** Copies that are not done. */
  left: number
  isFinished: boolean
}

export interface Ledger {
  addSegment(number: number): void
  addEntry(entry: number, segment: number, copies: number): Progress
  /** Ignores what is about entries that are gone. */
  apply(change: Change): void
  /** A change that stands in this segment has been applied. */
  recorded(change: Change, segment: number): void
  /** The segment holds something that must not go. */
  pin(segment: number): void
  /** Segments without an unfinished entry, but for pinned ones. */
  readonly spent: ReadonlySet<number>
  /** What must be said again before the segment may go. */
  restate(segment: number): Change[]
  /** The segment is gone. */
  remove(segment: number): void
}

interface Segment {
  /** Unfinished entries, and pins. */
  unfinished: number
  readonly entries: Set<number>
  /** Entries of other segments of which it tells progress. */
  readonly about: Set<number>
}

export function makeLedger(): Ledger {
  const segments = new Map<number, Segment>()
  const entries = new Map<number, Progress>()
  const spent = new Set<number>()

  function addSegment(number: number): Segment {
    const present = segments.get(number)
    if (present) return present
    const segment = { unfinished: 0, entries: new Set<number>(), about: new Set<number>() }
    segments.set(number, segment)
    spent.add(number)
    return segment
  }

  function countUnfinished(number: number, difference: 1 | -1): void {
    const segment = addSegment(number)
    segment.unfinished += difference
    if (segment.unfinished > 0) spent.delete(number)
    else spent.add(number)
  }

  return {
    addSegment,
    addEntry(entry, segment, count) {
      const copies = Array.from({ length: count }, () => FRESH)
      const progress = { entry, segment, copies, left: count, isFinished: count === 0 }
      addSegment(segment).entries.add(entry)
      entries.set(entry, progress)
      if (count > 0) countUnfinished(segment, 1)
      return progress
    },
    apply(change) {
      const progress = entries.get(change.entry)
      if (!progress || progress.isFinished) return
      applyTo(progress, change)
      if (progress.left > 0) return
      progress.isFinished = true
      countUnfinished(progress.segment, -1)
    },
    recorded(change, segment) {
      const progress = entries.get(change.entry)
      if (progress && progress.segment !== segment) addSegment(segment).about.add(change.entry)
    },
    pin(segment) {
      countUnfinished(segment, 1)
    },
    spent,
    restate: (segment) =>
      [...(segments.get(segment)?.about ?? [])].flatMap((entry) => {
        const progress = entries.get(entry)
        return progress ? changesOf(progress) : []
      }),
    remove(number) {
      for (const entry of segments.get(number)?.entries ?? []) entries.delete(entry)
      segments.delete(number)
      spent.delete(number)
      for (const { about } of segments.values()) {
        for (const entry of about) if (!entries.has(entry)) about.delete(entry)
      }
    },
  }
}

const FRESH: CopyState = { done: false, attempts: 0, nextAttemptMs: 0, note: '' }
const DONE: CopyState = { ...FRESH, done: true }

function applyTo(progress: Progress, change: Change): void {
  const { copies } = progress
  switch (change.kind) {
    case 'all done':
      for (let i = 0; i < copies.length; i++) finish(progress, i)
      break
    case 'done':
      for (const i of change.copies) finish(progress, i)
      break
    case 'deferred': {
      const { attempts, nextAttemptMs, note } = change
      const state = copies[change.copy]
      if (state && !state.done) copies[change.copy] = { done: false, attempts, nextAttemptMs, note }
      break
    }
  }
}

function finish(progress: Progress, index: number): void {
  const state = progress.copies[index]
  if (!state || state.done) return
  progress.copies[index] = DONE
  progress.left--
}

function changesOf({ entry, copies, isFinished }: Progress): Change[] {
  if (isFinished) return [{ kind: 'all done', entry }]
  const done = [...copies.keys()].filter((copy) => copies[copy]?.done)
  const deferred = [...copies.entries()].filter(([, state]) => !state.done && state.attempts > 0)
  return [
    ...(done.length ? [{ kind: 'done' as const, entry, copies: done }] : []),
    ...deferred.map(([copy, { attempts, nextAttemptMs, note }]) => ({
      kind: 'deferred' as const,
      entry,
      copy,
      attempts,
      nextAttemptMs,
      note,
    })),
  ]
}
