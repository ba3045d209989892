// A segment: one file of the log, `<number>-<salt>.log`, with a header and then records. Header,
// little-endian: `eachrcpt` 8, format version 4, CRC-32C of these 4 (so far the same in all versions
// to come), then number 4, salt 4, a sequence below which none of its records is 6, whether the file is used again 2, CRC-32C of these 4.
// In a file that is used again END_BYTES zeros follow the last record, and behind them may be anything.
// `scanSegment` is total: whatever the octets are, it tells records from damage. Pure.
import { isIntact } from './checksum.ts'
import { crc32c } from './crc32c.ts'
import {
  RECORD_HEADER_BYTES,
  type RecordHeader,
  type RecordType,
  type SegmentIdentity,
  readRecordHeader,
  recordMark,
} from './record.ts'

/** Version 1 differs in what its entries say, 2 has no index, 3 no changed variables; all are read as well. */
export const FORMAT_VERSION = 4
export const SEGMENT_HEADER_BYTES = 36
export const END_BYTES = 40
/** Where a torn write did not get to its header, so much is taken for its remains. */
const REMAINS_BYTES = 65_536

export interface FoundRecord {
  readonly type: RecordType
  readonly sequence: number
  readonly start: number
  readonly end: number
  readonly meta: Buffer
  /** Offset of the data in the file. */
  readonly dataStart: number
  readonly dataBytes: number
  readonly dataCrc: number
}

export interface Damage {
  readonly start: number
  readonly end: number
  /** `torn`: nothing sound follows, as a crash while writing leaves it. */
  readonly kind: 'torn' | 'gap'
  /** What the damaged record said of itself, where that much can be read. */
  readonly meta?: Buffer
}

export interface Scan {
  readonly records: readonly FoundRecord[]
  readonly damages: readonly Damage[]
  /** The highest that any sound header names, 0 for none. */
  readonly lastSequence: number
}

export function segmentName(segment: SegmentIdentity): string {
  return `${String(segment.number).padStart(10, '0')}-${segment.salt.toString('hex')}.log`
}

/** Undefined for names of other files. */
export function parseSegmentName(name: string): SegmentIdentity | undefined {
  const match = /^(\d{10})-([0-9a-f]{8})\.log$/.exec(name)
  if (!match?.[1] || !match[2]) return undefined
  return { number: Number(match[1]), salt: Buffer.from(match[2], 'hex') }
}

export function segmentHeader(
  segment: SegmentIdentity,
  firstSequence: number,
  isReused = false,
): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES)
  header.write('eachrcpt', 'latin1')
  header.writeUInt32LE(FORMAT_VERSION, 8)
  header.writeUInt32LE(crc32c(header.subarray(0, 12)), 12)
  header.writeUInt32LE(segment.number, 16)
  segment.salt.copy(header, 20)
  header.writeUIntLE(firstSequence, 24, 6)
  header.writeUInt16LE(isReused ? 1 : 0, 30)
  header.writeUInt32LE(crc32c(header.subarray(0, 32)), 32)
  return header
}

/** The format that a segment says it has; undefined when its header cannot be read. */
export function formatVersion(bytes: Buffer): number | undefined {
  if (bytes.length < 16 || bytes.toString('latin1', 0, 8) !== 'eachrcpt') return undefined
  return bytes.readUInt32LE(12) === crc32c(bytes.subarray(0, 12))
    ? bytes.readUInt32LE(8)
    : undefined
}

/** All that a segment holds. What is not zero and not a sound record is damage. */
export function scanSegment(bytes: Buffer, segment: SegmentIdentity): Scan {
  const records: FoundRecord[] = []
  const damages: Damage[] = []
  const filled = filledLength(bytes)
  const { firstSequence, isReused } = readSegmentHeader(bytes) ?? {}
  if (firstSequence === undefined && filled > 0) {
    damages.push({ start: 0, end: Math.min(SEGMENT_HEADER_BYTES, filled), kind: 'gap' })
  }
  let lastSequence = Math.max(0, (firstSequence ?? 0) - 1)
  let at = SEGMENT_HEADER_BYTES

  while (at < filled) {
    const header = soundHeader(bytes, at, segment, lastSequence)
    if (!header) {
      const next = findRecord(bytes, at + 1, segment, lastSequence)
      // Of a write that was cut short the rest is known already, or none of it is there.
      const isTorn = damages.at(-1)?.end === at
      const end = next ?? (isReused ? lastEnd(bytes, at, filled, segment, isTorn) : filled)
      if (end > at) damages.push({ start: at, end, kind: 'gap' })
      if (next === undefined) break
      at = next
      continue
    }
    const found = readRecord(bytes, at, header)
    if ('type' in found) records.push(found)
    else damages.push(found)
    lastSequence = header.sequence
    at = found.end
  }
  return { records, damages: withTornEnd(damages, records), lastSequence }
}

