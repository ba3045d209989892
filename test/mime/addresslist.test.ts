import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAddresses } from '../../src/mime/addresslist.ts'

const pairs = (value: string): string[][] =>
  parseAddresses(value).map(({ name, address }) => [name, address])

test.each([
  ['', []],
  ['a@b', [['', 'a@b']]],
  [
    'a@b, c@d',
    [
      ['', 'a@b'],
      ['', 'c@d'],
    ],
  ],
  ['<a@b>', [['', 'a@b']]],
  ['John Doe <a@b>', [['John Doe', 'a@b']]],
  ['John Doe<a@b>', [['John Doe', 'a@b']]],
  [
    '"Doe, John" <a@b>, c@d',
    [
      ['Doe, John', 'a@b'],
      ['', 'c@d'],
    ],
  ],
  ['"a \\"b\\" \\\\" <a@b>', [['a "b" \\', 'a@b']]],
  ['a@b (John (Joe) Doe)', [['John (Joe) Doe', 'a@b']]],
  ['a(x)@(y)b', [['y', 'a@b']]],
  ['a . b @ c . d', [['', 'a.b@c.d']]],
  [
    'Group: a@b, C <c@d>;, e@f',
    [
      ['', 'a@b'],
      ['C', 'c@d'],
      ['', 'e@f'],
    ],
  ],
  ['Undisclosed recipients:;', []],
  ['undisclosed recipients', []],
  ['postmaster', [['', 'postmaster']]],
  ['<postmaster>', [['', 'postmaster']]],
  ['<>', []],
  [', ,', []],
  [
    'a@b; c@d',
    [
      ['', 'a@b'],
      ['', 'c@d'],
    ],
  ],
  ['John a@b', [['John', 'a@b']]],
  [
    'a@b c@d',
    [
      ['', 'a@b'],
      ['', 'c@d'],
    ],
  ],
  ['x@y <a@b>', [['x@y', 'a@b']]],
  ['<a@b> <c@d>', [['', 'a@b']]],
  ['<@r1,@r2:a@b>', [['', 'a@b']]],
  ['< a @ b >', [['', 'a@b']]],
  ['a@[IPv6:::1]', [['', 'a@[IPv6:::1]']]],
  [
    '<a@[IPv6:::1]>, b@c',
    [
      ['', 'a@[IPv6:::1]'],
      ['', 'b@c'],
    ],
  ],
  ['=?utf-8?Q?J=C3=BCrgen?= <a@b>', [['=?utf-8?Q?J=C3=BCrgen?=', 'a@b']]],
  ['J\xc3\xbcrgen <a@b>', [['J\xc3\xbcrgen', 'a@b']]],
  // The address is at b.internal, whatever stands in the quotes.
  ['"evil@evil.example x"@b.internal', [['', '"evil@evil.example x"@b.internal']]],
  ['"evil@evil.example"', [['', '"evil@evil.example"']]],
  ['<"evil@evil.example> x"@b.internal>', [['', '"evil@evil.example> x"@b.internal']]],
  ['"never closed <a@b>', [['', '"never closed <a@b>']]],
  ['a@b (never closed', [['never closed', 'a@b']]],
  ['<a@b', [['', 'a@b']]],
])('reads %j', (value, expected) => {
  expect(pairs(value)).toEqual(expected)
})

test('gives addresses without blanks outside quotes for any value', () => {
  const unit = fc.constantFrom(...'ab@.<>:;,()[]"\\ \t\xff'.split(''), '\r\n ')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), (value) => {
      for (const { address } of parseAddresses(value)) {
        expect(address).not.toBe('')
        expect(address.replace(/"(?:\\[^]|[^"\\])*("|\\?$)/g, '')).not.toMatch(/[ \t\r\n]/)
      }
    }),
    { seed: 1, numRuns: 3000 },
  )
})

test.each([':', '(', ',', '"', '<', '@', '[', '\\', '. ', 'a ', 'a:', '<@a:', '"\\" ', '((a) '])(
  'reads a hundred thousand of %j without overflow',
  (piece) => {
    expect(parseAddresses(piece.repeat(100_000)).length).toBeLessThanOrEqual(1)
  },
)
