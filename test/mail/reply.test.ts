import { describe, expect, test } from 'vitest'
import { replyBytes, replyLine, replyTo, SmtpError, UNKNOWN_FAILURE } from '../../src/mail/reply.ts'

describe('replyBytes', () => {
  test.each([
    [{ code: 250, enhanced: '2.0.0', text: 'OK' }, '250 2.0.0 OK\r\n'],
    [{ code: 550, text: 'No such address' }, '550 No such address\r\n'],
    [
      { code: 250, text: 'a says EHLO\nPIPELINING\nSIZE 1' },
      '250-a says EHLO\r\n250-PIPELINING\r\n250 SIZE 1\r\n',
    ],
    [{ code: 451, enhanced: '4.7.1', text: 'one\r\ntwo' }, '451-4.7.1 one\r\n451 4.7.1 two\r\n'],
    [{ code: 550, text: 'a\rb\0c' }, '550 abc\r\n'],
  ])('sends %j', (reply, bytes) => {
    expect(replyBytes(reply)).toBe(bytes)
  })
})

test('replyLine puts a reply of several lines on one', () => {
  expect(replyLine({ code: 550, enhanced: '5.7.1', text: 'no\nnever' })).toBe('550 5.7.1 no never')
})

test('an error that is no SmtpError becomes a temporary reply that tells nothing', () => {
  expect(replyTo(new Error('/etc/secret'))).toEqual(UNKNOWN_FAILURE)
  const reply = { code: 552, text: 'too large' }
  expect(replyTo(new SmtpError(reply, 'private'))).toBe(reply)
})
