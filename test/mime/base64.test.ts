import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBase64, encodeBase64, isBase64 } from '../../src/mime/base64.ts'

const decode = (text: string): string =>
  decodeBase64(Buffer.from(text, 'latin1')).toString('latin1')

test.each([
  ['', ''],
  ['YWJj', 'abc'],
  ['YWI=', 'ab'],
  ['YQ==', 'a'],
  ['YQ', 'a'],
  ['YWI', 'ab'],
  ['Y', ''],
  ['YW\r\nJj\r\n', 'abc'],
  ['Y W\tJ*j!', 'abc'],
  ['YQ==\r\n', 'a'],
  ['YQ==YWI=', 'aab'],
  ['YQ=\r\n=\r\nYg==', 'ab'],
  ['YQ== garbage Yg', `a${Buffer.from('garbageYg', 'base64').toString('latin1')}`],
  ['Y-WJ_j', 'abc'],
  ['=', ''],
  ['\xff\x00', ''],
])('decodes %j', (text, expected) => {
  expect(decode(text)).toBe(expected)
})

test('breaks lines with CRLF, none at the end', () => {
  expect(encodeBase64(Buffer.from('abcdefg'), 4).toString()).toBe('YWJj\r\nZGVm\r\nZw==')
  expect(encodeBase64(Buffer.from('abcdef'), 4).toString()).toBe('YWJj\r\nZGVm')
  expect(encodeBase64(Buffer.alloc(58)).toString()).toBe(`${'A'.repeat(76)}\r\nAA==`)
  expect(encodeBase64(Buffer.alloc(0)).toString()).toBe('')
})

test('decodes what it encoded, in any line length', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 80 }),
      (octets, length) => {
        const encoded = encodeBase64(Buffer.from(octets), length)
        expect(decodeBase64(encoded).equals(octets)).toBe(true)
        for (const line of encoded.toString().split('\r\n'))
          expect(line.length).toBeLessThanOrEqual(length)
      },
    ),
    { seed: 1, numRuns: 500 },
  )
})

test('decodes any octets as if only those of the alphabet were there', () => {
  const unit = fc.constantFrom('A', 'b', '9', '+', '/', '-', '_', '\r', '\n', ' ', '*', '\xe9')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
      const clean = text.replace(/[^A-Za-z0-9+/]/g, '')
      expect(decode(text)).toBe(Buffer.from(clean, 'base64').toString('latin1'))
      // A second group after padding begins anew, whatever stood before.
      expect(decode(`${text}==YQ`)).toBe(`${decode(text)}a`)
    }),
    { seed: 2, numRuns: 2000 },
  )
})

test('decodes a large part in pieces, wherever its lines end', () => {
  const octets = Buffer.from(Array.from({ length: 600_000 }, (_, i) => (i * 7919) >> 5))
  for (const lineLength of [76, 75, 9, 1_000_000]) {
    const encoded = encodeBase64(octets, lineLength)
    expect(decodeBase64(encoded).equals(octets)).toBe(true)
    expect(isBase64(encoded)).toBe(true)
  }
})

test.each([
  ['', true],
  [' \tYW Jj\r\n', true],
  ['YQ==\r\n', true],
  ['YQ= =\n', true],
  ['YQ==YQ==', false],
  ['YQ-_', false],
  ['YQ=\xe9', false],
])('whether all of %j is base64', (text, expected) => {
  expect(isBase64(Buffer.from(text, 'latin1'))).toBe(expected)
})
