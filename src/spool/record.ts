// One record of a segment: a header of fixed size, the meta (JSON), the data (octets of a message).
// Header, little-endian: mark (`ERc1` and the segment's salt) 8, segment 4, type 1, zero 1, sequence 6,
// then length and checksum of the meta, length and checksum of the data, CRC-32C of the header so far, 4
// each. The three checksums tell which part is damaged; a sound header always leads to the next record.
// The salt is random, so that no message can hold something that passes for a record. Pure.
import { checksum } from './checksum.ts'
import { crc32c } from './crc32c.ts'

export const RECORD_HEADER_BYTES = 40
const MARK = 'ERc1'

/** What the octets of a record's meta are; journal.ts gives them their shape. */
export const RECORD_TYPES = { entry: 1, progress: 2, index: 3, trailer: 4 } as const
export type RecordType = keyof typeof RECORD_TYPES
const TYPES = ['entry', 'progress', 'index', 'trailer'] as const

export interface SegmentIdentity {
  readonly number: number
  /** 4 octets. */
  readonly salt: Buffer
}

export interface RecordHeader {
  /** Undefined: a type that this version does not know. */
  readonly type: RecordType | undefined
  readonly sequence: number
  readonly metaBytes: number
  readonly metaCrc: number
  readonly dataBytes: number
  readonly dataCrc: number
}

/** Header and meta, as they will stand before the data; `sealRecord` completes the header. */
export function startRecord(type: RecordType, meta: string, data?: Buffer): Buffer {
  const metaBytes = Buffer.byteLength(meta)
  const head = Buffer.allocUnsafe(RECORD_HEADER_BYTES + metaBytes)
  head.write(meta, RECORD_HEADER_BYTES)
  head.writeUInt16LE(RECORD_TYPES[type], 12)
  head.writeUInt32LE(metaBytes, 20)
  head.writeUInt32LE(checksum(head.subarray(RECORD_HEADER_BYTES)), 24)
  head.writeUInt32LE(data?.length ?? 0, 28)
  head.writeUInt32LE(data ? checksum(data) : 0, 32)
  return head
}

/** Where the record goes is known only when it is written. */
export function sealRecord(head: Buffer, segment: SegmentIdentity, sequence: number): void {
  head.write(MARK, 'latin1')
  segment.salt.copy(head, MARK.length)
  head.writeUInt32LE(segment.number, 8)
  head.writeUIntLE(sequence, 14, 6)
  head.writeUInt32LE(crc32c(head.subarray(0, 36)), 36)
}

/** The octets that every record of a segment begins with. */
export function recordMark(segment: SegmentIdentity): Buffer {
  return Buffer.concat([Buffer.from(MARK), segment.salt])
}

/** Undefined when no sound header of this segment starts at `at`. */
export function readRecordHeader(
  bytes: Buffer,
  at: number,
  segment: SegmentIdentity,
): RecordHeader | undefined {
  const header = bytes.subarray(at, at + RECORD_HEADER_BYTES)
  if (header.length < RECORD_HEADER_BYTES) return undefined
  if (!header.subarray(0, 8).equals(recordMark(segment))) return undefined
  if (header.readUInt32LE(8) !== segment.number) return undefined
  if (header.readUInt32LE(36) !== crc32c(header.subarray(0, 36))) return undefined
  return {
    type: recordType(header.readUInt16LE(12)),
    sequence: header.readUIntLE(14, 6),
    metaBytes: header.readUInt32LE(20),
    metaCrc: header.readUInt32LE(24),
    dataBytes: header.readUInt32LE(28),
    dataCrc: header.readUInt32LE(32),
  }
}

/** Length and checksum of the data, from a head made by `startRecord`. */
export function dataFacts(head: Buffer): { readonly dataBytes: number; readonly dataCrc: number } {
  return { dataBytes: head.readUInt32LE(28), dataCrc: head.readUInt32LE(32) }
}

function recordType(code: number): RecordType | undefined {
  return TYPES.find((type) => RECORD_TYPES[type] === code)
}
