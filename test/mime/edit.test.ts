import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyEdits, type Edit } from '../../src/mime/edit.ts'

const edit = (start: number, end: number, text: string): Edit => {
  return { start, end, bytes: Buffer.from(text) }
}
const base = Buffer.from('0123456789')

test.each([
  [[edit(0, 0, 'x')], 'x0123456789'],
  [[edit(10, 10, 'x')], '0123456789x'],
  [[edit(2, 4, 'x'), edit(4, 5, '')], '01x56789'],
  [[edit(2, 2, 'a'), edit(2, 2, 'b'), edit(2, 3, 'c')], '01abc3456789'],
  [[edit(0, 10, '')], ''],
])('applies %#', (edits, expected) => {
  expect(applyEdits(base, edits).toString()).toBe(expected)
})

test('returns the buffer itself when there is nothing to do', () => {
  expect(applyEdits(base, [])).toBe(base)
})

test.each([
  [[edit(4, 5, ''), edit(2, 3, '')]],
  [[edit(2, 5, ''), edit(4, 6, '')]],
  [[edit(3, 2, '')]],
  [[edit(-1, 2, '')]],
  [[edit(9, 11, '')]],
  [[edit(NaN, 2, '')]],
])('throws for edits that overlap or lie outside: %#', (edits) => {
  expect(() => applyEdits(base, edits)).toThrow(RangeError)
})

test('changes no octet outside the edits', () => {
  const cuts = fc
    .uniqueArray(fc.nat(60), { maxLength: 12 })
    .map((cuts) => cuts.sort((a, b) => a - b))
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 60, maxLength: 60 }), cuts, (octets, cuts) => {
      const bytes = Buffer.from(octets)
      const before = Buffer.from(octets)
      const edits: Edit[] = []
      const kept: Buffer[] = []
      let at = 0
      for (let i = 0; i + 1 < cuts.length; i += 2) {
        const [start = 0, end = 0] = cuts.slice(i)
        edits.push(edit(start, end, `<${i}>`))
        kept.push(bytes.subarray(at, start), Buffer.from(`<${i}>`))
        at = end
      }
      const made = applyEdits(bytes, edits)
      expect(made.equals(Buffer.concat([...kept, bytes.subarray(at)]))).toBe(true)
      expect(bytes.equals(before)).toBe(true)
    }),
    { seed: 1, numRuns: 300 },
  )
})
