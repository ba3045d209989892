import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Piece } from '../../src/mail/rendition.ts'
import { type Entry, checkEntry, packEntry, unpackEntry } from '../../src/spool/entry.ts'
import { copyFor, entryFor, plain } from './fixtures.ts'

function throughJson(entry: Entry): Entry {
  return unpackEntry(JSON.parse(Buffer.from(JSON.stringify(packEntry(entry))).toString()))
}

describe('an entry', () => {
  test('comes back as it was stored', () => {
    const entry = entryFor(
      '00/00-1-1',
      copyFor('a@example.com', {
        rendition: {
          pieces: [
            [0, 5],
            [0, 0, 24, 1],
            [5, 9],
          ],
          holes: ['token'],
        },
        context: { connection: { gone: null }, message: { own: 'x' } },
        facts: { rcpt_meta: '{}' },
        mailfrom: 'b+a@verp.example',
      }),
      'b@example.org',
    )
    expect(plain(throughJson(entry))).toEqual(entry)
  })

  test('keeps names that JavaScript gives a meaning to', () => {
    const facts = Object.fromEntries([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    const back = throughJson({ ...entryFor('b'), facts })
    expect(Object.entries(back.facts)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
  })

  test('keeps byte strings of any octets', () => {
    const octets = fc.array(fc.nat(255)).map((codes) => String.fromCharCode(...codes))
    fc.assert(
      fc.property(octets, octets, (mailfrom, hole) => {
        const rendition = { pieces: [], holes: [hole] }
        const entry = { ...entryFor('b', copyFor('a@b', { rendition })), mailfrom }
        expect(plain(throughJson(entry))).toEqual(entry)
      }),
      { seed: 7 },
    )
  })

  test('stores pieces that copies share once, also when they are not the same list', () => {
    const pieces: readonly Piece[] = [
      [0, 5],
      [0, 0, 24, 0],
    ]
    const packed = packEntry(
      entryFor(
        'b',
        ...['a@x', 'b@x', 'c@x'].map((to) =>
          copyFor(to, { rendition: { pieces: [...pieces], holes: [to] } }),
        ),
        copyFor('d@x', { rendition: { pieces: [[0, 5]], holes: [] } }),
      ),
    )
    expect(packed.pieces).toEqual(['0.5 ~0.0.o.0', '0.5'])
    expect(packed.copies.map((copy) => copy[3])).toEqual([0, 0, 0, 1])
    const [first, second] = unpackEntry(packed).copies
    expect(first?.rendition.pieces).toEqual(pieces)
    expect(second?.rendition.pieces).toBe(first?.rendition.pieces)
  })

  test('takes less than 1 KB for a further recipient with two tokens of 240 characters', () => {
    const pieces = Array.from({ length: 60 }, (_, i): Piece => [i * 100, i * 100 + 99])
    const copies = Array.from({ length: 100 }, (_, i) =>
      copyFor(`somebody.${i}@customer-domain.example`, {
        id: `00/00-12345-00ABCD${i}`,
        rendition: { pieces: [...pieces], holes: ['x'.repeat(240), 'y'.repeat(240)] },
        facts: { message_id: '0123456789abcdef0123', raw_rcpt_to: `somebody.${i}@customer` },
      }),
    )
    const size = (count: number): number =>
      JSON.stringify(packEntry(entryFor('b', ...copies.slice(0, count)))).length
    expect((size(100) - size(1)) / 99).toBeLessThan(1024)
  })

  test('of a later version is refused', () => {
    expect(() => checkEntry({ ...packEntry(entryFor('b')), version: 3 })).toThrow('version 3')
  })

  test('of version 1, whose pieces are lists, is read', () => {
    const packed = packEntry(entryFor('b'))
    expect(packed.pieces).toEqual(['0.a'])
    const back = unpackEntry({ ...packed, version: 1, pieces: [[[0, 10]]] })
    expect(plain(back)).toEqual(entryFor('b'))
  })
})
