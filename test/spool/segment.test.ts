import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sealRecord, startRecord } from '../../src/spool/record.ts'
import {
  SEGMENT_HEADER_BYTES,
  parseSegmentName,
  scanSegment,
  segmentHeader,
  segmentName,
} from '../../src/spool/segment.ts'

const SEGMENT = { number: 7, salt: Buffer.from('5a17c0de', 'hex') }

function record(sequence: number, text: string, segment = SEGMENT): Buffer {
  const data = Buffer.from(text)
  const head = startRecord('entry', '{}', data)
  sealRecord(head, segment, sequence)
  return Buffer.concat([head, data])
}

function segmentOf(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([segmentHeader(SEGMENT, 1), ...parts])
}

function sequences(bytes: Buffer): number[] {
  return scanSegment(bytes, SEGMENT).records.map(({ sequence }) => sequence)
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}

describe('a segment', () => {
  const size = record(1, 'one').length
  const whole = segmentOf(record(1, 'one'), record(2, 'two'), record(3, 'six'))

  test('is named by number and salt', () => {
    expect(segmentName(SEGMENT)).toBe('0000000007-5a17c0de.log')
    expect(parseSegmentName('0000000007-5a17c0de.log')).toEqual(SEGMENT)
    expect(parseSegmentName('lock')).toBeUndefined()
  })

  test('gives its records', () => {
    const { records, damages, lastSequence } = scanSegment(whole, SEGMENT)
    expect(records.map((found) => whole.toString('utf8', found.dataStart, found.end))).toEqual([
      'one',
      'two',
      'six',
    ])
    expect(damages).toEqual([])
    expect(lastSequence).toBe(3)
  })

  test('ends at its preallocated zeros', () => {
    const preallocated = Buffer.concat([whole, Buffer.alloc(200_000)])
    expect(scanSegment(preallocated, SEGMENT)).toEqual(scanSegment(whole, SEGMENT))
  })

  test('without content is no damage', () => {
    expect(scanSegment(Buffer.alloc(0), SEGMENT)).toMatchObject({ records: [], damages: [] })
    expect(scanSegment(Buffer.alloc(5000), SEGMENT)).toMatchObject({ records: [], damages: [] })
  })

  test('loses only the record in which a bit is flipped, wherever it is', () => {
    const start = SEGMENT_HEADER_BYTES + size
    for (let at = start; at < start + size; at++) {
      const { records, damages } = scanSegment(flipped(whole, at), SEGMENT)
      expect(records.map(({ sequence }) => sequence)).toEqual([1, 3])
      expect(damages).toMatchObject([{ start, end: start + size, kind: 'gap' }])
    }
  })

  test('gives all records when its header is damaged', () => {
    const { records, damages } = scanSegment(flipped(whole, 20), SEGMENT)
    expect(records).toHaveLength(3)
    expect(damages).toEqual([{ start: 0, end: SEGMENT_HEADER_BYTES, kind: 'gap' }])
  })

  test('with its beginning overwritten gives what follows', () => {
    const bytes = Buffer.from(whole)
    bytes.fill(0xee, 0, SEGMENT_HEADER_BYTES + 10)
    expect(sequences(bytes)).toEqual([2, 3])
  })

  test.each([1, 20, 41, 44])('cut %d octets into its last record is a torn write', (octets) => {
    const start = SEGMENT_HEADER_BYTES + 2 * size
    const { records, damages } = scanSegment(whole.subarray(0, start + octets), SEGMENT)
    expect(records).toHaveLength(2)
    expect(damages).toMatchObject([{ start, kind: 'torn' }])
  })

  test('takes no record of another segment, of another salt or of a lower sequence', () => {
    const foreign = [
      record(9, 'old', { ...SEGMENT, number: 6 }),
      record(9, 'old', { ...SEGMENT, salt: Buffer.from('00000001', 'hex') }),
      record(2, 'old'),
    ]
    for (const other of foreign) {
      expect(sequences(segmentOf(record(5, 'one'), other, record(6, 'two')))).toEqual([5, 6])
    }
  })

  test('does not mistake the data of a message for a record', () => {
    const inner = record(9, 'forged', { ...SEGMENT, salt: Buffer.from('ffffffff', 'hex') })
    const outer = record(1, inner.toString('latin1'))
    expect(sequences(segmentOf(flipped(outer, 2), record(2, 'two')))).toEqual([2])
  })

  test('is read whatever its octets are', () => {
    const anything = fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets))
    fc.assert(
      fc.property(anything, fc.nat(whole.length), (octets, at) => {
        const bytes = Buffer.concat([whole.subarray(0, at), octets, whole.subarray(at)])
        const { records, damages } = scanSegment(bytes, SEGMENT)
        const covered = [...records, ...damages].reduce(
          (sum, { start, end }) => sum + end - start,
          0,
        )
        expect(covered).toBeLessThanOrEqual(bytes.length)
        expect(records.length).toBeGreaterThanOrEqual(octets.length ? 0 : 3)
      }),
      { seed: 11 },
    )
  })
})
