import { describe, expect, test } from 'vitest'
import { compareTapes } from '../../src/recording/difference.ts'
import {
  normalContext,
  normalLinks,
  normalMessage,
  normalText,
} from '../../src/recording/normal.ts'
import { changesBetween } from '../../src/recording/outcome.ts'
import type { Tape, TapeEntry } from '../../src/recording/tape.ts'

describe('what differs from run to run', () => {
  test.each([
    ['250 2.0.0 OK 5F/3A-12345-00C0FFEE', '250 2.0.0 OK <id>'],
    ['on Sat, 21 Nov 2026 09:00:00 +0000 (UTC)', 'on <date>'],
    ['at 2026-11-21T09:00:00.123Z', 'at <date>'],
    ['seen=1767225600', 'seen=<date>'],
    ['550 5.7.1 no 4711', '550 5.7.1 no 4711'],
  ])('%s', (text, normal) => {
    expect(normalText(text)).toBe(normal)
  })

  test.each([
    [
      '<a href="http://t.example/f/a/AbCdEfGhIjKlMnOp~~/AAQR/xyz">',
      '<a href="http://t.example/f/a/<token>">',
    ],
    ['http://t.example:8080/q/AbCdEfGhIjKl-_MnOpQr/x', 'http://t.example:8080/q/<token>'],
    ['http://t.example/f/a/token', 'http://t.example/f/a/<token>'],
    ['https://shop.example/f/short', 'https://shop.example/f/short'],
  ])('%s', (text, normal) => {
    expect(normalLinks(text)).toBe(normal)
  })

  test('is not seen in messages', () => {
    const message = (boundary: string, token: string, signature: string) =>
      Buffer.from(
        [
          'Received: from a by b; Sat, 21 Nov 2026 09:00:00 +0000',
          `DKIM-Signature: v=1; d=x.example; b=${signature}; bh=${signature}`,
          `Content-Type: multipart/mixed; boundary="${boundary}"`,
          '',
          `--${boundary}`,
          'Content-Type: text/plain',
          'Content-Transfer-Encoding: quoted-printable',
          '',
          `go to http://t.example/f/a/${token} =`,
          'now',
          `--${boundary}--`,
          '',
        ].join('\r\n'),
      )
    const lines = normalMessage(message('b1', 'A'.repeat(30), 'sig1'))
    expect(lines).toEqual([
      'DKIM-Signature: v=1; d=x.example; b=<signed>; bh=<signed>',
      'Content-Type: multipart/mixed; boundary="<boundary 1>"',
      '',
      '--',
      'Content-Type: text/plain',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'go to http://t.example/f/a/<token> now',
    ])
    expect(normalMessage(message('other', 'B'.repeat(50), 'sig2'))).toEqual(lines)
  })

  test('is not seen in variables, which come in the order of their names', () => {
    expect(normalContext({ b: '1', a: '00/1F-1-00000002' })).toEqual({ a: '<id>', b: '1' })
    expect(Object.keys(normalContext({ b: '1', a: '2' }))).toEqual(['a', 'b'])
  })
})

const reply = (text: string): TapeEntry => ({ kind: 'reply', text })
const command = (line: string): TapeEntry => ({ kind: 'command', line })
const delivered = (rcptto: string, field: string, context = {}): TapeEntry => ({
  kind: 'delivered',
  rcptto,
  mailfrom: 'a@b',
  bytes: Buffer.from(`X: ${field}\r\n\r\ntext\r\n`),
  context,
})

function tapeOf(...entries: readonly TapeEntry[]): Tape {
  return { peer: '192.0.2.1', began: '', isRedacted: false, isCaptured: true, entries }
}

const messageTo = (...answers: readonly TapeEntry[]): Tape =>
  tapeOf(
    reply('220 a'),
    command('RCPT TO:<c@d>'),
    reply('250 ok'),
    command('DATA'),
    reply('354 go'),
    { kind: 'message', bytes: Buffer.from('X: y\r\n\r\n') },
    ...answers,
  )

