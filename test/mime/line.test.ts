import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalLines, longestLine } from '../../src/mime/line.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('canonicalLines', () => {
  test.each([
    ['a\nb', 'a\r\nb'],
    ['a\rb', 'a\r\nb'],
    ['a\r', 'a\r\n'],
    ['\n\n', '\r\n\r\n'],
    ['\r\r\n', '\r\n\r\n'],
    ['\n\r', '\r\n\r\n'],
    ['a\r\nb\nc\r\n', 'a\r\nb\r\nc\r\n'],
  ])('rewrites %j', (text, expected) => {
    expect(canonicalLines(bytes(text)).toString('latin1')).toBe(expected)
  })

  test.each(['', 'a', 'a\r\n', '\r\n\r\nb'])('returns %j itself', (text) => {
    const buffer = bytes(text)
    expect(canonicalLines(buffer)).toBe(buffer)
  })

  test('leaves no lone line end, and what it made as it is', () => {
    const text = fc.string({ unit: fc.constantFrom('\r', '\n', 'a', '\xff', '\r\n') })
    fc.assert(
      fc.property(text, (text) => {
        const made = canonicalLines(bytes(text))
        expect(made.toString('latin1')).toBe(text.replace(/\r\n|\r|\n/g, '\r\n'))
        expect(canonicalLines(made)).toBe(made)
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})

describe('longestLine', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['abc\r\n', 3],
    ['a\r\nbcd\r\ne', 3],
    ['a\r\nbc\r\ndef', 3],
    ['ab\nc', 2],
    ['\r\n\r\n', 0],
    ['\n', 0],
  ])('of %j is %i', (text, length) => {
    expect(longestLine(bytes(text))).toBe(length)
  })

  test('looks only between start and end', () => {
    expect(longestLine(bytes('aaaaaaaa\r\nbbb\r\ncccccc'), 8, 17)).toBe(3)
  })
})
