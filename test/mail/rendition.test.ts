import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  messageData,
  type Piece,
  openRenderer,
  pushPiece,
  render,
  renderedLength,
} from '../../src/mail/rendition.ts'

describe('messageData', () => {
  test('gives the range of a slice of the original, and keeps no copy of it', () => {
    const original = Buffer.from('From: a\r\n\r\nbody')
    const data = messageData(original)
    expect(data.range(original.subarray(11, 15))).toEqual([11, 15])
    expect(data.bytes()).toBe(original)
  })

  test('stores the same literal once, behind the original', () => {
    const data = messageData(Buffer.from('0123456789'))
    expect(data.range(Buffer.from('new'))).toEqual([10, 13])
    expect(data.range(Buffer.from('more'))).toEqual([13, 17])
    expect(data.range(Buffer.from('new'))).toEqual([10, 13])
    expect(data.bytes().toString()).toBe('0123456789newmore')
  })
})

describe('pushPiece', () => {
  test('joins ranges that adjoin and drops empty ones', () => {
    const pieces: Piece[] = []
    for (const piece of [
      [0, 4],
      [4, 9],
      [9, 9],
      [0, 0, 6, 0],
      [9, 12],
    ] as Piece[]) {
      pushPiece(pieces, piece)
    }
    expect(pieces).toEqual([
      [0, 9],
      [0, 0, 6, 0],
      [9, 12],
    ])
  })
})

describe('render', () => {
  test('fills holes as they are and as base64', () => {
    const pieces: Piece[] = [
      [0, 2],
      [0, 0, 3, 0],
      [2, 4],
      [0, 0, 3, 1],
      [1, 3, 6, 1],
    ]
    const rendition = { pieces, holes: ['abc', 'xxxdef'] }
    expect(render(Buffer.from('<<>>'), rendition).toString()).toBe('<<abc>>YWJjZGVm')
    expect(renderedLength(rendition)).toBe(15)
  })

  test('gives as many octets as renderedLength says', () => {
    const piece = fc.oneof(
      fc.tuple(fc.nat(50), fc.nat(50)).map(([a, b]): Piece => [Math.min(a, b), Math.max(a, b)]),
      fc
        .tuple(fc.nat(8), fc.nat(8), fc.constantFrom<0 | 1>(0, 1))
        .map(([a, b, encoding]): Piece => [0, Math.min(a, b) * 3, Math.max(a, b) * 3, encoding]),
    )
    const property = fc.property(fc.array(piece), (pieces) => {
      const rendition = { pieces, holes: ['0123456789abcdefghijklmn'] }
      expect(render(Buffer.alloc(50, 'x'), rendition)).toHaveLength(renderedLength(rendition))
    })
    fc.assert(property, { seed: 1 })
  })
})

describe('a renderer', () => {
  test('gives each copy what it would get alone, with many lists of pieces and of any size', () => {
    const data = Buffer.from('0123456789'.repeat(40_000))
    const hole = (index: number, encoding: 0 | 1): Piece => [index, 0, 24, encoding]
    const lists: Piece[][] = [
      [[0, 5], hole(0, 0), [5, 300], hole(1, 1), [300, 310], hole(0, 1)],
      [[0, data.length], hole(1, 0)],
      [hole(0, 0)],
      [[7, 9]],
      [hole(0, 1), [0, 100]],
      [],
    ]
    const order = [0, 0, 1, 1, 1, 0, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 2, 0, 1, 4]
    const renderOne = openRenderer(data)
    const results = order.map((list, i) => {
      const holes = [`${i}`.padEnd(24, 'a'), `${i}`.padEnd(24, 'b')]
      const rendition = { pieces: lists[list] ?? [], holes }
      return { ...renderOne(rendition), alone: render(data, rendition) }
    })
    // Compared when all are made: none may share octets with another.
    for (const { bytes, alone } of results) expect(bytes.equals(alone)).toBe(true)
  })

  test('knows of a copy where dots begin a line only when it is canonical, and as it is', () => {
    const part = fc.constantFrom('\r', '\n', '\r\n', 'a', '.')
    let known = 0
    const text = fc.array(part, { maxLength: 5 }).map((parts) => parts.join(''))
    const filling = fc.oneof(text, fc.constantFrom('aa', '.a', '..'))
    fc.assert(
      fc.property(text, text, fc.array(filling, { maxLength: 6 }), (before, after, fillings) => {
        const data = Buffer.from(before + after)
        const renderOne = openRenderer(data)
        const lists = new Map<number, Piece[]>()
        for (const hole of fillings) {
          // Copies of one list have holes of one length.
          const pieces = lists.get(hole.length) ?? [
            [0, before.length],
            [0, 0, hole.length, 0],
            [before.length, data.length],
          ]
          lists.set(hole.length, pieces)
          const { bytes, dots } = renderOne({ pieces, holes: [hole] })
          if (!dots) continue
          known++
          expect(bytes.toString().replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
          const lines = bytes.toString().matchAll(/(?<=^|\n)\./g)
          expect(dots).toEqual([...lines].map(({ index }) => index))
        }
      }),
      { seed: 1, numRuns: 2000 },
    )
    expect(known).toBeGreaterThan(50)
    const lines: Piece[] = [
      [0, 2],
      [0, 0, 3, 0],
      [2, 6],
    ]
    const renderOne = openRenderer(Buffer.from('.a\r\n..'))
    const copies = ['b.c', 'c.d', '..e', 'f\r\n'].map((hole) =>
      renderOne({ pieces: lines, holes: [hole] }),
    )
    expect(copies.map(({ dots }) => dots)).toEqual([undefined, [0, 7], [0, 7], [0, 7]])
  })
})
