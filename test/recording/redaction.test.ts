import { readdirSync, readFileSync } from 'node:fs'
import { simpleParser } from 'mailparser'
import { describe, expect, test } from 'vitest'
import { hideAddresses, redactMessage, redactTape } from '../../src/recording/redaction.ts'

const KEY = Buffer.from('key')
const REDACTION = { key: KEY, keepsTexts: false }

function redact(...lines: readonly string[]): string {
  return redactMessage(Buffer.from(lines.join('\r\n')), REDACTION).toString()
}

describe('addresses', () => {
  const ANN = hideAddresses('ann@x.example', KEY)

  test('have one name everywhere, of which only the domain is true', () => {
    expect(ANN).toMatch(/^u-[0-9a-f]{10}@x\.example$/)
    expect(hideAddresses('MAIL FROM:<Ann@x.example> SIZE=10', KEY)).toBe(
      `MAIL FROM:<${ANN}> SIZE=10`,
    )
    expect(hideAddresses(ANN, KEY)).toBe(ANN)
    expect(hideAddresses('ann@x.example', Buffer.from('other'))).not.toBe(ANN)
  })

  test.each([
    ['"odd local"@x.example', /^u-[0-9a-f]{10}@x\.example$/],
    [
      'https://x.example/u?who=ann%40x.example',
      /^https:\/\/x\.example\/u\?who=u-[0-9a-f]{10}%40x\.example$/,
    ],
    ['<postmaster@x.example>', /^<postmaster@x\.example>$/],
    ['<No-Reply@x.example>', /^<No-Reply@x\.example>$/],
    [
      'MAIL FROM:<bounce+ann=x.example@y.example> AUTH=ann@x.example',
      /^MAIL FROM:<u-[0-9a-f]{10}@y\.example> AUTH=u-[0-9a-f]{10}@x\.example$/,
    ],
    ['grüße@x.example', /^u-[0-9a-f]{10}@x\.example$/],
    ['@media print', /^@media print$/],
  ])('%s', (text, expected) => {
    expect(hideAddresses(text, KEY)).toMatch(expected)
  })
})

describe('messages', () => {
  test('lose names, subjects and texts, and keep their form', () => {
    const after = redact(
      'From: "Ann Smith" <ann@x.example>',
      'To: =?utf-8?q?J=C3=B6rg?= <joerg@y.example>, bob@z.example',
      'Subject: Invoice 4711',
      'X-Mailer: Some Mailer 1.0',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'Dear Jörg, pay 30 EUR: https://pay.example/invoice/4711?to=joerg',
      '',
    )
    expect(after).toMatch(
      /^From: "Xxx Xxxxx" <u-[0-9a-f]{10}@x\.example>\r\nTo: xxxx <u-[0-9a-f]{10}@y\.example>, u-[0-9a-f]{10}@z\.example\r\nSubject: Xxxxxxx 0000\r\nX-Mailer: Some Mailer 1\.0\r\n/,
    )
    expect(after).toMatch(
      /\r\n\r\nXxxx Xxxx?xx?, xxx 00 XXX: https:\/\/pay\.example\/xxxxxxx\/0000\?xx=xxxxx\r\n$/,
    )
  })

  test('keep the markup of HTML, and that a link is tracked', () => {
    const token = 'AbC1'.repeat(20)
    const after = redact(
      'Content-Type: text/html',
      '',
      `<p class="big">Hi&nbsp;Ann <img alt="Ann's" src="https://i.example/ann.png"><a href="http://t.example/f/a/${token}">x</a></p>`,
      '',
    )
    expect(after).toContain(
      '<p class="big">Xx&nbsp;Xxx <img alt="Xxx\'x" src="https://i.example/xxx.xxx"><a href="http://t.example/f/a/token">x</a></p>',
    )
  })

  test('keep the transfer encoding and size of what is no text', () => {
    const after = redact(
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: image/png; name=ann.png',
      'Content-Transfer-Encoding: base64',
      '',
      'iVBORw0KGgo=',
      '--b--',
      '',
    )
    expect(after).toContain('\r\n\r\nAAAAAA0AAAA=\r\n--b--\r\n')
    expect(after).toContain('boundary=b')
  })

  test('of all kinds have the same parts as before, and none of their words', async () => {
    const folder = new URL('../corpus/', import.meta.url)
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.eml'))) {
      const before = readFileSync(new URL(name, folder))
      const after = redactMessage(before, REDACTION)
      const [was, is] = await Promise.all([simpleParser(before), simpleParser(after)])
      expect([name, is.attachments.length]).toEqual([name, was.attachments.length])
      // Hosts, domains and header fields of messages within stay.
      const text = (is.text ?? '').replace(/https?:\/\/\S+|\S+@\S+|^[\w-]+:|^--.*/gm, '')
      const words = text.match(/[b-wyz]{4,}/gi) ?? []
      expect([name, words]).toEqual([name, []])
    }
  })

  test('keep their texts when asked to', () => {
    const bytes = Buffer.from('Subject: Offer for ann@x.example\r\n\r\nDear Ann\r\n')
    const after = redactMessage(bytes, { ...REDACTION, keepsTexts: true }).toString()
    expect(after).toMatch(/^Subject: Offer for u-[0-9a-f]{10}@x\.example\r\n\r\nDear Ann\r\n$/)
  })
})

test('a tape is redacted everywhere', () => {
  const tape = redactTape(
    {
      peer: '192.0.2.1',
      began: '2026-11-25T08:00:00.000Z',
      isRedacted: false,
      isCaptured: true,
      entries: [
        { kind: 'command', line: 'RCPT TO:<ann@x.example>' },
        { kind: 'reply', text: '550 ann@x.example is unknown' },
        { kind: 'auth', user: 'ann' },
        { kind: 'message', bytes: Buffer.from('To: ann@x.example\r\n\r\nann\r\n') },
        {
          kind: 'delivered',
          rcptto: 'ann@x.example',
          mailfrom: 'ann@x.example',
          bytes: Buffer.from('A: ann@x.example\r\n\r\n'),
        },
      ],
    },
    REDACTION,
  )
  expect(tape.isRedacted).toBe(true)
  const text = JSON.stringify(
    tape.entries.map((entry) =>
      'bytes' in entry ? { ...entry, bytes: entry.bytes.toString() } : entry,
    ),
  )
  expect(text).not.toMatch(/\bann\b/)
  expect(text.match(/u-[0-9a-f]{10}@x\.example/g)).toHaveLength(6)
})
