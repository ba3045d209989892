// The events that were stored with outcomes before a start, the latest of them: those of segments that were
// read as a whole, and those that an index leads to, which are read only if they are among the latest.
import { type FileSystem, readRange } from './files.ts'
import { readStatement } from './journal.ts'
import { readRecordHeader, RECORD_HEADER_BYTES, type SegmentIdentity } from './record.ts'
import type { Extent } from './segmentindex.ts'

/** Everything is added oldest first. */
export interface EventSources {
  said(lines: readonly string[]): void
  /** Records of a segment that may have some. */
  stored(path: string, segment: SegmentIdentity, extents: readonly Extent[]): void
  /** The last lines that have room together, oldest first. What cannot be read is left out. */
  latest(): Promise<readonly string[]>
}

interface Source {
  readonly lines: readonly string[] | (() => Promise<readonly string[]>)
  /** At most. */
  readonly characters: number
}

const MAX_CHARACTERS = 4 * 1024 * 1024

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
    said(lines) {
      const characters = lines.reduce((sum, { length }) => sum + length, 0)
      if (characters > 0) push({ lines, characters })
    },
    stored(path, segment, extents) {
      for (const extent of extents) {
        const lines = (): Promise<readonly string[]> =>
          eventsIn(files, path, segment, extent).catch(() => [])
        push({ lines, characters: extent[1] - extent[0] })
      }
    },
    async latest() {
      const chosen: string[] = []
      let characters = 0
      for (const source of sources.slice(first).toReversed()) {
        const lines = typeof source.lines === 'function' ? await source.lines() : source.lines
        for (const line of lines.toReversed()) {
          characters += line.length
          if (characters > MAX_CHARACTERS) return chosen.toReversed()
          chosen.push(line)
        }
      }
      return chosen.toReversed()
    },
  }
}

async function eventsIn(
  files: FileSystem,
  path: string,
  segment: SegmentIdentity,
  [start, end]: Extent,
): Promise<readonly string[]> {
  const bytes = await readRange(files, path, start, end)
  const lines: string[] = []
  for (let at = 0; at < bytes.length;) {
    const header = readRecordHeader(bytes, at, segment)
    if (!header) break
    const { type, metaBytes, dataBytes } = header
    const metaStart = at + RECORD_HEADER_BYTES
    const meta = bytes.subarray(metaStart, metaStart + metaBytes)
    if (type) lines.push(...readStatement({ type, meta }).events)
    at = metaStart + metaBytes + dataBytes
  }
  return lines
}