function readSegmentHeader(
  bytes: Buffer,
): { readonly firstSequence: number; readonly isReused: boolean } | undefined {
  if (formatVersion(bytes) === undefined || bytes.length < SEGMENT_HEADER_BYTES) return undefined
  if (bytes.readUInt32LE(32) !== crc32c(bytes.subarray(0, 32))) return undefined
  return { firstSequence: bytes.readUIntLE(24, 6), isReused: bytes.readUInt16LE(30) === 1 }
}

/** Of a file that is used again, without a sound record from `at` on: where what may be ours ends. */
function lastEnd(
  bytes: Buffer,
  at: number,
  filled: number,
  segment: SegmentIdentity,
  isTorn: boolean,
): number {
  if (bytes.subarray(at, at + END_BYTES).every((octet) => octet === 0)) return at
  const last = bytes.lastIndexOf(recordMark(segment))
  if (last < at && isTorn) return at
  const header = last >= at ? readRecordHeader(bytes, last, segment) : undefined
  const end = header ? recordEnd(last, header) : Math.max(last, at) + REMAINS_BYTES
  return Math.min(end, filled)
}

function soundHeader(
  bytes: Buffer,
  at: number,
  segment: SegmentIdentity,
  lastSequence: number,
): RecordHeader | undefined {
  const header = readRecordHeader(bytes, at, segment)
  if (!header || header.sequence <= lastSequence) return undefined
  return recordEnd(at, header) <= bytes.length ? header : undefined
}

function findRecord(
  bytes: Buffer,
  from: number,
  segment: SegmentIdentity,
  lastSequence: number,
): number | undefined {
  const mark = recordMark(segment)
  let at = bytes.indexOf(mark, from)
  while (at >= 0) {
    if (soundHeader(bytes, at, segment, lastSequence)) return at
    at = bytes.indexOf(mark, at + 1)
  }
  return undefined
}

function readRecord(bytes: Buffer, at: number, header: RecordHeader): FoundRecord | Damage {
  const end = recordEnd(at, header)
  const dataStart = at + RECORD_HEADER_BYTES + header.metaBytes
  const meta = bytes.subarray(at + RECORD_HEADER_BYTES, dataStart)
  const { type, sequence, dataBytes, dataCrc } = header
  // Nothing is lost with an index.
  const isIndex = type === 'index' || type === 'trailer'
  if (!isIndex && !isIntact(meta, header.metaCrc)) return { start: at, end, kind: 'gap' }
  const data = bytes.subarray(dataStart, end)
  if (type === undefined || (dataBytes > 0 && !isIntact(data, dataCrc))) {
    return { start: at, end, kind: 'gap', meta }
  }
  return { type, sequence, start: at, end, meta, dataStart, dataBytes, dataCrc }
}

function recordEnd(at: number, header: RecordHeader): number {
  return at + RECORD_HEADER_BYTES + header.metaBytes + header.dataBytes
}

// A batch is one write: all that is damaged behind the last sound record may be the same torn write.
function withTornEnd(damages: readonly Damage[], records: readonly FoundRecord[]): Damage[] {
  const soundEnd = Math.max(SEGMENT_HEADER_BYTES, records.at(-1)?.end ?? 0)
  return damages.map((damage) =>
    damage.start >= soundEnd ? { ...damage, kind: 'torn' as const } : damage,
  )
}

/** The length without the zeros at the end, which preallocation leaves there. */
function filledLength(bytes: Buffer): number {
  const zeros = Buffer.alloc(65_536)
  let end = bytes.length
  while (
    end >= zeros.length &&
    bytes.compare(zeros, 0, zeros.length, end - zeros.length, end) === 0
  ) {
    end -= zeros.length
  }
  while (end > 0 && bytes[end - 1] === 0) end--
  return end
}
