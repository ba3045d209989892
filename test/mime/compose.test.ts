import { simpleParser } from 'mailparser'
import PostalMime from 'postal-mime'
import { describe, expect, test } from 'vitest'
import { type Composition, composeForward, composeMessage } from '../../src/mime/compose.ts'
import type { Split } from '../../src/mime/field.ts'

const DEFAULTS = { date: 'Sat, 21 Nov 2026 11:28:00 +0000', messageId: '<1@host.example>' }
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

function boundaries(): () => string {
  let count = 0
  return () => `b${++count}`
}

function bytesOf({ fields, separator, body }: Split): Buffer {
  return Buffer.concat([...fields.map(({ bytes }) => bytes), separator, body])
}

const compose = (composition: Partial<Composition>): Buffer =>
  bytesOf(
    composeMessage(
      { headers: [], alternatives: [], attachments: [], ...composition },
      DEFAULTS,
      boundaries(),
    ),
  )

describe('composeMessage', () => {
  test('makes multipart/mixed around multipart/alternative, plain text first', () => {
    const message = compose({
      headers: [
        ['From', 'a@b.example'],
        ['Subject', 'Hello'],
      ],
      alternatives: [
        { type: 'text/html', content: '<p>hi</p>' },
        { type: 'text/plain; charset=utf8', content: 'hi' },
      ],
    })
    expect(message.toString('latin1')).toBe(
      [
        'From: a@b.example',
        'Subject: Hello',
        'Date: Sat, 21 Nov 2026 11:28:00 +0000',
        'Message-ID: <1@host.example>',
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary=b1',
        '',
        '--b1',
        'Content-Type: multipart/alternative; boundary=b2',
        '',
        '--b2',
        'Content-Type: text/plain; charset=utf8',
        'Content-Disposition: inline',
        'Content-Transfer-Encoding: base64',
        '',
        'aGk=',
        '--b2',
        'Content-Type: text/html',
        'Content-Disposition: inline',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        '<p>hi</p>',
        '--b2--',
        '',
        '--b1--',
        '',
      ].join('\r\n'),
    )
  })

  test('is read by other parsers as it was meant', async () => {
    const message = compose({
      headers: [['Subject', utf8('Grüße')]],
      alternatives: [
        { type: 'text/html', content: utf8('<p>größer</p>') },
        { type: 'text/plain', content: utf8('größer\n') },
      ],
      attachments: [
        {
          kind: 'file',
          type: 'text/csv',
          name: utf8('./tables/Übersicht 1.csv'),
          headers: 'Openby: iphone4\r\nContent-Type: evil/evil\r\n\r\nX: y',
          content: utf8('ä;b\r\n'),
          isBase64: false,
        },
        {
          kind: 'file',
          type: 'image/png',
          name: 'a.png',
          headers: '',
          content: 'iVBORw==',
          isBase64: true,
        },
        { kind: 'message', bytes: Buffer.from('Subject: inner\r\n\r\n--b1\r\ntext\r\n') },
      ],
    })
    const mail = await simpleParser(message)
    expect(mail.subject).toBe('Grüße')
    expect(mail.text?.trim()).toBe('größer')
    expect(mail.html).toBe('<p>größer</p>')
    const [table, image] = mail.attachments
    expect(table?.content.toString()).toBe('ä;b\r\n')
    expect(image?.content.toString('hex')).toBe('89504e47')
    expect(table?.headers.get('openby')).toBe('iphone4')
    expect(table?.headers.has('x')).toBe(false)
    const postal = await PostalMime.parse(message)
    expect(postal.text?.trim()).toContain('größer')
    expect(postal.attachments.map(({ filename }) => filename)).toContain('Übersicht 1.csv')
  })

  test('leaves out what would break its structure', () => {
    const message = compose({
      headers: [
        ['Content-Type', 'text/plain'],
        ['bad name', 'x'],
        ['X-A', 'b\r\nBcc: evil@example.com'],
        ['date', 'mine'],
      ],
    }).toString('latin1')
    expect(message).not.toMatch(/^Content-Type: text/m)
    expect(message).not.toMatch(/^bad name/m)
    expect(message).not.toMatch(/^Bcc/m)
    expect(message.match(/^date:/gim)).toEqual(['date:'])
  })
})

describe('composeForward', () => {
  test('attaches the message as it is', async () => {
    const original = Buffer.from('Subject: inner\r\n\r\ntext caf\xe9\r\n', 'latin1')
    const message = bytesOf(
      composeForward(
        [['Subject', 'Fwd']],
        { content: utf8('siehe größer'), charset: 'iso-8859-1' },
        original,
        DEFAULTS,
        boundaries(),
      ),
    )
    expect(message.includes(original)).toBe(true)
    expect(message.toString('latin1')).toContain(
      'Content-Type: message/rfc822; name="Attached Message"\r\n',
    )
    const postal = await PostalMime.parse(message, { forceRfc822Attachments: true })
    expect(postal.text?.trim()).toBe('siehe größer')
    expect(postal.attachments).toHaveLength(1)
  })
})
