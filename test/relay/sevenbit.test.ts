import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { toSevenBit, type Transformation } from '../../src/relay/sevenbit.ts'

function convert(text: string, how: Transformation = 'ifneeded'): string | undefined {
  return toSevenBit(Buffer.from(text, 'latin1'), how)?.toString('latin1')
}

const UMLAUT = 'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\n'

describe('ifneeded', () => {
  test('leaves us-ascii alone', () => {
    const text = `${UMLAUT}Content-Transfer-Encoding: 8bit\r\n\r\nplain\r\n`
    expect(convert(text)).toBe(text)
  })

  test('encodes text as quoted-printable', () => {
    expect(
      convert(`${UMLAUT}Content-Transfer-Encoding: 8bit\r\nX: y\r\n\r\nGr\xfc\xdfe =\r\n`),
    ).toBe(`${UMLAUT}Content-Transfer-Encoding: quoted-printable\r\nX: y\r\n\r\nGr=FC=DFe =3D\r\n`)
  })

  test('says what it did where nothing was said', () => {
    expect(convert('Subject: x\r\n\r\n\xfc\r\n')).toBe(
      'Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\nMIME-Version: 1.0\r\n\r\n=FC\r\n',
    )
  })

  test('encodes only the parts that need it, and what is no text as base64', async () => {
    const text = [
      'Content-Type: multipart/mixed; boundary=b',
      'MIME-Version: 1.0',
      'Content-Transfer-Encoding: 8bit',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'Gr\xc3\xbcn',
      '--b',
      'Content-Type: text/plain',
      '',
      'plain =',
      '--b',
      'Content-Type: application/pdf',
      'Content-Transfer-Encoding: binary',
      '',
      '%PDF\xff',
      '--b--',
      '',
    ].join('\r\n')
    const converted = convert(text) ?? ''
    expect(converted).not.toMatch(/[\x80-\xff]/)
    expect(converted).toContain('\r\nContent-Transfer-Encoding: 7bit\r\n')
    expect(converted).toContain('\r\nContent-Type: text/plain\r\n\r\nplain =\r\n--b\r\n')
    const mail = await simpleParser(Buffer.from(converted, 'latin1'))
    expect(mail.text).toContain('Grün')
    expect(mail.attachments[0]?.content).toEqual(Buffer.from('%PDF\xff', 'latin1'))
  })

  test('reaches into messages that are attached', () => {
    const inner = `${UMLAUT}\r\n\xfc`
    expect(convert(`MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n${inner}`)).toBe(
      `MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n${UMLAUT}Content-Transfer-Encoding: quoted-printable\r\n\r\n=FC`,
    )
  })

  test('leaves a signed message alone', () => {
    const text = `DKIM-Signature: v=1\r\n${UMLAUT}\r\n\xfc\r\n`
    expect(convert(text)).toBe(text)
  })
})

test.each<[Transformation, string, string | undefined]>([
  ['no', `${UMLAUT}\r\n\xfc\r\n`, `${UMLAUT}\r\n\xfc\r\n`],
  ['strip', `${UMLAUT}\r\n\xfc\r\n`, `${UMLAUT}\r\n|\r\n`],
  ['strict', `DKIM-Signature: v=1\r\n${UMLAUT}\r\n\xfc\r\n`, undefined],
  ['strict', 'Subject: \xfc\r\n\r\nx\r\n', undefined],
  [
    'strict',
    `${UMLAUT}\r\n\xfc`,
    `${UMLAUT}Content-Transfer-Encoding: quoted-printable\r\n\r\n=FC`,
  ],
])('%s makes of %j %j', (how, text, expected) => {
  expect(convert(text, how)).toBe(expected)
})
