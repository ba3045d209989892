import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeXtext, encodeXtext } from '../../src/smtp/xtext.ts'

test.each([
  ['', ''],
  ['abc', 'abc'],
  ['a+20b', 'a b'],
  ['+2B+3D', '+='],
  ['+2b+3d', '+='],
  ['+C3+A9', '\xc3\xa9'],
  ['+00+0D+0A', '\0\r\n'],
  ['+2B41', '+41'],
])('decodes %j', (text, value) => {
  expect(decodeXtext(text)).toBe(value)
})

test.each(['+', '+2', '+2G', '++', 'a b', 'a=b', '\xe9', '\x7f', 'a\n', '+-1', '+ 1', '+0x'])(
  'refuses %j',
  (text) => {
    expect(decodeXtext(text)).toBeUndefined()
  },
)

test.each([
  ['a b', 'a+20b'],
  ['+=', '+2B+3D'],
  ['\0\xff', '+00+FF'],
  ['~!', '~!'],
])('encodes %j', (value, text) => {
  expect(encodeXtext(value)).toBe(text)
})

test('decodes what it encodes', () => {
  const octets = fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1'))
  fc.assert(
    fc.property(octets, (value) => decodeXtext(encodeXtext(value)) === value),
    { seed: 1 },
  )
})
