// Which entries are unfinished, and which segments are still needed. A segment may go when all entries
// in it are finished; what it says about entries of other segments must be said again before, or their
// finished copies would come back after a restart. No I/O here.
import { FleetingMap, FleetingSet } from '../mail/fleeting.ts'
import type { Change, CopyState } from './journal.ts'

/** An entry's progress; of a finished one, as long as somebody else must be told that it is. */
export interface Progress {
  /** Sequence of the entry's record. */
  entry: number
  segment: number
  copies: CopyState[]
  /** Copies that are not done. */
  left: number
  isFinished: boolean
  /** Of its record. */
  readonly sizeBytes: number
}

export interface Ledger {
  addSegment(number: number): void
  addEntry(entry: number, segment: number, copies: number, sizeBytes: number): Progress
  /** An unfinished entry stands, as it is, in another record from now on. */
  moveEntry(progress: Progress, entry: number, segment: number): void
  /** A record ends here. */
  grow(segment: number, endBytes: number): void
  /** Ignores what is about entries that are gone. */
  apply(change: Change): void
  /** A change that stands in this segment has been applied. */
  recorded(change: Change, segment: number): void
  /** The segment holds something that must not go. */
  pin(segment: number): void
  /** Segments without an unfinished entry, but for pinned ones. */
  readonly spent: ReadonlySet<number>
  /** A segment, not this one, of which little is still needed; undefined: there is none. */
  sparse(current: number): number | undefined
  /** Of an entry; of one that is gone: undefined. */
  progressOf(entry: number): Progress | undefined
  /** The unfinished entries of a segment. */
  unfinished(segment: number): readonly Progress[]
  isFinished(entry: number): boolean
  /** What must be said again before the segment may go. */
  restate(segment: number): Change[]
  /** The segment is gone. */
  remove(segment: number): void
}

interface Segment {
  /** Unfinished entries, and pins. */
  unfinished: number
  readonly entries: FleetingSet<number>
  sizeBytes: number
  /** Of the records of unfinished entries. */
  liveBytes: number
  isPinned: boolean
  /** Entries of other segments of which it tells progress. */
  readonly about: Set<number>
}

interface State {
  readonly segments: Map<number, Segment>
  readonly entries: FleetingMap<number, Progress>
  readonly spent: Set<number>
  /** Those that may be; looked at again before anything is done. */
  readonly sparse: Set<number>
}

export function makeLedger(): Ledger {
  const state: State = {
    segments: new Map(),
    entries: new FleetingMap(),
    spent: new Set(),
    sparse: new Set(),
  }
  const { segments, entries, spent } = state
  return {
    spent,
    addSegment: (number) => void addSegment(state, number),
    addEntry(entry, segment, count, sizeBytes) {
      const copies = Array.from({ length: count }, () => FRESH)
      const progress = { entry, segment, copies, left: count, isFinished: count === 0, sizeBytes }
      enter(state, progress)
      if (count === 0) leave(state, progress)
      return progress
    },
    moveEntry(progress, entry, segment) {
      // Whoever still speaks of the old record hears that it is finished.
      entries.set(progress.entry, { ...progress, copies: [], left: 0, isFinished: true })
      leave(state, progress)
      progress.entry = entry
      progress.segment = segment
      enter(state, progress)
    },
    grow(number, endBytes) {
      addSegment(state, number).sizeBytes = endBytes
    },
    apply(change) {
      const progress = entries.get(change.entry)
      if (progress && !progress.isFinished && applyTo(progress, change)) leave(state, progress)
    },
    recorded({ kind, entry }, segment) {
      const progress = entries.get(entry)
      if (!progress) return
      if (progress.segment !== segment) addSegment(state, segment).about.add(entry)
      else if (kind === 'all done' && progress.isFinished) {
        // Where it stands it is also said to be finished: nothing more is to be known of it.
        entries.delete(entry)
        segments.get(segment)?.entries.delete(entry)
      }
    },
    pin(number) {
      addSegment(state, number).isPinned = true
      countUnfinished(state, number, 1)
    },
    sparse: (current) => firstSparse(state, current),
    unfinished: (number) =>
      progressIn(segments.get(number)?.entries, entries).filter(({ isFinished }) => !isFinished),
    progressOf: (entry) => entries.get(entry),
    isFinished: (entry) => entries.get(entry)?.isFinished ?? true,
    restate: (number) => progressIn(segments.get(number)?.about, entries).flatMap(changesOf),
    remove(number) {
      for (const entry of segments.get(number)?.entries ?? []) entries.delete(entry)
      segments.delete(number)
      spent.delete(number)
      for (const { about } of segments.values()) forgetGone(about, entries)
    },
  }
}

