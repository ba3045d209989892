import { expect, test } from 'vitest'
import { type Line, openLines } from '../../src/smtp/line.ts'

function read(...chunks: string[]): Line[] {
  const lines = openLines()
  const read: Line[] = []
  for (const chunk of chunks) {
    let rest: Buffer = Buffer.from(chunk, 'latin1')
    while (rest.length) {
      const result = lines.push(rest)
      if (!result.done) break
      read.push(result.line)
      rest = result.rest
    }
  }
  return read
}

function kinds(...chunks: string[]): string[] {
  return read(...chunks).map((line) => (line.kind === 'command' ? line.command.line : line.kind))
}

test.each([
  ['NOOP', 'NOOP', ''],
  ['noop', 'NOOP', ''],
  ['MAIL FROM:<a@b>  SIZE=1 \t', 'MAIL', 'FROM:<a@b>  SIZE=1'],
  ['XSETCONTEXT\ta=b', 'XSETCONTEXT', 'a=b'],
  ['EHLO  x y', 'EHLO', 'x y'],
  ['', '', ''],
  [' NOOP', '', 'NOOP'],
  ['\xe9\xff x\xa0', '\xe9\xff', 'x\xa0'],
  ['a\0b c', 'A\0B', 'c'],
])('reads %j', (line, verb, argument) => {
  expect(read(`${line}\r\n`)).toEqual([{ kind: 'command', command: { verb, argument, line } }])
})

test('reads lines however they are cut', () => {
  const text = 'MAIL FROM:<>\r\n\r\nDATA\r\nA\nB\r\nC\rD\r\nE\r\r\nQUIT\r\nrest'
  const spoilt = 'lone line end'
  const expected = ['MAIL FROM:<>', '', 'DATA', spoilt, spoilt, spoilt, 'QUIT']
  for (let at = 0; at <= text.length; at++) {
    // A chunk that ends in the lone LF is answered at once, and its line once more.
    const early = text.slice(0, at).endsWith('A\n') ? [spoilt] : []
    expect(kinds(text.slice(0, at), text.slice(at))).toEqual([
      ...expected.slice(0, 3),
      ...early,
      ...expected.slice(3),
    ])
  }
  expect(kinds(...text.split('')).filter((kind) => kind !== spoilt)).toEqual([
    'MAIL FROM:<>',
    '',
    'DATA',
    'QUIT',
  ])
})

test('never takes what follows a lone line end for a command', () => {
  expect(kinds('NOOP\nQUIT\r\n')).toEqual(['lone line end'])
  expect(kinds('NOOP\n', 'QUIT\r\n', 'RSET\r\n')).toEqual([
    'lone line end',
    'lone line end',
    'RSET',
  ])
  expect(kinds('NOOP\r', 'QUIT\r\n')).toEqual(['lone line end'])
})

test.each([
  ['NOOP ', 1_000],
  ['EHLO ', 1_000],
  ['MAIL ', 4_096],
  ['rcpt ', 4_096],
  ['AUTH ', 4_096],
  ['XSETCONTEXT ', 4_096],
])('takes %j up to %i octets', (start, limit) => {
  const longest = start.padEnd(limit, 'a')
  expect(kinds(`${longest}\r\n`)).toEqual([longest])
  expect(kinds(`${longest}a\r\nNOOP\r\n`)).toEqual(['too long', 'NOOP'])
  expect(kinds(...`${longest}a\r\n`.split(''))).toEqual(['too long'])
})

test('gives up on a line without an end', () => {
  expect(kinds('a'.repeat(65_536))).toEqual([])
  expect(kinds('a'.repeat(65_537))).toEqual(['endless'])
  expect(kinds('a'.repeat(40_000), 'a'.repeat(40_000))).toEqual(['endless'])
  expect(kinds('a\n'.repeat(40_000))).toEqual(['endless'])
})
