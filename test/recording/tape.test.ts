import { expect, test } from 'vitest'
import { readTape, type Tape, writeTape } from '../../src/recording/tape.ts'

const TAPE: Tape = {
  peer: '192.0.2.7',
  began: '2026-11-25T08:00:00.000Z',
  isRedacted: true,
  isCaptured: true,
  entries: [
    { kind: 'reply', text: '250-b\n250 SIZE 10' },
    { kind: 'command', line: 'MAIL FROM:<gr\xc3\xbc@b.example>' },
    { kind: 'auth', user: 'ann' },
    { kind: 'message', bytes: Buffer.from('Subject: grün\r\n\r\nx\r\n') },
    { kind: 'message', bytes: Buffer.from([0xff, 0x00, 0x0d]) },
    {
      kind: 'delivered',
      rcptto: 'c@d.example',
      mailfrom: '',
      bytes: Buffer.from('A: b\r\n\r\n'),
      context: { campaign: 'spring' },
    },
    { kind: 'end', how: 'quit' },
  ],
}

test('comes back from its file as it was', () => {
  expect(readTape(writeTape(TAPE), 'a.session')).toEqual(TAPE)
})

test('is a JSON object a line', () => {
  expect(writeTape({ ...TAPE, entries: TAPE.entries.slice(0, 4) })).toBe(
    [
      '{"session":1,"peer":"192.0.2.7","began":"2026-11-25T08:00:00.000Z","redacted":true,"captured":true}',
      '{"reply":"250-b\\n250 SIZE 10"}',
      '{"command":"MAIL FROM:<grü@b.example>"}',
      '{"auth":"ann"}',
      '{"message":"Subject: grün\\r\\n\\r\\nx\\r\\n"}',
      '',
    ].join('\n'),
  )
})

const HEAD = '{"session":1,"peer":"a","began":"b"}\n'

test.each([
  ['', 'a.session:1: this is no recorded session'],
  ['{"x":1}\n', 'a.session:1: this is no recorded session'],
  ['{"session":2}\n', 'a.session:1: session of version 2'],
  [`${HEAD}\n{"reply":7}\n`, 'a.session:3: "reply" must be a string'],
  [`${HEAD}{"what":7}\n`, 'a.session:2: unknown entry what'],
  [`${HEAD}{"reply`, 'a.session:2: no JSON: '],
  [`${HEAD}[]x`, 'a.session:2: no JSON: '],
  [`${HEAD}7`, 'a.session:2: an object was expected'],
])('says where a file is wrong: %j', (text, complaint) => {
  expect(() => readTape(text, 'a.session')).toThrow(complaint)
})
