// The macros of msys.expandMacro.
import { describe, expect, test } from 'vitest'
import { emptyContext } from '../../src/mail/context.ts'
import { expandMacros } from '../../src/msys/macro.ts'
import { subjectOf } from '../support/policy.ts'

const NOW = Date.UTC(2026, 10, 21, 11, 28)

function expand(text: string, remoteAddress = '192.0.2.3') {
  const context = emptyContext()
  context.connection.set('ehlo_domain', 'mx.client.example')
  context.connection.set('c', 'conn')
  context.message.set('mailfrom_localpart', 'strong-bad')
  context.message.set('mailfrom_domain', 'email.example.com')
  context.message.set('rcptto_localpart', 'anna')
  context.message.set('rcptto_domain', 'rcpt.example')
  context.message.set('m', '%{vctx_conn:c}')
  const { subject } = subjectOf('A: 1\r\nB: 2\r\n\r\nfirst\r\nsecond\r\nthird')
  const unknown: string[] = []
  const message = subject.msg.current
  const said = expandMacros(text, { context, remoteAddress, message, nowMs: NOW }, (macro) =>
    unknown.push(macro),
  )
  return { said, unknown }
}

describe('macros', () => {
  test.each([
    ['x%{vctx_conn:c}y', 'xconny'],
    ['%{vctx_mess:m}', '%{vctx_conn:c}'],
    ['[%{vctx_mess:none}]', '[]'],
    ['100%% %', '100% %'],
    ['%{vctx_mess:none||nobody}', 'nobody'],
    ['%{vctx_conn:c||nobody}', 'conn'],
    ['%{rcptto} %{rcptto_localpart} %{rcptto_domain}', 'anna@rcpt.example anna rcpt.example'],
    ['%{mailfrom_domain}', 'email.example.com'],
    ['%{rfc822:date}', 'Sat, 21 Nov 2026 11:28:00 +0000'],
    ['%{rfc2822:headers}', 'A: 1\r\nB: 2\r\n'],
    ['%{rfc2822:body}', 'first\r\nsecond\r\nthird\r\n'],
    ['%{rfc2822:body,2}', 'first\r\nsecond\r\n'],
    ['%{rfc2822:body,3b}', 'fir'],
    ['%{rfc2822:message,4}', 'A: 1\r\nB: 2\r\n\r\nfirst\r\n'],
    ['%{', '%{'],
  ])('%s', (text, expected) => {
    expect(expand(text)).toEqual({ said: expected, unknown: [] })
  })

  test.each(['%{nothing}', '%{odd:i}', '%{rfc2822:part,1}', '%{}'])(
    '%s is reported and becomes empty',
    (macro) => {
      expect(expand(`<${macro}>`)).toEqual({ said: '<>', unknown: [macro] })
    },
  )
})

// The examples of RFC 7208 §7.4.
describe('SPF macros', () => {
  test.each([
    ['%{s}', 'strong-bad@email.example.com'],
    ['%{o}', 'email.example.com'],
    ['%{d}', 'email.example.com'],
    ['%{d4}', 'email.example.com'],
    ['%{d3}', 'email.example.com'],
    ['%{d2}', 'example.com'],
    ['%{d1}', 'com'],
    ['%{dr}', 'com.example.email'],
    ['%{d2r}', 'example.email'],
    ['%{l}', 'strong-bad'],
    ['%{l-}', 'strong.bad'],
    ['%{lr}', 'strong-bad'],
    ['%{lr-}', 'bad.strong'],
    ['%{l1r-}', 'strong'],
    ['%{ir}.%{v}._spf.%{d2}', '3.2.0.192.in-addr._spf.example.com'],
    ['%{spfv1:i}', '192.0.2.3'],
    ['%{h}', 'mx.client.example'],
    ['%{t}', String(NOW / 1000)],
    ['%{S}', 'strong-bad%40email.example.com'],
    ['%{p}', 'unknown'],
  ])('%s is %s', (text, expected) => {
    expect(expand(text)).toEqual({ said: expected, unknown: [] })
  })

  test('an IPv6 address has a readable and a dotted form', () => {
    expect(expand('%{c}', '2001:db8::cb01').said).toBe('2001:db8::cb01')
    expect(expand('%{ir}.%{v}', '2001:db8::cb01').said).toBe(
      '1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6',
    )
  })
})

test('a hostile text is expanded in linear time', () => {
  expect(expand('%{'.repeat(200_000)).said).toHaveLength(400_000)
})
