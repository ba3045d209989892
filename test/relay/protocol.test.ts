import { expect, test } from 'vitest'
import {
  isSafePath,
  mailCommand,
  parseExtensions,
  type RemoteReply,
  replyReader,
  sizeLimit,
} from '../../src/relay/protocol.ts'

test.each([
  ['250 ok\r\n', [[250, '250 ok']]],
  ['250 ok\n', [[250, '250 ok']]],
  ['250\r\n', [[250, '250']]],
  ['250-a\r\n250-b\r\n250 c\r\n', [[250, '250-a 250-b 250 c']]],
  [
    '250 a\r\n550 5.1.1 b\r\n',
    [
      [250, '250 a'],
      [550, '550 5.1.1 b'],
    ],
  ],
  ['354 go\r\n250 don', [[354, '354 go']]],
  ['421 \xe9\0\r\n', [[421, '421 \xe9\0']]],
])('reads %j', (text, expected) => {
  expect(read([text])).toEqual({ replies: expected, isMalformed: false })
  expect(read(text.split(''))).toEqual({ replies: expected, isMalformed: false })
})

test.each([
  'hello\r\n',
  '\r\n',
  '25 ok\r\n',
  '2500 ok\r\n',
  '150 ok\r\n',
  '600 ok\r\n',
  '250-a\r\n251 b\r\n',
  '250_a\r\n',
  '\0\0\0\0\r\n',
  'x'.repeat(5000),
  `250 ${'x'.repeat(4096)}\r\n`,
  '250-x\r\n'.repeat(101),
  `250-${'x'.repeat(4000)}\r\n`.repeat(17),
])('gives up on what is no reply (%#)', (text) => {
  expect(read([text])).toEqual({ replies: [], isMalformed: true })
  expect(read(text.split(''))).toEqual({ replies: [], isMalformed: true })
})

test('keeps the replies that came before the garbage', () => {
  expect(read(['250 ok\r\nHTTP/1.1 200 OK\r\n'])).toEqual({
    replies: [[250, '250 ok']],
    isMalformed: true,
  })
})

test('reads EHLO keywords in any case, with and without parameters', () => {
  const extensions = parseExtensions([
    'peer.test',
    'pipelining',
    'SIZE 1000',
    'AUTH=LOGIN',
    'X a  b ',
  ])
  expect([...extensions]).toEqual([
    ['PIPELINING', ''],
    ['SIZE', '1000'],
    ['AUTH', 'LOGIN'],
    ['X', 'a  b'],
  ])
})

test.each([
  ['SIZE 1000', 1000],
  ['SIZE 0', 0],
  ['SIZE', 0],
  ['SIZE x', 0],
  ['SIZE 1e9', 0],
])('takes the limit of %j to be %d', (line, limit) => {
  expect(sizeLimit(parseExtensions(['', line]))).toBe(limit)
})

test.each(['', 'a@b', '"a b"@c', '"a>\\" b"@c', 'a@[IPv6:::1]', '\xc3\xa0@b'])(
  'takes %j for an address',
  (address) => {
    expect(isSafePath(address)).toBe(true)
  },
)

test.each([
  'a>b@c',
  'a@b> SIZE=1',
  'a b@c',
  'a@b\r\nRSET',
  'a\0@b',
  '"a\rb"@c',
  '"a@b',
  'a\x7f@b',
  '<a@b',
])('finds %j unfit for a command', (address) => {
  expect(isSafePath(address)).toBe(false)
})

test.each([
  ['', 'MAIL FROM:<a@b>\r\n'],
  ['SIZE', 'MAIL FROM:<a@b> SIZE=3\r\n'],
  ['8BITMIME', 'MAIL FROM:<a@b> BODY=8BITMIME\r\n'],
  ['SMTPUTF8', 'MAIL FROM:<a@b>\r\n'],
])('uses %j in MAIL', (keyword, command) => {
  const transaction = {
    mailfrom: 'a@b',
    recipients: ['c@d'],
    bytes: Buffer.from('\xe9\r\n', 'latin1'),
  }
  expect(mailCommand(transaction, parseExtensions(['', keyword]), true)).toBe(command)
})

test('asks for SMTPUTF8 when a recipient needs it, and not for 8BITMIME when no octet does', () => {
  const transaction = {
    mailfrom: '',
    recipients: ['c@d', '\xc3\xa9@d'],
    bytes: Buffer.from('a\r\n'),
  }
  const extensions = parseExtensions(['', 'SMTPUTF8', '8BITMIME'])
  expect(mailCommand(transaction, extensions, true)).toBe('MAIL FROM:<> SMTPUTF8\r\n')
})

function read(pieces: readonly string[]): { replies: unknown[]; isMalformed: boolean } {
  const reader = replyReader()
  const replies: RemoteReply[] = []
  let isMalformed = false
  for (const piece of pieces) {
    const result = reader.read(piece)
    replies.push(...result.replies)
    isMalformed = result.isMalformed
  }
  return { replies: replies.map(({ code, text }) => [code, text]), isMalformed }
}
