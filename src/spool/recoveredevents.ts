// What was told to the event log before a start, the latest of it: messages that were accepted and the events
// that were stored with outcomes, in their order. Those of segments that were read as a whole, and those that
// an index leads to, which are read only if they are among the latest.
import { type FileSystem, readRange } from './files.ts'
import type { Facts, PackedEntry } from './entry.ts'
import { readStatement, type Statement } from './journal.ts'
import { readRecordHeader, RECORD_HEADER_BYTES, type SegmentIdentity } from './record.ts'
import type { Extent } from './segmentindex.ts'

/** A message, also one that is finished, with what its events tell of it and of each copy. */
export interface Accepted {
  readonly receivedMs: number
  readonly facts: Facts
  readonly copies: readonly Facts[]
}

/** The record of an outcome's event, or what was accepted. */
export type Told = string | Accepted

/** Everything is added oldest first. */
export interface EventSources {
  said(statement: Statement): void
  /** Records of a segment that may have some. */
  stored(path: string, segment: SegmentIdentity, extents: readonly Extent[]): void
  /** The last that have room together, oldest first. What cannot be read is left out. */
  latest(): Promise<readonly Told[]>
}

interface Source {
  readonly told: readonly Told[] | (() => Promise<readonly Told[]>)
  /** At most. */
  readonly characters: number
}

const MAX_CHARACTERS = 16 * 1024 * 1024

export function makeEventSources(files: FileSystem): EventSources {
  let sources: Source[] = []
  let first = 0
  let held = 0
  const push = (source: Source): void => {
    sources.push(source)
    held += source.characters
    // Whatever else comes, what is let go is not among the latest.
    for (let next = sources[first]; next; next = sources[first]) {
      if (held - next.characters < MAX_CHARACTERS) break
      held -= next.characters
      first++
    }
    if (first * 2 < sources.length) return
    sources = sources.slice(first)
    first = 0
  }
  return {
    said(statement) {
      const told = toldBy(statement)
      if (told.length > 0) push({ told, characters: lengthOf(told) })
    },
    stored(path, segment, extents) {
      for (const extent of extents) {
        const told = (): Promise<readonly Told[]> =>
          toldIn(files, path, segment, extent).catch(() => [])
        push({ told, characters: extent[1] - extent[0] })
      }
    },
    async latest() {
      const chosen: Told[] = []
      let characters = 0
      for (const source of sources.slice(first).toReversed()) {
        const told = typeof source.told === 'function' ? await source.told() : source.told
        for (const each of told.toReversed()) {
          characters += lengthOf([each])
          if (characters > MAX_CHARACTERS) return chosen.toReversed()
          chosen.push(each)
        }
      }
      return chosen.toReversed()
    },
  }
}

function toldBy({ entry, events }: Statement): Told[] {
  return entry ? [acceptedOf(entry), ...events] : [...events]
}

function acceptedOf({ common, copies }: PackedEntry): Accepted {
  const { receivedMs, facts } = common
  return { receivedMs, facts, copies: copies.map(([, , , , , , own]) => own?.facts ?? {}) }
}

function lengthOf(told: readonly Told[]): number {
  return told.reduce((sum, each) => {
    if (typeof each === 'string') return sum + each.length
    return [each.facts, ...each.copies].reduce((all, facts) => all + lengthOfFacts(facts), sum)
  }, 0)
}

function lengthOfFacts(facts: Facts): number {
  return Object.entries(facts).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
}

async function toldIn(
  files: FileSystem,
  path: string,
  segment: SegmentIdentity,
  [start, end]: Extent,
): Promise<readonly Told[]> {
  const bytes = await readRange(files, path, start, end)
  const told: Told[] = []
  for (let at = 0; at < bytes.length;) {
    const header = readRecordHeader(bytes, at, segment)
    if (!header) break
    const { type, metaBytes, dataBytes } = header
    const metaStart = at + RECORD_HEADER_BYTES
    const meta = bytes.subarray(metaStart, metaStart + metaBytes)
    if (type) told.push(...toldBy(readStatement({ type, meta })))
    at = metaStart + metaBytes + dataBytes
  }
  return told
}
