import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Leaf, readText, replaceText, writeText } from '../../src/mime/content.ts'
import { splitHeader } from '../../src/mime/field.ts'
import { describeFields } from '../../src/mime/part.ts'

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

function leafOf(text: string): Leaf {
  const { fields, body } = splitHeader(Buffer.from(text, 'latin1'))
  return { fields, content: body }
}

function bytesOf({ fields, content }: Leaf): string {
  return Buffer.concat([
    ...fields.map(({ bytes }) => bytes),
    Buffer.from('\r\n'),
    content,
  ]).toString('latin1')
}

const textOf = ({ fields, content }: Leaf): string | undefined =>
  readText(content, describeFields(fields))

/** The message with its text changed, as bytes. */
function changed(message: string, change: (text: string) => string): string {
  const leaf = leafOf(message)
  const before = textOf(leaf) ?? ''
  return bytesOf(replaceText(leaf, describeFields(leaf.fields), before, change(before)))
}

const header = (type: string, encoding?: string): string =>
  `Content-Type: ${type}\r\n${encoding ? `Content-Transfer-Encoding: ${encoding}\r\n` : ''}\r\n`
const PLAIN = header('text/plain; charset=us-ascii')
const QP = header('text/html; charset=utf-8', 'quoted-printable')
const BASE64 = header('text/plain; charset=utf-8', 'base64')

describe('readText', () => {
  test.each([
    [`${PLAIN}plain\r\n`, 'plain\r\n'],
    ['\r\nno header\r\n', 'no header\r\n'],
    [`${QP}caf=C3=A9=\r\n!\r\n`, utf8('café!\r\n')],
    [`${BASE64}Y2Fmw6k=\r\n`, utf8('café')],
    [header('text/plain; charset=iso-8859-1') + 'caf\xe9', utf8('café')],
    [header('text/plain; charset=utf-16le', 'base64') + 'ZQDpAA==', utf8('eé')],
    [header('text/plain', 'x-uuencode') + 'x', undefined],
  ])('%j', (message, text) => {
    expect(textOf(leafOf(message))).toBe(text)
  })
})

