import * as fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { decodeWords, encodeWords } from '../../src/mime/encodedword.ts'

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

describe('decodeWords', () => {
  test.each([
    ['plain', 'plain'],
    ['', ''],
    ['=?utf-8?Q?Gr=C3=BC=C3=9Fe_an?= alle', utf8('Grüße an alle')],
    ['=?UTF-8?b?R3LDvMOfZQ==?=', utf8('Grüße')],
    ['=?utf-8?B?R3LDvMOfZQ?=', utf8('Grüße')],
    ['=?iso-8859-1?q?Gr=FC=DFe?=', utf8('Grüße')],
    ['=?iso-8859-1*de?q?Gr=FC=DFe?=', utf8('Grüße')],
    ['=?windows-1252?Q?=80_5?=', utf8('€ 5')],
    ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', utf8('日本')],
    ['=?shift_jis?B?k/qWew==?=', utf8('日本')],
    ['=?utf-8?Q?a?= =?utf-8?Q?b?=', 'ab'],
    ['=?utf-8?Q?a?=\r\n =?iso-8859-1?Q?b?=', 'ab'],
    ['=?utf-8?Q?a?= b =?utf-8?Q?c?=', 'a b c'],
    ['=?utf-8?Q?a?==?utf-8?Q?b?=', 'ab'],
    ['(=?utf-8?Q?a?=)', '(a)'],
    ['=?utf-8?Q?a_?= =?utf-8?Q?_b?=', 'a  b'],
    // A character cut in two by words of one charset.
    ['=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=', utf8('ü')],
    ['=?shift_jis?B?kw==?= =?shift_jis?B?+g==?=', utf8('日')],
    ['=?utf-8?Q?a b?=', 'a b'],
    ['=?utf-8?Q?100%=?=', '100%='],
    ['=?utf-8?Q??=', ''],
  ])('decodes %j', (value, expected) => {
    expect(decodeWords(value)).toBe(expected)
  })

  test.each([
    '=?utf-8?X?abc?=',
    '=?utf-8?Q?abc',
    '=?utf-8?Q?abc?',
    '=??Q?abc?=',
    '=?utf-8??=',
    '=? utf-8?Q?abc?=',
    '? =?= a=b',
    'raw \xfc and \xc3\xbc',
  ])('leaves %j as it is', (value) => {
    expect(decodeWords(value)).toBe(value)
  })

  test('keeps octets that are not valid in UTF-8, for others to judge', () => {
    expect(decodeWords('=?utf-8?Q?=FF=C3?= x')).toBe('\xff\xc3 x')
  })

  test('reads an unknown charset as Latin-1', () => {
    expect(decodeWords('=?x-none?Q?=FC?=')).toBe(utf8('ü'))
  })

  test('agrees with mailparser', async () => {
    const values = [
      '=?utf-8?Q?Gr=C3=BC=C3=9Fe?= an =?utf-8?B?w6Q=?= =?utf-8?B?w7Y=?=',
      '=?gb2312?B?xOO6ww==?= x',
      '=?koi8-r?Q?=F0=D2=C9=D7=C5=D4?=',
      '=?big5?B?p0GmbqFB?= =?big5?B?pUCswQ==?=',
    ]
    for (const value of values) {
      const { subject } = await simpleParser(`Subject: ${value}\r\n\r\n`)
      expect(decodeWords(value)).toBe(utf8(subject ?? ''))
    }
  })

  test('never throws', () => {
    const pieces = fc.array(
      fc.constantFrom(
        '=?',
        '?=',
        '?',
        'utf-8',
        'utf-16',
        'iso-2022-kr',
        'Q',
        'B',
        '*',
        ' ',
        '\xff',
        '=C3',
      ),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(pieces, (pieces) => {
        expect(decodeWords(pieces.join(''))).toBeTypeOf('string')
      }),
      { seed: 1, numRuns: 3000 },
    )
  })
})

describe('encodeWords', () => {
  test.each([
    ['plain "text" <a@b>', 'plain "text" <a@b>'],
    ['Grüße', '=?utf-8?B?R3LDvMOfZQ==?='],
    ['Grüße an alle', '=?utf-8?B?R3LDvMOfZQ==?= an alle'],
    ['Jürgens Buch <j@x>', '=?utf-8?Q?J=C3=BCrgens?= Buch <j@x>'],
    ['Jürgen Bär <j@x>', '=?utf-8?B?SsO8cmdlbiBCw6Ry?= <j@x>'],
    ['"Müller, Jo" <j@x>', '=?utf-8?B?Ik3DvGxsZXIsIEpvIg==?= <j@x>'],
    ['"Jo Doe" <j@x>, ü <u@x>', '"Jo Doe" <j@x>, =?utf-8?B?w7w=?= <u@x>'],
    ['a  ü', 'a  =?utf-8?B?w7w=?='],
  ])('encodes %j', (value, expected) => {
    expect(encodeWords(utf8(value))).toBe(expected)
  })

  test.each(['ü =?utf-8?Q?a?=', '=?utf-8?Q?a?= ü', 'ü  =?utf-8?Q?a?=  ü b', '=?utf-8?Q?a?= b ü'])(
    'keeps the blanks beside words that are encoded already in %j',
    (value) => {
      expect(decodeWords(encodeWords(utf8(value)))).toBe(
        utf8(value.replaceAll('=?utf-8?Q?a?=', 'a')),
      )
    },
  )

  test('labels octets that are not UTF-8 as ISO-8859-1', () => {
    expect(encodeWords('Gr\xfcn')).toBe('=?iso-8859-1?Q?Gr=FCn?=')
  })

  test('keeps a replacement character that the value really holds', () => {
    expect(decodeWords(encodeWords(utf8('a\ufffd')))).toBe(utf8('a\ufffd'))
  })

  test('gives ASCII in words of at most 60 octets of whole characters, which decode again', () => {
    const unit = fc.constantFrom(
      'ü',
      '日',
      '😀',
      'a',
      ' ',
      '"',
      '\\',
      '?',
      '=',
      '_',
      '\t',
      '<',
      ',',
    )
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 200 }), (text) => {
        const encoded = encodeWords(utf8(text))
        expect(encoded).toMatch(/^[\0-\x7f]*$/)
        expect(decodeWords(encoded)).toBe(utf8(text))
        for (const [word, charset, encoding, content] of encoded.matchAll(
          /=\?([^?]+)\?([QB])\?([^?]*)\?=/g,
        )) {
          expect(word.length).toBeLessThanOrEqual(60)
          const one = decodeWords(`=?${charset}?${encoding}?${content}?=`)
          expect(Buffer.from(one, 'latin1').toString()).not.toContain('\ufffd')
        }
      }),
      { seed: 2, numRuns: 1000 },
    )
  })
})
