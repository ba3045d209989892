import * as fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import {
  decodeQuotedPrintable,
  encodeQuotedPrintable,
  mapQuotedPrintable,
} from '../../src/mime/quotedprintable.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const decode = (text: string): string => decodeQuotedPrintable(bytes(text)).toString('latin1')
const encode = (text: string, isText = true): string =>
  encodeQuotedPrintable(bytes(text), isText).toString('latin1')

const messy = fc
  .array(
    fc.constantFrom(
      '=',
      '=\r\n',
      '= \r\n',
      '=3D',
      '=C3',
      '=0D=0A',
      ' ',
      '\t',
      '\r\n',
      '\r',
      '\n',
      'a',
      '3',
      'D',
      '\xff',
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''))

describe('decodeQuotedPrintable', () => {
  test.each([
    ['', ''],
    ['a=3Db', 'a=b'],
    ['=c3=BC', '\xc3\xbc'],
    ['a=\r\nb', 'ab'],
    ['a=\nb', 'ab'],
    ['a= \t\r\nb', 'ab'],
    ['a=', 'a'],
    ['a= ', 'a'],
    ['a=\r\n', 'a'],
    ['a \t\r\nb', 'a\r\nb'],
    ['a \nb', 'a\nb'],
    ['a=20\r\nb', 'a \r\nb'],
    ['a=20 \r\nb', 'a \r\nb'],
    ['a=\r\n  \r\nb', 'a\r\nb'],
    ['a =\r\nb', 'a b'],
    ['a\r\n\r\nb', 'a\r\n\r\nb'],
    ['=0D\nb', '\r\nb'],
    ['a=zzb=4', 'a=zzb=4'],
    ['==3D', '=='],
    ['=\r=3D', '=\r='],
    ['raw \xfc', 'raw \xfc'],
    ['a ', 'a '],
  ])('decodes %j', (text, expected) => {
    expect(decode(text)).toBe(expected)
  })

  test('agrees with mailparser on what encoders write', async () => {
    const unit = fc.constantFrom('ü', 'a', ' ', '=', '\r\n', '.', '\t', 'word ', '日')
    await fc.assert(
      fc.asyncProperty(fc.string({ unit, maxLength: 300 }), async (text) => {
        const encoded = encodeQuotedPrintable(Buffer.from(`${text}.`, 'utf8'))
        const header = bytes(
          'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n',
        )
        const parsed = await simpleParser(Buffer.concat([header, encoded]))
        const own = decodeQuotedPrintable(encoded).toString('utf8')
        expect(own).toBe(`${text}.`)
        expect(parsed.text).toBe(own.replaceAll('\r\n', '\n'))
      }),
      { seed: 1, numRuns: 100 },
    )
  })
})

describe('mapQuotedPrintable', () => {
  test.each([
    ['abc', [0, 1, 2, 3], [0, 1, 2, 3]],
    ['a=3Db', [0, 1, 2, 3], [0, 1, 4, 5]],
    // A soft line break belongs to what stands before it.
    ['a=\r\nb', [0, 1, 2], [0, 4, 5]],
    ['=\r\na', [0, 1], [3, 4]],
    ['a=\r\n', [0, 1], [0, 4]],
    // Blanks that vanish belong to the line end after them.
    ['a  \r\nb', [0, 1, 2, 3], [0, 1, 4, 5]],
    ['a  b', [1, 2, 3], [1, 2, 3]],
    ['', [0], [0]],
    ['ab', [1, 1], [1, 1]],
    ['ab', [], []],
  ])('maps %j at %j', (text, offsets, expected) => {
    expect(mapQuotedPrintable(bytes(text), offsets)).toEqual(expected)
  })

  test('finds the same places with the line ends that decoding noted', () => {
    fc.assert(
      fc.property(messy, fc.array(fc.nat(60), { maxLength: 5 }), (text, wanted) => {
        const lines: number[] = []
        const { length } = decodeQuotedPrintable(bytes(text), lines)
        const offsets = wanted.filter((offset) => offset <= length).sort((a, b) => a - b)
        expect(mapQuotedPrintable(bytes(text), offsets, lines)).toEqual(
          mapQuotedPrintable(bytes(text), offsets),
        )
      }),
      { seed: 3, numRuns: 3000 },
    )
  })

  test('cuts the encoded bytes where the decoded ones are cut', () => {
    fc.assert(
      fc.property(messy, (text) => {
        const decoded = decode(text)
        const offsets = Array.from({ length: decoded.length + 1 }, (_, offset) => offset)
        const places = mapQuotedPrintable(bytes(text), offsets)
        expect(places).toHaveLength(offsets.length)
        expect(places.at(-1)).toBe(text.length)
        for (const [offset, place] of places.entries()) {
          if (decoded.slice(offset - 1, offset + 1) === '\r\n') continue
          const before = text.slice(0, place)
          // An `=` that escapes nothing begins a soft line break when nothing follows it.
          if (offset < decoded.length && /=[ \t]*$/.test(before)) continue
          expect(decode(before)).toBe(decoded.slice(0, offset))
          expect(decode(text.slice(place))).toBe(decoded.slice(offset))
        }
      }),
      { seed: 2, numRuns: 3000 },
    )
  })
})

describe('encodeQuotedPrintable', () => {
  test.each([
    ['', ''],
    ['a=b', 'a=3Db'],
    ['\xc3\xbc', '=C3=BC'],
    ['a\r\nb', 'a\r\nb'],
    ['a\nb\rc', 'a=0Ab=0Dc'],
    ['a \r\nb\t', 'a=20\r\nb=09'],
    ['a b', 'a b'],
    ['a'.repeat(76), 'a'.repeat(76)],
    ['a'.repeat(77), `${'a'.repeat(75)}=\r\naa`],
    [`${'a'.repeat(76)}\r\nb`, `${'a'.repeat(76)}\r\nb`],
    [`${'a'.repeat(74)}==`, `${'a'.repeat(74)}=\r\n=3D=3D`],
    [`${'a'.repeat(73)}=`, `${'a'.repeat(73)}=3D`],
    [`${'a'.repeat(75)} \r\n`, `${'a'.repeat(75)}=\r\n=20\r\n`],
  ])('encodes %j', (text, expected) => {
    expect(encode(text)).toBe(expected)
  })

  test('escapes line ends in data that is no text', () => {
    expect(encode('a\r\nb', false)).toBe('a=0D=0Ab')
  })

  test('decodes again, and keeps lines within 76 octets without blanks at their ends', () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 400 }).map((octets) => Buffer.from(octets)),
      messy.map(bytes),
      fc.constantFrom(' ', '\r\n', '\xff', 'a', ' \r\n').map((unit) => bytes(unit.repeat(500))),
    )
    fc.assert(
      fc.property(octets, fc.boolean(), (octets, isText) => {
        const encoded = encodeQuotedPrintable(octets, isText)
        expect(decodeQuotedPrintable(encoded).equals(octets)).toBe(true)
        for (const line of encoded.toString('latin1').split('\r\n')) {
          expect(line).toMatch(/^([ -~\t]{0,75}[!-~])?$/)
        }
      }),
      { seed: 3, numRuns: 1000 },
    )
  })
})