describe('replaceText', () => {
  test.each([
    ['a plain part', `${PLAIN}one\r\ntwo\r\n`, 'two', 'zwo', `${PLAIN}one\r\nzwo\r\n`],
    ['nothing', `${QP}a=41\r\n`, 'x', 'y', `${QP}a=41\r\n`],
    [
      'one line of quoted-printable, whatever the others are encoded like',
      `${QP}=6Fne=20\r\ntw=6F=\r\n two\r\n=74hree\r\n`,
      'two two',
      'é',
      `${QP}=6Fne=20\r\n=C3=A9\r\n=74hree\r\n`,
    ],
    ['quoted-printable whose line end is escaped', `${QP}a=0Ab\r\n`, 'b', 'c', `${QP}a=0Ac\r\n`],
    [
      'the octets of a charset',
      `${header('text/plain; charset=iso-8859-1', '8bit')}\xe4\r\nb\r\n\xfc\r\n`,
      'b',
      'ö',
      `${header('text/plain; charset=iso-8859-1', '8bit')}\xe4\r\n\xf6\r\n\xfc\r\n`,
    ],
    [
      'a stateful charset',
      `${header('text/plain; charset=iso-2022-jp')}\x1b$BF|\x1b(B\r\nb\r\n`,
      'b',
      '日',
      `${header('text/plain; charset=iso-2022-jp')}\x1b$BF|\x1b(B\r\n\x1b$BF|\x1b(B\r\n`,
    ],
    [
      'a plain part with what ASCII does not hold, as UTF-8 and encoded',
      `${PLAIN}hi you\r\n`,
      'hi',
      'é',
      `Content-Type: text/plain; charset=utf-8\r\n${'Content-Transfer-Encoding: quoted-printable\r\n'}\r\n=C3=A9 you\r\n`,
    ],
    [
      'a part without header the same way',
      `\r\nhi you\r\n`,
      'hi',
      'é',
      `Content-Type: text/plain; charset=utf-8\r\n${'Content-Transfer-Encoding: quoted-printable\r\n'}\r\n=C3=A9 you\r\n`,
    ],
    [
      'what a charset does not hold, as UTF-8',
      `${header('text/plain; format=flowed; charset=iso-8859-1', '8bit')}\xe4 b\r\n`,
      'b',
      '日',
      `${header('text/plain; format=flowed; charset=utf-8', '8bit')}${utf8('ä 日')}\r\n`,
    ],
    ['a lone line feed', `${PLAIN}a b\r\n`, ' ', '\n', `${PLAIN}a\r\nb\r\n`],
    ['base64', `${BASE64}b25l\r\n`, 'one', 'zwei', `${BASE64}endlaQ==\r\n`],
    [
      'base64 with lines of its own kind of end',
      `${BASE64}YQpiCg==\r\n`,
      'b',
      'c',
      `${BASE64}YQpjCg==\r\n`,
    ],
  ])('changes %s', (_, message, from, to, expected) => {
    expect(changed(message, (text) => text.replaceAll(from, utf8(to)))).toBe(expected)
  })

  test('leaves whole lines of base64 before the change alone', () => {
    const lines = Buffer.from('x'.repeat(57) + 'y'.repeat(57) + 'z').toString('base64')
    const [first, second] = [lines.slice(0, 76), lines.slice(76, 152)]
    const result = changed(`${BASE64}${first}\r\n${second}\r\neg==\r\n`, (text) => `${text}!`)
    expect(result).toBe(`${BASE64}${first}\r\n${second}\r\neiE=\r\n`)
  })

  test('encodes a plain part whose line would become too long', () => {
    const result = changed(`${PLAIN}a\r\n`, () => `${'b'.repeat(1200)}\r\n`)
    expect(result).toContain('Content-Transfer-Encoding: quoted-printable\r\n')
    expect(result.split('\r\n').every((line) => line.length <= 76)).toBe(true)
  })

  test('drops what described the content as it was', () => {
    const message = `Content-MD5: abc\r\n${PLAIN}a\r\n`
    expect(changed(message, () => 'b\r\n')).toBe(`${PLAIN}b\r\n`)
    expect(changed(message, (text) => text)).toBe(message)
  })

  const lines = fc
    .array(fc.constantFrom('a', 'é', '日', ' ', '=', '\r\n', 'word ', '.', '\t'), { maxLength: 40 })
    .map((pieces) => pieces.join(''))
  const kinds = fc.constantFrom(
    ['utf-8', '8bit'],
    ['utf-8', 'quoted-printable'],
    ['utf-8', 'base64'],
    ['iso-8859-1', 'quoted-printable'],
    ['shift_jis', 'base64'],
    ['iso-2022-jp', '7bit'],
    ['us-ascii', '7bit'],
  )

  test('reads back what was written, whatever stood there before', () => {
    fc.assert(
      fc.property(kinds, lines, lines, ([charset = '', encoding], before, after) => {
        const empty = leafOf(header(`text/plain; charset=${charset}`, encoding))
        const first = replaceText(empty, describeFields(empty.fields), '', utf8(before))
        expect(textOf(first)).toBe(utf8(before))
        const described = describeFields(first.fields)
        expect(textOf(replaceText(first, described, utf8(before), utf8(after)))).toBe(utf8(after))
      }),
      { numRuns: 300 },
    )
  })
})

describe('writeText', () => {
  test.each([
    ['ascii', 'text/plain', undefined, 'Content-Type: text/plain; charset=utf-8\r\n\r\nascii'],
    [
      'é e e',
      'text/html',
      'iso-8859-1',
      'Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9 e e',
    ],
    [
      '日本',
      'text/plain; format=flowed',
      'iso-8859-1',
      'Content-Type: text/plain; format=flowed; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n5pel5pys\r\n',
    ],
    [
      'x',
      'text/plain\r\nBcc: evil@example.com',
      undefined,
      'Content-Type: text/plain; charset=utf-8\r\n\r\nx',
    ],
    ['a\nb', 'nonsense', '', 'Content-Type: text/plain; charset=utf-8\r\n\r\na\r\nb'],
  ])('%j as %s in %s', (text, type, charset, expected) => {
    const leaf = leafOf('Content-Transfer-Encoding: base64\r\nContent-Type: x/y\r\n\r\nxxxx')
    const bytes = bytesOf(writeText(leaf, utf8(text), type, charset))
    expect(bytes.split('\r\n').sort()).toEqual(expected.split('\r\n').sort())
    expect(bytes.endsWith(expected.slice(expected.indexOf('\r\n\r\n')))).toBe(true)
  })
})