describe('two tapes of the same commands', () => {
  const strict = { codesOnly: false }

  test('do not differ in what a server says of itself', () => {
    const tape = (greeting: string, hello: string) =>
      tapeOf(reply(greeting), command('EHLO a'), reply(hello))
    expect(compareTapes(tape('220 a', '250-a\n250 X'), tape('220 b', '250 b'), strict)).toEqual([])
  })

  test('do not differ in what the recorder refused', () => {
    const tape = (said: string) => tapeOf(reply('220 a'), command('STARTTLS'), reply(said))
    expect(compareTapes(tape('502 5.5.1 not offered here'), tape('500 what'), strict)).toEqual([])
  })

  test('differ in codes, and in what refusals say unless only codes count', () => {
    const tape = (said: string) => tapeOf(reply('220 a'), command('RCPT TO:<c@d>'), reply(said))
    expect(compareTapes(tape('250 ok'), tape('550 no'), strict)).toEqual([
      { phase: 'rcptto', about: 'RCPT TO:<c@d>', recorded: ['250 ok'], played: ['550 no'] },
    ])
    expect(compareTapes(tape('550 no'), tape('550 never'), strict)).toHaveLength(1)
    expect(compareTapes(tape('550 no'), tape('550 never'), { codesOnly: true })).toEqual([])
  })

  test('belong to their commands also where a client pipelined', () => {
    const recorded = tapeOf(
      reply('220 a'),
      command('MAIL FROM:<>'),
      command('RCPT TO:<c@d>'),
      reply('250 a'),
      reply('550 b'),
    )
    const played = tapeOf(
      reply('220 a'),
      command('MAIL FROM:<>'),
      reply('250 a'),
      command('RCPT TO:<c@d>'),
      reply('250 b'),
    )
    expect(compareTapes(recorded, played, strict).map(({ phase }) => phase)).toEqual(['rcptto'])
  })

  test('differ in what is delivered, and to whom', () => {
    const recorded = messageTo(reply('250 ok'), delivered('c@d', 'one'), delivered('e@f', 'one'))
    const played = messageTo(reply('250 ok'), delivered('c@d', 'two'), delivered('g@h', 'one'))
    expect(compareTapes(recorded, played, strict)).toMatchObject([
      {
        phase: 'copy',
        about: 'c@d',
        recorded: ['MAIL FROM:<a@b>', 'X: one', '', 'text'],
        played: ['MAIL FROM:<a@b>', 'X: two', '', 'text'],
      },
      { phase: 'copy', about: 'e@f', played: [] },
      { phase: 'copy', about: 'g@h', recorded: [] },
    ])
  })

  test('differ in variables where they are known', () => {
    const recorded = messageTo(reply('250 ok'), delivered('c@d', 'x', { k: '1' }))
    const played = messageTo(reply('250 ok'), delivered('c@d', 'x', { k: '2' }))
    expect(compareTapes(recorded, played, strict)).toEqual([
      { phase: 'context', about: 'c@d', recorded: ['k=1'], played: ['k=2'] },
    ])
  })

  test('do not differ in deliveries that were not captured', () => {
    const recorded = { ...messageTo(reply('250 ok')), isCaptured: false }
    expect(
      compareTapes(recorded, messageTo(reply('250 ok'), delivered('c@d', 'x')), strict),
    ).toEqual([])
  })
})

test('outcomes of two policies are compared by message and recipient', () => {
  const outcome = (message: number, rcptto: string, ...lines: readonly string[]) => ({
    message,
    rcptto,
    lines,
  })
  expect(
    changesBetween(
      [outcome(1, 'a', 'x'), outcome(1, 'b', 'x'), outcome(2, 'a', 'x')],
      [outcome(1, 'a', 'x'), outcome(2, 'a', 'y'), outcome(2, 'c', 'z')],
    ),
  ).toEqual([
    { message: 1, rcptto: 'b', before: ['x'], after: [] },
    { message: 2, rcptto: 'a', before: ['x'], after: ['y'] },
    { message: 2, rcptto: 'c', before: [], after: ['z'] },
  ])
})
