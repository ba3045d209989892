import { expect, test } from 'vitest'
import { bounceClass } from '../../src/mail/bounceclass.ts'

test.each([
  [
    '550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table',
    10,
  ],
  ['550 No such user here', 10],
  ['550 5.2.1 The email account that you tried to reach is disabled', 10],
  ['552 5.2.2 Mailbox full', 22],
  ['452 4.2.2 The email account that you tried to reach is over quota', 22],
  ['552 5.3.4 Message too big for system', 23],
  ['554 5.4.7 [internal] exceeded max time without delivery', 24],
  ['554 5.1.2 [internal] Domain Lookup Failed', 21],
  ['550 5.1.10 [internal] NULL MX domain does not accept mail', 21],
  ['554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org', 51],
  ['550 5.7.1 Our system has detected that this message is likely unsolicited mail', 52],
  ['550 5.7.1 Relaying denied', 54],
  ['554 5.7.1 <a@b>: Relay access denied', 54],
  ['552 5.7.0 This message was blocked because its content presents a virus', 53],
  ['550 5.7.26 This mail has been blocked because the sender is unauthenticated (DMARC)', 50],
  ['550 5.7.1 no', 50],
  ['450 4.2.0 Greylisted, try again in 5 minutes', 20],
  ['421 4.7.0 Too many connections from your host', 20],
  ['451 4.4.2 [internal] connection closed by remote host', 70],
  ['554 Transaction failed', 1],
  ['', 1],
])('%s is of class %i', (text, expected) => {
  expect(bounceClass(text)).toBe(expected)
})

test('a reply of a megabyte takes no time worth speaking of', () => {
  expect(bounceClass(`550 ${'exceeds '.repeat(130_000)}`)).toBe(1)
})
