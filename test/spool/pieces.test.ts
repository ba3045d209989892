import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Piece } from '../../src/mail/rendition.ts'
import { packPieces, unpackPieces } from '../../src/spool/pieces.ts'

test('ranges are told by what lies between them, holes by their numbers', () => {
  const pieces: Piece[] = [
    [0, 850],
    [20_480, 20_540],
    [0, 36, 144, 1],
    [850, 886],
  ]
  expect(packPieces(pieces)).toBe('0.nm f5a.1o ~0.10.40.1 -f6y.10')
  expect(unpackPieces('0.nm f5a.1o ~0.10.40.1 -f6y.10')).toEqual(pieces)
})

test('any list comes back', () => {
  const range = fc.tuple(fc.nat(2 ** 40), fc.nat(2 ** 30)).map(([a, b]): Piece => [a, a + b])
  const hole = fc
    .tuple(fc.nat(99), fc.nat(9999), fc.nat(9999), fc.constantFrom(0 as const, 1 as const))
    .map((four): Piece => four)
  fc.assert(
    fc.property(fc.array(fc.oneof(range, hole)), (pieces) => {
      expect(unpackPieces(packPieces(pieces))).toEqual(pieces)
    }),
  )
})

test('what is no list of pieces is refused', () => {
  expect(() => unpackPieces('0.1 x')).toThrow('not a list of pieces')
})
