// What is committed together: records on their way, how many of them go into one write, and where each stands.
import type { SpoolError } from './error.ts'
import { dataFacts, sealRecord } from './record.ts'
import type { SegmentWriter } from './writer.ts'

/** Where a record stands, and its data in it. */
export interface Location {
  readonly segment: number
  /** The segment's file, without its folder. */
  readonly file: string
  readonly sequence: number
  /** Offset of the record. */
  readonly start: number
  readonly dataStart: number
  readonly dataBytes: number
  readonly dataCrc: number
}

export interface LogRecord {
  /** Made by `startRecord`. */
  readonly head: Buffer
  readonly data?: Buffer
  readonly when: 'now' | 'later'
}

/** A record on its way; without `head` a mere wish that all before it be durable. */
export type Pending = {
  readonly data?: Buffer | undefined
  readonly sizeBytes: number
  readonly isDurable: boolean
  readonly reject: (error: SpoolError) => void
} & (
  | { readonly head: Buffer; readonly written: (location: Location) => void }
  | { readonly head?: undefined; readonly written: () => void }
)

const MAX_BATCH_BYTES = 8 * 1024 * 1024

/** How many of the pending records go into one write; 0 when not even the first has room. */
export function batchLength(pending: readonly Pending[], roomBytes: number): number {
  let sizeBytes = 0
  let count = 0
  for (const item of pending) {
    sizeBytes += item.sizeBytes
    if (sizeBytes > roomBytes || (count > 0 && sizeBytes > MAX_BATCH_BYTES)) break
    count++
  }
  return count
}

/** Completes the headers of records that will stand at the end of the segment. */
export function placeBatch(
  batch: readonly Pending[],
  segment: SegmentWriter,
  nextSequence: () => number,
): {
  readonly buffers: readonly Buffer[]
  readonly locations: readonly (Location | undefined)[]
  readonly end: number
} {
  const { number, name: file } = segment
  const buffers: Buffer[] = []
  let end = segment.end
  const locations = batch.map(({ head, data, sizeBytes }): Location | undefined => {
    if (!head) return undefined
    const sequence = nextSequence()
    const start = end
    sealRecord(head, segment, sequence)
    buffers.push(head)
    if (data) buffers.push(data)
    end += sizeBytes
    const dataStart = start + head.length
    return { segment: number, file, sequence, start, dataStart, ...dataFacts(head) }
  })
  return { buffers, locations, end }
}
