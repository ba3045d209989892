import { type ParsedMail, simpleParser } from 'mailparser'
import { expect, test } from 'vitest'
import { type Dsn, makeDsn } from '../../src/relay/dsn.ts'

const DSN: Dsn = {
  hostname: 'us.test',
  now: Date.UTC(2026, 0, 2, 3, 4, 5),
  id: '00/00-1-0000000A',
  returnTo: 'a@from.test',
  failures: [
    {
      rcptto: 'b@to.test',
      status: '5.1.1',
      diagnostic: '550 5.1.1 no such user',
      action: 'failed',
      remoteHost: '192.0.2.1',
    },
  ],
  originalHeader: Buffer.from('Subject: original\r\nFrom: a@from.test\r\n\r\nbody'),
}

test('is a report with explanation, status and the original header', async () => {
  const text = makeDsn(DSN).toString('latin1')
  const boundary = '=_report_00.00-1-0000000A'
  expect(text).toBe(
    [
      'Date: Fri, 02 Jan 2026 03:04:05 +0000',
      'From: Mail Delivery System <MAILER-DAEMON@us.test>',
      'To: <a@from.test>',
      'Message-ID: <00.00-1-0000000A@us.test>',
      'Subject: Mail delivery failure',
      'Auto-Submitted: auto-replied',
      'MIME-Version: 1.0',
      'Content-Type: multipart/report; report-type=delivery-status;',
      `\tboundary="${boundary}"`,
      '',
      `--${boundary}`,
      'Content-Type: text/plain; charset=us-ascii',
      '',
      'This is the mail system at us.test.',
      '',
      'Your message did not reach the following recipients:',
      '',
      '    <b@to.test>',
      '        550 5.1.1 no such user',
      '',
      'The header of your message is attached.',
      '',
      `--${boundary}`,
      'Content-Type: message/delivery-status',
      '',
      'Reporting-MTA: dns; us.test',
      '',
      'Final-Recipient: rfc822; b@to.test',
      'Action: failed',
      'Status: 5.1.1',
      'Remote-MTA: dns; 192.0.2.1',
      'Diagnostic-Code: smtp; 550 5.1.1 no such user',
      '',
      `--${boundary}`,
      'Content-Type: text/rfc822-headers',
      'Content-Transfer-Encoding: 7bit',
      'Content-Description: Header of the message',
      '',
      'Subject: original',
      'From: a@from.test',
      '',
      `--${boundary}--`,
      '',
    ].join('\r\n'),
  )
})

test('is read by mailparser', async () => {
  const mail = await parse(DSN)
  expect(mail.text).toContain('550 5.1.1 no such user')
  expect(mail.to).toMatchObject({ text: 'a@from.test' })
  expect(mail.attachments.map(({ contentType }) => contentType)).toEqual([
    'message/delivery-status',
    'text/rfc822-headers',
  ])
})

test('has a group of fields for each recipient', async () => {
  const other = {
    rcptto: 'c@to.test',
    status: '5.2.2',
    diagnostic: '552 full',
    action: 'failed',
  } as const
  const mail = await parse({ ...DSN, failures: [...DSN.failures, other] })
  expect(mail.attachments[0]?.content.toString().split('\r\n\r\n').slice(1)).toEqual([
    'Final-Recipient: rfc822; b@to.test\r\nAction: failed\r\nStatus: 5.1.1\r\n' +
      'Remote-MTA: dns; 192.0.2.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user',
    'Final-Recipient: rfc822; c@to.test\r\nAction: failed\r\nStatus: 5.2.2\r\n' +
      'Diagnostic-Code: smtp; 552 full\r\n',
  ])
})

test('lets no reply and no address begin a line of its own', () => {
  const evil = 'x\r\nEvil: 1\r\n\r\n--=_report\0\x85\xff'
  const failure = {
    rcptto: `b${evil}@to.test`,
    status: evil,
    diagnostic: evil,
    action: 'failed',
  } as const
  const dsn = { ...DSN, returnTo: `a${evil}@from.test`, failures: [failure], id: `1${evil}` }
  const lines = makeDsn(dsn).toString('latin1').split('\r\n')
  expect(lines.filter((line) => line.startsWith('Evil'))).toEqual([])
  expect(lines.filter((line) => line.split('').some((c) => c < ' ' && c !== '\t'))).toEqual([])
  expect(lines).toContain('Status: 5.0.0')
})

test('keeps lines short and diagnostics bounded', () => {
  const diagnostic = `550 ${'x'.repeat(300)} ${'word '.repeat(20_000)}`
  const bytes = makeDsn({ ...DSN, failures: [{ ...DSN.failures[0]!, diagnostic }] })
  expect(bytes.length).toBeLessThan(5_000)
  expect(
    Math.max(
      ...bytes
        .toString('latin1')
        .split('\r\n')
        .map((line) => line.length),
    ),
  ).toBeLessThan(100)
})

test('spells internationalised recipients in us-ascii', () => {
  const failure = { ...DSN.failures[0]!, rcptto: 'd\xc3\xb6rte@to.test' }
  const text = makeDsn({ ...DSN, failures: [failure] }).toString('latin1')
  expect(text).toContain('\r\nFinal-Recipient: utf-8; d\\x{F6}rte@to.test\r\n')
  expect(text).not.toMatch(/[\x80-\xff]/)
})

test('ends at the original header, whatever boundary that pretends to', async () => {
  const originalHeader = Buffer.from(
    'X: y\r\n--=_report_00.00-1-0000000A--\r\nZ: \xe9\r\n',
    'latin1',
  )
  const mail = await parse({ ...DSN, originalHeader })
  expect(mail.attachments[1]?.content.toString('latin1')).toBe(originalHeader.toString('latin1'))
})

test('cuts an endless original header after a line', async () => {
  const originalHeader = Buffer.from('X: yyyy\r\n'.repeat(10_000))
  const content = (await parse({ ...DSN, originalHeader })).attachments[1]?.content.toString()
  expect(content?.length).toBeLessThanOrEqual(65_538)
  expect(content?.endsWith('X: yyyy\r\n')).toBe(true)
})

test("carries the sender's own names of message and recipient (RFC 3461 §6.3)", () => {
  const failure = { ...DSN.failures[0]!, originalRecipient: 'rfc822;old\r\n@to.test' }
  const text = makeDsn({ ...DSN, envelopeId: 'QQ-1', failures: [failure] }).toString('latin1')
  expect(text).toMatch(/\r\n\r\nOriginal-Envelope-Id: QQ-1\r\nReporting-MTA: /)
  expect(text).toMatch(/\r\n\r\nOriginal-Recipient: rfc822;old ?.?@to\.test\r\nFinal-Recipient: /)
})

function parse(dsn: Dsn): Promise<ParsedMail> {
  return simpleParser(makeDsn(dsn), { keepDeliveryStatus: true })
}