function addSegment({ segments, spent }: State, number: number): Segment {
  const present = segments.get(number)
  if (present) return present
  const sets = { entries: new FleetingSet<number>(), about: new Set<number>() }
  const segment = { unfinished: 0, sizeBytes: 0, liveBytes: 0, isPinned: false, ...sets }
  segments.set(number, segment)
  spent.add(number)
  return segment
}

function countUnfinished(state: State, number: number, difference: 1 | -1): void {
  const segment = addSegment(state, number)
  segment.unfinished += difference
  if (segment.unfinished > 0) state.spent.delete(number)
  else state.spent.add(number)
}

function enter(state: State, progress: Progress): void {
  const { entry, segment: number, sizeBytes } = progress
  const segment = addSegment(state, number)
  state.entries.set(entry, progress)
  segment.entries.add(entry)
  segment.liveBytes += sizeBytes
  countUnfinished(state, number, 1)
}

function leave(state: State, { segment: number, sizeBytes }: Progress): void {
  const segment = addSegment(state, number)
  segment.liveBytes -= sizeBytes
  countUnfinished(state, number, -1)
  if (isSparse(segment)) state.sparse.add(number)
}

/** A segment is sparse when this part of it, or less, is still needed. */
const LIVE_RATIO = 0.25

/** Also forgets which are not sparse any more. */
function firstSparse({ segments, sparse }: State, current: number): number | undefined {
  for (const number of sparse) {
    const segment = segments.get(number)
    if (!segment || !isSparse(segment)) sparse.delete(number)
    else if (number !== current) return number
  }
  return undefined
}

function forgetGone(about: Set<number>, entries: ReadonlyMap<number, Progress>): void {
  for (const entry of about) if (!entries.has(entry)) about.delete(entry)
}

function progressIn(
  sequences: Iterable<number> | undefined,
  entries: ReadonlyMap<number, Progress>,
): Progress[] {
  return [...(sequences ?? [])].flatMap((entry) => entries.get(entry) ?? [])
}

function isSparse({ unfinished, isPinned, liveBytes, sizeBytes }: Segment): boolean {
  return unfinished > 0 && !isPinned && liveBytes <= sizeBytes * LIVE_RATIO
}

const FRESH: CopyState = {
  done: false,
  attempts: 0,
  nextAttemptMs: 0,
  note: '',
  context: undefined,
}
const DONE: CopyState = { ...FRESH, done: true }

/** Whether the entry is finished with this. */
function applyTo(progress: Progress, change: Change): boolean {
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
      if (state && !state.done) copies[change.copy] = { ...state, attempts, nextAttemptMs, note }
      break
    }
    case 'changed': {
      const state = copies[change.copy]
      if (state && !state.done) copies[change.copy] = { ...state, context: change.context }
      break
    }
  }
  progress.isFinished = progress.left === 0
  return progress.isFinished
}

function finish(progress: Progress, index: number): void {
  const state = progress.copies[index]
  if (!state || state.done) return
  progress.copies[index] = DONE
  progress.left--
}

/** Everything there is to say about an entry. */
export function changesOf({ entry, copies, isFinished }: Progress): Change[] {
  if (isFinished) return [{ kind: 'all done', entry }]
  const done = [...copies.keys()].filter((copy) => copies[copy]?.done)
  return [
    ...(done.length ? [{ kind: 'done' as const, entry, copies: done }] : []),
    ...copies.flatMap((state, copy) => changesOfCopy(state, entry, copy)),
  ]
}

function changesOfCopy(
  { done, attempts, nextAttemptMs, note, context }: CopyState,
  entry: number,
  copy: number,
): Change[] {
  const changes: Change[] = []
  if (done) return changes
  if (attempts > 0) changes.push({ kind: 'deferred', entry, copy, attempts, nextAttemptMs, note })
  if (context) changes.push({ kind: 'changed', entry, copy, context })
  return changes
}
