import { array, assert, constantFrom, property } from 'fast-check'
import { expect, test } from 'vitest'
import { stuff } from '../../src/relay/dotstuffing.ts'

test.each([
  ['', '.\r\n'],
  ['\r\n', '\r\n.\r\n'],
  ['a\r\n', 'a\r\n.\r\n'],
  ['a', 'a\r\n.\r\n'],
  ['.', '..\r\n.\r\n'],
  ['.\r\n', '..\r\n.\r\n'],
  ['a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n.\r\n'],
  ['a\r\n..b\r\n', 'a\r\n...b\r\n.\r\n'],
  ['a.b\r\nc.\r\n', 'a.b\r\nc.\r\n.\r\n'],
  ['\r\n\r\n.\r\n', '\r\n\r\n..\r\n.\r\n'],
  ['\xe9\0\r\n.\xff\r\n', '\xe9\0\r\n..\xff\r\n.\r\n'],
])('sends %j as %j', (message, sent) => {
  expect(sentBytes(message)).toBe(sent)
})

test.each(['\n', '\r', 'a\n.\n', 'a\r.\r', 'a\r\r\n', 'a\n\r\n', 'a\r\n.\nb', '\r\n.\r', '\n\r'])(
  'refuses %j, where a CR or LF stands alone',
  (message) => {
    expect(stuff({ bytes: bytes(message) })).toBeUndefined()
  },
)

test('does not copy a message that needs no dot', () => {
  const message = bytes('a\r\nb\r\n')
  expect(stuff({ bytes: message })?.[0]?.buffer).toBe(message.buffer)
})

test('keeps the chunks few when every line begins with a dot', () => {
  const chunks = stuff({ bytes: bytes('..\r\n'.repeat(10_000)) })
  expect(chunks?.length).toBe(2)
  expect(Buffer.concat(chunks ?? []).toString()).toBe(`${'...\r\n'.repeat(10_000)}.\r\n`)
})

const canonical = array(constantFrom('\r\n', '.', '..', 'a', '\0', '\xff', '\r\n.\r\n'), {
  maxLength: 200,
}).map((parts) => parts.join(''))

test('gives back every canonical message when un-stuffed, and ends it once', () => {
  assert(
    property(canonical, (message) => {
      const sent = sentBytes(message)
      const ended = message === '' || message.endsWith('\r\n') ? message : `${message}\r\n`
      expect(`\r\n${sent}`.indexOf('\r\n.\r\n')).toBe(sent.length - 3)
      expect(unstuff(sent)).toBe(ended)
    }),
    { seed: 1, numRuns: 500 },
  )
})

test('refuses exactly the messages with a CR or LF that stands alone', () => {
  const any = array(constantFrom('\r', '\n', '.', 'a')).map((parts) => parts.join(''))
  assert(
    property(any, (message) => {
      const isCanonical = !/[\r\n]/.test(message.replaceAll('\r\n', ''))
      expect(stuff({ bytes: bytes(message) }) !== undefined).toBe(isCanonical)
    }),
    { seed: 2, numRuns: 1000 },
  )
})

function unstuff(sent: string): string {
  const lines = sent.slice(0, -3).split('\r\n')
  return lines.map((line) => (line.startsWith('.') ? line.slice(1) : line)).join('\r\n')
}

function sentBytes(message: string): string {
  return Buffer.concat(stuff({ bytes: bytes(message) }) ?? []).toString('latin1')
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
