// Where the log's segments come from: the next one is made ahead, so that no commit waits for its file.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { FileSystem } from './files.ts'
import { SEGMENT_HEADER_BYTES } from './segment.ts'
import type { Spares } from './spares.ts'
import { createSegment, type SegmentWriter } from './writer.ts'

export interface SupplyOptions {
  readonly directory: string
  readonly files: FileSystem
  readonly segmentBytes: number
  /** Files to make segments of. */
  readonly spares: Pick<Spares, 'take' | 'give'>
  /** The number of the first. */
  readonly nextSegment: number
}

export interface Supply {
  /** The next one, with room for such a record. Rejects with what `createSegment` says. */
  next(firstSequence: number, recordBytes: number): Promise<SegmentWriter>
  /** Makes it, if that has not begun; its records may begin later than here. */
  prepare(firstSequence: number): void
  /** What was made and not used goes. */
  close(): Promise<void>
}

export function makeSupply(options: SupplyOptions): Supply {
  const { files, directory, segmentBytes, spares } = options
  let number = options.nextSegment
  /** Undefined when it has come: it could not be had. */
  let upcoming: Promise<SegmentWriter | undefined> | undefined

  function create(firstSequence: number, recordBytes: number): Promise<SegmentWriter> {
    const sizeBytes = Math.max(segmentBytes, SEGMENT_HEADER_BYTES + recordBytes)
    const spare = spares.take(sizeBytes)
    const identity = { number: number++, salt: randomBytes(4) }
    return createSegment(files, { ...identity, directory, sizeBytes, firstSequence, spare })
  }

  /** Nothing is in it. If it stays, the next start finds it empty. */
  async function giveBack({ file, name }: SegmentWriter): Promise<void> {
    await file.close().catch(() => undefined)
    await spares.give(join(directory, name)).catch(() => undefined)
  }

  async function taken(): Promise<SegmentWriter | undefined> {
    const ready = await upcoming
    upcoming = undefined
    return ready
  }

  return {
    async next(firstSequence, recordBytes) {
      const ready = await taken()
      if (ready && ready.sizeBytes - ready.end >= recordBytes) return ready
      if (ready) await giveBack(ready)
      return create(firstSequence, recordBytes)
    },
    prepare(firstSequence) {
      // What is wrong will show again when it is needed.
      upcoming ??= create(firstSequence, 0).catch(() => undefined)
    },
    async close() {
      const ready = await taken()
      if (ready) await giveBack(ready)
    },
  }
}
